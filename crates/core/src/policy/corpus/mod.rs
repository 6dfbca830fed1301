//! Signing requests for the tests, right and hostile, made by code so that each is named by its
//! one fault.
//!
//! [`craft`] writes any bytes at all and signs them, which no certificate library would do;
//! [`hostile`] and [`right`] are the two corpora.

mod craft;
mod hostile;
mod right;

pub(super) use craft::{
    Craft, Signer, attribute, eku, extension, extension_request, general_name, name, oid, rdn, san,
    to_pem, utf8,
};
pub(super) use hostile::{hostile, wrong_uris};
pub(super) use right::right;

use std::time::Duration;

use super::decision::Rule;
use super::request::{
    Attestation, Credentials, DurationField, IssuerReference, Policy, Request, Requester,
};
use crate::identity::TrustDomain;

/// The identity that every request of the corpora may have.
pub(super) const RIGHT_ID: &str = "spiffe://cluster.local/ns/payments/sa/api";

/// One request, named by what is special about it.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) request: Request,
    /// A rule that must be among the broken ones; None for a right request.
    pub(super) breaks: Option<Rule>,
}

/// The policy that the corpora are made for.
pub(super) fn policy() -> Policy {
    Policy {
        trust_domain: TrustDomain::parse("cluster.local").unwrap(),
        duration: Duration::from_secs(3600),
        issuer: IssuerReference::new("spiffe-ca", "ClusterIssuer", "cert-manager.io"),
        attestation: Attestation::PodToken(Credentials::Any),
    }
}

/// A right request around a signing request.
pub(super) fn around(csr_pem: Vec<u8>) -> Request {
    Request {
        namespace: "payments".to_owned(),
        identity_annotation: RIGHT_ID.to_owned(),
        generation: Some(1),
        csr_pem,
        usages: Some(
            [
                "digital signature",
                "key encipherment",
                "server auth",
                "client auth",
            ]
            .map(str::to_owned)
            .to_vec(),
        ),
        duration: DurationField::Nanoseconds(3_600_000_000_000),
        is_ca: false,
        issuer: policy().issuer,
        requester: Requester {
            username: "system:serviceaccount:payments:api".to_owned(),
            uid: "8a8a".to_owned(),
            groups: [
                "system:serviceaccounts",
                "system:serviceaccounts:payments",
                "system:authenticated",
            ]
            .map(str::to_owned)
            .to_vec(),
            extra: [].into(),
        },
        owners: Vec::new(),
    }
}
