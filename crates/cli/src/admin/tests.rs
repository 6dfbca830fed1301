use std::net::SocketAddr;
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::endpoints::socket_answers;
use super::{Endpoints, Health, Listener};
use crate::args::ListenAddress;

fn any_port() -> ListenAddress {
    ListenAddress {
        host: Some("127.0.0.1".to_owned()),
        port: 0,
    }
}

fn answering(outcome: Result<(), String>) -> Health {
    Arc::new(move || {
        let outcome = outcome.clone();
        Box::pin(async move { outcome })
    })
}

async fn fetch(address: SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn served(endpoints: Endpoints) -> (SocketAddr, CancellationToken) {
    let listener = Listener::bind("--test", Some(&any_port()))
        .await
        .unwrap()
        .unwrap();
    let address = listener.address();
    let shutdown = CancellationToken::new();
    tokio::spawn(listener.serve(endpoints.into_router(), shutdown.clone()));
    (address, shutdown)
}

#[tokio::test]
async fn health_says_ok_or_the_reason() {
    let endpoints = Endpoints::default()
        .health(answering(Ok(())))
        .readiness(answering(Err("not yet".to_owned())));
    let (address, _shutdown) = served(endpoints).await;

    let health = fetch(address, "/healthz").await;
    let readiness = fetch(address, "/readyz").await;

    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
    assert!(readiness.starts_with("HTTP/1.1 503 "), "{readiness}");
    assert!(readiness.ends_with("not yet\n"), "{readiness}");
    assert!(fetch(address, "/status").await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_is_a_failure() {
    let hanging: Health = Arc::new(|| Box::pin(std::future::pending()));
    let (address, _shutdown) = served(Endpoints::default().health(hanging)).await;

    let answer = fetch(address, "/healthz").await;

    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[tokio::test]
async fn metrics_are_open_metrics_text() {
    let mut registry = crate::metrics::registry();
    let counter: Counter = Counter::default();
    registry.register("things", "Things that happened", counter.clone());
    counter.inc();
    let registry: Arc<Registry> = Arc::new(registry);
    let (address, _shutdown) = served(Endpoints::default().metrics(registry)).await;

    let answer = fetch(address, "/metrics").await;

    assert!(
        answer.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{answer}"
    );
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        answer.contains(&format!(
            "csi_driver_spiffe_build_info{{version=\"{version}\"}} 1"
        )),
        "{answer}"
    );
    assert!(answer.contains("things_total 1\n"), "{answer}");
    assert!(answer.ends_with("# EOF\n"), "{answer}");
}

#[tokio::test]
async fn status_is_json() {
    let endpoints = Endpoints::default().status(|| serde_json::json!({"volumes": 3}));
    let (address, _shutdown) = served(endpoints).await;

    let answer = fetch(address, "/status").await;

    assert!(
        answer.contains("content-type: application/json"),
        "{answer}"
    );
    assert!(answer.ends_with(r#"{"volumes":3}"#), "{answer}");
}

#[tokio::test]
async fn a_taken_port_is_told_by_the_name_of_its_flag() {
    let first = Listener::bind("--first", Some(&any_port()))
        .await
        .unwrap()
        .unwrap();
    let taken = ListenAddress {
        host: Some("127.0.0.1".to_owned()),
        port: first.address().port(),
    };

    let error = Listener::bind("--metrics-bind-address", Some(&taken))
        .await
        .unwrap_err();

    let text = format!("{error:#}");
    assert!(
        text.starts_with("listening on --metrics-bind-address=127.0.0.1:"),
        "{text}"
    );
}

#[tokio::test]
async fn every_address_of_the_machine_answers_where_no_host_is_given() {
    let address = ListenAddress {
        host: None,
        port: 0,
    };
    let listener = Listener::bind("--test", Some(&address))
        .await
        .unwrap()
        .unwrap();
    let port = listener.address().port();
    let router = Endpoints::default().health(answering(Ok(()))).into_router();
    tokio::spawn(listener.serve(router, CancellationToken::new()));

    let answer = fetch(SocketAddr::from(([127, 0, 0, 1], port)), "/healthz").await;

    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_client_that_holds_its_connection_does_not_keep_the_server() {
    let listener = Listener::bind("--test", Some(&any_port()))
        .await
        .unwrap()
        .unwrap();
    let address = listener.address();
    let shutdown = CancellationToken::new();
    let router = Endpoints::default().health(answering(Ok(()))).into_router();
    let serving = tokio::spawn(listener.serve(router, shutdown.clone()));
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection
        .write_all(b"GET /healthz HTTP/1.1\r\n")
        .await
        .unwrap();

    shutdown.cancel();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(10), serving).await;

    ended.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_socket_answers_only_while_someone_listens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("csi.sock");
    let check = socket_answers(&path);

    assert!(check().await.is_err());
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert_eq!(check().await, Ok(()));
    drop(listener);
    assert!(check().await.unwrap_err().contains("csi.sock"));
}
