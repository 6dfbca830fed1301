//! Keeps what is logged on this thread.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// What was logged since it was made, with all fields.
pub(in super::super) struct Log {
    text: Arc<Mutex<String>>,
    _guard: DefaultGuard,
}

impl Log {
    pub(in super::super) fn listen() -> Self {
        // With only one subscriber, tracing would not check on this thread whether to log what
        // another thread logs first.
        ANOTHER.get_or_init(|| Dispatch::new(Listener(Arc::default())));
        let text = Arc::default();
        let guard = tracing::subscriber::set_default(Listener(Arc::clone(&text)));
        Self {
            text,
            _guard: guard,
        }
    }

    pub(in super::super) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }
}

static ANOTHER: OnceLock<Dispatch> = OnceLock::new();

struct Listener(Arc<Mutex<String>>);

impl Subscriber for Listener {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _attributes: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let mut text = self.0.lock().unwrap();
        writeln!(text, "{}", line.0).unwrap();
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}
