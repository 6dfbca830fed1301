use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::Endpoints;
use super::super::connection::{BUFFER, CONNECTION_LIMIT, HEADER_LIMIT};
use super::super::connections::{MOST, MOST_PER_NETWORK};
use super::super::listener::{ACCEPT_PAUSE, Accept, LAST_ANSWER, serve_all};
use super::super::network::Network;
use super::{answer_to, answering, connect_from, fetch, listener, rest, send, served};

/// More than the kernel holds for a client that does not read.
const LARGE: usize = 16 << 20;

/// For things that happen at once or never.
const PATIENCE: Duration = Duration::from_secs(10);

fn healthy() -> Endpoints {
    Endpoints::default().health(answering(Ok(())))
}

fn large() -> Endpoints {
    healthy().status(|| serde_json::Value::String("x".repeat(LARGE)))
}

/// Requests the large answer and reads its first byte: the request is complete, and the answer is
/// under way.
async fn ask_and_stop_reading(host: u8, address: SocketAddr) -> TcpStream {
    let mut connection = connect_from(host, address).await;
    send(&mut connection, "GET /status HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(connection.read_u8().await.unwrap(), b'H');
    connection
}

/// Keeps paused time from passing: it does while nothing has anything to do. On a busy machine a
/// client of a test may else be slow enough to make room for others.
fn stop_the_clock() {
    tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
}

#[tokio::test]
async fn silent_connections_from_a_hundred_addresses_cost_no_probe() {
    let (address, _shutdown) = served(healthy()).await;
    let mut silent = Vec::new();
    for host in (2..102).chain(2..102) {
        silent.push(connect_from(host, address).await);
    }

    for _ in 0..10 {
        let answer = fetch(address, "/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    // All but the newest have made room.
    for closed in silent.iter_mut().take(200 - MOST) {
        assert_eq!(rest(closed).await, b"");
    }
}

#[tokio::test]
async fn a_burst_of_connections_waits_for_the_server_and_none_is_lost() {
    let listener = listener().await;
    let address = listener.address();
    let mut waiting = Vec::new();
    for host in (2..102).chain(2..102).chain(2..102) {
        // One that the kernel has no room for is never connected, since nothing accepts any.
        let connected = tokio::time::timeout(PATIENCE, connect_from(host, address));
        waiting.push(connected.await.unwrap());
    }

    tokio::spawn(listener.serve(healthy(), CancellationToken::new()));

    let answer = fetch(address, "/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn silent_connections_of_one_address_make_room_for_a_probe_of_the_same() {
    let (address, _shutdown) = served(healthy()).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(connect_from(1, address).await);
    }

    let answer = fetch(address, "/healthz").await;

    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    for closed in silent.iter_mut().take(50 - MOST_PER_NETWORK) {
        assert_eq!(rest(closed).await, b"");
    }
}

#[tokio::test(start_paused = true)]
async fn whole_requests_do_not_make_room_for_silent_connections() {
    stop_the_clock();
    let (address, _shutdown) = served(large()).await;
    let mut busy = Vec::new();
    for _ in 0..MOST_PER_NETWORK {
        busy.push(ask_and_stop_reading(2, address).await);
    }

    let mut silent = connect_from(2, address).await;

    assert_eq!(rest(&mut silent).await, b"");
    let answer = rest(busy.first_mut().unwrap()).await;
    assert!(answer.len() > LARGE, "{} bytes", answer.len());
}

#[tokio::test(start_paused = true)]
async fn silent_connections_are_closed_after_the_header_limit() {
    let (address, _shutdown) = served(healthy()).await;
    let start = Instant::now();
    let mut silent = Vec::new();
    for host in 2..52 {
        silent.push(connect_from(host, address).await);
    }

    for closed in &mut silent {
        assert_eq!(rest(closed).await, b"");
    }

    assert!(start.elapsed() >= HEADER_LIMIT);
    assert!(start.elapsed() < CONNECTION_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn half_a_header_that_trickles_is_closed_too() {
    let (address, _shutdown) = served(healthy()).await;
    let start = Instant::now();
    let mut connection = connect_from(2, address).await;
    let mut second = tokio::time::interval(Duration::from_secs(1));

    send(&mut connection, "GET /healthz HTTP/1.1\r\n").await;
    let (mut reading, mut writing) = connection.split();
    let mut byte = [0];
    let read = loop {
        tokio::select! {
            read = reading.read(&mut byte) => break read.unwrap_or(0),
            _ = second.tick() => drop(writing.write_all(b"X: y\r\n").await),
        }
    };

    assert_eq!(read, 0);
    assert!(start.elapsed() < CONNECTION_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_its_answer_is_closed() {
    let (address, _shutdown) = served(large()).await;
    let mut connection = ask_and_stop_reading(2, address).await;

    tokio::time::sleep(CONNECTION_LIMIT).await;
    let answer = rest(&mut connection).await;

    assert!(answer.len() < LARGE, "{} bytes", answer.len());
}

#[tokio::test]
async fn a_header_that_is_too_large_gets_an_error_and_is_closed() {
    let (address, _shutdown) = served(healthy()).await;
    let (start, end) = ("GET /healthz HTTP/1.1\r\nHost: x\r\n", "\r\n\r\n");

    for (fault, header) in [
        ("one long line", format!("X: {}", "y".repeat(BUFFER))),
        ("many lines", "X: y\r\n".repeat(100)),
        ("many long lines", "X: yyyyyyyy\r\n".repeat(BUFFER)),
    ] {
        let answer = answer_to(address, &format!("{start}{header}{end}")).await;

        assert!(answer.starts_with("HTTP/1.1 431 "), "{fault}: {answer}");
    }
}

#[tokio::test]
async fn a_second_request_on_a_connection_is_not_answered() {
    let (address, _shutdown) = served(healthy()).await;
    let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

    let answer = answer_to(address, &request.repeat(2)).await;

    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 1, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn the_server_ends_while_clients_hold_their_connections() {
    let listener = listener().await;
    let address = listener.address();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(listener.serve(large(), shutdown.clone()));
    let _silent = connect_from(2, address).await;
    let mut half = connect_from(3, address).await;
    send(&mut half, "GET /healthz HTTP/1.1\r\n").await;
    let _busy = ask_and_stop_reading(4, address).await;

    let start = Instant::now();
    shutdown.cancel();
    serving.await.unwrap();

    assert!(start.elapsed() <= LAST_ANSWER + Duration::from_millis(1));
}

/// A socket on which accepting fails at first, as it does when descriptors run out.
struct Failing {
    left: AtomicUsize,
    socket: TcpListener,
}

impl Accept for Failing {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Network)> {
        let less = |left: usize| left.checked_sub(1);
        let failed = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        if failed.is_ok() {
            return Err(rustix::io::Errno::MFILE.into());
        }
        Accept::accept(&mut self.socket).await
    }
}

async fn failing(times: usize) -> (SocketAddr, Failing) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let left = AtomicUsize::new(times);
    (address, Failing { left, socket })
}

#[tokio::test(start_paused = true)]
async fn a_kernel_that_refuses_connections_neither_ends_nor_spins_the_server() {
    let (address, socket) = failing(1000).await;
    let start = Instant::now();
    let serving = serve_all(socket, healthy(), CancellationToken::new());
    tokio::spawn(serving);

    let answer = fetch(address, "/healthz").await;

    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(start.elapsed() >= 1000 * ACCEPT_PAUSE);
}

#[tokio::test(start_paused = true)]
async fn a_server_to_which_the_kernel_refuses_connections_still_ends() {
    let (_address, socket) = failing(usize::MAX).await;
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(serve_all(socket, healthy(), shutdown.clone()));
    tokio::time::sleep(10 * ACCEPT_PAUSE).await;

    shutdown.cancel();

    serving.await.unwrap();
}
