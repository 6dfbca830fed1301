//! Owns how events become lines of JSON: one write for each, with the fields of the spans around
//! it.
//!
//! Not the JSON of `tracing_subscriber`: beside the text of an event, and beside a span's name, it
//! writes fields that may have the same key, which parsers refuse or lose.

use std::io::Write as _;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::line::{Fields, LogLine};

/// Writes each event as a line.
pub(super) struct JsonLines<Output, Time> {
    output: Output,
    time: Time,
}

impl<Output, Time: FormatTime> JsonLines<Output, Time> {
    pub(super) const fn new(output: Output, time: Time) -> Self {
        Self { output, time }
    }

    fn now(&self) -> String {
        let mut text = String::new();
        match self.time.format_time(&mut Writer::new(&mut text)) {
            Ok(()) => text,
            // Better without a time than without the line.
            Err(_) => String::new(),
        }
    }
}

impl<Registry, Output, Time> Layer<Registry> for JsonLines<Output, Time>
where
    Registry: Subscriber + for<'a> LookupSpan<'a>,
    Output: for<'a> MakeWriter<'a> + 'static,
    Time: FormatTime + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, Registry>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().replace(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, Registry>) {
        let Some(span) = context.span(id) else { return };
        let mut later = Fields::default();
        values.record(&mut later);
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            fields.update(later);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, Registry>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = LogLine::new(self.now(), event.metadata(), fields);
        // The innermost first.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.surround(fields);
            }
        }
        // Texts and numbers can always be serialised.
        let Ok(mut text) = serde_json::to_vec(&line) else {
            return;
        };
        text.push(b'\n');
        // In one write, so that lines of threads do not mix. A failure cannot be reported anywhere.
        let mut output = self.output.make_writer_for(event.metadata());
        drop(output.write_all(&text));
    }
}
