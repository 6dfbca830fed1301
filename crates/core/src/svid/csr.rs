//! The certificate signing request (PKCS#10, RFC 2986) for an SVID.

use rcgen::{
    CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose as Purpose, IsCa,
    KeyUsagePurpose as Usage, SanType,
};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use super::key::{PrivateKey, PublicKey};
use super::signature;
use crate::armor::{self, ArmorError};
use crate::identity::SpiffeId;

/// A request that is signed with the key that it asks a certificate for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSigningRequest {
    der: Vec<u8>,
    pem: String,
    public_key: PublicKey,
}

impl CertificateSigningRequest {
    /// Builds a request for one SVID: an empty subject, one critical subject alternative name with
    /// the SPIFFE ID as its URI, and the usages.
    ///
    /// The usages are those of the object around it, since cert-manager compares the two; some
    /// issuers know the request alone and would otherwise sign a certificate without any.
    ///
    /// # Errors
    ///
    /// [`CsrError::Signing`] when the cryptographic library fails, which is not expected.
    pub fn build(key: &PrivateKey, identity: &SpiffeId) -> Result<Self, CsrError> {
        // The defaults have a common name and would name the requester twice.
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.is_ca = IsCa::NoCa;
        let uri = identity.as_str().try_into().map_err(CsrError::Signing)?;
        parameters.subject_alt_names = vec![SanType::URI(uri)];
        parameters.key_usages = vec![Usage::DigitalSignature, Usage::KeyEncipherment];
        parameters.extended_key_usages = vec![Purpose::ServerAuth, Purpose::ClientAuth];
        let request = parameters
            .serialize_request(&RcgenKey(key))
            .map_err(CsrError::Signing)?;
        let der = request.der().to_vec();
        let pem = armor::encode(LABEL, &der).to_string();
        let public_key = key.public_key().clone();
        Ok(Self {
            der,
            pem,
            public_key,
        })
    }

    /// Reads any request, whatever it asks for, and checks its signature.
    ///
    /// # Errors
    ///
    /// When the text is not such a request, or it was not signed with the key that it names.
    pub fn parse_pem(pem: &[u8]) -> Result<Self, CsrError> {
        if pem.len() > MAX_PEM_BYTES {
            return Err(CsrError::TooLarge { bytes: pem.len() });
        }
        let der = armor::decode_single(pem, LABEL)?.to_vec();
        let Ok(([], request)) = X509CertificationRequest::from_der(&der) else {
            return Err(CsrError::Malformed);
        };
        let info = &request.certification_request_info;
        signature::verify(
            &info.subject_pki,
            &request.signature_algorithm,
            &request.signature_value.data,
            info.raw,
        )
        .or(Err(CsrError::Signature))?;
        let public_key = PublicKey::from_info(&info.subject_pki);
        let pem = armor::encode(LABEL, &der).to_string();
        Ok(Self {
            der,
            pem,
            public_key,
        })
    }

    /// The request as one PEM block, `CERTIFICATE REQUEST`.
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// The key that it asks a certificate for.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The request's DER.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }
}

/// Lets rcgen have a request signed without a copy of the key.
struct RcgenKey<'a>(&'a PrivateKey);

impl rcgen::PublicKeyData for RcgenKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_point()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for RcgenKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message).ok_or(rcgen::Error::RemoteKeyError)
    }
}

/// Why a request could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CsrError {
    /// The cryptographic library could not build or sign it.
    #[error("the certificate signing request could not be signed")]
    Signing(#[source] rcgen::Error),
    /// More bytes than a request may have.
    #[error(
        "the certificate signing request is {bytes} bytes long; at most {MAX_PEM_BYTES} are \
        allowed"
    )]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
    /// The PEM is not as expected.
    #[error("the certificate signing request could not be read: {0}")]
    Armor(ArmorError),
    /// The block is not a request, or something follows it.
    #[error(
        "the certificate signing request could not be read: it is not a DER-encoded PKCS#10 \
        request"
    )]
    Malformed,
    /// It is not signed with the key that it names.
    #[error("the certificate signing request is not signed with its own key")]
    Signature,
}

impl From<ArmorError> for CsrError {
    fn from(error: ArmorError) -> Self {
        Self::Armor(error)
    }
}

const LABEL: &str = "CERTIFICATE REQUEST";

/// Our own have less than 2 KiB.
const MAX_PEM_BYTES: usize = 64 * 1024;
