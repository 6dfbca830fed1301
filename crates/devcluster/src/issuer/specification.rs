//! What a request says beside its CSR, and why no certificate can be made of it.

use std::time::Duration;

use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

use super::authority::AuthorityError;
use super::csr::CsrError;

#[derive(Debug, thiserror::Error)]
pub(super) enum SigningError {
    #[error(transparent)]
    Csr(#[from] CsrError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("unknown usage {0:?}")]
    Usage(String),
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
}

/// What the specification of a request says, apart from the CSR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestSpec {
    pub(super) duration: Duration,
    pub(super) usages: Vec<String>,
    pub(super) is_ca: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Usages {
    pub(super) bits: KeyUsage,
    pub(super) extended: Vec<ObjectIdentifier>,
}

/// Which part of a CSR says something else than the specification.
#[derive(Debug, thiserror::Error)]
pub(super) enum Disagreement {
    #[error("encoded CSR error: the KeyUsages do not match the expected KeyUsages")]
    KeyUsage,
    #[error("encoded CSR error: the ExtKeyUsages do not match the expected ExtKeyUsages")]
    ExtendedKeyUsage,
    #[error("encoded CSR error: IsCA does not match expected value {0}")]
    IsCa(bool),
}

impl Usages {
    /// By cert-manager's names (pkg/apis/certmanager/v1 KeyUsage).
    pub(super) fn of(spec: &RequestSpec) -> Result<Self, SigningError> {
        let mut bits = Vec::new();
        let mut extended = Vec::new();
        for name in &spec.usages {
            match name.as_str() {
                "signing" | "digital signature" => bits.push(KeyUsages::DigitalSignature),
                "content commitment" => bits.push(KeyUsages::NonRepudiation),
                "key encipherment" => bits.push(KeyUsages::KeyEncipherment),
                "key agreement" => bits.push(KeyUsages::KeyAgreement),
                "data encipherment" => bits.push(KeyUsages::DataEncipherment),
                "cert sign" => bits.push(KeyUsages::KeyCertSign),
                "crl sign" => bits.push(KeyUsages::CRLSign),
                "any" => extended.push(ObjectIdentifier::new_unwrap("2.5.29.37.0")),
                "server auth" => extended.push(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1")),
                "client auth" => extended.push(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2")),
                "code signing" => extended.push(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3")),
                other => return Err(SigningError::Usage(other.to_owned())),
            }
        }
        if bits.is_empty() && extended.is_empty() {
            bits.extend([KeyUsages::DigitalSignature, KeyUsages::KeyEncipherment]);
        }
        if spec.is_ca {
            bits.push(KeyUsages::KeyCertSign);
        }
        let bits = bits
            .into_iter()
            .fold(KeyUsage(Default::default()), |sum, bit| {
                KeyUsage(sum.0 | bit)
            });
        Ok(Self { bits, extended })
    }
}
