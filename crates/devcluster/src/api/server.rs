//! The HTTP server: listens, serves, ends.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Problem;
use super::dispatch::respond;
use super::shared::Shared;
use crate::connection::{Connections, Sever, SeverableListener};

#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Serves on a bound listener until `shared.shutdown` is cancelled.
    pub(crate) fn start(
        listener: TcpListener,
        connections: Connections,
        shared: Shared,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let listener = SeverableListener {
            listener,
            connections,
        };
        let shutdown = shared.shutdown.clone();
        let router = Router::new()
            .route("/healthz", get(ok))
            .route("/livez", get(ok))
            .route("/readyz", get(ok))
            .fallback(answer)
            .with_state(shared)
            .into_make_service_with_connect_info::<Sever>();
        let serve = axum::serve(listener, router)
            .with_graceful_shutdown(async move { shutdown.cancelled().await });
        let task = tokio::spawn(async move { serve.await });
        Ok(Self { address, task })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end of the server and of its connections. Connections that do not end by
    /// themselves within a second are broken.
    pub(crate) async fn join(self, connections: &Connections) {
        let mut task = self.task;
        let ended = tokio::time::timeout(Duration::from_secs(1), &mut task).await;
        let ended = match ended {
            Ok(ended) => ended,
            Err(_elapsed) => {
                connections.sever_all();
                task.await
            }
        };
        if let Err(error) = ended {
            tracing::error!(%error, "API server ended badly");
        }
    }
}

async fn ok() -> &'static str {
    "ok"
}

async fn answer(
    State(shared): State<Shared>,
    ConnectInfo(sever): ConnectInfo<Sever>,
    request: http::Request<Body>,
) -> Response {
    serve(&shared, &sever, request).await
}

/// Answers one request, however it has come here.
pub(super) async fn serve(
    shared: &Shared,
    sever: &Sever,
    request: http::Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    respond(shared, sever, parts, body)
        .await
        .unwrap_or_else(Problem::into_response)
}

/// The most bytes of a body, as on a real API server (3 MiB).
const BODY_LIMIT: usize = 3 << 20;
