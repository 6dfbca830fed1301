//! From PEM to certificates.

use super::super::certificate::Certificate;
use super::error::ChainError;
use crate::armor;
use crate::text::excerpt;

/// Reads a chain as far as it can be read, and says what could not be.
pub(in crate::svid) fn read(pem: &[u8]) -> (Vec<Certificate>, Vec<ChainError>) {
    if pem.len() > MAX_BYTES {
        let (bytes, limit) = (pem.len(), MAX_BYTES);
        return (Vec::new(), vec![ChainError::TooLarge { bytes, limit }]);
    }
    let blocks = match armor::decode(pem) {
        Ok(blocks) => blocks,
        Err(error) => return (Vec::new(), vec![error.into()]),
    };
    if blocks.len() > MAX_CERTIFICATES {
        let (count, limit) = (blocks.len(), MAX_CERTIFICATES);
        return (
            Vec::new(),
            vec![ChainError::TooManyCertificates { count, limit }],
        );
    }
    let (mut certificates, mut faults) = (Vec::new(), Vec::new());
    for (index, block) in blocks.iter().enumerate() {
        if block.label != LABEL {
            faults.push(ChainError::ForeignBlock {
                label: excerpt(block.label),
            });
        } else if let Some(certificate) = Certificate::parse(&block.der) {
            certificates.push(certificate);
        } else {
            faults.push(ChainError::Malformed { number: index + 1 });
        }
    }
    if blocks.is_empty() {
        faults.push(ChainError::Empty);
    }
    (certificates, faults)
}

/// Reads the authorities that an issuer names beside a chain. They are no more than candidates, so
/// whatever cannot be read, or is too much, is left out.
pub(in crate::svid) fn read_candidates(pem: &[u8]) -> Vec<Certificate> {
    if pem.len() > MAX_BYTES {
        return Vec::new();
    }
    let blocks = armor::decode(pem).unwrap_or_default();
    let certificates = blocks.iter().filter(|block| block.label == LABEL);
    certificates
        .take(MAX_CERTIFICATES)
        .filter_map(|block| Certificate::parse(&block.der))
        .collect()
}

pub(super) const LABEL: &str = "CERTIFICATE";

/// The most that is read of a chain: far more than any that works in TLS.
const MAX_BYTES: usize = 256 * 1024;

/// The most certificates in a chain, as other SPIFFE libraries have it.
const MAX_CERTIFICATES: usize = 16;
