//! Accepted connections that can be broken from the server's side at any moment.
//!
//! Axum hides the connection from its handlers. Here each accepted stream carries a switch, and
//! each request is handed the switch of its own connection, so that an answer can be lost for real.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

#[derive(Clone, Debug, Default)]
pub(crate) struct Connections {
    /// Parent of the switches of all connections accepted since the last time all were broken.
    generation: Arc<Mutex<CancellationToken>>,
}

impl Connections {
    /// Breaks every connection; later ones are not touched.
    pub(crate) fn sever_all(&self) {
        let mut generation = self
            .generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *generation).cancel();
    }

    /// A connection that has no socket below it, to be broken like the others.
    pub(crate) fn without_socket(&self) -> (Sever, CancellationToken) {
        let switch = self.switch();
        (Sever(switch.clone()), switch)
    }

    fn switch(&self) -> CancellationToken {
        let generation = self
            .generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        generation.child_token()
    }
}

/// A listener whose connections can be broken.
pub(crate) struct SeverableListener {
    pub(crate) listener: TcpListener,
    pub(crate) connections: Connections,
}

impl Listener for SeverableListener {
    type Io = Severable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Severable, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection keeps Nagle's algorithm");
        }
        let switch = self.connections.switch();
        let io = Severable {
            stream,
            broken: Box::pin(switch.clone().cancelled_owned()),
            switch,
        };
        (io, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

pub(crate) struct Severable {
    stream: TcpStream,
    broken: Pin<Box<WaitForCancellationFutureOwned>>,
    switch: CancellationToken,
}

/// Breaks the connection that a request came in on.
#[derive(Clone, Debug)]
pub(crate) struct Sever(CancellationToken);

impl Sever {
    /// Breaks the connection and waits for this very future to be dropped with it.
    pub(crate) async fn now(&self) -> std::convert::Infallible {
        self.0.cancel();
        std::future::pending().await
    }
}

impl Connected<IncomingStream<'_, SeverableListener>> for Sever {
    fn connect_info(stream: IncomingStream<'_, SeverableListener>) -> Self {
        Self(stream.io().switch.clone())
    }
}

impl Severable {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.broken.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Severable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Severable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
