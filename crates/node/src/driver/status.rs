//! The driver's status, for people.

use std::fmt;
use std::sync::Arc;

use svid_client::issuer::{IssuerState, IssuersReceiver};
use tokio::sync::watch;

use crate::events::EventCounts;
use crate::installation::Installation;
use crate::lifecycle::Board;
use crate::overview::{
    Events, FileNamesShown, IssuerStatus, KubeletRegistration, Line, Overview, TrustBundleStatus,
};
use crate::serving::RegistrationState;
use crate::trust::{Refusals, TrustState};
use crate::volume::FileNames;
use svid_client::clock::Clock;

/// Reads the driver's current state. Cheap to clone.
#[derive(Clone)]
pub struct DriverStatus {
    pub(super) installation: Arc<Installation>,
    pub(super) files: FileNames,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) board: Board,
    /// None if a sidecar registers us.
    pub(super) registration: Option<watch::Receiver<RegistrationState>>,
    pub(super) issuer: IssuersReceiver,
    pub(super) trust: watch::Receiver<TrustState>,
    pub(super) refusals: Refusals,
    pub(super) events: EventCounts,
}

impl fmt::Debug for DriverStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverStatus").finish_non_exhaustive()
    }
}

impl DriverStatus {
    /// The current status. Contains no secrets, but names pods, so it is not public.
    pub fn overview(&self) -> Overview {
        let now = self.clock.now();
        Overview {
            driver: self.installation.driver_name.as_str().into(),
            node: self.installation.node_id.as_str().into(),
            time: now,
            registration: self.registration(),
            issuer: self.issuer(),
            trust_bundle: self.trust(),
            events: Events {
                sent: self.events.sent(),
                repeated: self.events.repeated(),
                dropped: self.events.dropped(),
            },
            file_names: FileNamesShown {
                certificate: self.files.certificate().into(),
                key: self.files.key().into(),
                bundle: self.files.bundle().into(),
            },
            volumes_without_certificate: self.board.without_certificate(now),
            volumes: self.board.overview(now, &self.installation.trust_domain),
        }
    }

    /// Whether the kubelet has registered us; None if that is a sidecar's business.
    pub(super) fn is_registered(&self) -> Option<bool> {
        let state = self.registration.as_ref()?;
        Some(*state.borrow() == RegistrationState::Registered)
    }

    fn registration(&self) -> KubeletRegistration {
        let state = self.registration.as_ref();
        match state.map(|state| state.borrow().clone()) {
            None => KubeletRegistration::Sidecar,
            Some(RegistrationState::Unheard) => KubeletRegistration::Unheard,
            Some(RegistrationState::Registered) => KubeletRegistration::Registered,
            Some(RegistrationState::Refused(reason)) => KubeletRegistration::Refused {
                reason: reason.into(),
            },
        }
    }

    fn issuer(&self) -> IssuerStatus {
        match &self.issuer.borrow().current {
            IssuerState::Known(issuer) => IssuerStatus::Known {
                issuer: issuer.to_string().into(),
            },
            IssuerState::NotYetRead(reason) => IssuerStatus::NotYetRead {
                reason: reason.into(),
            },
            IssuerState::Missing(reason) => IssuerStatus::Missing {
                reason: reason.into(),
            },
        }
    }

    fn trust(&self) -> TrustBundleStatus {
        match &*self.trust.borrow() {
            TrustState::NoSource => TrustBundleStatus::NoSource,
            TrustState::Unreadable(reason) => TrustBundleStatus::Unreadable {
                reason: reason.into(),
            },
            TrustState::Bundle(bundle) => TrustBundleStatus::Read {
                certificates: bundle.len(),
                newer_refused: self.refusals.current().map(Line::from),
            },
        }
    }
}
