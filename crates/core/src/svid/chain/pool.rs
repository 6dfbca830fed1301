//! The certificates of which a path may be made.

use super::super::TrustBundle;
use super::super::certificate::Certificate;

/// Certificates in the order in which they are preferred, each once, the leaf first.
pub(in crate::svid) struct Pool<'a> {
    members: Vec<PoolCertificate<'a>>,
}

/// One certificate of the pool.
#[derive(Clone, Copy)]
pub(super) struct PoolCertificate<'a> {
    pub(super) certificate: &'a Certificate,
    pub(super) part: PoolRole,
}

/// What a certificate may be in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PoolRole {
    /// The one of our key, or one that may stand above it.
    Link,
    /// A root that came with the chain: neither published nor trusted.
    SentRoot,
    /// An authority of the trust bundle, at which a path may end.
    Anchor,
}

impl<'a> Pool<'a> {
    /// Takes the leaf, everything that came with it, and the roots.
    ///
    /// Other certificates for the leaf's key are left out: they are for the same request.
    pub(in crate::svid) fn new(
        leaf: &'a Certificate,
        sent: impl IntoIterator<Item = &'a Certificate>,
        bundle: Option<&'a TrustBundle>,
    ) -> Self {
        let mut members = vec![PoolCertificate {
            certificate: leaf,
            part: PoolRole::Link,
        }];
        for certificate in sent {
            let is_known = members.iter().any(|known| known.certificate == certificate);
            if is_known || certificate.public_key == leaf.public_key {
                continue;
            }
            let part = if certificate.is_root() {
                PoolRole::SentRoot
            } else {
                PoolRole::Link
            };
            members.push(PoolCertificate { certificate, part });
        }
        let anchors = bundle.map(TrustBundle::authorities).unwrap_or_default();
        members.extend(anchors.iter().map(|certificate| PoolCertificate {
            certificate,
            part: PoolRole::Anchor,
        }));
        Self { members }
    }

    pub(super) fn get(&self, index: usize) -> Option<PoolCertificate<'a>> {
        self.members.get(index).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The members that bear the name of a certificate's issuer, with their indices.
    pub(super) fn named_issuers(
        &self,
        of: &'a Certificate,
    ) -> impl Iterator<Item = (usize, PoolCertificate<'a>)> {
        let members = self.members.iter().copied().enumerate();
        members.filter(|(_, member)| member.certificate.subject == of.issuer)
    }

    /// The members at these indices.
    pub(super) fn certificates(&self, indices: &[usize]) -> Vec<&'a Certificate> {
        let members = indices.iter().filter_map(|index| self.get(*index));
        members.map(|member| member.certificate).collect()
    }

    /// Every certificate that came with the leaf.
    pub(super) fn sent(&self) -> impl Iterator<Item = (usize, PoolCertificate<'a>)> {
        let members = self.members.iter().copied().enumerate().skip(1);
        members.filter(|(_, member)| member.part != PoolRole::Anchor)
    }
}
