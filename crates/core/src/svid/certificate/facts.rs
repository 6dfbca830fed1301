//! The parsed values, and how they are parsed.

use jiff::Timestamp;
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::nom::Parser as _;
use x509_parser::time::ASN1Time;

use super::super::key::PublicKey;
use super::super::signature::{self, SignatureError};
use super::extensions::Extensions;
use super::names::Name;
use crate::text::excerpt;

/// A parsed certificate.
#[derive(Clone, Debug)]
pub(in crate::svid) struct Certificate {
    pub(in crate::svid) der: Vec<u8>,
    /// The DER of the names, to be compared.
    pub(in crate::svid) subject: Vec<u8>,
    pub(in crate::svid) issuer: Vec<u8>,
    pub(in crate::svid) serial: Vec<u8>,
    pub(in crate::svid) not_before: Timestamp,
    pub(in crate::svid) not_after: Timestamp,
    pub(in crate::svid) public_key: PublicKey,
    pub(in crate::svid) extensions: Extensions,
    /// Whether its signature algorithm is acceptable for some kind of key.
    pub(in crate::svid) is_signed_acceptably: bool,
}

impl Certificate {
    /// Reads a certificate; nothing if it is not one, or something follows it.
    pub(in crate::svid) fn parse(der: &[u8]) -> Option<Self> {
        let parsed = parse(der)?;
        // RFC 5280, section 4.1.1.2: the algorithm appears twice, once within the signed part.
        if parsed.tbs_certificate.signature != parsed.signature_algorithm {
            return None;
        }
        Some(Self {
            der: der.to_vec(),
            subject: parsed.subject().as_raw().to_vec(),
            issuer: parsed.issuer().as_raw().to_vec(),
            serial: parsed.raw_serial().to_vec(),
            not_before: timestamp(parsed.validity().not_before),
            not_after: timestamp(parsed.validity().not_after),
            public_key: PublicKey::from_info(parsed.public_key()),
            extensions: Extensions::read(parsed.extensions()),
            is_signed_acceptably: signature::is_acceptable(&parsed.signature_algorithm),
        })
    }

    /// Whether the name of the issuer is the name of the subject.
    pub(in crate::svid) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it is signed with its own key.
    pub(in crate::svid) fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.verify_signature(self).is_ok()
    }

    /// Whether it is a root: signed with its own key, as far as that can be told. Nobody checks how
    /// a root is signed, so one signed in a way that is not believed, such as with SHA-1, is a root
    /// too.
    pub(in crate::svid) fn is_root(&self) -> bool {
        self.is_self_issued() && (!self.is_signed_acceptably || self.is_self_signed())
    }

    /// Every name that constraints of an authority above it apply to: its subject, if it has one,
    /// with the mailboxes in it, and the alternative ones.
    pub(in crate::svid) fn names(&self) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        let subject = Name::directory(&self.subject);
        if subject != Name::Directory(Vec::new()) {
            names.push(subject);
        }
        if let Some(parsed) = parse(&self.der) {
            let mailboxes = parsed.subject().iter_email();
            let mailboxes = mailboxes.filter_map(|mailbox| mailbox.as_str().ok());
            names.extend(mailboxes.map(|mailbox| Name::Email(mailbox.to_owned())));
        }
        if let Some(alternatives) = &self.extensions.subject_names {
            names.extend(alternatives.all.iter().cloned());
        }
        names
    }

    /// Checks that `issuer` signed this certificate; its name is not looked at.
    pub(in crate::svid) fn verify_signature(&self, issuer: &Self) -> Result<(), SignatureError> {
        // Both were read before, so neither is missing.
        let (Some(signed), Some(issuer)) = (parse(&self.der), parse(&issuer.der)) else {
            return Err(SignatureError::Mismatch);
        };
        signature::verify(
            issuer.public_key(),
            &signed.signature_algorithm,
            &signed.signature_value.data,
            signed.tbs_certificate.as_ref(),
        )
    }

    /// Whether it may sign certificates: SPIFFE X509-SVID section 3.2 (the CA bit), and
    /// RFC 5280, section 4.2.1.3 (`keyCertSign` if there are key usages at all).
    pub(in crate::svid) fn is_authority(&self) -> bool {
        self.extensions
            .basic_constraints
            .as_ref()
            .is_some_and(|constraints| constraints.ca)
            && self
                .extensions
                .key_usage
                .is_none_or(|usage| usage.key_cert_sign())
    }

    /// How many authorities may stand below this one, if that is limited.
    pub(in crate::svid) fn path_length(&self) -> Option<u32> {
        self.extensions
            .basic_constraints
            .as_ref()
            .and_then(|constraints| constraints.path_len_constraint)
    }

    /// The name of the subject, for people: escaped and truncated.
    pub(in crate::svid) fn subject_text(&self) -> String {
        parse(&self.der)
            .map(|parsed| excerpt(&parsed.subject().to_string()))
            .unwrap_or_default()
    }

    /// The name of the issuer, for people: escaped and truncated.
    pub(in crate::svid) fn issuer_text(&self) -> String {
        parse(&self.der)
            .map(|parsed| excerpt(&parsed.issuer().to_string()))
            .unwrap_or_default()
    }

    /// The serial number as `0a:1b`, as most tools print it.
    pub(in crate::svid) fn serial_text(&self) -> String {
        let bytes: Vec<String> = self
            .serial
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        bytes.join(":")
    }
}

/// Everything else follows from the bytes.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

/// Extensions are read by `extensions`, more strictly than the library does it on the way.
fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509CertificateParser::new()
        .with_deep_parse_extensions(false)
        .parse(der)
    {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

/// RFC 5280, section 4.1.2.5, lets certificates last until the end of the year 9999, "no
/// well-defined expiration date", which is hours beyond what a [`Timestamp`] can hold: the nearest
/// one is taken.
fn timestamp(time: ASN1Time) -> Timestamp {
    let seconds = time.timestamp();
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}
