//! How much of an undecided request is kept in memory until it is decided.

use std::sync::Arc;

use svid_core::policy::{IssuerReference, Owner};

use super::candidate::{Candidate, NamespacedName, Requested};

/// What is kept of an undecided request that is left alone or too large to keep: it is read again
/// before it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestReference {
    /// Its object.
    pub(crate) key: NamespacedName,
    /// Tells it from an earlier object of the same name.
    pub(crate) uid: String,
    /// The version that was seen.
    pub(crate) resource_version: String,
    kind: RequestKind,
    issuer: IssuerReference,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestKind {
    Identity,
    Ordinary,
}

impl RequestReference {
    /// Which object this is, and nothing of what it says but its issuer.
    pub(crate) fn of(candidate: &Candidate) -> Self {
        let (kind, issuer) = RequestKind::of(candidate);
        Self {
            key: candidate.key.clone(),
            uid: candidate.uid.clone(),
            resource_version: candidate.resource_version.clone(),
            kind,
            issuer: issuer.clone(),
        }
    }

    /// Whether it is ours to decide while this is our issuer. Without an issuer no request is: any
    /// could be for the unknown one.
    pub(crate) fn is_ours(&self, issuer: Option<&IssuerReference>) -> bool {
        self.kind.is_ours(&self.issuer, issuer)
    }
}

impl RequestKind {
    fn of(candidate: &Candidate) -> (Self, &IssuerReference) {
        match &candidate.requested {
            Requested::Identity(request) => (Self::Identity, &request.issuer),
            Requested::Ordinary(request) => (Self::Ordinary, &request.issuer),
        }
    }

    fn is_ours(self, named: &IssuerReference, ours: Option<&IssuerReference>) -> bool {
        match self {
            Self::Identity => ours == Some(named),
            Self::Ordinary => ours.is_some(),
        }
    }
}

/// [`RequestReference::is_ours`] for a request that was just read.
pub(crate) fn is_ours(candidate: &Candidate, issuer: Option<&IssuerReference>) -> bool {
    let (kind, named) = RequestKind::of(candidate);
    kind.is_ours(named, issuer)
}

/// An undecided request, as far as it is kept until it is decided.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    /// With all that a decision needs.
    Whole(Arc<Candidate>),
    /// To be read again.
    Reference(RequestReference),
}

impl From<Candidate> for Kept {
    fn from(candidate: Candidate) -> Self {
        if text_bytes(&candidate) > MOST_KEPT_BYTES {
            Self::Reference(RequestReference::of(&candidate))
        } else {
            Self::Whole(Arc::new(candidate))
        }
    }
}

impl Kept {
    /// Its object.
    pub(crate) fn key(&self) -> &NamespacedName {
        match self {
            Self::Whole(candidate) => &candidate.key,
            Self::Reference(reference) => &reference.key,
        }
    }

    /// Tells it from an earlier object of the same name.
    pub(crate) fn uid(&self) -> &str {
        match self {
            Self::Whole(candidate) => &candidate.uid,
            Self::Reference(reference) => &reference.uid,
        }
    }

    /// The version that was seen.
    pub(crate) fn resource_version(&self) -> &str {
        match self {
            Self::Whole(candidate) => &candidate.resource_version,
            Self::Reference(reference) => &reference.resource_version,
        }
    }

    /// As little of it as suffices to come back to it.
    pub(crate) fn reference(&self) -> RequestReference {
        match self {
            Self::Whole(candidate) => RequestReference::of(candidate),
            Self::Reference(reference) => reference.clone(),
        }
    }
}

/// Bytes of untrusted text, except for short fields.
fn text_bytes(candidate: &Candidate) -> usize {
    let sum = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
    match &candidate.requested {
        Requested::Identity(request) => {
            let owners = request.owners.iter().map(|owner| {
                let Owner {
                    api_version,
                    kind,
                    name,
                    uid,
                } = owner;
                api_version.len() + kind.len() + name.len() + uid.len()
            });
            let annotations = request
                .annotations
                .read
                .iter()
                .map(|(key, value)| key.len() + value.as_ref().map_or(0, String::len));
            request.csr_pem.len()
                + request.identity_annotation.len()
                + annotations.sum::<usize>()
                + request.usages.as_deref().map_or(0, sum)
                + request.requester.username.len()
                + request
                    .requester
                    .extra
                    .values()
                    .map(|values| sum(values))
                    .sum::<usize>()
                + owners.sum::<usize>()
        }
        Requested::Ordinary(request) => request.csr_pem.len(),
    }
}

/// Of larger requests only a reference is kept, since a standby keeps every undecided request. One
/// with an RSA 4096 key takes 3 KiB with usual names.
const MOST_KEPT_BYTES: usize = 6 * 1024;
