//! Judges a request that has already been approved: could this policy have approved it?
//!
//! Applies every rule that depends on neither the administrator's settings nor a Pod, taking the
//! settings from the request itself: its issuer, its lifetime, the trust domain of its name. The
//! request may have the form of either mode, and any annotations, since tools add some later. So a
//! request that was approved before one of these settings changed still passes. What this cannot
//! determine is whether the settings were different at the time and, in node-attested mode, whose
//! Pod it was.

use std::sync::Arc;
use std::time::Duration;

use super::csr::Csr;
use super::decision::{Denial, Rule, Violation};
use super::evaluate::{Decision, evaluate};
use super::pem;
use super::request::{
    Annotations, Attestation, Credentials, DurationField, ExtraAnnotations, NodeAttestation,
    Policy, Request,
};
use super::rules::requester;
use crate::identity::{ServiceAccount, SpiffeId, TrustDomain};

/// Judges an approved request. `driver` is the driver's account, if known. Pure; takes as long as
/// one or two decisions.
///
/// A request in the form of node-attested mode must come from a driver: the known one or, for a
/// driver of an earlier mode or name, an account in a namespace other than the request's. Nothing
/// else distinguishes it from the request of a pod that asks for its neighbour's identity.
///
/// # Errors
/// The rules that it breaks under any settings.
pub fn evaluate_approved(
    mut request: Request,
    driver: Option<&ServiceAccount>,
) -> Result<(), Denial> {
    request.annotations = Annotations::default();
    let trust_domain = named_trust_domain(&request.csr_pem).map_err(Denial::for_one)?;
    let account = requester::account(&request.requester.username).map_err(Denial::for_one)?;
    let by_pod_token = Attestation::PodToken(Credentials::Any);
    let Err(by_pod_token) = under(&request, &trust_domain, by_pod_token) else {
        return Ok(());
    };
    if driver != Some(&account) && account.namespace() == request.namespace {
        return Err(by_pod_token);
    }
    let by_node = Attestation::Node(NodeAttestation {
        driver: account,
        csi_driver: String::new(),
    });
    under(&request, &trust_domain, by_node)
}

fn under(
    request: &Request,
    trust_domain: &TrustDomain,
    attestation: Attestation,
) -> Result<(), Denial> {
    let policy = Policy {
        trust_domain: trust_domain.clone(),
        duration: lifetime(&request.duration),
        issuer: request.issuer.clone(),
        attestation,
        extra_annotations: Arc::new(ExtraAnnotations::Unlisted),
    };
    match evaluate(&policy, request) {
        Decision::Deny(denial) => Err(denial),
        // The issuer is the request's own.
        Decision::Approve(_) | Decision::Inquire(_) | Decision::LeaveAlone => Ok(()),
    }
}

fn named_trust_domain(csr_pem: &[u8]) -> Result<TrustDomain, Violation> {
    let unreadable = |text: String| Violation::new(Rule::Encoding, text);
    let der = pem::decode(csr_pem).map_err(|error| unreadable(error.to_string()))?;
    let csr = Csr::parse(&der).map_err(|error| unreadable(error.to_string()))?;
    csr.one_uri()
        .and_then(|uri| std::str::from_utf8(uri).ok())
        .and_then(|uri| SpiffeId::parse(uri).ok())
        .and_then(|id| TrustDomain::parse(id.trust_domain()).ok())
        .ok_or_else(|| {
            Violation::new(
                Rule::SubjectAlternativeName,
                "the CSR's only name must be a SPIFFE ID",
            )
        })
}

/// Any will do, but not none.
fn lifetime(field: &DurationField) -> Duration {
    match field {
        DurationField::Nanoseconds(given) => u64::try_from(*given)
            .map(Duration::from_nanos)
            .unwrap_or(USUAL_LIFETIME),
        DurationField::Absent | DurationField::Malformed(_) => USUAL_LIFETIME,
    }
}

/// For a message about a request that asks for none.
const USUAL_LIFETIME: Duration = Duration::from_secs(3600);
