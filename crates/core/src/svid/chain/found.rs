//! The path that was found, the certificates that accompany it, and what is missing.

use std::cmp::Reverse;
use std::fmt;

use jiff::Timestamp;

use super::super::certificate::Certificate;
use super::super::signature::SignatureError;
use super::error::{ChainError, PathPosition};
use super::path;
use super::policies;
use super::pool::{Pool, PoolRole};
use super::search::{Explored, Follow, explore};
use super::signers::{IssuerKey, MAX_SIGNATURES, Signers};
use super::window::{MAX_PATIENCE, Window};

/// A path without a fault, and what belongs to it.
pub(in crate::svid) struct FoundPath<'a> {
    /// The leaf first; the root is not part of it.
    pub(in crate::svid) path: Vec<&'a Certificate>,
    /// Further valid certificates that join it, for relying parties with other roots.
    pub(in crate::svid) further: Vec<&'a Certificate>,
    /// What came with the chain and is not used.
    pub(in crate::svid) left_out: Vec<&'a Certificate>,
    /// The root of the trust bundle that signed the last one; of several certificates for its name
    /// and key the one that ends last.
    pub(in crate::svid) anchor: Option<&'a Certificate>,
    /// Why there is no such root; nothing if there is one.
    pub(in crate::svid) gap: Option<Gap>,
}

impl<'a> FoundPath<'a> {
    /// Looks for the path from the leaf, which was judged before, to a root of the bundle. Without
    /// one the longest valid path counts.
    ///
    /// # Errors
    /// Everything that is wrong with the path, if there is one to a root and each such path has a
    /// fault, or if a certificate of the leaf's issuer is there and cannot be used.
    pub(in crate::svid) fn search(
        pool: &Pool<'a>,
        now: Timestamp,
    ) -> Result<Self, Vec<ChainError>> {
        let mut signers = Signers::new(pool);
        let valid = explore(pool, &mut signers, Follow::Valid, now);
        let judged = |path: &[usize]| policies::fault(&pool.certificates(path));
        let best = valid
            .anchored
            .iter()
            .filter(|(path, _)| judged(path).is_none())
            .map(|(path, anchors)| (path, latest(pool, anchors)))
            .min_by_key(|(path, anchor)| {
                let window = Window::of(pool.certificates(path).into_iter().chain(*anchor));
                (window.start.max(now), path.len(), Reverse(window.end))
            });
        if let Some((path, anchor)) = best {
            return Ok(Self::of(
                pool,
                (&mut signers, &valid),
                path,
                anchor,
                None,
                now,
            ));
        }
        // The roots that are there although one may be of no use, such as an expired one.
        let leads_to_root = |explored: &Explored| {
            let anchored = explored.anchored.iter().map(|(path, _)| path);
            let refused = explored.refused_anchors.iter().map(|(path, _)| path);
            anchored.chain(refused).next().cloned()
        };
        let is_faultless = valid.anchored.is_empty() && leads_to_root(&valid).is_some();
        let joined = explore(pool, &mut signers, Follow::Joined, now);
        if let Some(path) = leads_to_root(&joined).filter(|_| !is_faultless) {
            let mut faults = path::faults(&pool.certificates(&path), now);
            faults.extend(judged(&path));
            return Err(faults);
        }
        let usable = valid.paths.iter().filter(|path| judged(path).is_none());
        let longest = usable.max_by_key(|path| {
            let window = Window::of(pool.certificates(path));
            let is_near = window.start <= now + MAX_PATIENCE;
            (path.len() > 1, is_near, path.len(), Reverse(*path))
        });
        let Some(longest) = longest else {
            return Err(judged(&[0]).into_iter().collect());
        };
        if let [leaf] = longest.as_slice() {
            stands_alone(pool, &mut signers, &valid, *leaf)?;
        }
        let gap = Gap::above(pool, &mut signers, &valid, longest);
        Ok(Self::of(
            pool,
            (&mut signers, &valid),
            longest,
            None,
            Some(gap),
            now,
        ))
    }

