//! Sending Events.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::limits::{Limits, Verdict};
use super::{EventCounts, Report};
use crate::clock::Clock;

/// Sends what an [`EventRecorder`](super::EventRecorder) records, one Event at a time. An Event
/// that the API server does not take is dropped: by the next report it is out of date anyway.
#[must_use = "Events are sent by `run`"]
pub struct EventWriter {
    client: Client,
    clock: Arc<dyn Clock>,
    reporter: Reporter,
    reports: mpsc::Receiver<Report>,
    counts: EventCounts,
    /// Set while rights are missing: nothing is sent before.
    forbidden_until: Option<Instant>,
}

impl EventWriter {
    pub(super) fn new(
        client: Client,
        clock: Arc<dyn Clock>,
        reporter: Reporter,
        reports: mpsc::Receiver<Report>,
        counts: EventCounts,
    ) -> Self {
        Self {
            client,
            clock,
            reporter,
            reports,
            counts,
            forbidden_until: None,
        }
    }

    /// Sends until `shutdown` or until every recorder is gone. What waits then is lost.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut limits = Limits::new(Instant::now());
        let send_all = async {
            while let Some(report) = self.reports.recv().await {
                self.take(report, &mut limits).await;
            }
        };
        shutdown.run_until_cancelled(send_all).await;
    }

    async fn take(&mut self, report: Report, limits: &mut Limits) {
        let now = Instant::now();
        if self.forbidden_until.is_some_and(|until| now < until) {
            self.counts.drop_one();
            return;
        }
        match limits.judge(&report.pod_uid, report.reason, now) {
            Verdict::Send => {}
            Verdict::Repeated => return self.counts.repeat_one(),
            Verdict::Flood => return self.counts.drop_one(),
        }
        let api: Api<Event> = Api::namespaced(self.client.clone(), &report.namespace);
        let event = self.reporter.event(&report, MicroTime(self.clock.now()));
        match timeout(LIMIT, api.create(&PostParams::default(), &event)).await {
            Ok(Ok(_)) => {
                self.forbidden_until = None;
                self.counts.send_one();
                return;
            }
            Ok(Err(error)) => self.failed(&report, &error),
            Err(_elapsed) => tracing::debug!("sending an Event took longer than {LIMIT:?}"),
        }
        limits.untold(&report.pod_uid, report.reason);
        self.counts.drop_one();
    }

    fn failed(&mut self, report: &Report, error: &kube::Error) {
        let namespace = &report.namespace;
        if is_forbidden(error) {
            if self.forbidden_until.is_none() {
                tracing::warn!(
                    "Events cannot be sent: {error} (the driver's service account needs create \
                     on events.events.k8s.io)"
                );
            }
            self.forbidden_until = Some(Instant::now() + FORBIDDEN_PAUSE);
        } else {
            tracing::debug!(%namespace, "sending an Event failed: {error}");
        }
    }
}

/// Who reports: `reportingController` and `reportingInstance` of an Event.
#[derive(Debug)]
pub(super) struct Reporter {
    controller: String,
    instance: String,
}

impl Reporter {
    pub(super) fn new(driver_name: String, node_id: String) -> Self {
        let instance = cut(&node_id, INSTANCE_LIMIT);
        Self {
            controller: driver_name,
            instance,
        }
    }

    fn event(&self, report: &Report, time: MicroTime) -> Event {
        Event {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", report.pod_name)),
                namespace: Some(report.namespace.clone()),
                ..ObjectMeta::default()
            },
            action: Some("IssueCertificate".to_owned()),
            event_time: Some(time),
            note: Some(cut(&report.text, NOTE_LIMIT)),
            reason: Some(report.reason.as_str().to_owned()),
            regarding: Some(ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: Some(report.pod_name.clone()),
                namespace: Some(report.namespace.clone()),
                uid: Some(report.pod_uid.clone()),
                ..ObjectReference::default()
            }),
            reporting_controller: Some(self.controller.clone()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some("Warning".to_owned()),
            ..Event::default()
        }
    }
}

