//! What a volume's task is doing, and the answer to a publish that waits for it.

use std::future::pending;
use std::sync::{Arc, Weak};

use jiff::Timestamp;
use svid_core::svid::Window;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::PublishError;
use svid_client::clock::Clock;

/// What a volume's task is doing and what the pod has.
#[derive(Clone, Debug)]
pub struct VolumeStatus {
    /// What the task is doing.
    pub phase: Phase,
    /// When the certificate that the pod sees is valid; None if there is none.
    pub window: Option<Window>,
    /// What a pending request waits for, in the words of the component it waits for.
    pub waits_for: Option<String>,
    /// Why the last attempt failed; None after a success.
    pub failure: Option<String>,
}

/// What a volume's task is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Looking at what is there.
    Starting,
    /// The certificate needs no renewal before this time.
    Resting(Timestamp),
    /// Waiting, since this time, for the kubelet to bring a token that is still valid.
    AwaitingToken(Timestamp),
    /// Waiting for a turn to create the request.
    Queued,
    /// Creating the request.
    Requesting,
    /// Waiting for approval and issuance.
    Pending,
    /// The certificate is there and becomes valid at this time.
    Holding(Timestamp),
    /// Making the files visible.
    Publishing,
    /// The next attempt begins at this time, or when something changes that may help.
    RetryingAt(NextAttempt),
    /// Removing what is there. No task is left.
    Removing,
}

/// When the next attempt begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextAttempt {
    /// In any case.
    pub at: Instant,
    /// If a publish waits for it.
    pub for_publish: Instant,
}

/// The task's end of its volume's status, which it only writes: it keeps what it needs to remember
/// itself.
#[derive(Clone)]
pub(super) struct StatusWriter(Arc<watch::Sender<VolumeStatus>>);

/// For whoever finds out before the task that the pod does not see its certificate any more. Keeps
/// no status alive: whoever waits for one learns that its task has ended.
pub(super) struct LossReport(Weak<watch::Sender<VolumeStatus>>);

impl LossReport {
    /// The pod sees no certificate.
    pub(super) fn lose(&self) {
        if let Some(status) = self.0.upgrade() {
            status.send_modify(|status| status.window = None);
        }
    }
}

impl StatusWriter {
    /// The status before the task has looked.
    pub(super) fn new() -> (Self, watch::Receiver<VolumeStatus>) {
        Self::of(Phase::Starting)
    }

    /// The status of a volume that is being removed.
    pub(super) fn removing() -> (Self, watch::Receiver<VolumeStatus>) {
        Self::of(Phase::Removing)
    }

    fn of(phase: Phase) -> (Self, watch::Receiver<VolumeStatus>) {
        let (status, statuses) = watch::channel(VolumeStatus::new(phase, None));
        (Self(Arc::new(status)), statuses)
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.0.send_modify(|status| status.phase = phase);
    }

    /// The pod sees a certificate, which is left alone until it is due.
    pub(super) fn rest(&self, window: Window, due: Timestamp) {
        self.0
            .send_replace(VolumeStatus::new(Phase::Resting(due), Some(window)));
    }

    /// How others say that the certificate is lost.
    pub(super) fn loss_report(&self) -> LossReport {
        LossReport(Arc::downgrade(&self.0))
    }

    /// Ends when the certificate is lost.
    pub(super) async fn lost(&self) {
        let mut status = self.0.subscribe();
        let lost = status.wait_for(|status| status.window.is_none()).await;
        // Not closed, since this is one of its senders.
        drop(lost);
    }

    /// What the pending request waits for.
    pub(super) fn wait_for(&self, word: &str) {
        self.0
            .send_modify(|status| status.waits_for = Some(word.to_owned()));
    }

    /// An attempt failed, and the next one begins at `next`.
    pub(super) fn fail(&self, reason: &str, next: NextAttempt) {
        self.0.send_modify(|status| {
            status.phase = Phase::RetryingAt(next);
            status.failure = Some(reason.to_owned());
        });
    }

    /// What is being done failed and is tried again: a look at once, a removal when it is asked
    /// for.
    pub(super) fn explain(&self, reason: String) {
        self.0.send_modify(|status| status.failure = Some(reason));
    }
}

impl VolumeStatus {
    fn new(phase: Phase, window: Option<Window>) -> Self {
        Self {
            phase,
            window,
            waits_for: None,
            failure: None,
        }
    }

    /// Whether the pod sees a certificate that is valid at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.window.is_some_and(|window| window.contains(now))
    }

    fn doing(&self) -> &'static str {
        match self.phase {
            Phase::Starting => "reading what is in the volume",
            Phase::Resting(_) => "waiting for the renewal",
            Phase::AwaitingToken(_) => {
                "waiting for the kubelet to send a token that is still valid"
            }
            Phase::Queued => "waiting for a turn to create the CertificateRequest",
            Phase::Requesting => "creating the CertificateRequest",
            Phase::Pending => "waiting for the CertificateRequest to be approved and signed",
            Phase::Holding(_) => "waiting for the certificate's notBefore",
            Phase::Publishing => "publishing the files to the pod",
            Phase::RetryingAt(_) => "waiting before the next attempt",
            Phase::Removing => "removing the volume",
        }
    }
}

/// How one publish follows a volume's status.
pub(super) struct Follower {
    status: watch::Receiver<VolumeStatus>,
    /// The last failure may be out of date.
    is_late: bool,
}

impl Follower {
    /// `is_late`: the publish has the task try again at once, so the failure that is shown until
    /// the task has noticed is not an answer to it.
    pub(super) fn of(mut status: watch::Receiver<VolumeStatus>, is_late: bool) -> Self {
        status.mark_unchanged();
        Self { status, is_late }
    }
}

/// Waits until the volume shows a valid certificate, at most until `deadline`.
///
/// If the next attempt falls after the deadline, the last reason is reported at once: the kubelet's
/// backoff grows with every answer, and waiting could not help.
pub(super) async fn until_valid(
    Follower { status, is_late }: &mut Follower,
    clock: &dyn Clock,
    deadline: Instant,
) -> Result<(), PublishError> {
    loop {
        *is_late &= !status.has_changed().unwrap_or(true);
        let begins = {
            let now = status.borrow_and_update();
            let time = clock.now();
            if now.is_valid(time) {
                return Ok(());
            }
            if let (Phase::RetryingAt(next), Some(failure)) = (now.phase, &now.failure)
                && next.for_publish > deadline
                && !*is_late
            {
                return Err(PublishError::AttemptFailed(failure.clone()));
            }
            now.window
                .map(|window| window.start)
                .filter(|start| *start > time)
        };
        tokio::select! {
            () = reached(clock, begins) => {}
            changed = status.changed() => {
                if changed.is_err() {
                    return Err(PublishError::Going);
                }
                *is_late = false;
            }
            () = sleep_until(deadline) => {
                let now = status.borrow();
                let waits_for = now.waits_for.as_ref().filter(|_| now.phase == Phase::Pending);
                return Err(PublishError::StillWaiting {
                    doing: now.doing(),
                    waits_for: waits_for.cloned(),
                    failure: now.failure.clone(),
                });
            }
        }
    }
}

/// Ends when the wall clock shows that time; never if there is none.
async fn reached(clock: &dyn Clock, time: Option<Timestamp>) {
    match time {
        Some(time) => clock.sleep_until(time).await,
        None => pending().await,
    }
}
