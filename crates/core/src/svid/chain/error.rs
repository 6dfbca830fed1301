//! What can be wrong with a chain: one variant per rule.

use std::fmt;

use jiff::Timestamp;

use super::super::ArmorError;
use super::super::certificate::{Certificate, ExtensionFault};
use crate::identity::SpiffeIdError;

/// Why a chain is not the SVID that was asked for. What the issuer wrote is escaped and truncated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// More bytes than a chain may have.
    #[error("the certificate chain is {bytes} bytes long; at most {limit} are allowed")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many may be.
        limit: usize,
    },
    /// More certificates than a chain may have.
    #[error("the certificate chain has {count} certificates; at most {limit} are allowed")]
    TooManyCertificates {
        /// How many there are.
        count: usize,
        /// How many may be.
        limit: usize,
    },
    /// The PEM is damaged.
    #[error("the certificate chain could not be read: {0}")]
    Armor(ArmorError),
    /// It holds something other than certificates; it might be a key, and would be published.
    #[error(
        "the certificate chain contains a PEM block \"{label}\": only certificates belong \
        there"
    )]
    ForeignBlock {
        /// Its label.
        label: String,
    },
    /// The chain holds no certificate.
    #[error("the certificate chain is empty: the issuer returned no certificate")]
    Empty,
    /// A block is not a certificate, or something follows it within the block.
    #[error(
        "certificate {number} of the chain could not be read: it is not a DER-encoded X.509 \
        certificate"
    )]
    Malformed {
        /// Which one, counted from 1.
        number: usize,
    },
    /// No certificate is for the key that was made for it.
    #[error(
        "the certificate is for a different key than the request: the issuer may have ignored the \
         request"
    )]
    WrongKey,
    /// The leaf has no URI as subject alternative name.
    #[error("the certificate has no SPIFFE ID: the issuer dropped the URI that was requested")]
    NoSpiffeId,
    /// The leaf has several URIs; SPIFFE X509-SVID section 2 requires exactly one.
    #[error(
        "the certificate has {count} URIs as subject alternative names; exactly one is allowed"
    )]
    SeveralUris {
        /// How many there are.
        count: usize,
    },
    /// The leaf has names besides the SPIFFE ID, which were not requested.
    #[error(
        "the certificate has a {kind} as subject alternative name besides the SPIFFE ID: the issuer added it"
    )]
    OtherName {
        /// What kind of name.
        kind: &'static str,
    },
    /// The URI is not the SPIFFE ID that was asked for.
    #[error("the certificate is for \"{found}\", but \"{expected}\" was requested")]
    WrongSpiffeId {
        /// What the certificate says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// The one URI is not a SPIFFE ID at all.
    #[error("the certificate is for \"{found}\": {error}")]
    NotSpiffeId {
        /// What the certificate says.
        found: String,
        /// What is wrong with it.
        error: SpiffeIdError,
    },
    /// The SPIFFE ID names a trust domain; SPIFFE X509-SVID section 3.1 requires a workload.
    #[error(
        "the SPIFFE ID of the certificate has no path, so it names a trust domain and not a \
         workload"
    )]
    NoPath,
    /// The right name in another encoding than DER has for it, which some readers refuse.
    #[error("the subject alternative name of the certificate is not valid DER")]
    NameEncoding,
    /// The leaf is an authority itself.
    #[error("the certificate is a CA certificate, which an SVID must not be")]
    LeafIsAuthority,
    /// The leaf may sign certificates or revocation lists.
    #[error("the key usage of the certificate includes {usage}, which an SVID must not have")]
    ForbiddenKeyUsage {
        /// `keyCertSign` or `cRLSign`.
        usage: &'static str,
    },
    /// The leaf has key usages without the one that TLS needs.
    #[error("the key usage of the certificate lacks digitalSignature")]
    NoDigitalSignature,
    /// The leaf has extended key usages without those of both sides of TLS.
    #[error("the extended key usage of the certificate lacks {usage}")]
    MissingExtendedKeyUsage {
        /// `serverAuth` or `clientAuth`.
        usage: &'static str,
    },
    /// The leaf has a Netscape certificate type without both sides of TLS.
    #[error("the Netscape certificate type of the certificate lacks TLS {usage}")]
    NetscapeType {
        /// `server` or `client`.
        usage: &'static str,
    },
    /// The leaf is signed with its own key.
    #[error("the certificate is self-signed: an issuer with a CA is needed")]
    SelfSignedLeaf,
    /// The issuer's certificate is there by its name, and has not signed the certificate.
    #[error(
        "{place} is not signed with the key of \"{issuer}\", which is in the chain and named as \
         its issuer"
    )]
    WrongSignature {
        /// Which one.
        place: PathPosition,
        /// The issuer.
        issuer: String,
    },
    /// Whether certificates are signed by each other cannot be found out at a bearable cost.
    #[error(
        "the certificate chain needs more than {limit} signature checks: too many certificates \
         have the same name"
    )]
    TooManySignatures {
        /// How many are tried.
        limit: usize,
    },
    /// A certificate is signed in a way that is not accepted, such as with SHA-1.
    #[error("{place} is signed with an algorithm that is unknown or too weak")]
    UnsupportedSignature {
        /// Which one.
        place: PathPosition,
    },
    /// A certificate signs another one without the right to.
    #[error(
        "{place} signs the certificate below it, but is not a CA (basicConstraints, \
        keyCertSign)"
    )]
    NotAuthority {
        /// Which one.
        place: PathPosition,
    },
    /// There are more authorities below one than it allows.
    #[error("{place} allows {allowed} authorities below it, but there are {found}")]
    PathTooLong {
        /// Which one.
        place: PathPosition,
        /// How many it allows.
        allowed: u32,
        /// How many there are.
        found: usize,
    },
    /// An authority must not issue for this trust domain.
    #[error("the name constraints of {place} do not permit the names of a certificate below it")]
    NameConstraints {
        /// Which one.
        place: PathPosition,
    },
    /// An authority may issue for other purposes only; not in RFC 5280, but in most libraries.
    #[error(
        "the extended key usage of {place} lacks {usage}, which the certificates below it need"
    )]
    AuthorityPurpose {
        /// Which one.
        place: PathPosition,
        /// `serverAuth` or `clientAuth`.
        usage: &'static str,
    },
    /// An authority requires a certificate policy, and there is none that holds all the way.
    #[error(
        "the policy constraints above {place} require a certificate policy, and it has none in \
         common with the authorities above it"
    )]
    NoPolicy {
        /// The first one without.
        place: PathPosition,
    },
    /// An extension appears twice.
    #[error("{place} has the extension {oid} twice")]
    RepeatedExtension {
        /// Which one.
        place: PathPosition,
        /// The extension.
        oid: String,
    },
    /// An extension is not what it says it is.
    #[error("{place} has a damaged extension {oid}")]
    MalformedExtension {
        /// Which one.
        place: PathPosition,
        /// The extension.
        oid: String,
    },
    /// An extension is critical and unknown; RFC 5280, section 4.2.
    #[error("{place} has the unknown critical extension {oid}")]
    UnknownCriticalExtension {
        /// Which one.
        place: PathPosition,
        /// The extension.
        oid: String,
    },
    /// An extension is critical and must not be; RFC 5280, sections 4.2.1.1, 4.2.1.2 and 4.2.2.1.
    #[error(
        "{place} has the extension {oid} as a critical one, which it must not be: most libraries refuse that"
    )]
    WronglyCriticalExtension {
        /// Which one.
        place: PathPosition,
        /// The extension.
        oid: String,
    },
    /// An extension has a meaning to OpenSSL that no SVID can live up to; RFC 3779 and RFC 3820.
    #[error(
        "{place} has the extension {oid} ({name}), with which OpenSSL refuses an SVID: have the issuer leave it out"
    )]
    RefusedExtension {
        /// Which one.
        place: PathPosition,
        /// The extension.
        oid: String,
        /// What it is called.
        name: &'static str,
    },
    /// A certificate has expired.
    #[error("{place} expired at {not_after}; it is now {now}")]
    Expired {
        /// Which one.
        place: PathPosition,
        /// When it did.
        not_after: Timestamp,
        /// When that was looked at.
        now: Timestamp,
    },
    /// A root is not valid yet, so it anchors nothing.
    #[error("{place} is not valid before {not_before}")]
    NotYetValid {
        /// Which one.
        place: PathPosition,
        /// When it begins.
        not_before: Timestamp,
    },
    /// At no moment are all certificates valid.
    #[error(
        "the certificate chain is never valid: it is valid from {begins} and only until {ends}"
    )]
    NeverValid {
        /// The latest `notBefore`.
        begins: Timestamp,
        /// The earliest `notAfter`.
        ends: Timestamp,
    },
}

