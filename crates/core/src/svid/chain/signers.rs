//! Which certificate signed which.
//!
//! A certificate is joined to another one by name and signature; the key identifiers say which one
//! to try first and decide nothing (RFC 4158, section 3.5.12). Invariants: a certificate that is
//! signed with one key is not tried with another; at most [`MAX_SIGNATURES`] are tried in all,
//! whatever the certificates are.

use super::super::PublicKey;
use super::super::certificate::Certificate;
use super::super::signature::SignatureError;
use super::pool::Pool;

/// Finds the issuers of certificates, and remembers them.
pub(super) struct Signers<'p, 'a> {
    pool: &'p Pool<'a>,
    known: Vec<Option<IssuerKey<'a>>>,
    tried: usize,
}

/// Whose key a certificate is signed with.
#[derive(Clone, Copy, Debug)]
pub(super) enum IssuerKey<'a> {
    /// The issuer's, whose certificates all have this key.
    Key(&'a PublicKey),
    /// There is no certificate with the issuer's name.
    Absent,
    /// There is one, and this is why none fits.
    Unfit(SignatureError),
    /// It was not found out, since too many were tried.
    Unknown,
}

impl<'p, 'a> Signers<'p, 'a> {
    pub(super) fn new(pool: &'p Pool<'a>) -> Self {
        Self {
            pool,
            known: vec![None; pool.len()],
            tried: 0,
        }
    }

    /// The indices of the certificates that signed this one: one key, and perhaps several
    /// certificates for it.
    pub(super) fn issuers(&mut self, index: usize) -> Vec<usize> {
        let (Some(child), IssuerKey::Key(key)) = (self.pool.get(index), self.signer(index)) else {
            return Vec::new();
        };
        let named = self.pool.named_issuers(child.certificate);
        let signers = named.filter(|(_, member)| member.certificate.public_key == *key);
        signers.map(|(index, _)| index).collect()
    }

    /// Whose key it is that a certificate is signed with.
    pub(super) fn signer(&mut self, index: usize) -> IssuerKey<'a> {
        if let Some(Some(known)) = self.known.get(index) {
            return *known;
        }
        let Some(child) = self.pool.get(index) else {
            return IssuerKey::Absent;
        };
        let signer = self.find(index, child.certificate);
        if let Some(known) = self.known.get_mut(index) {
            *known = Some(signer);
        }
        signer
    }

    /// Whether a certificate is worth nothing to anybody: its issuer is there, by its name and, if
    /// the certificate says so, its key identifier, and has not signed it.
    pub(super) fn is_forged(&mut self, index: usize) -> bool {
        let IssuerKey::Unfit(_) = self.signer(index) else {
            return false;
        };
        self.pool.get(index).is_some_and(|child| {
            let named = self.pool.named_issuers(child.certificate);
            let mut others = named.filter(|(other, _)| *other != index);
            others.any(|(_, member)| rank(child.certificate, member.certificate) < 2)
        })
    }

    fn find(&mut self, index: usize, child: &'a Certificate) -> IssuerKey<'a> {
        // Nothing in the pool is signed with its own key, but roots, which nobody has to have
        // signed.
        let named = self.pool.named_issuers(child);
        let mut named: Vec<_> = named.filter(|(other, _)| *other != index).collect();
        // The next one in the chain before the others, as most issuers order them.
        named.sort_by_key(|(other, member)| (rank(child, member.certificate), *other <= index));
        let mut keys: Vec<&PublicKey> = Vec::new();
        let mut reason = None;
        for (_, member) in named {
            let issuer = member.certificate;
            if keys.contains(&&issuer.public_key) {
                continue;
            }
            if self.tried == MAX_SIGNATURES {
                return IssuerKey::Unknown;
            }
            self.tried += 1;
            match child.verify_signature(issuer) {
                Ok(()) => return IssuerKey::Key(&issuer.public_key),
                // Weak for one key and wrong for another is weak.
                Err(error) if reason != Some(SignatureError::Unsupported) => reason = Some(error),
                Err(_) => {}
            }
            keys.push(&issuer.public_key);
        }
        reason.map_or(IssuerKey::Absent, IssuerKey::Unfit)
    }

    #[cfg(test)]
    pub(super) fn tried(&self) -> usize {
        self.tried
    }
}

/// Zero for the most likely issuer.
fn rank(child: &Certificate, issuer: &Certificate) -> u8 {
    match (&child.extensions.issuer_key_id, &issuer.extensions.key_id) {
        (Some(wanted), Some(found)) if wanted == found => 0,
        (None, _) | (_, None) => 1,
        (Some(_), Some(_)) => 2,
    }
}

/// The most signatures that are tried for one chain. A chain in order needs one for each
/// certificate; so do certificates with key identifiers in any order. Doubled, a hostile chain
/// costs up to a tenth of a second more; halved, a chain of sixteen of the same name without key
/// identifiers might not be joined.
pub(super) const MAX_SIGNATURES: usize = 256;
