use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::Request;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use super::super::page::Page;
use super::super::{Endpoints, HealthCheck, Listener};
use super::{answer_to, answering, fetch, listener, served};
use crate::args::ListenAddress;

/// The answer to a single request, without a server.
async fn page(endpoints: &Endpoints, path: &str) -> Page {
    let request = Request::get(path).body(String::new()).unwrap();
    endpoints.answer(&request).await
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
    let hanging: HealthCheck = Arc::new(|| Box::pin(std::future::pending()));
    let (address, _shutdown) = served(Endpoints::default().health(hanging)).await;

    let answer = fetch(address, "/healthz").await;

    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[tokio::test]
async fn metrics_are_in_the_form_that_is_asked_for() {
    let mut registry = crate::metrics::registry();
    let counter: Counter = Counter::default();
    registry.register("things", "Things that happened", counter.clone());
    counter.inc();
    let registry: Arc<Registry> = Arc::new(registry);
    let (address, _shutdown) = served(Endpoints::default().metrics(registry)).await;
    let version = env!("CARGO_PKG_VERSION");
    let build = format!("csi_driver_spiffe_build_info{{version=\"{version}\",commit=\"");

    let text = fetch(address, "/metrics").await;
    let request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\
        Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n\r\n";
    let open = answer_to(address, request).await;

    for (answer, content_type) in [
        (&text, "text/plain; version=0.0.4; charset=utf-8"),
        (
            &open,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ] {
        let header = format!("content-type: {content_type}\r\n");
        assert!(answer.contains(&header), "{answer}");
        assert!(answer.contains(&build), "{answer}");
        assert!(answer.contains("things_total 1\n"), "{answer}");
        assert!(answer.contains("\nprocess_start_time_seconds "), "{answer}");
    }
    assert!(text.contains("# TYPE things_total counter\n"), "{text}");
    assert!(!text.contains("# EOF"), "{text}");
    assert!(open.contains("# TYPE things counter\n"), "{open}");
    assert!(open.ends_with("# EOF\n"), "{open}");
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
async fn a_taken_port_is_reported_by_the_name_of_its_flag() {
    let first = listener().await;
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
    let endpoints = Endpoints::default().health(answering(Ok(())));
    tokio::spawn(listener.serve(endpoints, CancellationToken::new()));

    let answer = fetch(SocketAddr::from(([127, 0, 0, 1], port)), "/healthz").await;

    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn what_is_not_a_plain_question_is_refused() {
    let endpoints = Endpoints::default().health(answering(Ok(())));
    let (address, _shutdown) = served(endpoints).await;

    for (fault, request, status) in [
        (
            "another method",
            "DELETE /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
            "405",
        ),
        (
            "another path",
            "GET /healthz/ HTTP/1.1\r\nHost: x\r\n\r\n",
            "404",
        ),
        (
            "a body",
            "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
            "413",
        ),
        (
            "a body that is announced and does not come",
            "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n",
            "413",
        ),
        (
            "a body in chunks, which wants to be invited",
            "PUT /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\
             Expect: 100-continue\r\n\r\n",
            "413",
        ),
        ("no HTTP", "hello\r\n\r\n", "400"),
    ] {
        let answer = answer_to(address, request).await;

        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{fault}: {answer}");
    }
}

#[tokio::test]
async fn a_question_for_the_head_alone_gets_no_body() {
    let endpoints = Endpoints::default().health(answering(Ok(())));
    let (address, _shutdown) = served(endpoints).await;

    let answer = answer_to(address, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;

    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_check_is_made_once_per_second_however_often_it_is_asked_for() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let check: HealthCheck = Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    });
    let endpoints = Endpoints::default().health(check);

    for second in 1..=3 {
        for _ in 0..100 {
            page(&endpoints, "/healthz").await;
        }
        assert_eq!(made.load(Ordering::Relaxed), second);
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_for_metrics_or_status_share_the_bytes() {
    let endpoints = Endpoints::default()
        .metrics(Arc::new(crate::metrics::registry()))
        .status(|| serde_json::json!({"volumes": 3}));

    for path in ["/metrics", "/status"] {
        let first = page(&endpoints, path).await;
        let second = page(&endpoints, path).await;

        assert_eq!(first.body.as_ptr(), second.body.as_ptr(), "{path}");
    }
}
