//! Owns what a path answers, and that all requests within a second get the same answer.
//!
//! Must not know the paths or the callers. Invariant: building a page is begun at most once per
//! [`AGE`], however many requests there are, and requests in the meantime share its bytes; frequent
//! requests from a stranger cause no work behind it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::time::Instant;

/// A complete answer. A copy of it shares the bytes.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

impl Page {
    /// An answer as plain text.
    pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: PLAIN_TEXT,
            body: text.into(),
        }
    }

    /// The answer as it is sent.
    pub(super) fn into_response(self) -> Response<WholeBody> {
        let mut response = Response::new(WholeBody(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }
}

/// The body of an answer, in one piece.
#[derive(Debug)]
pub(super) struct WholeBody(Bytes);

impl Body for WholeBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let rest = std::mem::take(&mut self.0);
        Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

/// A page that is being built, or was. Every task that waits for it drives it, so it survives those
/// that leave.
pub(super) type SharedPage = Shared<BoxFuture<'static, Page>>;

/// Builds a page when it is requested, and keeps it for a second.
pub(super) struct PageSource {
    build: Box<dyn Fn() -> BoxFuture<'static, Page> + Send + Sync>,
    latest: Mutex<Option<Latest>>,
}

impl PageSource {
    /// A source of pages that `build` makes, each within [`BUILD_LIMIT`].
    pub(super) fn new(
        build: impl Fn() -> BoxFuture<'static, Page> + Send + Sync + 'static,
    ) -> Self {
        Self {
            build: Box::new(build),
            latest: Mutex::new(None),
        }
    }

    /// The page of this second.
    pub(super) fn latest(&self) -> SharedPage {
        let now = Instant::now();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(latest) = latest.as_ref().filter(|latest| latest.is_good_at(now)) {
            return latest.page.clone();
        }
        let page = (self.build)().shared();
        *latest = Some(Latest {
            begun: now,
            page: page.clone(),
        });
        page
    }
}

struct Latest {
    begun: Instant,
    page: SharedPage,
}

impl Latest {
    fn is_good_at(&self, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.begun);
        // One that is still being built is waited for, unless everybody left it long ago.
        age < AGE || (age < BUILD_LIMIT && self.page.peek().is_none())
    }
}

/// How old an answer may be. Doubled, a probe sees a failure a second later; halved, strangers
/// cause twice as many checks.
const AGE: Duration = Duration::from_secs(1);

/// How long building may take. Below the 5 s that the Go driver's chart gives its liveness probe.
pub(super) const BUILD_LIMIT: Duration = Duration::from_secs(3);

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Pages that contain how many were begun before, each done after `time`.
    fn counting(time: Duration) -> (PageSource, Arc<AtomicUsize>) {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let source = PageSource::new(move || {
            let before = count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                tokio::time::sleep(time).await;
                Page::text(StatusCode::OK, before.to_string())
            })
        });
        (source, begun)
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_is_built_once_per_second_however_often_it_is_asked_for() {
        let (source, begun) = counting(Duration::ZERO);

        for second in 1..=3 {
            for _ in 0..100 {
                source.latest().await;
            }
            assert_eq!(begun.load(Ordering::Relaxed), second);
            tokio::time::advance(AGE).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_within_a_second_hold_the_same_bytes() {
        let (source, _begun) = counting(Duration::ZERO);

        let (first, second) = (source.latest().await, source.latest().await);

        assert_eq!(first.body.as_ptr(), second.body.as_ptr());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_page_is_waited_for_and_not_begun_again_by_those_who_leave() {
        let (source, begun) = counting(Duration::from_secs(2));

        for _ in 0..19 {
            let waited = tokio::time::timeout(Duration::from_millis(100), source.latest()).await;
            assert!(waited.is_err());
        }
        source.latest().await;

        assert_eq!(begun.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_everybody_left_unfinished_is_not_kept() {
        let (source, begun) = counting(Duration::from_secs(2));
        let page = source.latest();
        let waited = tokio::time::timeout(AGE, page).await;
        assert!(waited.is_err());

        tokio::time::advance(BUILD_LIMIT).await;
        source.latest().await;

        assert_eq!(begun.load(Ordering::Relaxed), 2);
    }
}
