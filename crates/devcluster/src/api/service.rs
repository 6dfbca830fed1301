//! The API without a socket: a tower service in this process, under which time may be paused.

use std::io;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::response::Response;
use futures::{StreamExt, TryStreamExt, future, stream};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::server::serve;
use super::shared::Shared;
use crate::connection::Connections;

/// A service that answers as the server does, with this value of `Authorization` on every request.
/// Each request has a connection of its own, which faults can break.
pub(crate) fn service<B>(
    shared: Shared,
    connections: Connections,
    authorization: Option<HeaderValue>,
) -> impl Service<Request<B>, Response = Response, Error = io::Error, Future: Send + 'static>
+ Clone
+ Send
+ 'static
where
    B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    tower::service_fn(move |mut request: Request<B>| {
        if let Some(value) = &authorization {
            request.headers_mut().insert(AUTHORIZATION, value.clone());
        }
        let (shared, connections) = (shared.clone(), connections.clone());
        async move {
            let (sever, switch) = connections.without_socket();
            let answer = tokio::select! {
                biased;
                () = switch.cancelled() => return Err(broken()),
                answer = serve(&shared, &sever, request.map(Body::new)) => answer,
            };
            Ok(answer.map(|body| breakable(body.into_data_stream(), switch)))
        }
    })
}

/// A body that ends in an error once its connection is broken.
fn breakable(body: BodyDataStream, switch: CancellationToken) -> Body {
    let whole = body
        .map_err(io::Error::other)
        .take_until(switch.clone().cancelled_owned());
    let end = stream::once(async move { switch.is_cancelled() })
        .filter_map(|is_broken| future::ready(is_broken.then(|| Err(broken()))));
    Body::from_stream(whole.chain(end))
}

fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}
