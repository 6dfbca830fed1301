//! Sending Events.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Resource as _;
use kube::api::PostParams;
use kube::core::Request;
use svid_client::call::CALL_LIMIT;
use svid_client::trouble::{Said, Trouble};
use svid_client::{ApiClient, ApiError};
use svid_core::text::one_line;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::limits::{Limits, SendDecision};
use super::{EventCounts, QueuedEvent};
use crate::installation::Installation;
use svid_client::clock::Clock;

/// Sends what an [`EventRecorder`](super::EventRecorder) records, one Event at a time. An Event
/// that the API server does not accept is dropped: by the next report it is out of date anyway.
#[must_use = "Events are sent by `run`"]
pub struct EventWriter {
    client: ApiClient,
    clock: Arc<dyn Clock>,
    installation: Arc<Installation>,
    reports: mpsc::Receiver<QueuedEvent>,
    counts: EventCounts,
    /// Set while permissions are missing: nothing is sent before then.
    forbidden_until: Option<Instant>,
    trouble: Trouble,
}

impl EventWriter {
    pub(super) fn new(
        client: ApiClient,
        clock: Arc<dyn Clock>,
        installation: Arc<Installation>,
        reports: mpsc::Receiver<QueuedEvent>,
        counts: EventCounts,
    ) -> Self {
        Self {
            client,
            clock,
            installation,
            reports,
            counts,
            forbidden_until: None,
            trouble: Trouble::default(),
        }
    }

    /// Sends until `shutdown` or until every recorder is gone. Reports that are still waiting are
    /// lost.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut limits = Limits::new(Instant::now());
        let send_all = async {
            while let Some(report) = self.reports.recv().await {
                self.take(report, &mut limits).await;
            }
        };
        shutdown.run_until_cancelled(send_all).await;
    }

    async fn take(&mut self, report: QueuedEvent, limits: &mut Limits) {
        let now = Instant::now();
        if self.forbidden_until.is_some_and(|until| now < until) {
            self.counts.drop_one();
            return;
        }
        match limits.judge(&report.pod_uid, report.reason, now) {
            SendDecision::Send => {}
            SendDecision::Repeated => return self.counts.repeat_one(),
            SendDecision::RateLimited => return self.counts.drop_one(),
        }
        let url = Event::url_path(&(), Some(&report.namespace));
        let event = event(&self.installation, &report, MicroTime(self.clock.now()));
        let request = serde_json::to_vec(&event)
            .map_err(kube::core::request::Error::SerializeBody)
            .and_then(|event| Request::new(url).create(&PostParams::default(), event));
        match self.client.send(request, CALL_LIMIT).await {
            Ok(()) => {
                self.forbidden_until = None;
                self.succeeded();
                self.counts.send_one();
                return;
            }
            Err(error) => self.failed(&report, &error),
        }
        limits.forget(&report.pod_uid, report.reason);
        self.counts.drop_one();
    }

    fn failed(&mut self, report: &QueuedEvent, error: &ApiError) {
        let namespace = &report.namespace;
        let advice = match error {
            ApiError::Unauthorized(_) | ApiError::Forbidden(_) => {
                self.forbidden_until = Some(Instant::now() + FORBIDDEN_PAUSE);
                " (the driver's service account needs create on events.events.k8s.io)"
            }
            // Of this namespace alone, which is going.
            ApiError::Terminating(_) | ApiError::NotFound => {
                return tracing::debug!(%namespace, "sending an Event failed: {error}");
            }
            ApiError::Conflict(_)
            | ApiError::Expired
            | ApiError::Throttled { .. }
            | ApiError::Refused { .. }
            | ApiError::Failed { .. }
            | ApiError::Unreachable(_)
            | ApiError::TimedOut(_)
            | ApiError::Unreadable(_) => "",
        };
        match self.trouble.fails(&error.to_string(), Instant::now()) {
            Some(Said {
                failures,
                for_seconds,
            }) => tracing::warn!(
                failures,
                for_seconds,
                "Events cannot be sent: {error}{advice}"
            ),
            None => tracing::debug!(%namespace, "sending an Event failed: {error}"),
        }
    }

    fn succeeded(&mut self) {
        if let Some(Said {
            failures,
            for_seconds,
        }) = self.trouble.ends(Instant::now())
        {
            tracing::info!(failures, for_seconds, "Events are sent again");
        }
    }
}

/// A report as an Event, within the limits of the API server's validation.
fn event(installation: &Installation, report: &QueuedEvent, time: MicroTime) -> Event {
    Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", report.pod_name)),
            namespace: Some(report.namespace.clone()),
            ..ObjectMeta::default()
        },
        action: Some("IssueCertificate".to_owned()),
        event_time: Some(time),
        note: Some(one_line(&report.text, NOTE_LIMIT)),
        reason: Some(report.reason.as_str().to_owned()),
        regarding: Some(ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: Some(report.pod_name.clone()),
            namespace: Some(report.namespace.clone()),
            uid: Some(report.pod_uid.clone()),
            ..ObjectReference::default()
        }),
        reporting_controller: Some(installation.driver_name.to_string()),
        reporting_instance: Some(instance(installation.node_id.as_str())),
        type_: Some("Warning".to_owned()),
        ..Event::default()
    }
}

/// A node's name can be longer than the `reportingInstance` of an Event.
fn instance(node_id: &str) -> String {
    let mut instance = node_id.to_owned();
    instance.truncate(instance.floor_char_boundary(INSTANCE_LIMIT));
    instance
}

/// Bytes, of the API server's validation.
const NOTE_LIMIT: usize = 1024;

/// Bytes, of the API server's validation.
const INSTANCE_LIMIT: usize = 128;

/// How long nothing is sent while permissions are missing. Somebody has to add them by hand.
const FORBIDDEN_PAUSE: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests {
    use super::super::EventReason;
    use super::*;

    #[test]
    fn texts_are_cut_between_characters_and_hide_nothing() {
        for (node, expected) in [
            ("node-1", "node-1".to_owned()),
            (&"n".repeat(200), "n".repeat(128)),
            (
                &format!("n{}", "é".repeat(100)),
                format!("n{}", "é".repeat(63)),
            ),
        ] {
            assert_eq!(instance(node), expected);
        }
        for (text, note) in [
            (
                "denied:\n\u{202e}no\0".to_owned(),
                "denied:  no ".to_owned(),
            ),
            ("é".repeat(1 << 20), format!("{}...", "é".repeat(510))),
        ] {
            let report = QueuedEvent {
                namespace: "payments".to_owned(),
                pod_name: "api-7".to_owned(),
                pod_uid: "u".to_owned(),
                reason: EventReason::Denied,
                text,
            };
            let time = MicroTime(jiff::Timestamp::UNIX_EPOCH);
            let event = event(&crate::installation::fixture(), &report, time);
            assert_eq!(event.note, Some(note));
        }
    }
}
