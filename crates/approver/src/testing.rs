//! Requests and Pods as the approver reads them.
//!
//! For fuzz targets: no shipped build has the feature `testing`.

use svid_api::certmanager::StoredRequest;
use svid_core::policy::{OrdinaryRequest, PodEvidence, Request};

use crate::configuration::OrdinaryRequests;
use crate::controller::{Classified, Requested};

/// What one version of an object means to the approver, where it decides on ordinary requests, too.
#[derive(Debug)]
pub enum Seen {
    /// A request for an identity waits for a decision.
    Identity(Box<Request>),
    /// A request without the annotation waits for a decision.
    Ordinary(Box<OrdinaryRequest>),
    /// It was decided; what was asked for.
    Decided(Box<Request>),
    /// There is nothing to decide.
    Settled,
}

/// Reads an object of a list or watch.
#[must_use]
pub fn see(object: StoredRequest) -> Seen {
    match Classified::read(object, OrdinaryRequests::Approve) {
        Classified::Undecided(candidate) => match candidate.requested {
            Requested::Identity(request) => Seen::Identity(request),
            Requested::Ordinary(request) => Seen::Ordinary(request),
        },
        Classified::Decided(decided) => Seen::Decided(Box::new(decided.into_request())),
        Classified::Settled(_) => Seen::Settled,
    }
}

/// Reads a Pod from its JSON.
///
/// # Errors
/// It cannot be read.
pub fn pod(json: &[u8]) -> serde_json::Result<PodEvidence> {
    crate::pods::from_json(json)
}
