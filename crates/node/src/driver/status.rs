//! What is going on, for people.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use svid_client::issuer::{IssuerState, IssuersReceiver};
use tokio::sync::watch;

use crate::events::EventCounts;
use crate::installation::Installation;
use crate::lifecycle::Board;
use crate::registration::RegistrationState;
use crate::trust::{Refusals, TrustState};
use svid_client::clock::Clock;

/// Reads the driver's current state. Cheap to clone.
#[derive(Clone)]
pub struct DriverStatus {
    pub(super) installation: Arc<Installation>,
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
    /// Everything as JSON. Holds nothing secret, but names pods, so it is not for everybody.
    pub fn describe(&self) -> Value {
        let now = self.clock.now();
        json!({
            "driver": self.installation.driver_name.as_str(),
            "node": self.installation.node_id.as_str(),
            "time": now.to_string(),
            "registration": self.registration(),
            "issuer": self.issuer(),
            "trustBundle": self.trust(),
            "events": {
                "sent": self.events.sent(),
                "repeated": self.events.repeated(),
                "dropped": self.events.dropped(),
            },
            "volumesWithoutCertificate": self.board.without_certificate(now),
            "volumes": self.board.describe(now),
        })
    }

    fn registration(&self) -> Value {
        match self
            .registration
            .as_ref()
            .map(|state| state.borrow().clone())
        {
            None => json!({"state": "left to a sidecar"}),
            Some(RegistrationState::Unheard) => json!({"state": "not found by the kubelet yet"}),
            Some(RegistrationState::Registered) => json!({"state": "registered"}),
            Some(RegistrationState::Refused(reason)) => {
                json!({"state": "refused", "reason": reason})
            }
        }
    }

    fn issuer(&self) -> Value {
        match &self.issuer.borrow().current {
            IssuerState::Known(issuer) => json!({"state": "known", "issuer": issuer.to_string()}),
            IssuerState::NotYetRead(reason) => json!({"state": "not read yet", "reason": reason}),
            IssuerState::Missing(reason) => json!({"state": "missing", "reason": reason}),
        }
    }

    fn trust(&self) -> Value {
        match &*self.trust.borrow() {
            TrustState::NoSource => json!({"state": "no source"}),
            TrustState::Unreadable(reason) => json!({"state": "unreadable", "reason": reason}),
            TrustState::Bundle(bundle) => json!({
                "state": "read",
                "certificates": bundle.len(),
                "newerRefused": self.refusals.current(),
            }),
        }
    }
}