    fn of(
        pool: &Pool<'a>,
        (signers, valid): (&mut Signers<'_, '_>, &Explored),
        path: &[usize],
        anchor: Option<&'a Certificate>,
        gap: Option<Gap>,
        now: Timestamp,
    ) -> Self {
        let mut further: Vec<usize> = Vec::new();
        for index in valid.paths.iter().filter_map(|path| path.last()) {
            let begins = pool.get(*index).map(|member| member.certificate.not_before);
            let is_valid = begins.is_some_and(|begins| begins <= now);
            let is_new = !path.contains(index) && !further.contains(index);
            if is_valid && is_new && !signers.is_forged(*index) {
                further.push(*index);
            }
        }
        let left_out = pool
            .sent()
            .filter(|(index, _)| !path.contains(index) && !further.contains(index));
        Self {
            path: pool.certificates(path),
            left_out: left_out.map(|(_, member)| member.certificate).collect(),
            further: pool.certificates(&further),
            anchor,
            gap,
        }
    }

    /// What is published: the path, then what joins it.
    pub(in crate::svid) fn published(&self) -> impl Iterator<Item = &'a Certificate> {
        self.path.iter().chain(&self.further).copied()
    }

    /// When the path can be used, root included. A root is valid now, so it only ends the window.
    pub(in crate::svid) fn window(&self) -> Window {
        let path = Window::of(self.path.iter().copied());
        let end = self
            .anchor
            .map_or(path.end, |anchor| anchor.not_after.min(path.end));
        Window { end, ..path }
    }

    /// The authority that ends before the leaf, first of all, if one does.
    pub(in crate::svid) fn ends_first(&self) -> Option<EndsFirst> {
        let leaf = self.path.first()?;
        let end = self.window().end;
        if end >= leaf.not_after {
            return None;
        }
        let first = self.path.iter().find(|member| member.not_after == end);
        let authority = first.copied().or(self.anchor)?;
        Some(EndsFirst {
            subject: authority.subject_text(),
            is_root: first.is_none(),
            at: end,
        })
    }
}

/// An authority that ends before the certificate below it, which cannot be used from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndsFirst {
    /// Its name.
    pub subject: String,
    /// Whether it is a root of the trust bundle; otherwise it is on the path.
    pub is_root: bool,
    /// When it ends.
    pub at: Timestamp,
}

impl fmt::Display for EndsFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (subject, at) = (&self.subject, self.at);
        let (kind, advice) = if self.is_root {
            ("the root", "add its successor to the trust bundle")
        } else {
            ("the authority", "renew it at the issuer")
        };
        write!(
            f,
            "{kind} \"{subject}\" expires at {at}, before the certificate does; {advice}"
        )
    }
}

/// A leaf alone is enough if nothing of its issuer came with it. If something did, and is of no
/// use, then the issuer gave what nobody can verify.
fn stands_alone(
    pool: &Pool<'_>,
    signers: &mut Signers<'_, '_>,
    valid: &Explored,
    leaf: usize,
) -> Result<(), Vec<ChainError>> {
    let Some(certificate) = pool.get(leaf).map(|member| member.certificate) else {
        return Ok(());
    };
    let is_root_there = !valid.below_sent_root.is_empty() || !valid.refused_anchors.is_empty();
    let faults: Vec<_> = valid
        .refused
        .iter()
        .map(|(_, fault)| fault.clone())
        .collect();
    if !faults.is_empty() && !is_root_there {
        return Err(faults);
    }
    let mut named = pool.named_issuers(certificate);
    if named.all(|(_, member)| member.part == PoolRole::Anchor) {
        return Ok(());
    }
    let place = PathPosition::of(leaf, certificate);
    let issuer = certificate.issuer_text();
    match signers.signer(leaf) {
        IssuerKey::Unfit(SignatureError::Mismatch) => {
            Err(ChainError::WrongSignature { place, issuer })
        }
        IssuerKey::Unfit(SignatureError::Unsupported) => {
            Err(ChainError::UnsupportedSignature { place })
        }
        IssuerKey::Unknown => Err(ChainError::TooManySignatures {
            limit: MAX_SIGNATURES,
        }),
        IssuerKey::Key(_) | IssuerKey::Absent => Ok(()),
    }
    .map_err(|fault| vec![fault])
}

