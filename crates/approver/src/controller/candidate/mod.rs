//! Interprets a watched object: is it undecided, and what does it request?
//!
//! The only place that converts cert-manager's wire types into the policy's. Keeps only what a
//! decision needs.

use std::collections::BTreeMap;

use svid_api::bounded::{Few, Text};
use svid_api::certmanager::{
    ClaimValues, OtherAnnotation, Progress, StoredExtra, StoredIssuerRef, StoredMetadata,
    StoredOwner, StoredRequest, StoredSpec, condition_type,
};
use svid_api::duration::GoDuration;
use svid_client::watch::ObjectName;
use svid_core::policy::{
    Annotations, DurationField, IssuerReference, MAX_REQUEST_BYTES, OrdinaryRequest, Owner,
    Request, Requester, claims,
};

use crate::configuration::OrdinaryRequests;
use crate::metrics::Elsewhere;
use crate::status::{Conditions, ObjectVersion};

/// Names one object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NamespacedName {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
}

impl NamespacedName {
    /// Names an object that was read.
    pub(crate) fn of(object: &StoredRequest) -> Self {
        Self {
            namespace: object.metadata.namespace.clone(),
            name: object.metadata.name.clone(),
        }
    }

    /// Names an object that could not be read.
    pub(crate) fn of_unreadable(object: ObjectName) -> Self {
        Self {
            namespace: object.namespace,
            name: object.name,
        }
    }
}

/// An undecided request, as stated by one version of its object.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Its object.
    pub(crate) key: NamespacedName,
    /// Distinguishes it from an earlier object of the same name.
    pub(crate) uid: String,
    /// The version that was read, to which the decision is bound.
    pub(crate) resource_version: String,
    /// Where in its status a condition is added.
    pub(crate) conditions: Conditions,
    /// What is asked for.
    pub(crate) requested: Requested,
}

