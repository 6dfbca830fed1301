//! The requester's side of a certificate: what a PEM-encoded PKCS#10 request holds.

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, DecodePem, Encode};
use x509_cert::ext::{Extension, Extensions};
use x509_cert::name::Name;
use x509_cert::request::{CertReq, ExtensionReq};
use x509_cert::spki::SubjectPublicKeyInfo;

/// Why a CSR is not accepted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum CsrError {
    #[error("error decoding certificate request PEM block: {0}")]
    Encoding(String),
    #[error("the extensions asked for cannot be read: {0}")]
    Extensions(String),
    #[error("the key is no ECDSA P-256 key, the only kind that this issuer signs")]
    Key,
    #[error("the request is not signed by the key that it holds")]
    Signature,
}

/// A parsed request whose signature may or may not be right.
#[derive(Clone, Debug)]
pub(crate) struct CertificateSigningRequest {
    request: CertReq,
    extensions: Extensions,
}

impl CertificateSigningRequest {
    pub(crate) fn parse(pem: &[u8]) -> Result<Self, CsrError> {
        let request =
            CertReq::from_pem(pem).map_err(|error| CsrError::Encoding(error.to_string()))?;
        let extensions = extensions(&request)?;
        Ok(Self {
            request,
            extensions,
        })
    }

    /// Checks the requester's own signature, the proof that it holds the key.
    pub(crate) fn verify(&self) -> Result<(), CsrError> {
        let key = self.request.info.public_key.to_der().ok();
        let key = key.and_then(|der| VerifyingKey::from_public_key_der(&der).ok());
        let key = key.ok_or(CsrError::Key)?;
        let signed = self.request.info.to_der().ok();
        let signature = self.request.signature.as_bytes();
        let signature = signature.and_then(|bytes| DerSignature::from_bytes(bytes).ok());
        match (signed, signature, self.request.algorithm.oid) {
            (Some(signed), Some(signature), ECDSA_WITH_SHA256)
                if key.verify(&signed, &signature).is_ok() =>
            {
                Ok(())
            }
            _ => Err(CsrError::Signature),
        }
    }

    /// The subject, as it came.
    pub(super) fn subject(&self) -> &Name {
        &self.request.info.subject
    }

    /// The public key, as it came.
    pub(super) fn public_key(
        &self,
    ) -> &SubjectPublicKeyInfo<x509_cert::der::Any, x509_cert::der::asn1::BitString> {
        &self.request.info.public_key
    }

    /// The subject alternative names, as they came.
    pub(super) fn names(&self) -> Option<&Extension> {
        self.extension(SUBJECT_ALT_NAME)
    }

    /// An extension that is asked for, as it came.
    pub(super) fn extension(&self, oid: ObjectIdentifier) -> Option<&Extension> {
        self.extensions
            .iter()
            .find(|extension| extension.extn_id == oid)
    }
}

fn extensions(request: &CertReq) -> Result<Extensions, CsrError> {
    let unreadable = |error: x509_cert::der::Error| CsrError::Extensions(error.to_string());
    let mut extensions = Extensions::new();
    let asked = request.info.attributes.iter();
    for attribute in asked.filter(|attribute| attribute.oid == EXTENSION_REQUEST) {
        for value in attribute.values.iter() {
            let der = value.to_der().map_err(unreadable)?;
            extensions.extend(ExtensionReq::from_der(&der).map_err(unreadable)?.0);
        }
    }
    Ok(extensions)
}

pub(super) const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