fn latest<'a>(pool: &Pool<'a>, anchors: &[usize]) -> Option<&'a Certificate> {
    let anchors = pool.certificates(anchors);
    anchors.into_iter().max_by_key(|anchor| anchor.not_after)
}

/// Why a chain does not lead to the trust bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// The issuer of the last certificate is missing.
    #[error(
        "the issuer of {of}, \"{issuer}\", is neither in the chain, nor in status.ca, nor among the roots"
    )]
    Missing {
        /// The last certificate.
        of: PathPosition,
        /// Its issuer.
        issuer: String,
    },
    /// There are only others of the issuer's name.
    #[error(
        "{of} is not signed with the key of any \"{issuer}\" that is in the chain, in status.ca or among the roots"
    )]
    OtherKey {
        /// The last certificate.
        of: PathPosition,
        /// Its issuer.
        issuer: String,
    },
    /// The last certificate is signed in a way that is not accepted, such as with SHA-1.
    #[error("{of} is signed with an algorithm that is unknown or too weak")]
    UnsupportedSignature {
        /// The last certificate.
        of: PathPosition,
    },
    /// The way goes on with certificates that cannot be used.
    #[error("the path cannot be continued beyond {of}: {fault}")]
    Refused {
        /// The last certificate.
        of: PathPosition,
        /// What is wrong with the next one, which may be the root.
        fault: Box<ChainError>,
    },
    /// The chain leads to a root that the bundle does not have.
    #[error("it ends at the root \"{root}\", which was sent along and is not in the trust bundle")]
    OtherRoot {
        /// That root.
        root: String,
    },
    /// Authorities certify each other, and no root certifies one of them.
    #[error("no root has signed an authority that certifies {of}")]
    NoRoot {
        /// The last certificate.
        of: PathPosition,
    },
    /// Too many certificates of the same name.
    #[error(
        "completing it would need more than {limit} signature checks: too many certificates have \
         the same name"
    )]
    TooManySignatures {
        /// How many are tried.
        limit: usize,
    },
}

impl Gap {
    /// What is missing above the longest valid path.
    fn above(
        pool: &Pool<'_>,
        signers: &mut Signers<'_, '_>,
        valid: &Explored,
        path: &[usize],
    ) -> Self {
        let last = path.last().copied().unwrap_or_default();
        let certificate = pool.get(last).map(|member| member.certificate);
        let place = PathPosition {
            position: path.len().saturating_sub(1),
            subject: certificate
                .map(Certificate::subject_text)
                .unwrap_or_default(),
        };
        let issuer = certificate
            .map(Certificate::issuer_text)
            .unwrap_or_default();
        let refused = [&valid.refused_anchors, &valid.refused];
        let refused = refused
            .into_iter()
            .flatten()
            .find(|(below, _)| below == path);
        if let Some((_, fault)) = refused {
            let fault = Box::new(fault.clone());
            return Self::Refused { of: place, fault };
        }
        let sent = valid
            .below_sent_root
            .iter()
            .find(|(below, _)| below == path);
        if let Some(root) = sent.and_then(|(_, root)| pool.get(*root)) {
            let root = root.certificate.subject_text();
            return Self::OtherRoot { root };
        }
        match signers.signer(last) {
            IssuerKey::Absent => Self::Missing { of: place, issuer },
            IssuerKey::Unfit(SignatureError::Mismatch) => Self::OtherKey { of: place, issuer },
            IssuerKey::Unfit(SignatureError::Unsupported) => {
                Self::UnsupportedSignature { of: place }
            }
            IssuerKey::Key(_) => Self::NoRoot { of: place },
            IssuerKey::Unknown => Self::TooManySignatures {
                limit: MAX_SIGNATURES,
            },
        }
    }
}
