//! The rules for the way from the leaf to the last certificate: RFC 5280, section 6.1.

use super::super::certificate::Certificate;
use super::super::signature::SignatureError;
use super::error::ChainError;

/// Everything wrong with the certificates above the leaf, and with what holds all of them together.
pub(in crate::svid) fn faults(chain: &[Certificate]) -> Vec<ChainError> {
    let links = chain.iter().zip(chain.iter().skip(1)).enumerate();
    let links = links.filter_map(|(position, (child, parent))| link(position, child, parent).err());
    let authorities = chain.iter().enumerate().skip(1);
    let authorities = authorities.flat_map(|(position, authority)| {
        let below = below(chain, position);
        let rules = [
            is_authority(position, authority),
            path_length(position, authority, below),
            name_constraints(position, authority, chain.first()),
        ];
        let extensions = authority.extensions.faults.iter();
        let extensions = extensions.map(move |fault| ChainError::extension(position, fault));
        rules.into_iter().filter_map(Result::err).chain(extensions)
    });
    links.chain(authorities).collect()
}

/// The certificates as far as each is signed by the next.
pub(in crate::svid) fn joined(chain: &[Certificate]) -> &[Certificate] {
    let mut links = chain.iter().zip(chain.iter().skip(1)).enumerate();
    let broken = links.find(|(position, (child, parent))| link(*position, child, parent).is_err());
    let length = broken.map_or(chain.len(), |(position, _)| position + 1);
    chain.get(..length).unwrap_or(chain)
}

/// The number of authorities between a position and the leaf; RFC 5280, section 4.2.1.9, does not
/// count those that bear the name of their issuer.
pub(super) fn below(chain: &[Certificate], position: usize) -> usize {
    chain
        .iter()
        .take(position)
        .skip(1)
        .filter(|authority| !authority.is_self_issued())
        .count()
}

/// Whether there are too many authorities below one.
pub(super) fn exceeds(authority: &Certificate, below: usize) -> Option<u32> {
    let allowed = authority.path_length()?;
    (u32::try_from(below).unwrap_or(u32::MAX) > allowed).then_some(allowed)
}

/// Whether an authority may issue for the trust domain of the leaf.
pub(super) fn permits(authority: &Certificate, leaf: &Certificate) -> bool {
    let names = leaf.extensions.subject_names.iter();
    names
        .flat_map(|names| &names.uris)
        .all(|uri| authority.extensions.uri_constraints.permit(host(uri)))
}

fn link(position: usize, child: &Certificate, parent: &Certificate) -> Result<(), ChainError> {
    if child.issuer != parent.subject {
        let (issuer, found) = (child.issuer_text(), parent.subject_text());
        return Err(ChainError::BrokenLink {
            position,
            issuer,
            found,
        });
    }
    child.verify_signature(parent).map_err(|error| match error {
        SignatureError::Mismatch => ChainError::WrongSignature { position },
        SignatureError::Unsupported => ChainError::UnsupportedSignature { position },
    })
}

fn is_authority(position: usize, authority: &Certificate) -> Result<(), ChainError> {
    if authority.is_authority() {
        Ok(())
    } else {
        Err(ChainError::NotAuthority { position })
    }
}

fn path_length(position: usize, authority: &Certificate, found: usize) -> Result<(), ChainError> {
    match exceeds(authority, found) {
        Some(allowed) => Err(ChainError::PathTooLong {
            position,
            allowed,
            found,
        }),
        None => Ok(()),
    }
}

fn name_constraints(
    position: usize,
    authority: &Certificate,
    leaf: Option<&Certificate>,
) -> Result<(), ChainError> {
    match leaf {
        Some(leaf) if !permits(authority, leaf) => Err(ChainError::NameConstraints { position }),
        _ => Ok(()),
    }
}

/// The host of a URI; of a SPIFFE ID, the trust domain.
fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split_once('/').map_or(rest, |(host, _)| host)
}
