//! List and watch on an API server that answers from a script, with paused time.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{iter, pending};
use http::Response;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::body::MOST_OBJECT_BYTES;

type AnyBody = UnsyncBoxBody<Bytes, Infallible>;

/// What the server does with the next request.
enum Answer {
    Status(u16, String),
    /// This text, and then the end.
    Ended(String),
    /// This text, and then nothing, forever.
    Silent(String),
    /// Nothing at all, forever.
    Hang,
}

fn body(answer: Answer) -> Option<(u16, AnyBody)> {
    let whole = |text: String| Full::new(Bytes::from(text)).boxed_unsync();
    Some(match answer {
        Answer::Status(code, text) => (code, whole(text)),
        Answer::Ended(text) => (200, whole(text)),
        Answer::Silent(text) => {
            let first = http_body::Frame::data(Bytes::from(text));
            let frames = iter([Ok(first)]).chain(pending());
            (200, StreamBody::new(frames).boxed_unsync())
        }
        Answer::Hang => return None,
    })
}

/// A client of a server with this script, and the queries that the server received.
fn client(script: Vec<Answer>) -> (ApiClient, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let script = Arc::new(Mutex::new(script.into_iter()));
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let query = request.uri().query().unwrap_or_default().to_owned();
        seen.lock().unwrap().push(query);
        let answer = script.lock().unwrap().next().and_then(body);
        async move {
            let Some((code, body)) = answer else {
                return std::future::pending().await;
            };
            Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
        }
    });
    (ApiClient::new(Client::new(service, "default")), asked)
}

#[derive(Debug, Deserialize)]
struct Thing {
    metadata: ObjectName,
    size: u32,
}

impl Versioned for Thing {
    fn resource_version(&self) -> &str {
        &self.metadata.resource_version
    }
}

fn thing(name: &str, version: u32, size: impl Into<Value>) -> Value {
    let size = size.into();
    let version = version.to_string();
    json!({"metadata": {"namespace": "n", "name": name, "resourceVersion": version}, "size": size})
}

fn list(items: &[Value], next_page: &str, version: &str) -> Answer {
    let metadata = json!({"continue": next_page, "resourceVersion": version});
    let list =
        json!({"apiVersion": "v1", "kind": "ThingList", "items": items, "metadata": metadata});
    Answer::Ended(list.to_string())
}