/// A namespace that is being deleted refuses new objects with the same code; that passes by
/// itself and says nothing of our rights.
fn is_forbidden(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    let terminating =
        |cause: &kube::core::response::StatusCause| cause.reason == "NamespaceTerminating";
    let causes = status
        .details
        .as_ref()
        .map(|details| details.causes.as_slice());
    matches!(status.code, 401 | 403) && !causes.unwrap_or_default().iter().any(terminating)
}

/// At most `limit` bytes of `text`, whole characters.
fn cut(text: &str, limit: usize) -> String {
    let end = (0..=limit)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end.min(text.len())).unwrap_or(text).to_owned()
}

/// Bytes, of the API server's validation.
const NOTE_LIMIT: usize = 1024;

/// Bytes, of the API server's validation; a node's name can be longer.
const INSTANCE_LIMIT: usize = 128;

/// How long one Event may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How long nothing is sent where rights are missing. Somebody has to add them by hand.
const FORBIDDEN_PAUSE: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Future, pending};
    use std::pin::Pin;
    use std::sync::Mutex;

    use http::{Request, Response, StatusCode};
    use jiff::Timestamp;
    use kube::client::Body;
    use serde_json::{Value, json};
    use svid_core::identity::ServiceAccount;

    use super::*;
    use crate::events::{EventReason, EventRecorder};
    use crate::wish::{Pod, TargetPath, VolumeId, Wish};

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

    fn client(answer: Answer) -> (Client, Asked) {
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
        (Client::new(service, "default"), asked)
    }

    fn refusal(code: u16, cause: &str) -> Vec<u8> {
        let status = json!({
            "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code,
            "reason": "Forbidden", "message": "events is forbidden",
            "details": {"causes": [{"reason": cause, "message": "", "field": ""}]},
        });
        status.to_string().into_bytes()
    }

    fn wish(uid: &str) -> Wish {
        Wish {
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

    /// Records by `record`, and runs the writer until it has nothing left to do.
    async fn run(
        answer: Answer,
        record: impl FnOnce(&EventRecorder),
    ) -> (Vec<(String, Value)>, EventCounts) {
        let (client, asked) = client(answer);
        let (recorder, writer) = EventRecorder::new(
            client,
            Arc::new(StoppedClock),
            "spiffe.test",
            "n".repeat(200),
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
            recorder.record(&wish("u-1"), EventReason::Denied, "é".repeat(2000));
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
        assert_eq!(event["note"].as_str().unwrap().len(), 1024);
        assert_eq!(event["reportingInstance"].as_str().unwrap().len(), 128);
        assert_eq!(event["reportingController"], "spiffe.test");
        assert_eq!((counts.sent(), counts.dropped()), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn repetitions_and_floods_are_not_sent() {
        let (asked, counts) = run(Answer::Created, |recorder| {
            for pod in 0..40 {
                recorder.record(&wish(&pod.to_string()), EventReason::TimedOut, "first");
                recorder.record(&wish(&pod.to_string()), EventReason::TimedOut, "again");
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
        let (recorder, _writer) = EventRecorder::new(client, Arc::new(StoppedClock), "d", "n");
        for _ in 0..600 {
            recorder.record(&wish("u"), EventReason::Failed, "x");
        }
        assert_eq!(recorder.counts().dropped(), 600 - 512);
    }

    #[tokio::test(start_paused = true)]
    async fn missing_rights_end_sending_for_a_while_and_other_refusals_do_not() {
        let record = |recorder: &EventRecorder| {
            for pod in 0..10 {
                recorder.record(&wish(&pod.to_string()), EventReason::Failed, "x");
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
        let (recorder, writer) = EventRecorder::new(client, Arc::new(StoppedClock), "d", "n");
        recorder.record(&wish("u"), EventReason::Failed, "x");
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        writer.run(shutdown).await;
        recorder.record(&wish("u"), EventReason::Failed, "nobody listens");
        assert_eq!(recorder.counts().dropped(), 1);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, limit, expected) in [
            ("abc", 5, "abc"),
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("aé", 2, "a"),
            ("é", 1, ""),
            ("", 3, ""),
        ] {
            assert_eq!(cut(text, limit), expected);
        }
    }
}
