//! Looks at a request that somebody approved: could this policy have done so?
//!
//! Asks every rule that depends on neither the administrator's settings nor a Pod, by taking for
//! settings what the request itself says: its issuer, its lifetime, the trust domain of its name,
//! its further annotations, and its requester as the driver. So a request that was approved before
//! one of these or the mode was changed is still a right one. Two kinds of wrong request pass, too:
//! one that only the settings of its time forbade, and one in the form of node-attested mode, with
//! a Pod for its owner and the claims of a node, for a name in its own namespace that is not that
//! Pod's or by an account that is not the driver's.

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
use crate::identity::{SpiffeId, TrustDomain};

/// Judges a request that was approved. Pure; takes the time of one or two decisions.
///
/// # Errors
/// The rules that it breaks under any settings.
pub fn evaluate_approved(request: Request) -> Result<(), Denial> {
    let request = &Request {
        annotations: Annotations::default(),
        ..request
    };
    let trust_domain = named_trust_domain(&request.csr_pem).map_err(Denial::for_one)?;
    let driver = requester::account(&request.requester.username).map_err(Denial::for_one)?;
    let node = NodeAttestation {
        driver,
        csi_driver: String::new(),
    };
    let by_pod = under(
        request,
        &trust_domain,
        Attestation::PodToken(Credentials::Any),
    );
    let Err(by_pod) = by_pod else {
        return Ok(());
    };
    let Err(by_node) = under(request, &trust_domain, Attestation::Node(node)) else {
        return Ok(());
    };
    // Of the mode that the request is nearer to.
    Err(if by_node.violations().len() < by_pod.violations().len() {
        by_node
    } else {
        by_pod
    })
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
