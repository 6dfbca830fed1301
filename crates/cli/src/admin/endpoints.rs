//! Owns the paths and their answers.
//!
//! Must not know where they are served. Invariant: nothing here waits longer than [`BUILD_LIMIT`],
//! and no answer depends on anything of the request except its method and its path.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::future::{Either, Ready, ready};
use hyper::body::Body;
use hyper::{Method, Request, StatusCode};
use prometheus_client::registry::Registry;
use serde::Serialize;
use tokio::net::UnixStream;

use super::page::{BUILD_LIMIT, Page, PageSource, SharedPage};

/// Reports whether something in this process works. The text of an error is shown to the caller.
pub(crate) type Health = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What is served at one address.
#[derive(Default)]
pub(crate) struct Endpoints {
    pages: Vec<(&'static str, PageSource)>,
}

impl Endpoints {
    /// Adds `/healthz`: the answer itself shows that the event loop works, `check` shows the rest.
    pub(crate) fn health(self, check: Health) -> Self {
        self.check("/healthz", check)
    }

    /// Adds `/readyz`.
    pub(crate) fn readiness(self, check: Health) -> Self {
        self.check("/readyz", check)
    }

    /// Adds `/metrics`.
    pub(crate) fn metrics(self, registry: Arc<Registry>) -> Self {
        let build = move || -> BoxFuture<'static, Page> {
            let registry = Arc::clone(&registry);
            Box::pin(async move { exposition(&registry) })
        };
        self.page("/metrics", PageSource::new(build))
    }

    /// Adds `/status`.
    pub(crate) fn status<Status, Answer>(self, status: Status) -> Self
    where
        Status: Fn() -> Answer + Clone + Send + Sync + 'static,
        Answer: Serialize,
    {
        let build = move || -> BoxFuture<'static, Page> {
            let status = status.clone();
            Box::pin(async move { json(&status()) })
        };
        self.page("/status", PageSource::new(build))
    }

    /// The answer to a request. Its body is not read, and a request with a body is refused.
    pub(super) fn answer<Content: Body>(
        &self,
        request: &Request<Content>,
    ) -> Either<SharedPage, Ready<Page>> {
        let refuse = |status: StatusCode| Either::Right(ready(Page::text(status, "")));
        if !request.body().is_end_stream() {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let path = request.uri().path();
        let Some((_path, source)) = self.pages.iter().find(|(known, _)| *known == path) else {
            return refuse(StatusCode::NOT_FOUND);
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refuse(StatusCode::METHOD_NOT_ALLOWED);
        }
        Either::Left(source.latest())
    }

    fn check(self, path: &'static str, check: Health) -> Self {
        let build = move || -> BoxFuture<'static, Page> { Box::pin(verdict(check())) };
        self.page(path, PageSource::new(build))
    }

    fn page(mut self, path: &'static str, source: PageSource) -> Self {
        self.pages.push((path, source));
        self
    }
}

async fn verdict(check: BoxFuture<'static, Result<(), String>>) -> Page {
    match tokio::time::timeout(BUILD_LIMIT, check).await {
        Ok(Ok(())) => Page::text(StatusCode::OK, "ok\n"),
        Ok(Err(reason)) => Page::text(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
        Err(_elapsed) => {
            let reason = format!("no answer within {} s\n", BUILD_LIMIT.as_secs());
            Page::text(StatusCode::SERVICE_UNAVAILABLE, reason)
        }
    }
}

fn exposition(registry: &Registry) -> Page {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, registry) {
        Ok(()) => Page {
            status: StatusCode::OK,
            content_type: OPEN_METRICS,
            body: text.into(),
        },
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            Page::text(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }
}

fn json(value: &impl Serialize) -> Page {
    match serde_json::to_vec(value) {
        Ok(body) => Page {
            status: StatusCode::OK,
            content_type: JSON,
            body: body.into(),
        },
        Err(error) => {
            tracing::error!(%error, "the status cannot be written");
            Page::text(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }
}

/// A check that only needs the event loop to answer.
pub(crate) fn always() -> Health {
    Arc::new(|| Box::pin(async { Ok(()) }))
}

/// A check that a Unix socket accepts connections: that it exists, and that a process listens.
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

const JSON: &str = "application/json";
