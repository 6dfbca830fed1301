//! Parses a signing request once; every rule uses this one result.
//!
//! Owns parsing only: what is allowed is up to the rules. The underlying parser (x509-parser)
//! tolerates some things that DER forbids; none of that passes the last rule, which encodes the
//! request again and compares (`rules/canonical`).
//!
//! Source: RFC 2986 (section 4), RFC 5280 (4.1 and 4.2), RFC 2985 (5.4.2).

use x509_parser::asn1_rs::{BitString, FromDer, Oid};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::{ParsedCriAttribute, X509CriAttribute};
use x509_parser::extensions::{GeneralName, SubjectAlternativeName, X509Extension};
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo, X509Version};

/// Why the bytes are not a signing request at all.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum CsrFormatError {
    /// Not the ASN.1 structure of RFC 2986.
    #[error("the CSR is not a PKCS#10 certification request in DER")]
    Unreadable,
    /// Bytes follow the structure.
    #[error("the CSR is followed by extra bytes inside its PEM block")]
    TrailingBytes,
    /// Another version than v1, which is the only one.
    #[error("the CSR's version must be 0")]
    Version,
}

/// A parsed signing request. Only its structure has been checked.
#[derive(Debug)]
pub(super) struct Csr<'a> {
    der: &'a [u8],
    parsed: X509CertificationRequest<'a>,
}

impl<'a> Csr<'a> {
    /// Reads the DER of one signing request.
    ///
    /// # Errors
    /// When the structure cannot be read, so that no further rule could say anything about it.
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, CsrFormatError> {
        let (rest, parsed) = X509CertificationRequest::from_der(der)
            .map_err(|_detail| CsrFormatError::Unreadable)?;
        if !rest.is_empty() {
            return Err(CsrFormatError::TrailingBytes);
        }
        if parsed.certification_request_info.version != X509Version::V1 {
            return Err(CsrFormatError::Version);
        }
        Ok(Self { der, parsed })
    }

    /// The whole signing request as it was given.
    pub(super) fn der(&self) -> &'a [u8] {
        self.der
    }

    /// The part that is signed.
    pub(super) fn signed_bytes(&self) -> &'a [u8] {
        self.parsed.certification_request_info.raw
    }

    /// The subject's DER.
    pub(super) fn subject_der(&self) -> &'a [u8] {
        self.parsed.certification_request_info.subject.as_raw()
    }

    /// The subject in words; the text is the requester's.
    pub(super) fn subject_text(&self) -> String {
        self.parsed.certification_request_info.subject.to_string()
    }

    /// Algorithm and bytes of the public key.
    pub(super) fn public_key(&self) -> &SubjectPublicKeyInfo<'a> {
        &self.parsed.certification_request_info.subject_pki
    }

    /// How the request says it is signed.
    pub(super) fn signature_algorithm(&self) -> &AlgorithmIdentifier<'a> {
        &self.parsed.signature_algorithm
    }

    /// The signature.
    pub(super) fn signature(&self) -> &BitString<'a> {
        &self.parsed.signature_value
    }

    /// The attributes in their order.
    pub(super) fn attributes(&self) -> &[X509CriAttribute<'_>] {
        self.parsed.certification_request_info.attributes()
    }

    /// The extensions of every extension request, in their order, duplicates included.
    pub(super) fn extensions(&self) -> impl Iterator<Item = &X509Extension<'_>> {
        self.attributes()
            .iter()
            .flat_map(|attribute| match attribute.parsed_attribute() {
                ParsedCriAttribute::ExtensionRequest(request) => request.extensions.as_slice(),
                ParsedCriAttribute::ChallengePassword(_)
                | ParsedCriAttribute::UnsupportedAttribute => &[],
            })
    }

    /// The subjectAltName extensions: one in a valid request.
    pub(super) fn alternative_names(&self) -> impl Iterator<Item = AlternativeNames<'_>> {
        self.extensions()
            .filter(|extension| extension.oid == SUBJECT_ALTERNATIVE_NAME)
            .map(|extension| AlternativeNames::read(extension.value))
    }

    /// The bytes of the only name of the only subjectAltName extension, if that is a URI.
    pub(super) fn one_uri(&self) -> Option<&[u8]> {
        let mut extensions = self.alternative_names();
        let (only, None) = (extensions.next()?, extensions.next()) else {
            return None;
        };
        match only.names?.as_slice() {
            [
                AlternativeName {
                    kind: NameKind::Uri,
                    bytes,
                },
            ] => Some(bytes),
            [] | [_] | [_, _, ..] => None,
        }
    }
}

