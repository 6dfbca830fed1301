//! What the administrator configures. Parsed and checked by the binary.

use std::sync::Arc;
use std::time::Duration;

use svid_client::issuer::ConfigMapName;
use svid_core::identity::TrustDomain;
use svid_core::names::DriverName;
use svid_core::policy::{Attestation, ExtraAnnotations, IssuerReference};

/// The approver's settings; they do not change while it runs.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The CSI driver's name, which is also the lease's.
    pub driver_name: DriverName,
    /// The trust domain of every identity that is approved.
    pub trust_domain: TrustDomain,
    /// The exact lifetime that every request must have.
    pub certificate_duration: Duration,
    /// The issuer of the SVIDs according to the flags; the one in the `ConfigMap` takes precedence.
    pub issuer: Option<IssuerReference>,
    /// Where an issuer may be named at run time.
    pub runtime_issuance: Option<ConfigMapName>,
    /// Which account creates the requests, and what proves the identity that it may request.
    pub attestation: Attestation,
    /// Which annotations a request carries beside its identity.
    pub extra_annotations: Arc<ExtraAnnotations>,
    /// What happens to requests that have nothing to do with SPIFFE.
    pub ordinary_requests: OrdinaryRequests,
    /// The namespace of the lease.
    pub leader_election_namespace: String,
}

/// What happens to requests without the identity annotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrdinaryRequests {
    /// They are another approver's business.
    #[default]
    LeaveAlone,
    /// They are approved, unless they would make an SVID (`--auto-approve-non-spiffe`).
    Approve,
}
