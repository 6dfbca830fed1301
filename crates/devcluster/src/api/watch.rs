//! WATCH: a chunked stream of JSON lines, one event each.
//!
//! resourceVersion absent or 0: the present objects as ADDED, then what follows. A version: what
//! followed it, from a bounded history; an ERROR event with code 410 where that no longer reaches.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Problem;
use super::asked::Call;
use super::shared::Shared;
use crate::resource::Resource;
use crate::store::{Audience, ChangeKind, Event, Start, StoreError, Subscription};

/// Begins the watch and answers with its stream.
pub(super) fn begin(shared: &Shared, call: &Call) -> Result<Response, Problem> {
    let query = &call.query;
    let start = match query.resource_version {
        None | Some(0) => Start::Present,
        Some(version) => Start::After(version),
    };
    let subscribed = shared.store.subscribe(
        call.target.resource,
        call.target.namespace.as_deref(),
        query.selector.clone(),
        start,
        Audience::Served,
    );
    let subscription = match subscribed {
        Ok(subscription) => subscription,
        // A real API server answers 200 and says it in the stream, and clients count on that.
        Err(expired @ StoreError::Compacted { .. }) => {
            let line = line("ERROR", &Problem::from(expired).to_status());
            return Ok(streaming(Body::from(line)));
        }
        Err(other) => return Err(other.into()),
    };
    let now = Instant::now();
    let watch = Watch {
        shared: shared.clone(),
        resource: call.target.resource,
        sent: subscription.began_at(),
        subscription,
        bookmarks: query
            .bookmarks
            .then(|| tokio::time::interval_at(now + shared.bookmarks, shared.bookmarks)),
        ends: now + query.timeout.unwrap_or(LONGEST).min(LONGEST),
        left: shared.faults.events_per_watch(),
        user: call.user.username.clone(),
        mute: shared.faults.mute(),
        pending: VecDeque::new(),
    };
    let lines = stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok::<_, Infallible>(line), watch))
    });
    Ok(streaming(Body::from_stream(lines)))
}

struct Watch {
    shared: Shared,
    resource: &'static Resource,
    subscription: Subscription,
    /// The revision up to which the client has seen everything.
    sent: u64,
    bookmarks: Option<tokio::time::Interval>,
    ends: Instant,
    /// How many more events may be sent before the watch is cut.
    left: Option<usize>,
    user: String,
    mute: CancellationToken,
    pending: VecDeque<Bytes>,
}

impl Watch {
    async fn next(&mut self) -> Option<Bytes> {
        let line = self.line().await;
        let shutdown = self.shared.shutdown.clone();
        tokio::select! {
            biased;
            () = shutdown.cancelled() => None,
            () = self.heard() => line,
        }
    }

    /// Waits until there is something to send to the client.
    async fn heard(&self) {
        if self.mute.is_cancelled() {
            std::future::pending::<()>().await;
        }
        self.shared.faults.reached(&self.user).await;
    }

    async fn line(&mut self) -> Option<Bytes> {
        if let Some(line) = self.pending.pop_front() {
            return Some(line);
        }
        let shutdown = self.shared.shutdown.clone();
        tokio::select! {
            biased;
            () = shutdown.cancelled() => None,
            event = self.subscription.next() => self.event(&event?),
            () = tick(self.bookmarks.as_mut()) => self.catch_up(),
            () = tokio::time::sleep_until(self.ends) => None,
        }
    }

    fn event(&mut self, event: &Event) -> Option<Bytes> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1)?;
        }
        self.sent = self.sent.max(event.revision);
        let kind = match event.kind {
            ChangeKind::Added => "ADDED",
            ChangeKind::Modified => "MODIFIED",
            ChangeKind::Deleted => "DELETED",
        };
        Some(line(kind, &event.object))
    }

    /// A bookmark says that everything up to its revision was sent, so what is ready goes first.
    fn catch_up(&mut self) -> Option<Bytes> {
        let revision = self.shared.store.revision();
        while let Some(event) = self.subscription.ready() {
            let line = self.event(&event)?;
            self.pending.push_back(line);
        }
        self.sent = self.sent.max(revision);
        let bookmark = self.bookmark();
        self.pending.push_back(bookmark);
        self.pending.pop_front()
    }

    fn bookmark(&self) -> Bytes {
        let object = json!({
            "kind": self.resource.kind,
            "apiVersion": self.resource.api_version(),
            "metadata": {"resourceVersion": self.sent.to_string()},
        });
        line("BOOKMARK", &object)
    }
}

async fn tick(interval: Option<&mut tokio::time::Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    let mut line = json!({"type": kind, "object": object}).to_string();
    line.push('\n');
    line.into()
}

fn streaming(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// When a watch ends that named no `timeoutSeconds`, or a longer one (a real one: 30 to 60 min).
const LONGEST: Duration = Duration::from_secs(30 * 60);
