//! Applies every rule, in one place.

use super::csr::Csr;
use super::decision::{Approval, Denial, Rule, Violation};
use super::evidence::PodReference;
use super::inquiry::PodInquiry;
use super::pem;
use super::request::{Attestation, Credentials, NodeAttestation, Policy, Request};
use super::rules::{
    annotation, attributes, canonical, certificate_authority, driver, duration, extensions,
    extra_annotations, generation, identity, key, namespace, node_claims, owner, pod_token,
    requester, san, signature, subject, trust_domain, usages,
};
use crate::identity::SpiffeId;

/// The answer to a request for an SVID.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// Every rule held.
    Approve(Approval),
    /// At least one rule was broken.
    Deny(Denial),
    /// Every rule that does not need the Pod is satisfied: read the Pod and conclude. This is the
    /// only way to an approval in node-attested mode.
    Inquire(PodInquiry),
    /// The request names another issuer: it is not this approver's to decide, but may become so
    /// when the configured issuer changes.
    LeaveAlone,
}

/// Decides on one request for an SVID. Pure: the same request gets the same answer.
///
/// Every rule runs, so that a denial lists everything to change; those about the signing request
/// are left out when it cannot be read. In node-attested mode those about the Pod are run by
/// [`PodInquiry::conclude`], and only if all others hold.
pub fn evaluate(policy: &Policy, request: &Request) -> Decision {
    if request.issuer != policy.issuer {
        return Decision::LeaveAlone;
    }
    match &policy.attestation {
        Attestation::PodToken(credentials) => by_pod_token(policy, request, *credentials),
        Attestation::Node(attestation) => by_node(policy, request, attestation),
    }
}

/// The requester is the pod: its service account is the identity.
fn by_pod_token(policy: &Policy, request: &Request, credentials: Credentials) -> Decision {
    let account = requester::account(&request.requester.username);
    let in_place = account
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|account| namespace::check(&request.namespace, account));
    let bound = pod_token::check(&request.requester, &request.owners, credentials);
    let expected = account
        .map(|account| SpiffeId::for_service_account(&policy.trust_domain, &account))
        .ok();

    let mut violations: Vec<_> = [in_place, bound]
        .into_iter()
        .filter_map(Result::err)
        .collect();
    let name = expected.as_ref().map_or(Expected::NoName, Expected::Name);
    violations.extend(about_content(policy, request, name).0);
    match (Denial::of(violations), expected) {
        (None, Some(spiffe_id)) => Decision::Approve(Approval::new(spiffe_id)),
        (Some(denial), _) => Decision::Deny(denial),
        // Without a requester there is a violation already; this arm only makes an approval
        // impossible.
        (None, None) => Decision::Deny(Denial::for_one(Violation::new(
            Rule::Requester,
            "the requester has no SPIFFE ID",
        ))),
    }
}

/// The requester is the driver: the Pod that it names is the identity, and has to be read.
fn by_node(policy: &Policy, request: &Request, attestation: &NodeAttestation) -> Decision {
    let asking = driver::check(&request.requester.username, &attestation.driver);
    let node = node_claims::node(&request.requester);
    let owner = owner::pod(&request.owners);
    let (others, claimed) = about_content(policy, request, Expected::NameOfPod);

    let mut violations: Vec<_> = asking.err().into_iter().chain(others).collect();
    violations.extend(node.clone().err());
    violations.extend(owner.clone().err());
    match (Denial::of(violations), claimed, node, owner) {
        (None, Some(spiffe_id), Ok(node), Ok(owner)) => Decision::Inquire(PodInquiry {
            spiffe_id,
            trust_domain: policy.trust_domain.clone(),
            csi_driver: attestation.csi_driver.clone(),
            node: node.to_owned(),
            pod: PodReference {
                namespace: request.namespace.clone(),
                name: owner.name.clone(),
                uid: owner.uid.clone(),
            },
        }),
        (Some(denial), ..) => Decision::Deny(denial),
        // Whatever is missing is a violation already; this arm only makes an inquiry impossible.
        (None, ..) => Decision::Deny(Denial::for_one(Violation::new(
            Rule::Identity,
            "the request does not name a pod's identity",
        ))),
    }
}

/// What the name in the signing request is compared with.
#[derive(Clone, Copy)]
enum Expected<'a> {
    /// This one, the requester's.
    Name(&'a SpiffeId),
    /// None, since the requester has no identity; which is already reported.
    NoName,
    /// Any that a pod of the request's namespace may have.
    NameOfPod,
}

/// The rules about what is requested, for every requester. Also the identity that the signing
/// request is for.
fn about_content(
    policy: &Policy,
    request: &Request,
    expected: Expected<'_>,
) -> (Vec<Violation>, Option<SpiffeId>) {
    let mut violations = about_object(policy, request);
    let mut uri = None;
    let mut identity = match expected {
        Expected::Name(expected) => Some(expected.clone()),
        Expected::NoName | Expected::NameOfPod => None,
    };
    let der = pem::decode(&request.csr_pem).map_err(|error| error.to_string());
    let csr = der
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|der| Csr::parse(der).map_err(|error| error.to_string()));
    match csr {
        Ok(csr) => {
            uri = csr.one_uri().map(<[u8]>::to_vec);
            let named = match expected {
                Expected::Name(expected) => identity::check(&csr, expected),
                Expected::NoName => Ok(()),
                Expected::NameOfPod => {
                    identity::claimed(&csr, &policy.trust_domain, &request.namespace)
                        .map(|claimed| identity = Some(claimed))
                }
            };
            violations.extend(about_csr(policy, &csr, named, identity.as_ref()));
        }
        Err(error) => violations.push(Violation::new(Rule::Encoding, error)),
    }
    let name = match (&uri, &identity) {
        (Some(uri), _) => annotation::ComparedName::Requested(uri),
        (None, Some(expected)) => annotation::ComparedName::Expected(expected.as_str()),
        (None, None) => annotation::ComparedName::Unknown,
    };
    violations.extend(annotation::check(&request.identity_annotation, name).err());
    (violations, identity)
}

/// The rules about the object around the signing request.
fn about_object(policy: &Policy, request: &Request) -> Vec<Violation> {
    let verdicts = [
        generation::check(request.generation),
        extra_annotations::check(&request.annotations, &policy.extra_annotations),
        usages::check(request.usages.as_deref()),
        duration::check(&request.duration, policy.duration),
        certificate_authority::check(request.is_ca),
    ];
    verdicts.into_iter().filter_map(Result::err).collect()
}

/// The rules about the signing request.
fn about_csr(
    policy: &Policy,
    csr: &Csr<'_>,
    named: Result<(), Violation>,
    expected: Option<&SpiffeId>,
) -> Vec<Violation> {
    let verdicts = [
        subject::check(csr),
        attributes::check(csr),
        extensions::check(csr),
        san::check(csr),
        named,
        trust_domain::check(csr, &policy.trust_domain),
        key::check(csr),
        signature::check(csr),
    ];
    let mut violations: Vec<_> = verdicts.into_iter().filter_map(Result::err).collect();
    // If another rule is violated, the bytes differ for a reason that has already been reported.
    if violations.is_empty() {
        violations.extend(expected.and_then(|expected| canonical::check(csr, expected).err()));
    }
    violations
}