fn line(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

fn describe(event: Result<Event<Thing>, ApiError>) -> String {
    match event {
        Ok(Event::Init) => "init".to_owned(),
        Ok(Event::InitApply(thing)) => format!("+{} {}", thing.metadata.name, thing.size),
        Ok(Event::InitDone) => "done".to_owned(),
        Ok(Event::Apply(thing)) => format!("{} {}", thing.metadata.name, thing.size),
        Ok(Event::Delete(thing)) => format!("-{}", thing.metadata.name),
        Ok(Event::Unreadable(unreadable)) => format!("?{}", unreadable.object),
        Err(error) => format!("error: {}", error.kind()),
    }
}

/// The first events of a watch over this script, and the queries that the server received.
async fn events(script: Vec<Answer>, count: usize) -> (Vec<String>, Vec<String>) {
    let (client, asked) = client(script);
    let events = watch::<Thing>(client, Selection::all("/things".to_owned()), || 0.5);
    let events = events.take(count).map(describe).collect();
    let limit = Duration::from_secs(600);
    let events = tokio::time::timeout(limit, events)
        .await
        .expect("no more events");
    let asked = asked.lock().unwrap().clone();
    (events, asked)
}

#[tokio::test(start_paused = true)]
async fn pages_are_read_to_the_last_and_the_watch_begins_at_their_version() {
    let script = vec![
        list(&[thing("a", 1, 1), thing("b", 2, 2)], "more", "9"),
        list(&[thing("c", 3, 3)], "", "9"),
        Answer::Silent(line("MODIFIED", &thing("b", 10, 7))),
    ];
    let (events, asked) = events(script, 6).await;
    assert_eq!(events, ["init", "+a 1", "+b 2", "+c 3", "done", "b 7"]);
    assert!(
        asked[0].contains("limit=500") && !asked[0].contains("continue"),
        "{asked:?}"
    );
    assert!(asked[1].contains("continue=more"), "{asked:?}");
    assert!(
        asked[2].contains("watch=true") && asked[2].contains("resourceVersion=9"),
        "{asked:?}"
    );
    assert!(asked[2].contains("timeoutSeconds=30"), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_named_and_hides_no_other_in_a_list_or_a_watch() {
    let odd = thing("odd", 4, "a text");
    let long = thing("long", 5, "x".repeat(MOST_OBJECT_BYTES));
    let script = vec![
        list(
            &[
                odd.clone(),
                thing("a", 1, 1),
                long.clone(),
                thing("b", 2, 2),
            ],
            "",
            "9",
        ),
        Answer::Ended(
            [
                line("ADDED", &odd),
                line("ADDED", &long),
                line("ADDED", &thing("c", 11, 3)),
            ]
            .concat(),
        ),
        Answer::Silent(line("DELETED", &thing("a", 12, 1))),
    ];
    let (events, asked) = events(script, 10).await;
    assert_eq!(
        events,
        [
            "init", "?n/odd", "+a 1", "?/", "+b 2", "done", "?n/odd", "?/", "c 3", "-a"
        ]
    );
    assert!(asked[2].contains("resourceVersion=11"), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_goes_on_from_the_last_version_and_bookmarks_count() {
    let bookmark = json!({"metadata": {"resourceVersion": "20"}});
    let script = vec![
        list(&[], "", "9"),
        Answer::Ended(line("BOOKMARK", &bookmark)),
        Answer::Silent(line("ADDED", &thing("a", 21, 1))),
    ];
    let (events, asked) = events(script, 3).await;
    assert_eq!(events, ["init", "done", "a 1"]);
    assert!(asked[2].contains("resourceVersion=20"), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_silent_is_given_up_and_what_was_missed_is_caught_up() {
    let (client, asked) = client(vec![
        list(&[], "", "9"),
        Answer::Silent(line("ADDED", &thing("a", 10, 1))),
        // The next connection is dead from the beginning.
        Answer::Hang,
        list(&[thing("a", 10, 1)], "", "11"),
        Answer::Silent(line("ADDED", &thing("b", 11, 2))),
    ]);
    let events = watch::<Thing>(client, Selection::all("/things".to_owned()), || 0.5);
    let mut events = std::pin::pin!(events.map(describe));
    for expected in ["init", "done", "a 1"] {
        assert_eq!(events.next().await.unwrap(), expected);
    }
    let lost = Instant::now();
    assert_eq!(events.next().await.unwrap(), "error: timed_out");
    assert_eq!(lost.elapsed(), WATCH_LIMIT);
    assert_eq!(events.next().await.unwrap(), "error: timed_out");
    assert_eq!(events.next().await.unwrap(), "b 2");
    assert!(
        lost.elapsed() < Duration::from_secs(60),
        "{:?}",
        lost.elapsed()
    );
    let asked = asked.lock().unwrap();
    assert!(asked[3].contains("limit=1&") || asked[3].ends_with("limit=1"));
    assert!(asked[4].contains("resourceVersion=10"));
}

/// A watch on which nothing arrives until it is given up.
fn quiet() -> Answer {
    Answer::Silent(String::new())
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_set_back_is_listed_again_within_90_seconds() {
    let (client, asked) = client(vec![
        list(&[thing("a", 700, 1)], "", "900"),
        quiet(),
        quiet(),
        // The version is the same or higher: nothing has happened.
        list(&[], "", "900"),
        quiet(),
        quiet(),
        list(&[thing("b", 300, 2)], "more", "310"),
        list(&[thing("b", 300, 2)], "", "310"),
        quiet(),
    ]);
    let begun = Instant::now();
    let events = watch::<Thing>(client, Selection::all("/things".to_owned()), || 0.5);
    let events = events.filter(|event| std::future::ready(event.is_ok()));
    let events: Vec<_> = events.map(describe).take(6).collect().await;
    assert_eq!(events, ["init", "+a 1", "done", "init", "+b 2", "done"]);
    assert!(begun.elapsed() < Duration::from_secs(180));
    let asked = asked.lock().unwrap();
    let compared = |query: &&String| query.contains("limit=1") && !query.contains("continue");
    assert_eq!(asked.iter().filter(compared).count(), 2, "{asked:?}");
    let watched = |query: &&String| query.contains("resourceVersion=900");
    assert_eq!(asked.iter().filter(watched).count(), 4, "{asked:?}");
}

#[test]
fn only_numbers_are_compared() {
    for (version, than, expected) in [
        ("9", "10", true),
        ("10", "10", false),
        ("11", "10", false),
        ("", "10", false),
        ("9", "x", false),
    ] {
        assert_eq!(is_newer(than, version), expected, "{version} {than}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_410_everything_is_listed_again_wherever_it_is_reported() {
    let gone = json!({"code": 410, "message": "too old"});
    let script = vec![
        Answer::Status(410, gone.to_string()),
        list(&[], "", "9"),
        Answer::Ended(line("ERROR", &gone)),
        list(&[thing("a", 1, 1)], "", "30"),
        Answer::Status(410, gone.to_string()),
        list(&[thing("b", 1, 1)], "", "40"),
    ];
    let (events, _) = events(script, 12).await;
    let again = "error: expired";
    assert_eq!(
        events,
        [
            "init", again, "init", "done", again, "init", "+a 1", "done", again, "init", "+b 1",
            "done"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn failures_are_reported_and_retried_with_pauses_that_grow_and_keep_retry_after() {
    let refused = || Answer::Status(503, json!({"message": "away"}).to_string());
    let mut script: Vec<Answer> = (0..6).map(|_| refused()).collect();
    script.push(list(&[], "", "9"));
    let begun = Instant::now();
    let (events, asked) = events(script, 14).await;
    assert_eq!(
        events
            .iter()
            .filter(|event| *event == "error: server_error")
            .count(),
        6
    );
    assert_eq!(events.last().unwrap(), "done");
    assert_eq!(asked.len(), 7);
    // 0.8, 1.6, .. 25.6 s, of which chance leaves five sixths here.
    let paused = begun.elapsed().as_secs_f64();
    assert!((41.0..43.0).contains(&paused), "{paused}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_list_and_no_watch_is_an_error_and_no_end() {
    let script = vec![
        Answer::Ended("Internal Server Error".to_owned()),
        Answer::Ended("{\"items\":[{\"metadata\"".to_owned()),
        Answer::Ended("{}".to_owned()),
        list(&[], "", "9"),
        Answer::Ended("no JSON\n".to_owned()),
        Answer::Ended("{\"type\":\"ADDED\"}\n".to_owned()),
        Answer::Silent(line("ADDED", &thing("a", 10, 1))),
    ];
    let (events, _) = events(script, 11).await;
    let wrong = "error: unreadable";
    assert_eq!(
        events,
        [
            "init", wrong, "init", wrong, "init", wrong, "init", "done", wrong, wrong, "a 1"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_every_watch_at_once_is_not_asked_without_a_pause() {
    let mut script = vec![list(&[], "", "9")];
    script.extend((0..100).map(|_| Answer::Ended(String::new())));
    let (client, asked) = client(script);
    let events = watch::<Thing>(client, Selection::all("/things".to_owned()), || 0.5);
    let limit = Duration::from_secs(60);
    let _elapsed = tokio::time::timeout(limit, events.for_each(|_| async {})).await;
    let asked = asked.lock().unwrap().len();
    assert!((3..12).contains(&asked), "{asked} in a minute");
}
