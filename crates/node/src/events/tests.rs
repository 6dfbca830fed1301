//! Events sent to an API server that accepts or refuses them all.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use svid_core::identity::ServiceAccount;
use svid_core::names::DriverName;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::installation::{self, NodeId};
use crate::spec::{Pod, TargetPath, VolumeId};

#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn sleep_until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(pending())
    }
}

/// What an API server does with a create.
#[derive(Clone, Copy)]
enum Answer {
    Created,
    Refused(u16, &'static str),
    Never,
}

type Asked = Arc<Mutex<Vec<(String, Value)>>>;

fn client(answer: Answer) -> (ApiClient, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let service = tower::service_fn(move |request: Request<Body>| {
        let seen = Arc::clone(&seen);
        async move {
            let uri = request.uri().to_string();
            let body = request.into_body().collect_bytes().await.unwrap();
            seen.lock()
                .unwrap()
                .push((uri, serde_json::from_slice(&body).unwrap()));
            let (code, body) = match answer {
                Answer::Created => (201, body.to_vec()),
                Answer::Refused(code, cause) => (code, refusal(code, cause)),
                Answer::Never => pending().await,
            };
            let code = StatusCode::from_u16(code).unwrap();
            let response = Response::builder().status(code).body(Body::from(body));
            Ok::<_, Infallible>(response.unwrap())
        }
    });
    (ApiClient::new(Client::new(service, "default")), asked)
}

fn refusal(code: u16, cause: &str) -> Vec<u8> {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code,
        "reason": "Forbidden", "message": "events is forbidden",
        "details": {"causes": [{"reason": cause, "message": "", "field": ""}]},
    });
    status.to_string().into_bytes()
}

fn installation(driver_name: &str, node_id: &str) -> Arc<Installation> {
    Arc::new(Installation {
        driver_name: DriverName::parse(driver_name).unwrap(),
        node_id: NodeId::parse(node_id).unwrap(),
        ..installation::fixture()
    })
}

fn spec(uid: &str) -> VolumeSpec {
    VolumeSpec {
        volume: VolumeId::parse("csi-1").unwrap(),
        target: TargetPath::parse("/target").unwrap(),
        pod: Pod {
            name: "sleep-1".to_owned(),
            uid: uid.to_owned(),
        },
        service_account: ServiceAccount::new("sandbox", "sleep").unwrap(),
        fs_group: None,
    }
}

/// Records with `record`, and runs the writer until it has nothing left to do.
async fn run(
    answer: Answer,
    record: impl FnOnce(&EventRecorder),
) -> (Vec<(String, Value)>, EventCounts) {
    let (client, asked) = client(answer);
    let (recorder, writer) = EventRecorder::new(
        client,
        Arc::new(StoppedClock),
        installation("spiffe.test", &"n".repeat(200)),
    );
    record(&recorder);
    let counts = recorder.counts();
    drop(recorder);
    let run = writer.run(CancellationToken::new());
    timeout(Duration::from_secs(3600), run)
        .await
        .expect("the writer ends");
    let asked = asked.lock().unwrap().clone();
    (asked, counts)
}

#[tokio::test(start_paused = true)]
async fn an_event_names_the_pod_and_fits_the_api_servers_limits() {
    let (asked, counts) = run(Answer::Created, |recorder| {
        recorder.record(&spec("u-1"), EventReason::Denied, "é".repeat(2000));
    })
    .await;
    let [(uri, event)] = asked.try_into().unwrap();
    assert!(
        uri.starts_with("/apis/events.k8s.io/v1/namespaces/sandbox/events"),
        "{uri}"
    );
    assert_eq!(event["regarding"]["uid"], "u-1");
    assert_eq!(event["regarding"]["name"], "sleep-1");
    assert_eq!(event["regarding"]["kind"], "Pod");
    assert_eq!(event["reason"], "CertificateRequestDenied");
    assert_eq!(event["type"], "Warning");
    assert_eq!(event["eventTime"], "1970-01-01T00:00:00.000000Z");
    assert_eq!(event["metadata"]["generateName"], "sleep-1-");
    assert_eq!(event["note"], format!("{}...", "é".repeat(510)));
    assert_eq!(event["reportingInstance"].as_str().unwrap().len(), 128);
    assert_eq!(event["reportingController"], "spiffe.test");
    assert_eq!((counts.sent(), counts.dropped()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn repetitions_and_floods_are_not_sent() {
    let (asked, counts) = run(Answer::Created, |recorder| {
        for pod in 0..40 {
            recorder.record(&spec(&pod.to_string()), EventReason::TimedOut, "first");
            recorder.record(&spec(&pod.to_string()), EventReason::TimedOut, "again");
        }
    })
    .await;
    assert_eq!(asked.len(), 25);
    assert_eq!(
        (counts.sent(), counts.repeated(), counts.dropped()),
        (25, 25, 30)
    );
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let (client, _) = client(Answer::Never);
    let (recorder, _writer) =
        EventRecorder::new(client, Arc::new(StoppedClock), installation("d", "n"));
    for _ in 0..600 {
        recorder.record(&spec("u"), EventReason::Failed, "x");
    }
    assert_eq!(recorder.counts().dropped(), 600 - 512);
}

#[tokio::test(start_paused = true)]
async fn missing_rights_end_sending_for_a_while_and_other_refusals_do_not() {
    let record = |recorder: &EventRecorder| {
        for pod in 0..10 {
            recorder.record(&spec(&pod.to_string()), EventReason::Failed, "x");
        }
    };
    let table = [
        (Answer::Refused(403, ""), 1),
        (Answer::Refused(401, ""), 1),
        (Answer::Refused(403, "NamespaceTerminating"), 10),
        (Answer::Refused(404, ""), 10),
        (Answer::Refused(500, ""), 10),
        (Answer::Never, 10),
    ];
    for (answer, calls) in table {
        let (asked, counts) = run(answer, record).await;
        assert_eq!(asked.len(), calls);
        assert_eq!((counts.sent(), counts.dropped()), (0, 10));
    }
}

#[tokio::test]
async fn a_stopping_driver_does_not_wait_for_events() {
    let (client, _) = client(Answer::Never);
    let (recorder, writer) =
        EventRecorder::new(client, Arc::new(StoppedClock), installation("d", "n"));
    recorder.record(&spec("u"), EventReason::Failed, "x");
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    writer.run(shutdown).await;
    recorder.record(&spec("u"), EventReason::Failed, "nobody listens");
    assert_eq!(recorder.counts().dropped(), 1);
}
