//! What the log says while the API server is away, and after.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};

use super::*;

/// The messages of the lines that an operator sees without turning anything on.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        self.0.lock().unwrap().push(message.0);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_is_said_once_per_cause_then_in_ten_minutes_and_at_its_end() {
    let lines = Lines::default();
    // With one alone, a line that another test's thread reaches first is never asked for here.
    let _other = tracing::Dispatch::new(lines.clone());
    let _guard = tracing::subscriber::set_default(lines.clone());
    let world = World::new();
    world.put(&map_key(), map("spiffe-ca"));
    let approver = Running::start(&world, "a", with_map());
    world.put(&key("x"), right("x"));
    world.until(&key("x"), is("Approved")).await;
    lines.0.lock().unwrap().clear();

    world.inject_always(Filter::any(), Answer::InternalError);
    world.cut_watches();
    sleep(Duration::from_secs(25 * 60)).await;
    let of = |words: &str| {
        let lines = lines.0.lock().unwrap();
        lines.iter().filter(|line| line.contains(words)).count()
    };
    assert_eq!(of("watching certificate requests failed"), 3);
    assert_eq!(of("reading the ConfigMap"), 3);
    assert_eq!(of("acquiring the lease failed"), 3);
    assert_eq!(of("renewing the lease failed"), 1);

    world.clear_faults();
    world.put(&key("y"), right("y"));
    world.until(&key("y"), is("Approved")).await;
    world.put(&map_key(), map("another"));
    sleep(Duration::from_secs(60)).await;
    for words in [
        "certificate requests are watched again",
        "the ConfigMap can be read again",
        "the lease can be read and written again",
    ] {
        assert_eq!(of(words), 1, "{words}");
    }
    approver.stop().await;
}
