//! The extensions about certificate policies (RFC 5280, sections 4.2.1.4, .5, .11 and .14).

use x509_parser::asn1_rs::Oid;
use x509_parser::prelude::FromDer as _;

use super::sequence;

/// What a certificate says about policies; each is the content of an OID.
#[derive(Clone, Debug, Default)]
pub(in crate::svid) struct Policies {
    /// Those under which it was issued; nothing without the extension.
    pub(in crate::svid) issued_under: Option<Vec<Vec<u8>>>,
    /// Policies of the issuer, each with one of the subject that stands for it.
    pub(in crate::svid) mappings: Vec<(Vec<u8>, Vec<u8>)>,
    /// After so many more certificates each has to be issued under a policy.
    pub(in crate::svid) require_explicit: Option<u32>,
    /// After so many more certificates mappings are not followed.
    pub(in crate::svid) inhibit_mapping: Option<u32>,
    /// After so many more certificates `anyPolicy` means nothing.
    pub(in crate::svid) inhibit_any: Option<u32>,
}

/// `anyPolicy`, 2.5.29.32.0.
pub(in crate::svid) const ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];

/// The policies of the extension; nothing if it is damaged, empty, or names one twice. Qualifiers
/// are for people and not read.
pub(super) fn read_policies(der: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut policies: Vec<Vec<u8>> = Vec::new();
    for policy in sequence::sequences(sequence::content(der)?) {
        let (_, oid) = Oid::from_der(policy?).ok()?;
        if policies.iter().any(|known| known == oid.as_bytes()) {
            return None;
        }
        policies.push(oid.as_bytes().to_vec());
    }
    (!policies.is_empty()).then_some(policies)
}

/// The pairs of the extension; nothing if it is damaged, empty, or maps `anyPolicy`.
pub(super) fn read_mappings(der: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut mappings = Vec::new();
    for mapping in sequence::sequences(sequence::content(der)?) {
        let (rest, issuer) = Oid::from_der(mapping?).ok()?;
        let Ok(([], subject)) = Oid::from_der(rest) else {
            return None;
        };
        if issuer.as_bytes() == ANY_POLICY || subject.as_bytes() == ANY_POLICY {
            return None;
        }
        mappings.push((issuer.as_bytes().to_vec(), subject.as_bytes().to_vec()));
    }
    (!mappings.is_empty()).then_some(mappings)
}
