//! The certificate that the pod sees, as the volume's task remembers it.

use std::time::Duration;

use jiff::Timestamp;
use svid_core::identity::SpiffeId;
use svid_core::svid::{Expectation, PublicKey, StartOfValidity, TrustBundle, Window, X509Svid};
use tokio::time::{Instant, sleep, sleep_until};

use super::context::Volume;
use crate::renewal::{due, least_pause, obtained, restart_spread};
use crate::volume::FileSet;
use svid_client::clock::Clock;
use svid_client::retry::{Backoff, Retry};

/// The certificate that the pod sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) window: Window,
    /// When to renew it.
    pub(super) due: Timestamp,
    /// The same by the monotonic clock.
    due_at: Instant,
    /// Not renewed before this, whatever the wall clock says.
    rested: Instant,
}

impl Shown {
    /// What is in the volume: a good SVID of the pod's identity with its key, or None.
    pub(super) async fn look(volume: &Volume) -> Option<Self> {
        let id = &volume.spec.volume;
        let files = read(volume).await?;
        let now = volume.context.clock.now();
        match verify(volume, &files, now) {
            Ok(svid) if svid.readiness(now) == StartOfValidity::Now => {
                if let Err(error) = volume.writer.tidy().await {
                    tracing::warn!(volume = %id, %error, "taking away what a swap left");
                }
                let noted = volume.writer.record().await.obtained();
                Some(Self::found(volume, &svid, (noted, now)))
            }
            Ok(svid) => {
                tracing::info!(volume = %id, valid_from = %svid.not_before(), "the certificate in the volume is not valid yet: requesting a new one");
                None
            }
            Err(error) => {
                tracing::info!(volume = %id, error, "what is in the volume cannot be used: requesting a new certificate");
                None
            }
        }
    }

    /// A certificate that was just obtained.
    pub(super) fn obtained(volume: &Volume, svid: &X509Svid) -> Self {
        let now = volume.context.clock.now();
        let pause = least_pause(&svid.window(), now).max(SHORTEST_PAUSE);
        Self::new(volume, svid, (now, now), pause)
    }

    /// A certificate that an earlier process obtained.
    fn found(
        volume: &Volume,
        svid: &X509Svid,
        (noted, now): (Option<Timestamp>, Timestamp),
    ) -> Self {
        let window = svid.window();
        let requested = volume.context.settings.duration;
        let requested = requested.try_into().unwrap_or(Duration::MAX);
        let obtained = obtained(&window, requested, (noted, now));
        let spread = restart_spread(window.remaining(now), &volume.spec.volume, svid.serial());
        let found = Self::new(volume, svid, (obtained, now), Duration::ZERO);
        let is_overdue = found.due <= now;
        let rested = Instant::now() + if is_overdue { spread } else { Duration::ZERO };
        Self { rested, ..found }
    }

    /// A certificate that is left alone for at least `pause`.
    fn new(
        volume: &Volume,
        svid: &X509Svid,
        (obtained, now): (Timestamp, Timestamp),
        pause: Duration,
    ) -> Self {
        let window = svid.window();
        let due = due(&window, obtained, &volume.spec.volume, svid.serial());
        let left = now.duration_until(due);
        Self {
            window,
            due,
            due_at: Instant::now() + left.try_into().unwrap_or_default(),
            rested: Instant::now() + pause,
        }
    }

    /// Ends when the certificate is due, by the wall clock or the monotonic clock.
    pub(super) async fn rest(&self, clock: &dyn Clock) {
        sleep_until(self.rested).await;
        tokio::select! {
            () = clock.sleep_until(self.due) => {}
            () = sleep_until(self.due_at) => {}
        }
    }
}

/// The files in the volume, if there are any. A failure, as of a process that is short of
/// descriptors, says nothing of the certificate, so it is looked again for a while.
async fn read(volume: &Volume) -> Option<FileSet> {
    let end = Instant::now() + LOOKS;
    let mut backoff = Backoff::new(LOOK_AGAIN);
    loop {
        let error = match volume.writer.read().await {
            Ok(files) => return files,
            Err(error) => error,
        };
        tracing::warn!(volume = %volume.spec.volume, %error, "could not read what is in the volume");
        if Instant::now() >= end {
            return None;
        }
        volume.status.explain(error.to_string());
        sleep(backoff.next(None, (volume.context.chance)())).await;
    }
}

fn verify(volume: &Volume, files: &FileSet, now: Timestamp) -> Result<X509Svid, String> {
    let key = PublicKey::from_pkcs8_pem(&files.key).map_err(|error| error.to_string())?;
    // The roots beside it show which path was intended; a chain that they do not anchor is still
    // usable.
    let roots = files.bundle.as_deref().map(TrustBundle::parse_pem);
    let roots = roots.and_then(Result::ok);
    let trust_domain = &volume.context.settings.trust_domain;
    let expected = Expectation {
        spiffe_id: &SpiffeId::for_service_account(trust_domain, &volume.spec.service_account),
        public_key: &key,
        candidates: b"",
        trust_bundle: roots.as_ref(),
    };
    X509Svid::verify(&files.certificate, &expected, now).map_err(|error| error.to_string())
}

/// How long a look that fails is repeated. If this were longer, a volume that really cannot be read
/// would wait longer for the certificate that may mend it.
const LOOKS: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Retry = Retry {
    first: Duration::from_millis(100),
    cap: Duration::from_secs(5),
};
/// A certificate that lasts for seconds, or not at all, must not make us request without pause.
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);
