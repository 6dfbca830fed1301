//! Reads a watched object: is it undecided, and what does it wish?
//!
//! The only place that turns cert-manager's wire types into the policy's. Keeps nothing of the
//! object but what a decision needs.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt;
use svid_api::annotation;
use svid_api::certmanager::{
    CertificateRequest, CertificateRequestCondition, CertificateRequestSpec, IssuerRef, Progress,
    condition_type,
};
use svid_api::duration::GoDuration;
use svid_core::policy::{
    DurationField, IssuerReference, MAX_REQUEST_BYTES, OrdinaryRequest, Owner, Request, Requester,
};

use crate::configuration::OrdinaryRequests;
use crate::metrics::Elsewhere;
use crate::status::{REASON, Version};

/// Names one object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
}

impl Key {
    /// Names the object with this metadata.
    pub(crate) fn of(object: &impl ResourceExt) -> Self {
        Self {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        }
    }
}

/// An undecided request, as one version of its object states it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Its object.
    pub(crate) key: Key,
    /// Tells it from an earlier object of the same name.
    pub(crate) uid: String,
    /// The version that was read, to which the decision is bound.
    pub(crate) resource_version: String,
    /// The conditions that are there already.
    pub(crate) conditions: Vec<CertificateRequestCondition>,
    /// What is asked for.
    pub(crate) wish: Wish,
}

impl Candidate {
    /// The version to write a decision onto.
    pub(crate) fn version(&self) -> Version {
        Version {
            namespace: self.key.namespace.clone(),
            name: self.key.name.clone(),
            resource_version: self.resource_version.clone(),
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// A SPIFFE identity.
    Identity(Box<Request>),
    /// Something that has nothing to do with SPIFFE.
    Ordinary(Box<OrdinaryRequest>),
}

/// What one version of an object means to us.
#[derive(Debug)]
pub(crate) enum Sighting {
    /// It waits for a decision that may be ours.
    Undecided(Box<Candidate>),
    /// There is nothing to decide.
    Settled(Settled),
}

/// An object without anything to decide.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The object.
    pub(crate) key: Key,
    /// Tells it from an earlier object of the same name.
    pub(crate) uid: String,
    /// A decision that was not made by an approver like this one. It matters where the request is
    /// for an issuer of ours.
    pub(crate) elsewhere: Option<DecidedElsewhere>,
}

/// Somebody else's decision.
#[derive(Debug)]
pub(crate) struct DecidedElsewhere {
    /// What was decided.
    pub(crate) decision: Elsewhere,
    /// The reason given.
    pub(crate) reason: String,
    /// Which issuer the request is for.
    pub(crate) issuer: IssuerReference,
}

impl Sighting {
    /// Reads an object. Decided, failed, malformed and disappearing ones are settled, and so are
    /// those without our annotation where they are not our business.
    pub(crate) fn read(object: CertificateRequest, ordinary: OrdinaryRequests) -> Self {
        let key = Key::of(&object);
        let uid = object.uid().unwrap_or_default();
        let identity = object.annotations().get(annotation::IDENTITY).cloned();
        let settled = |elsewhere| {
            Self::Settled(Settled {
                key: key.clone(),
                uid: uid.clone(),
                elsewhere,
            })
        };
        if let Some(condition) = decision(&object) {
            // Also without our annotation: whoever signs does not look for it.
            return settled(elsewhere(condition, &object.spec.issuer_ref));
        }
        if object.progress() != Progress::Undecided
            || object.metadata.deletion_timestamp.is_some()
            || (identity.is_none() && ordinary == OrdinaryRequests::LeaveAlone)
        {
            return settled(None);
        }
        let generation = object.metadata.generation;
        let owners = object.metadata.owner_references.unwrap_or_default();
        let resource_version = object.metadata.resource_version.unwrap_or_default();
        let conditions = object
            .status
            .map(|status| status.conditions)
            .unwrap_or_default();
        let wish = match identity {
            Some(identity) => Wish::Identity(Box::new(Request {
                generation,
                owners: owners.into_iter().map(owner).collect(),
                ..request(&key, identity, object.spec)
            })),
            None => Wish::Ordinary(Box::new(OrdinaryRequest {
                csr_pem: csr_pem(&object.spec),
                issuer: reference(&object.spec.issuer_ref),
            })),
        };
        Self::Undecided(Box::new(Candidate {
            key,
            uid,
            resource_version,
            conditions,
            wish,
        }))
    }
}

/// An Approved or Denied condition, whatever it says: who wrote it meant to decide.
fn decision(object: &CertificateRequest) -> Option<&CertificateRequestCondition> {
    object.conditions().iter().find(|condition| {
        [condition_type::APPROVED, condition_type::DENIED].contains(&condition.type_.as_str())
    })
}

fn elsewhere(
    condition: &CertificateRequestCondition,
    issuer: &IssuerRef,
) -> Option<DecidedElsewhere> {
    let reason = condition.reason.clone().unwrap_or_default();
    let decision = if condition.type_ == condition_type::APPROVED {
        Elsewhere::Approved
    } else {
        Elsewhere::Denied
    };
    (reason != REASON).then(|| DecidedElsewhere {
        decision,
        reason,
        issuer: reference(issuer),
    })
}

/// What the specification says; generation and owners are the metadata's.
fn request(key: &Key, identity_annotation: String, spec: CertificateRequestSpec) -> Request {
    Request {
        namespace: key.namespace.clone(),
        identity_annotation,
        generation: None,
        owners: Vec::new(),
        csr_pem: csr_pem(&spec),
        duration: duration(spec.duration.as_deref()),
        is_ca: spec.is_ca.unwrap_or(false),
        issuer: reference(&spec.issuer_ref),
        usages: spec.usages,
        requester: Requester {
            username: spec.username,
            uid: spec.uid,
            groups: spec.groups,
            extra: spec.extra,
        },
    }
}

fn owner(reference: OwnerReference) -> Owner {
    Owner {
        api_version: reference.api_version,
        kind: reference.kind,
        name: reference.name,
        uid: reference.uid,
    }
}

/// Text that is no base64 is handed on as it is; the policy says that it is no PEM either. Undecided
/// requests are kept, so no more is handed on than what is certainly too long.
fn csr_pem(spec: &CertificateRequestSpec) -> Vec<u8> {
    let mut pem = spec
        .request
        .decode()
        .unwrap_or_else(|_not_base64| spec.request.as_str().as_bytes().to_vec());
    pem.truncate(MAX_REQUEST_BYTES + 1);
    pem.shrink_to_fit();
    pem
}

fn duration(text: Option<&str>) -> DurationField {
    match text.map(|text| (text, text.parse::<GoDuration>())) {
        None => DurationField::Absent,
        Some((_, Ok(duration))) => DurationField::Nanoseconds(duration.nanoseconds()),
        Some((text, Err(_malformed))) => DurationField::Malformed(text.to_owned()),
    }
}

fn reference(issuer: &IssuerRef) -> IssuerReference {
    let or_empty = |part: &Option<String>| part.clone().unwrap_or_default();
    IssuerReference::new(
        &issuer.name,
        &or_empty(&issuer.kind),
        &or_empty(&issuer.group),
    )
}

#[cfg(test)]
mod corpora;
#[cfg(test)]
mod tests;
