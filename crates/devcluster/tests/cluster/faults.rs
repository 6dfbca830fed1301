//! What a client sees of each fault, and that each ends.

use std::time::Duration;

use serde_json::json;
use svid_devcluster::{Answer, Cluster, Filter, Identity, Times, resource};

use crate::fixture::{LIMIT, cluster, token};
use crate::raw;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn post(cluster: &Cluster, name: &str) -> Option<raw::Answer> {
    let token = token(cluster, &Identity::Administrator);
    let body = json!({"metadata": {"name": name}}).to_string();
    raw::send(cluster, "POST", MAPS, Some(&token), &body).await
}

fn exists(cluster: &Cluster, name: &str) -> bool {
    let found = cluster
        .objects()
        .read(&resource::CONFIG_MAPS, "default", name);
    found.is_some()
}

#[tokio::test]
async fn each_answer_is_what_a_real_server_sends_and_only_so_often() {
    let cluster = cluster().await;
    let creates = || Filter::new("create", "configmaps");
    let table = [
        (Answer::Conflict, 409, "Conflict"),
        (Answer::NotFound, 404, "NotFound"),
        (
            Answer::ServerTimeout { retry_after: 7 },
            500,
            "ServerTimeout",
        ),
        (Answer::Unauthorized, 401, "Unauthorized"),
        (Answer::Forbidden, 403, "Forbidden"),
        (
            Answer::TooManyRequests { retry_after: 7 },
            429,
            "TooManyRequests",
        ),
        (Answer::InternalError, 500, "InternalError"),
        (Answer::Unavailable, 503, "ServiceUnavailable"),
    ];
    for (index, (fault, code, reason)) in table.into_iter().enumerate() {
        let name = format!("x{index}");
        cluster
            .faults()
            .answer(creates(), fault.clone(), Times::Next(1));
        let answer = post(&cluster, &name).await.expect("answer");
        assert_eq!(
            (answer.code, &answer.body["reason"]),
            (code, &json!(reason)),
            "{fault:?}"
        );
        assert_eq!(answer.body["code"], code);
        assert!(!exists(&cluster, &name), "{fault:?}");
        let retried = post(&cluster, &name).await.expect("answer");
        assert_eq!(retried.code, 201, "once only: {fault:?}");
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_throttled_client_is_told_when_to_come_back() {
    let cluster = cluster().await;
    let fault = Answer::TooManyRequests { retry_after: 7 };
    cluster.faults().answer(Filter::any(), fault, Times::Always);
    let answer = post(&cluster, "x").await.expect("answer");
    assert!(answer.head.contains("retry-after: 7"), "{}", answer.head);
    assert_eq!(answer.body["details"]["retryAfterSeconds"], 7);
    assert_eq!(
        post(&cluster, "x").await.expect("answer").code,
        429,
        "until it is cleared"
    );
    cluster.faults().clear();
    assert_eq!(post(&cluster, "x").await.expect("answer").code, 201);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_closed_connection_did_nothing_and_a_lost_answer_did_everything() {
    let cluster = cluster().await;
    let creates = Filter::new("create", "configmaps");
    cluster
        .faults()
        .answer(creates.clone(), Answer::Close, Times::Next(1));
    assert!(post(&cluster, "x").await.is_none());
    assert!(!exists(&cluster, "x"));
    cluster
        .faults()
        .answer(creates, Answer::CloseAfterwards, Times::Next(1));
    assert!(post(&cluster, "x").await.is_none());
    assert!(exists(&cluster, "x"));
    let codes: Vec<Option<u16>> = cluster
        .requests()
        .entries()
        .iter()
        .map(|entry| entry.code)
        .collect();
    assert_eq!(codes, [None, None], "both arrived, neither was answered");
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_hanging_request_ends_when_the_fault_is_cleared_or_the_cluster_ends() {
    let cluster = cluster().await;
    cluster
        .faults()
        .answer(Filter::any(), Answer::Hang, Times::Always);
    let arrived = |count| {
        let log = cluster.requests().clone();
        async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(5));
            while log.entries().len() < count {
                ticks.tick().await;
            }
        }
    };
    let (answer, ()) = tokio::join!(post(&cluster, "x"), async {
        arrived(1).await;
        cluster.faults().clear();
    });
    assert_eq!(answer.expect("answer").code, 503);
    cluster
        .faults()
        .answer(Filter::any(), Answer::Hang, Times::Always);
    let url = cluster.url();
    let hanging = tokio::spawn({
        let address = url.trim_start_matches("http://").to_owned();
        let token = token(&cluster, &Identity::Administrator);
        async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut stream = tokio::net::TcpStream::connect(&address)
                .await
                .expect("connection");
            let head =
                format!("GET {MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.expect("sent");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.map(|_| ())
        }
    });
    arrived(2).await;
    tokio::time::timeout(LIMIT, cluster.shutdown())
        .await
        .expect("the cluster ends");
    let _ended_somehow = hanging.await.expect("joined");
}

#[tokio::test]
async fn a_delayed_answer_is_true() {
    let cluster = cluster().await;
    let delay = Duration::from_millis(50);
    cluster
        .faults()
        .answer(Filter::any(), Answer::Delay(delay), Times::Next(1));
    let before = std::time::Instant::now();
    assert_eq!(post(&cluster, "x").await.expect("answer").code, 201);
    assert!(before.elapsed() >= delay);
    cluster.shutdown().await;
}

#[tokio::test]
async fn faults_strike_only_what_they_are_for_and_the_last_one_first() {
    let cluster = cluster().await;
    let faults = cluster.faults();
    faults.answer(
        Filter::new("delete", "configmaps"),
        Answer::InternalError,
        Times::Always,
    );
    faults.answer(
        Filter::new("create", "leases"),
        Answer::InternalError,
        Times::Always,
    );
    faults.answer(
        Filter::any().by("somebody"),
        Answer::InternalError,
        Times::Always,
    );
    faults.answer(
        Filter::any().within("elsewhere"),
        Answer::InternalError,
        Times::Always,
    );
    assert_eq!(post(&cluster, "x").await.expect("answer").code, 201);
    let creates = Filter::new("create", "configmaps")
        .within("default")
        .by("kubernetes-admin");
    faults.answer(creates.clone(), Answer::Unavailable, Times::Always);
    faults.answer(creates, Answer::Conflict, Times::Next(1));
    assert_eq!(post(&cluster, "y").await.expect("answer").code, 409);
    assert_eq!(post(&cluster, "y").await.expect("answer").code, 503);
    cluster.shutdown().await;
}