impl Candidate {
    /// The version to write a decision onto.
    pub(crate) fn version(&self) -> ObjectVersion {
        ObjectVersion {
            namespace: self.key.namespace.clone(),
            name: self.key.name.clone(),
            resource_version: self.resource_version.clone(),
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) enum Requested {
    /// A SPIFFE identity.
    Identity(Box<Request>),
    /// Something that has nothing to do with SPIFFE.
    Ordinary(Box<OrdinaryRequest>),
}

/// What one version of an object means to the approver.
#[derive(Debug)]
pub(crate) enum Classified {
    /// It waits for a decision that may be ours to make.
    Undecided(Box<Candidate>),
    /// It was decided, by us or by somebody else.
    Decided(Box<Decided>),
    /// There is nothing to decide.
    Settled(NamespacedName),
}

/// An object that was decided.
#[derive(Debug)]
pub(crate) struct Decided {
    object: StoredRequest,
    /// What was decided.
    pub(crate) decision: Elsewhere,
    reason: String,
}

impl Decided {
    /// The object.
    pub(crate) fn key(&self) -> NamespacedName {
        NamespacedName::of(&self.object)
    }

    /// Distinguishes it from an earlier object of the same name.
    pub(crate) fn uid(&self) -> &str {
        &self.object.metadata.uid
    }

    /// The reason that is given in an approver's name; it is ours if [`REASON`] is.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Which issuer it is for.
    pub(crate) fn issuer(&self) -> IssuerReference {
        reference(&self.object.spec.issuer_ref)
    }

    /// What was decided on, with an empty annotation if it has none: the issuer does not look for
    /// it.
    pub(crate) fn into_request(self) -> Request {
        let key = self.key();
        let StoredRequest { metadata, spec, .. } = self.object;
        identity_request(&key, metadata, spec)
    }
}

impl Classified {
    /// Interprets an object. Failed and malformed ones, and those being deleted, are settled, and
    /// so are those without our annotation if they are not ours to decide.
    pub(crate) fn read(object: StoredRequest, ordinary: OrdinaryRequests) -> Self {
        let key = NamespacedName::of(&object);
        if let Some((decision, reason)) = decision(&object) {
            return Self::Decided(Box::new(Decided {
                object,
                decision,
                reason,
            }));
        }
        let is_identity = object.metadata.annotations.identity.is_some();
        if object.progress() != Progress::Undecided
            || object.metadata.is_being_deleted
            || (!is_identity && ordinary == OrdinaryRequests::LeaveAlone)
        {
            return Self::Settled(key);
        }
        let conditions = Conditions::of(&object);
        let StoredRequest { metadata, spec, .. } = object;
        let uid = metadata.uid.clone();
        let resource_version = metadata.resource_version.clone();
        let requested = if is_identity {
            Requested::Identity(Box::new(identity_request(&key, metadata, spec)))
        } else {
            Requested::Ordinary(Box::new(OrdinaryRequest {
                csr_pem: csr_pem(&spec),
                issuer: reference(&spec.issuer_ref),
            }))
        };
        Self::Undecided(Box::new(Candidate {
            key,
            uid,
            resource_version,
            conditions,
            requested,
        }))
    }
}

/// An Approved or Denied condition, whatever its status: its author meant to decide. And the reason
/// that it gives.
fn decision(object: &StoredRequest) -> Option<(Elsewhere, String)> {
    object.conditions().iter().find_map(|condition| {
        let decision = if condition.is(condition_type::APPROVED) {
            Elsewhere::Approved
        } else if condition.is(condition_type::DENIED) {
            Elsewhere::Denied
        } else {
            return None;
        };
        let reason = condition.reason.clone().unwrap_or_default();
        Some((decision, reason.into_beginning()))
    })
}

fn identity_request(key: &NamespacedName, metadata: StoredMetadata, spec: StoredSpec) -> Request {
    let identity = metadata.annotations.identity.unwrap_or_default();
    let owners = metadata.owner_references.kept;
    Request {
        namespace: key.namespace.clone(),
        identity_annotation: identity.into_beginning(),
        annotations: annotations(metadata.annotations.others),
        generation: metadata.generation,
        owners: owners.into_iter().map(owner).collect(),
        csr_pem: csr_pem(&spec),
        duration: duration(spec.duration.as_ref()),
        is_ca: spec.is_ca.unwrap_or(false),
        issuer: reference(&spec.issuer_ref),
        usages: spec.usages.map(texts),
        requester: Requester {
            username: spec.username.into_beginning(),
            extra: extra(spec.extra),
            ..Requester::default()
        },
    }
}

/// The limits are chosen so that a truncated value violates the same rule as the whole: a list of
/// more usages than exist has a duplicate or an unknown one, and no name is as long as a truncated
/// text.
fn texts<const LENGTH: usize, const MOST: usize>(few: Few<Text<LENGTH>, MOST>) -> Vec<String> {
    few.kept.into_iter().map(Text::into_beginning).collect()
}

fn extra(extra: StoredExtra) -> BTreeMap<String, Vec<String>> {
    let StoredExtra {
        pod_name,
        pod_uid,
        node_name,
        node_uid,
    } = extra;
    let claim = |name: &str, values: Option<ClaimValues>| Some((name.to_owned(), texts(values?)));
    [
        claim(claims::POD_NAME, pod_name),
        claim(claims::POD_UID, pod_uid),
        claim(claims::NODE_NAME, node_name),
        claim(claims::NODE_UID, node_uid),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn annotations<const MOST: usize>(others: Few<OtherAnnotation, MOST>) -> Annotations {
    let entry = |one: OtherAnnotation| {
        let value = one.value.whole().map(str::to_owned);
        (one.key.into_beginning(), value)
    };
    Annotations {
        read: others.kept.into_iter().map(entry).collect(),
        is_cut: others.is_cut,
    }
}

fn owner(owner: StoredOwner) -> Owner {
    Owner {
        api_version: owner.api_version.into_beginning(),
        kind: owner.kind.into_beginning(),
        name: owner.name.into_beginning(),
        uid: owner.uid.into_beginning(),
    }
}

/// Text that is not base64 is passed on unchanged; the policy reports that it is not PEM either. No
/// more is passed on than what is certainly too long.
fn csr_pem(spec: &StoredSpec) -> Vec<u8> {
    let Some(request) = &spec.request else {
        return Vec::new();
    };
    let mut pem = request
        .decode()
        .unwrap_or_else(|_not_base64| request.as_str().as_bytes().to_vec());
    pem.truncate(MAX_REQUEST_BYTES + 1);
    pem.shrink_to_fit();
    pem
}

fn duration<const MOST: usize>(text: Option<&Text<MOST>>) -> DurationField {
    let Some(text) = text else {
        return DurationField::Absent;
    };
    match text.whole().map(str::parse::<GoDuration>) {
        Some(Ok(duration)) => DurationField::Nanoseconds(duration.nanoseconds()),
        Some(Err(_)) | None => DurationField::Malformed(text.beginning().to_owned()),
    }
}

fn reference(issuer: &StoredIssuerRef) -> IssuerReference {
    IssuerReference::new(
        issuer.name.beginning(),
        issuer.kind.as_ref().map_or("", Text::beginning),
        issuer.group.as_ref().map_or("", Text::beginning),
    )
}

#[cfg(test)]
mod corpora;
#[cfg(test)]
mod tests;
