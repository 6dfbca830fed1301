//! Asks every rule, in one place.

use super::csr::Csr;
use super::decision::{Approval, Decision, Denial, Rule, Violation};
use super::pem;
use super::request::{Policy, Request};
use super::rules::{
    annotation, attributes, canonical, certificate_authority, duration, extensions, generation,
    identity, key, namespace, requester, san, signature, subject, trust_domain, usages,
};
use crate::identity::{ServiceAccount, SpiffeId};

/// Decides on one request for an SVID. Pure: the same request gets the same answer.
///
/// Every rule is asked, so that a denial lists all that is to change; those about the signing
/// request are left out when it cannot be read.
pub fn evaluate(policy: &Policy, request: &Request) -> Decision {
    if request.issuer != policy.issuer {
        return Decision::LeaveAlone;
    }
    let requester = requester::account(&request.requester.username);
    let expected = requester
        .as_ref()
        .map(|account| SpiffeId::for_service_account(&policy.trust_domain, account));
    let expected = expected.ok();

    let mut violations = about_object(policy, request, requester.as_ref());
    let readable = pem::decode(&request.csr_pem).map_err(|error| error.to_string());
    let uri = match readable {
        Ok(der) => match Csr::parse(&der) {
            Ok(csr) => {
                violations.extend(about_csr(policy, &csr, expected.as_ref()));
                csr.one_uri().map(<[u8]>::to_vec)
            }
            Err(error) => {
                violations.push(Violation::new(Rule::Encoding, error.to_string()));
                None
            }
        },
        Err(error) => {
            violations.push(Violation::new(Rule::Encoding, error));
            None
        }
    };
    let name = match (&uri, &expected) {
        (Some(uri), _) => annotation::Name::Requested(uri),
        (None, Some(expected)) => annotation::Name::Expected(expected.as_str()),
        (None, None) => annotation::Name::Unknown,
    };
    violations.extend(annotation::check(&request.identity_annotation, name).err());
    violations.sort_by_key(Violation::rule);
    conclude(violations, expected)
}

/// The rules about the object around the signing request.
fn about_object(
    policy: &Policy,
    request: &Request,
    requester: Result<&ServiceAccount, &Violation>,
) -> Vec<Violation> {
    let verdicts = [
        requester
            .map_err(Clone::clone)
            .and_then(|account| namespace::check(&request.namespace, account)),
        generation::check(request.generation),
        usages::check(request.usages.as_deref()),
        duration::check(&request.duration, policy.duration),
        certificate_authority::check(request.is_ca),
    ];
    verdicts.into_iter().filter_map(Result::err).collect()
}

/// The rules about the signing request.
fn about_csr(policy: &Policy, csr: &Csr<'_>, expected: Option<&SpiffeId>) -> Vec<Violation> {
    let verdicts = [
        subject::check(csr),
        attributes::check(csr),
        extensions::check(csr),
        san::check(csr),
        expected.map_or(Ok(()), |expected| identity::check(csr, expected)),
        trust_domain::check(csr, &policy.trust_domain),
        key::check(csr),
        signature::check(csr),
    ];
    let mut violations: Vec<_> = verdicts.into_iter().filter_map(Result::err).collect();
    // Where another rule objects, the bytes differ for a reason that is already told.
    if violations.is_empty() {
        violations.extend(expected.and_then(|expected| canonical::check(csr, expected).err()));
    }
    violations
}

/// The only place that makes an approval: no violation, and an identity to approve.
fn conclude(violations: Vec<Violation>, expected: Option<SpiffeId>) -> Decision {
    let mut violations = violations.into_iter();
    match (violations.next(), expected) {
        (None, Some(spiffe_id)) => Decision::Approve(Approval::new(spiffe_id)),
        (Some(first), _) => Decision::Deny(Denial::new(first, violations.collect())),
        // Without a requester there is a violation; this arm only keeps it from ever approving.
        (None, None) => Decision::Deny(Denial::new(
            Violation::new(Rule::Requester, "the requester has no SPIFFE ID"),
            Vec::new(),
        )),
    }
}