impl From<ArmorError> for ChainError {
    fn from(error: ArmorError) -> Self {
        Self::Armor(error)
    }
}

impl ChainError {
    pub(super) fn extension(place: PathPosition, fault: &ExtensionFault) -> Self {
        match fault.clone() {
            ExtensionFault::Repeated(oid) => Self::RepeatedExtension { place, oid },
            ExtensionFault::Malformed(oid) => Self::MalformedExtension { place, oid },
            ExtensionFault::UnknownCritical(oid) => Self::UnknownCriticalExtension { place, oid },
            ExtensionFault::WronglyCritical(oid) => Self::WronglyCriticalExtension { place, oid },
            ExtensionFault::Refused(oid, name) => Self::RefusedExtension { place, oid, name },
        }
    }
}

/// A certificate on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPosition {
    /// How many certificates are below it; none is below the leaf.
    pub position: usize,
    /// Its subject.
    pub subject: String,
}

impl PathPosition {
    pub(super) fn of(position: usize, certificate: &Certificate) -> Self {
        let subject = certificate.subject_text();
        Self { position, subject }
    }
}

impl fmt::Display for PathPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            0 => f.write_str("the certificate"),
            position => write!(
                f,
                "the authority \"{}\" ({position} above the certificate)",
                self.subject
            ),
        }
    }
}
