//! Requests and Pods as the approver reads them.
//!
//! For fuzz targets: no shipped build has the feature `testing`.

use svid_api::certmanager::StoredRequest;
use svid_core::policy::{OrdinaryRequest, Pod, Request};

use crate::configuration::OrdinaryRequests;
use crate::controller::{Sighting, Wish};

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
    match Sighting::read(object, OrdinaryRequests::Approve) {
        Sighting::Undecided(candidate) => match candidate.wish {
            Wish::Identity(request) => Seen::Identity(request),
            Wish::Ordinary(request) => Seen::Ordinary(request),
        },
        Sighting::Decided(decided) => Seen::Decided(Box::new(decided.into_request())),
        Sighting::Settled(_) => Seen::Settled,
    }
}

/// Reads a Pod from its JSON.
///
/// # Errors
/// It cannot be read.
pub fn pod(json: &[u8]) -> serde_json::Result<Pod> {
    crate::pods::from_json(json)
}
