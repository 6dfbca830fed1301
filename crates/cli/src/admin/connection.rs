//! Owns the HTTP of one connection: one request without a body, one answer, and nothing more.
//!
//! Must not know how many other connections there are. Invariant: a connection ends by itself
//! within [`CONNECTION_LIMIT`], whatever the client sends or does not read, and never holds more
//! than [`BUFFER`] of what the client sent.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connections::RequestMark;
use super::endpoints::Endpoints;

/// Answers one request and closes.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin,
    endpoints: Arc<Endpoints>,
    mark: RequestMark,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        mark.asked();
        let page = endpoints.answer(&request);
        let mark = mark.clone();
        async move {
            let page = page.await;
            mark.answered();
            Ok::<_, Infallible>(page.into_response())
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_headers(MOST_HEADERS)
        .max_buf_size(BUFFER)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONNECTION_LIMIT, serving).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::trace!(%error, "a connection failed"),
        Err(_elapsed) => tracing::trace!("closed a connection that was too slow"),
    }
}

/// How long a client may take until its request is complete. Doubled, silent connections stay twice
/// as long; halved, a client on a slow network may fail.
pub(super) const HEADER_LIMIT: Duration = Duration::from_secs(5);

/// How long everything may take: request, check, and until the client has read the answer. Longer
/// than [`HEADER_LIMIT`] and the slowest check together. Doubled, a client that does not read keeps
/// its place twice as long; halved, a slow check after a slow request goes unanswered.
pub(super) const CONNECTION_LIMIT: Duration = Duration::from_secs(10);

/// Bytes of a request, its first line and headers included; hyper allows no less than 8 KiB.
/// Doubled, so is the memory that strangers can take; halved, a client with large cookies or tokens
/// is refused.
pub(super) const BUFFER: usize = 16 * 1024;

/// Headers of a request. Prometheus and the kubelet send fewer than ten.
const MOST_HEADERS: usize = 64;
