//! Owns binding an address, and serving an address or a Unix socket.
//!
//! Must not know the paths that are served. Invariant: a server ends soon after it is asked to,
//! even while clients hold connections open, and for no other reason.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use svid_node::driver::{Socket, SocketListener};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

use super::connection;
use super::connections::Connections;
use super::endpoints::Endpoints;
use super::network::Network;
use crate::args::ListenAddress;
use crate::process::Tasks;

/// An address that is bound but not served yet: connections wait.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Binds the address of a flag, or does nothing if it is off.
    ///
    /// # Errors
    /// The address is in use or not on this machine; names the flag.
    pub(crate) async fn bind(
        flag: &'static str,
        address: Option<&ListenAddress>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(address) = address else {
            return Ok(None);
        };
        let bind = async {
            let socket = bind(address).await?;
            // As a second call does on a socket that listens already.
            rustix::net::listen(&socket, BACKLOG)?;
            Ok::<_, io::Error>((socket.local_addr()?, socket))
        };
        let (bound, socket) = bind
            .await
            .with_context(|| format!("listening on {flag}={address}"))?;
        tracing::info!(flag, address = %bound, "listening");
        Ok(Some(Self { socket }))
    }

    /// The address with the port that was chosen.
    #[cfg(test)]
    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Serves until asked to end.
    pub(super) async fn serve(self, endpoints: Endpoints, shutdown: CancellationToken) {
        serve_all(self.socket, endpoints, shutdown).await;
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
        tasks.spawn(name, |shutdown| async move {
            listener.serve(endpoints, shutdown).await;
            Ok(())
        });
    }
}

/// Serves a Unix socket as one of the process's tasks.
pub(crate) fn serve_socket(
    tasks: &mut Tasks,
    name: &'static str,
    socket: Socket,
    endpoints: Endpoints,
) {
    tasks.spawn(name, |shutdown| async move {
        let listener = SocketListener::new(socket).context("watching the socket")?;
        tracing::info!(path = %listener.path().display(), "listening");
        serve_all(listener, endpoints, shutdown).await;
        Ok(())
    });
}

async fn bind(address: &ListenAddress) -> io::Result<TcpListener> {
    let Some(host) = &address.host else {
        // Like Go: one socket for IPv6 and IPv4, or IPv4 alone if the kernel has no IPv6.
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

/// Where connections come from: the kernel, or a test that fails as the kernel can.
pub(super) trait Accept: Send {
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next connection, and says whose it is. Nothing is lost if the caller stops
    /// waiting.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, Network)>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Network)> {
        let (stream, from) = Self::accept(self).await?;
        Ok((stream, Network::of(from.ip())))
    }
}

impl Accept for SocketListener {
    type Stream = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Network)> {
        let stream = Self::accept(self).await?;
        Ok((stream, Network::Machine))
    }
}

/// Serves every connection until asked to end.
pub(super) async fn serve_all(
    mut socket: impl Accept,
    endpoints: Endpoints,
    shutdown: CancellationToken,
) {
    let endpoints = Arc::new(endpoints);
    let mut connections = Connections::default();
    let mut failing = false;
    while let Some(accepted) = shutdown.run_until_cancelled(socket.accept()).await {
        match accepted {
            Ok((stream, from)) => {
                failing = false;
                let serve = |mark| connection::serve(stream, Arc::clone(&endpoints), mark);
                connections.admit(from, serve).await;
                // If its request is there, it is read before the next one may take its place.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "cannot accept connections for probes, metrics or status");
                }
                failing = true;
                // Most likely there are no more descriptors, and closing a silent connection frees
                // one.
                connections.close_a_silent_one().await;
                let pause = tokio::time::sleep(ACCEPT_PAUSE);
                shutdown.run_until_cancelled(pause).await;
            }
        }
    }
    drop(socket);
    connections.end(LAST_ANSWER).await;
}

/// Connections that may wait to be accepted, in the kernel and without a descriptor. The kernel
/// takes no more than its own limit, `net.core.somaxconn`, 4,096 by default. Halved, half as many
/// simultaneous connections make a probe wait a second until it is tried again; doubled, nothing
/// changes on most machines.
const BACKLOG: i32 = 4096;

/// How long nothing is accepted after the kernel refused, so that the loop does not spin: what
/// failed once fails again until something is closed. Doubled, a probe waits longer; halved, more
/// time is wasted.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long an answer in progress may take once the process is to end.
pub(super) const LAST_ANSWER: Duration = Duration::from_secs(2);
