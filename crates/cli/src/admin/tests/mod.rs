//! Servers on ports of the loopback, which has many addresses for strangers: `127.0.0.0/8`.

mod answers;
mod strangers;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{Endpoints, HealthCheck, Listener};
use crate::args::ListenAddress;

fn any_port() -> ListenAddress {
    ListenAddress {
        host: Some("127.0.0.1".to_owned()),
        port: 0,
    }
}

async fn listener() -> Listener {
    Listener::bind("--test", Some(&any_port()))
        .await
        .unwrap()
        .unwrap()
}

fn answering(outcome: Result<(), String>) -> HealthCheck {
    Arc::new(move || {
        let outcome = outcome.clone();
        Box::pin(async move { outcome })
    })
}

async fn served(endpoints: Endpoints) -> (SocketAddr, CancellationToken) {
    let listener = listener().await;
    let address = listener.address();
    let shutdown = CancellationToken::new();
    tokio::spawn(listener.serve(endpoints, shutdown.clone()));
    (address, shutdown)
}

/// Connects from `127.0.0.host`, with a small buffer for what is not read.
async fn connect_from(host: u8, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket
        .bind(SocketAddr::from(([127, 0, 0, host], 0)))
        .unwrap();
    socket.connect(address).await.unwrap()
}

async fn send(connection: &mut TcpStream, text: &str) {
    connection.write_all(text.as_bytes()).await.unwrap();
}

/// Everything that arrives until the server closes, even with an error.
async fn rest(connection: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    drop(connection.read_to_end(&mut rest).await);
    rest
}

async fn answer_to(address: SocketAddr, request: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    // A server that has read enough closes before everything is sent.
    drop(connection.write_all(request.as_bytes()).await);
    String::from_utf8(rest(&mut connection).await).unwrap()
}

async fn fetch(address: SocketAddr, path: &str) -> String {
    answer_to(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
}
