use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};

use tracing::subscriber::with_default;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

use super::json::JsonLines;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Noon;

impl FormatTime for Noon {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        writer.write_str("noon")
    }
}

/// What is written while something runs.
fn written(run: impl FnOnce()) -> String {
    let sink = Sink::default();
    let output = sink.clone();
    let lines = JsonLines::new(move || output.clone(), Noon);
    with_default(registry().with(lines), run);
    let bytes = sink.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// A line without what every line begins with, at the level info.
fn rest(line: &str) -> String {
    let start = r#"{"timestamp":"noon","level":"INFO","message":"said","target":"t""#;
    let rest = line.strip_prefix(start);
    let rest = rest.and_then(|rest| rest.strip_suffix("}\n"));
    rest.unwrap_or_else(|| panic!("not as expected: {line}"))
        .to_owned()
}

#[test]
fn a_line_has_time_level_text_and_target_first_and_then_its_fields() {
    let line = written(|| tracing::warn!(target: "t", b = 1, a = "x", "said {}", 2));
    assert_eq!(
        line,
        "{\"timestamp\":\"noon\",\"level\":\"WARN\",\"message\":\"said 2\",\"target\":\"t\",\"b\":1,\"a\":\"x\"}\n"
    );
}

#[test]
fn numbers_and_booleans_stay_what_they_are_and_all_else_is_text() {
    let line = written(|| {
        let nothing: Option<u32> = None;
        tracing::info!(
            target: "t", signed = -1, unsigned = u64::MAX, float = 0.5, infinite = f64::INFINITY,
            wide = u128::MAX,
            narrow = 7_u128, negative = -7_i128, yes = true, debug = ?Some("a"), display = %'c', nothing, "said"
        );
    });
    assert_eq!(
        rest(&line),
        r#","signed":-1,"unsigned":18446744073709551615,"float":0.5,"infinite":"inf","wide":"340282366920938463463374607431768211455","narrow":7,"negative":-7,"yes":true,"debug":"Some(\"a\")","display":"c""#
    );
}

#[test]
fn a_field_with_a_name_of_the_line_itself_gets_another() {
    let line = written(|| {
        let (message, level, target, timestamp) = ("why", 3, "/x", "later");
        tracing::info!(target: "t", message, level, target, timestamp, "said");
    });
    assert_eq!(
        rest(&line),
        r#","field_message":"why","field_level":3,"field_target":"/x","field_timestamp":"later""#
    );
}

#[test]
fn no_field_is_lost_to_the_name_that_another_was_given() {
    let line =
        written(|| tracing::info!(target: "t", field_message = 1, message = 2, again = 3, "said"));
    assert_eq!(
        rest(&line),
        r#","field_message":1,"field_field_message":2,"again":3"#
    );
}

#[test]
fn the_fields_of_spans_are_beside_the_events_own_which_win_as_inner_spans_do() {
    let line = written(|| {
        let outer = tracing::info_span!("outer", outer = 1, both = 1, all = 1, message = "m");
        let _outer = outer.entered();
        let inner = tracing::info_span!("inner", inner = 2, both = 2, all = 2, name = "n");
        let _inner = inner.entered();
        tracing::info!(target: "t", all = 3, "said");
    });
    assert_eq!(
        rest(&line),
        r#","all":3,"inner":2,"both":2,"name":"n","outer":1,"field_message":"m""#
    );
}

#[test]
fn a_value_that_a_span_learns_later_replaces_the_one_before() {
    let line = written(|| {
        let span = tracing::info_span!("span", a = 1, b = tracing::field::Empty);
        span.record("a", 2).record("b", "new");
        let _span = span.entered();
        tracing::info!(target: "t", "said");
    });
    assert_eq!(rest(&line), r#","a":2,"b":"new""#);
}

#[test]
fn an_event_without_text_has_an_empty_one_and_a_text_may_be_a_field() {
    let line = written(|| {
        tracing::info!(target: "t", a = 1);
        tracing::info!(target: "t", message = 5);
    });
    let texts: Vec<_> = line
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["message"].clone())
        .collect();
    assert_eq!(texts, ["", "5"]);
}

#[test]
fn hostile_text_stays_in_its_line_and_in_its_field() {
    let hostile = "a\"}\n{\"level\":\"ERROR\"\u{1b}[2J\0";
    let line = written(|| tracing::info!(target: "t", hostile, "said"));
    assert_eq!(line.lines().count(), 1);
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["hostile"], hostile);
}

#[derive(Debug, thiserror::Error)]
#[error("asking for it")]
struct Asking(#[source] Connecting);

#[derive(Debug, thiserror::Error)]
#[error("connecting: {0}")]
struct Connecting(#[source] io::Error);

#[test]
fn an_error_is_written_with_all_its_causes_and_none_twice() {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    let error = Asking(Connecting(refused));
    let line =
        written(|| tracing::info!(target: "t", error = &error as &(dyn Error + 'static), "said"));
    assert_eq!(
        rest(&line),
        r#","error":"asking for it: connecting: connection refused""#
    );
}
