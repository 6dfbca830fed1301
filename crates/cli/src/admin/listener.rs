//! Owns binding and serving one address.
//!
//! Must not know the paths that are served. Invariant: a server ends soon after it is told to, also while a
//! client holds its connection open.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::endpoints::Endpoints;
use crate::args::ListenAddress;
use crate::process::Tasks;

/// An address that is bound, and not served yet: connections wait.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Binds the address of a flag, or does nothing if it is off.
    ///
    /// # Errors
    /// The address is taken or not ours; names the flag.
    pub(crate) async fn bind(
        flag: &'static str,
        address: Option<&ListenAddress>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(address) = address else {
            return Ok(None);
        };
        let socket = bind(address)
            .await
            .with_context(|| format!("listening on {flag}={address}"))?;
        let bound = socket
            .local_addr()
            .with_context(|| format!("listening on {flag}={address}"))?;
        tracing::info!(flag, address = %bound, "listening");
        Ok(Some(Self { socket }))
    }

    /// The address with the port that was chosen.
    #[cfg(test)]
    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Serves until told to end.
    ///
    /// # Errors
    /// Accepting failed for good.
    pub(crate) async fn serve(
        self,
        router: Router,
        shutdown: CancellationToken,
    ) -> anyhow::Result<()> {
        let ending = shutdown.clone();
        let serving = axum::serve(self.socket, router)
            .with_graceful_shutdown(async move { shutdown.cancelled().await });
        let late = async {
            ending.cancelled().await;
            tokio::time::sleep(LAST_ANSWER).await;
        };
        tokio::select! {
            outcome = serving => outcome.context("serving probes and metrics"),
            () = late => Ok(()),
        }
    }
}

/// Serves an address, if it is bound, as one of the process's tasks.
pub(crate) fn serve(
    tasks: &mut Tasks,
    name: &'static str,
    listener: Option<Listener>,
    endpoints: Endpoints,
) {
    if let Some(listener) = listener {
        tasks.spawn(name, |shutdown| {
            listener.serve(endpoints.into_router(), shutdown)
        });
    }
}

async fn bind(address: &ListenAddress) -> io::Result<TcpListener> {
    let Some(host) = &address.host else {
        // As Go: one socket for IPv6 and IPv4, or IPv4 alone where the kernel has no IPv6.
        let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, address.port));
        return match TcpListener::bind(both).await {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port)).await
            }
            outcome => outcome,
        };
    };
    TcpListener::bind((host.as_str(), address.port)).await
}

/// How long an answer that was begun may take once the process is to end.
const LAST_ANSWER: Duration = Duration::from_secs(2);
