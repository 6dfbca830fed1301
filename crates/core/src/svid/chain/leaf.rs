//! The rules for the leaf: SPIFFE X509-SVID, sections 2 to 4.

use jiff::Timestamp;

use super::super::certificate::Certificate;
use super::error::{ChainError, PathPosition};
use super::path;
use crate::der;
use crate::identity::SpiffeId;
use crate::text::excerpt;

/// The leaf among certificates that may be it: the first without a fault, or else the first.
pub(in crate::svid) fn best<'a>(
    candidates: impl IntoIterator<Item = &'a Certificate>,
    now: Timestamp,
) -> Option<&'a Certificate> {
    let mut first = None;
    for candidate in candidates {
        if faults_at(candidate, now).is_empty() {
            return Some(candidate);
        }
        first = first.or(Some(candidate));
    }
    first
}

/// Everything wrong with a leaf as an SVID at a moment, whatever its identity.
pub(in crate::svid) fn faults_at(leaf: &Certificate, now: Timestamp) -> Vec<ChainError> {
    let dates = [
        path::not_after(leaf, now, || PathPosition::of(0, leaf)),
        path::ever_valid(&[leaf]),
    ];
    let mut faults = faults(leaf);
    faults.extend(dates.into_iter().filter_map(Result::err));
    faults
}

/// Everything wrong with a leaf as an SVID, whatever its identity.
fn faults(leaf: &Certificate) -> Vec<ChainError> {
    let rules = [
        names,
        spiffe_id,
        basic_constraints,
        key_usage,
        extended_key_usage,
        netscape_type,
        signature,
        signer,
    ];
    let broken = rules.into_iter().filter_map(|rule| rule(leaf).err());
    let extensions = leaf.extensions.faults.iter();
    broken
        .chain(extensions.map(|fault| ChainError::extension(PathPosition::of(0, leaf), fault)))
        .collect()
}

/// Whether the leaf of our key names somebody else.
///
/// The raw bytes are compared: a URI library would take other spellings for the same.
pub(super) fn identity(leaf: &Certificate, expected: &SpiffeId) -> Result<(), ChainError> {
    let expected = expected.as_str();
    match leaf
        .extensions
        .subject_names
        .as_ref()
        .map(|names| names.uris.as_slice())
    {
        Some([uri]) if uri != expected => Err(ChainError::WrongSpiffeId {
            found: excerpt(uri),
            expected: expected.to_owned(),
        }),
        // Another number of names is reported by the rule for names.
        _ => Ok(()),
    }
}

/// X509-SVID, section 2, which allows other names beside the URI: nobody asked for them here.
fn names(leaf: &Certificate) -> Result<(), ChainError> {
    let Some(names) = &leaf.extensions.subject_names else {
        return Err(ChainError::NoSpiffeId);
    };
    let uri = match names.uris.as_slice() {
        [] => return Err(ChainError::NoSpiffeId),
        [uri] => uri,
        uris => return Err(ChainError::SeveralUris { count: uris.len() }),
    };
    if let Some(kind) = names.others.first() {
        return Err(ChainError::OtherName { kind });
    }
    if names.der == der::one_uri(uri.as_bytes()) {
        Ok(())
    } else {
        Err(ChainError::NameEncoding)
    }
}

/// X509-SVID, section 3.1.
fn spiffe_id(leaf: &Certificate) -> Result<(), ChainError> {
    let names = leaf.extensions.subject_names.as_ref();
    // Another number of names is reported by the previous rule.
    let Some([uri]) = names.map(|names| names.uris.as_slice()) else {
        return Ok(());
    };
    match SpiffeId::parse(uri) {
        Ok(id) if id.path().is_empty() => Err(ChainError::NoPath),
        Ok(_) => Ok(()),
        Err(error) => Err(ChainError::NotSpiffeId {
            found: excerpt(uri),
            error,
        }),
    }
}

/// X509-SVID, section 4.1.
fn basic_constraints(leaf: &Certificate) -> Result<(), ChainError> {
    match &leaf.extensions.basic_constraints {
        Some(constraints) if constraints.ca => Err(ChainError::LeafIsAuthority),
        _ => Ok(()),
    }
}

/// X509-SVID, section 4.3.
fn key_usage(leaf: &Certificate) -> Result<(), ChainError> {
    let Some(usage) = leaf.extensions.key_usage else {
        return Ok(());
    };
    if usage.key_cert_sign() {
        return Err(ChainError::ForbiddenKeyUsage {
            usage: "keyCertSign",
        });
    }
    if usage.crl_sign() {
        return Err(ChainError::ForbiddenKeyUsage { usage: "cRLSign" });
    }
    if usage.digital_signature() {
        Ok(())
    } else {
        Err(ChainError::NoDigitalSignature)
    }
}

/// X509-SVID, section 4.4.
fn extended_key_usage(leaf: &Certificate) -> Result<(), ChainError> {
    let Some(usage) = leaf.extensions.extended_key_usage else {
        return Ok(());
    };
    if !usage.server {
        return Err(ChainError::MissingExtendedKeyUsage {
            usage: "serverAuth",
        });
    }
    if !usage.client {
        return Err(ChainError::MissingExtendedKeyUsage {
            usage: "clientAuth",
        });
    }
    Ok(())
}

/// OpenSSL holds leaves to it.
fn netscape_type(leaf: &Certificate) -> Result<(), ChainError> {
    match leaf.extensions.netscape_type {
        Some(purposes) if !purposes.server => Err(ChainError::NetscapeType { usage: "server" }),
        Some(purposes) if !purposes.client => Err(ChainError::NetscapeType { usage: "client" }),
        Some(_) | None => Ok(()),
    }
}

fn signature(leaf: &Certificate) -> Result<(), ChainError> {
    path::signature(leaf, || PathPosition::of(0, leaf))
}

fn signer(leaf: &Certificate) -> Result<(), ChainError> {
    if leaf.is_self_signed() {
        Err(ChainError::SelfSignedLeaf)
    } else {
        Ok(())
    }
}
