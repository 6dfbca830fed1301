//! Owns asking a driver on its socket.
//!
//! Must not trust what answers: it may send anything, at any speed.

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use svid_node::driver::{self, Overview};
use tokio::net::UnixStream;

use crate::process;

/// Asks once.
///
/// # Errors
/// The socket cannot be connected to, or what answers is no overview within [`LIMIT`].
pub(super) fn ask(socket: &Path) -> anyhow::Result<Overview> {
    let asked = async {
        let connection = driver::connect(socket).map_err(explain)?;
        let body = within(LIMIT, answer(connection)).await?;
        serde_json::from_slice(&body).context("the answer is not a status")
    };
    process::run_to_end(asked).with_context(|| format!("asking the driver on {}", socket.display()))
}

async fn within<T>(
    limit: Duration,
    asked: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::time::timeout(limit, asked)
        .await
        .unwrap_or_else(|_elapsed| Err(anyhow!("no answer within {} s", limit.as_secs())))
}

async fn answer(connection: std::os::unix::net::UnixStream) -> anyhow::Result<Bytes> {
    let stream = TokioIo::new(UnixStream::from_std(connection)?);
    let (mut sender, serving) = http1::Builder::new()
        .max_buf_size(BUFFER)
        .handshake::<_, http_body_util::Empty<Bytes>>(stream)
        .await?;
    let request = Request::get("/status")
        .header(HOST, "driver")
        .body(http_body_util::Empty::new())?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        ensure!(status == StatusCode::OK, "the driver answered {status}");
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| anyhow!("reading the answer: {error}"))?;
        Ok(body.to_bytes())
    };
    // The connection does the work of the exchange, and may end before its answer is read.
    tokio::pin!(exchange);
    tokio::select! {
        answered = &mut exchange => answered,
        served = serving => match served {
            Ok(()) => exchange.await,
            Err(error) => exchange.await.with_context(|| error.to_string()),
        },
    }
}

/// What to do about a socket that cannot be connected to.
fn explain(error: io::Error) -> anyhow::Error {
    let advice = [
        (
            io::ErrorKind::NotFound,
            "no driver keeps its records there, or it has not started yet",
        ),
        (
            io::ErrorKind::ConnectionRefused,
            "the driver that created it is no longer running",
        ),
        (
            io::ErrorKind::PermissionDenied,
            "only the driver's user, root, may open it",
        ),
    ];
    match advice.iter().find(|(kind, _)| *kind == error.kind()) {
        Some((_, advice)) => anyhow!("{error}: {advice}"),
        None => error.into(),
    }
}

/// How long everything may take: as long as a driver keeps a connection. Doubled, a driver that
/// does not answer is reported later; halved, one on a busy node may be taken for silent.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// Bytes of an answer. A volume takes about 600, and 3 KiB with the longest texts, so this is
/// enough for thousands on one node. Doubled, a program that answers in the driver's place can take
/// twice the memory, which is counted against the driver's container; halved, a node with thousands
/// of failing volumes cannot be looked at.
const LARGEST: usize = 16 * 1024 * 1024;

/// Bytes of the head of an answer.
const BUFFER: usize = 16 * 1024;
