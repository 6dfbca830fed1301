//! Owns the paths and what they answer.
//!
//! Must not know where they are served. Invariant: nothing here waits longer than [`CHECK_LIMIT`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use futures::future::BoxFuture;
use prometheus_client::registry::Registry;
use tokio::net::UnixStream;

/// Says whether something of this process works. The text of an error is shown to whoever asks.
pub(crate) type Health = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What is served at one address.
#[derive(Default)]
pub(crate) struct Endpoints {
    router: Router,
}

impl Endpoints {
    /// Adds `/healthz`: that the event loop answers is shown by the answer itself, the rest by `check`.
    pub(crate) fn health(self, check: Health) -> Self {
        self.check("/healthz", check)
    }

    /// Adds `/readyz`.
    pub(crate) fn readiness(self, check: Health) -> Self {
        self.check("/readyz", check)
    }

    /// Adds `/metrics`.
    pub(crate) fn metrics(mut self, registry: Arc<Registry>) -> Self {
        let answer = move || {
            let answer = exposition(&registry);
            async move { answer }
        };
        self.router = self.router.route("/metrics", routing::get(answer));
        self
    }

    /// Adds `/status`.
    pub(crate) fn status<Status>(mut self, status: Status) -> Self
    where
        Status: Fn() -> serde_json::Value + Clone + Send + Sync + 'static,
    {
        let answer = move || {
            let answer = Json(status());
            async move { answer }
        };
        self.router = self.router.route("/status", routing::get(answer));
        self
    }

    /// The finished routes; other paths are not found.
    pub(crate) fn into_router(self) -> Router {
        self.router
    }

    fn check(mut self, path: &'static str, check: Health) -> Self {
        let answer = move || {
            let check = check();
            async move { verdict(check).await }
        };
        self.router = self.router.route(path, routing::get(answer));
        self
    }
}

async fn verdict(check: BoxFuture<'static, Result<(), String>>) -> Response {
    match tokio::time::timeout(CHECK_LIMIT, check).await {
        Ok(Ok(())) => "ok\n".into_response(),
        Ok(Err(reason)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
        Err(_elapsed) => {
            let reason = format!("no answer within {} s\n", CHECK_LIMIT.as_secs());
            (StatusCode::SERVICE_UNAVAILABLE, reason).into_response()
        }
    }
}

fn exposition(registry: &Registry) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A check for which it is enough that the event loop answers.
pub(crate) fn always() -> Health {
    Arc::new(|| Box::pin(async { Ok(()) }))
}

/// A check that a Unix socket accepts connections: that it is there, and that someone listens.
pub(crate) fn socket_answers(path: &Path) -> Health {
    let path: Arc<PathBuf> = Arc::new(path.to_owned());
    Arc::new(move || {
        let path = Arc::clone(&path);
        Box::pin(async move {
            let outcome: io::Result<UnixStream> = UnixStream::connect(path.as_path()).await;
            match outcome {
                Ok(_connection) => Ok(()),
                Err(error) => Err(format!("connecting to {}: {error}", path.display())),
            }
        })
    })
}

/// Content type of the `OpenMetrics` text format, which Prometheus reads since 2.5.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Below the 5 s that the Go driver's chart gives its liveness probe.
const CHECK_LIMIT: Duration = Duration::from_secs(3);
