//! The rules for the path from the leaf to an authority: RFC 5280, section 6.1.
//!
//! A path is a list of certificates, the leaf first, each signed by the one after it. What is wrong
//! with one of them does not depend on those above it, so a path can be judged while it grows; only
//! certificate policies are read from the top down, see [`super::policies`].

use jiff::Timestamp;

use super::super::certificate::Certificate;
use super::error::{ChainError, PathPosition};
use super::window::Window;

/// Everything wrong with the authorities of a path. The leaf has rules of its own.
pub(in crate::svid) fn faults(path: &[&Certificate], now: Timestamp) -> Vec<ChainError> {
    (1..path.len())
        .filter_map(|above| path.get(..=above))
        .flat_map(|part| faults_of_link(part, now))
        .collect()
}

/// Everything wrong with the last certificate of a path, which is not the root.
pub(super) fn faults_of_link(path: &[&Certificate], now: Timestamp) -> Vec<ChainError> {
    let mut faults = faults_of_root(path, now);
    if let Some((authority, below)) = path.split_last() {
        faults.extend(signature(authority, || PathPosition::of(below.len(), authority)).err());
    }
    faults
}

/// Everything wrong with the last certificate of a path, which may be the root: how that is signed
/// does not matter.
pub(super) fn faults_of_root(path: &[&Certificate], now: Timestamp) -> Vec<ChainError> {
    let Some((authority, below)) = path.split_last() else {
        return Vec::new();
    };
    let place = || PathPosition::of(below.len(), authority);
    let rules = [
        is_authority(authority, place),
        path_length(authority, below, place),
        name_constraints(authority, below, place),
        purposes(authority, place),
        not_after(authority, now, place),
    ];
    let extensions = authority.extensions.faults.iter();
    let extensions = extensions.map(|fault| ChainError::extension(place(), fault));
    let broken = rules.into_iter().filter_map(Result::err).chain(extensions);
    broken.chain(ever_valid(path).err()).collect()
}

/// Whether there is a moment at which all are valid.
pub(super) fn ever_valid(path: &[&Certificate]) -> Result<(), ChainError> {
    let Window { start, end } = Window::of(path.iter().copied());
    if start <= end {
        Ok(())
    } else {
        Err(ChainError::NeverValid {
            begins: start,
            ends: end,
        })
    }
}

/// Whether one has expired.
pub(super) fn not_after(
    certificate: &Certificate,
    now: Timestamp,
    place: impl Fn() -> PathPosition,
) -> Result<(), ChainError> {
    if now <= certificate.not_after {
        Ok(())
    } else {
        Err(ChainError::Expired {
            place: place(),
            not_after: certificate.not_after,
            now,
        })
    }
}

/// Whether it is signed in a way that some key is believed for.
pub(super) fn signature(
    certificate: &Certificate,
    place: impl Fn() -> PathPosition,
) -> Result<(), ChainError> {
    if certificate.is_signed_acceptably {
        Ok(())
    } else {
        Err(ChainError::UnsupportedSignature { place: place() })
    }
}

fn is_authority(
    authority: &Certificate,
    place: impl Fn() -> PathPosition,
) -> Result<(), ChainError> {
    if authority.is_authority() {
        Ok(())
    } else {
        Err(ChainError::NotAuthority { place: place() })
    }
}

/// RFC 5280, section 4.2.1.9, does not count authorities that bear the name of their issuer.
fn path_length(
    authority: &Certificate,
    below: &[&Certificate],
    place: impl Fn() -> PathPosition,
) -> Result<(), ChainError> {
    let authorities = below.iter().skip(1);
    let found = authorities.filter(|other| !other.is_self_issued()).count();
    match authority.path_length() {
        Some(allowed) if u32::try_from(found).unwrap_or(u32::MAX) > allowed => {
            Err(ChainError::PathTooLong {
                place: place(),
                allowed,
                found,
            })
        }
        Some(_) | None => Ok(()),
    }
}

/// Section 6.1.3 (b) and (c): authorities that bear the name of their issuer are exempt.
fn name_constraints(
    authority: &Certificate,
    below: &[&Certificate],
    place: impl Fn() -> PathPosition,
) -> Result<(), ChainError> {
    let constraints = &authority.extensions.name_constraints;
    let mut constrained = below.iter().enumerate();
    let is_permitted = constrained.all(|(position, certificate)| {
        (position > 0 && certificate.is_self_issued())
            || certificate
                .names()
                .iter()
                .all(|name| constraints.permit(name))
    });
    if is_permitted {
        Ok(())
    } else {
        Err(ChainError::NameConstraints { place: place() })
    }
}

/// What an authority may issue for, as most libraries read an extended key usage in one.
fn purposes(authority: &Certificate, place: impl Fn() -> PathPosition) -> Result<(), ChainError> {
    let usage = match authority.extensions.extended_key_usage {
        Some(purposes) if purposes.any => return Ok(()),
        Some(purposes) if !purposes.server => "serverAuth",
        Some(purposes) if !purposes.client => "clientAuth",
        Some(_) | None => return Ok(()),
    };
    let place = place();
    Err(ChainError::AuthorityPurpose { place, usage })
}
