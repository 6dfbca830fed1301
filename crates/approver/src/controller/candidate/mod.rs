//! Reads a watched object: is it undecided, and what does it request?
//!
//! The only place that turns cert-manager's wire types into the policy's. Keeps nothing of the
//! object but what a decision needs.

use std::collections::BTreeMap;

use svid_api::bounded::{Few, Text};
use svid_api::certmanager::{
    Claims, OtherAnnotation, Progress, StoredCondition, StoredExtra, StoredIssuerRef, StoredOwner,
    StoredRequest, StoredSpec, condition_type,
};
use svid_api::duration::GoDuration;
use svid_client::watch::ObjectName;
use svid_core::policy::{
    Annotations, DurationField, IssuerReference, MAX_REQUEST_BYTES, OrdinaryRequest, Owner,
    Request, Requester, claims,
};

use crate::configuration::OrdinaryRequests;
use crate::metrics::Elsewhere;
use crate::status::{Conditions, REASON, Version};

/// Names one object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
}

impl Key {
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

/// An undecided request, as one version of its object states it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Its object.
    pub(crate) key: Key,
    /// Tells it from an earlier object of the same name.
    pub(crate) uid: String,
    /// The version that was read, to which the decision is bound.
    pub(crate) resource_version: String,
    /// Where in its status a condition is added.
    pub(crate) conditions: Conditions,
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
    /// for one of our issuers.
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
    pub(crate) fn read(object: StoredRequest, ordinary: OrdinaryRequests) -> Self {
        let key = Key::of(&object);
        let settled = |elsewhere| {
            Self::Settled(Settled {
                key: key.clone(),
                uid: object.metadata.uid.clone(),
                elsewhere,
            })
        };
        if let Some(condition) = decision(&object) {
            // Also without our annotation: the issuer does not look for it.
            return settled(elsewhere(condition, &object.spec.issuer_ref));
        }
        let identity = &object.metadata.annotations.identity;
        if object.progress() != Progress::Undecided
            || object.metadata.is_being_deleted
            || (identity.is_none() && ordinary == OrdinaryRequests::LeaveAlone)
        {
            return settled(None);
        }
        let conditions = Conditions::of(&object);
        let metadata = object.metadata;
        let wish = match metadata.annotations.identity {
            Some(identity) => Wish::Identity(Box::new(Request {
                annotations: annotations(metadata.annotations.others),
                generation: metadata.generation,
                owners: metadata
                    .owner_references
                    .kept
                    .into_iter()
                    .map(owner)
                    .collect(),
                ..request(&key, identity.into_beginning(), object.spec)
            })),
            None => Wish::Ordinary(Box::new(OrdinaryRequest {
                csr_pem: csr_pem(&object.spec),
                issuer: reference(&object.spec.issuer_ref),
            })),
        };
        Self::Undecided(Box::new(Candidate {
            key,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            conditions,
            wish,
        }))
    }
}

/// An Approved or Denied condition, whatever its status: its author meant to decide.
fn decision(object: &StoredRequest) -> Option<&StoredCondition> {
    object.conditions().iter().find(|condition| {
        condition.is(condition_type::APPROVED) || condition.is(condition_type::DENIED)
    })
}

fn elsewhere(condition: &StoredCondition, issuer: &StoredIssuerRef) -> Option<DecidedElsewhere> {
    let reason = condition
        .reason
        .clone()
        .unwrap_or_default()
        .into_beginning();
    let decision = if condition.is(condition_type::APPROVED) {
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

/// What the specification says; the rest is the metadata's.
fn request(key: &Key, identity_annotation: String, spec: StoredSpec) -> Request {
    Request {
        namespace: key.namespace.clone(),
        identity_annotation,
        annotations: Annotations::default(),
        generation: None,
        owners: Vec::new(),
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

/// Limits are such that what was cut breaks the same rule as the whole: a list of more usages than
/// there are has one twice or one that is unknown, and no name is as long as a text that was cut.
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
    let claim = |name: &str, values: Option<Claims>| Some((name.to_owned(), texts(values?)));
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

/// Text that is not base64 is passed on as it is; the policy says that it is not PEM either. No
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