/// What one subjectAltName extension holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AlternativeNames<'a> {
    /// None when the extension's value cannot be read.
    pub(super) names: Option<Vec<AlternativeName<'a>>>,
}

impl<'a> AlternativeNames<'a> {
    /// Reads the value of a subjectAltName extension.
    pub(super) fn read(value: &'a [u8]) -> Self {
        let names = match SubjectAlternativeName::from_der(value) {
            Ok(([], san)) => Some(
                san.general_names
                    .into_iter()
                    .map(AlternativeName::from)
                    .collect(),
            ),
            Ok(_) | Err(_) => None,
        };
        Self { names }
    }
}

/// One GeneralName, reduced to what the rules need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AlternativeName<'a> {
    /// Which alternative of GeneralName it is.
    pub(super) kind: NameKind,
    /// The bytes of a URI; empty for the other kinds, which no rule accepts.
    pub(super) bytes: &'a [u8],
}

/// The alternatives of GeneralName (RFC 5280, 4.2.1.6) that matter in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameKind {
    /// uniformResourceIdentifier.
    Uri,
    /// dNSName.
    Dns,
    /// rfc822Name.
    Email,
    /// iPAddress.
    IpAddress,
    /// directoryName.
    DirectoryName,
    /// otherName.
    OtherName,
    /// Any other, and whatever could not be read.
    Unexpected,
}

impl NameKind {
    /// How a message calls it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Uri => "URI",
            Self::Dns => "DNS name",
            Self::Email => "email address",
            Self::IpAddress => "IP address",
            Self::DirectoryName => "directory name",
            Self::OtherName => "otherName",
            Self::Unexpected => "name of an unexpected kind",
        }
    }
}

impl<'a> From<GeneralName<'a>> for AlternativeName<'a> {
    fn from(name: GeneralName<'a>) -> Self {
        let (kind, bytes): (_, &'a [u8]) = match name {
            GeneralName::URI(uri) => (NameKind::Uri, uri.as_bytes()),
            // x509-parser wants UTF-8; the bytes are kept so that a message can show them.
            GeneralName::Invalid(tag, bytes) if tag.0 == 6 => (NameKind::Uri, bytes),
            GeneralName::DNSName(_) => (NameKind::Dns, &[]),
            GeneralName::RFC822Name(_) => (NameKind::Email, &[]),
            GeneralName::IPAddress(_) => (NameKind::IpAddress, &[]),
            GeneralName::DirectoryName(_) => (NameKind::DirectoryName, &[]),
            GeneralName::OtherName(..) => (NameKind::OtherName, &[]),
            GeneralName::X400Address(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::RegisteredID(_)
            | GeneralName::Invalid(..) => (NameKind::Unexpected, &[]),
        };
        Self { kind, bytes }
    }
}

/// subjectAltName, 2.5.29.17.
pub(super) const SUBJECT_ALTERNATIVE_NAME: Oid<'static> =
    x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
/// extensionRequest, 1.2.840.113549.1.9.14 (RFC 2985, 5.4.2).
pub(super) const EXTENSION_REQUEST: Oid<'static> =
    x509_parser::oid_registry::OID_PKCS9_EXTENSION_REQUEST;
