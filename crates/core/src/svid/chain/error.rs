//! What can be wrong with a chain: one variant for every rule.

use std::fmt;

use jiff::Timestamp;

use super::super::ArmorError;
use super::super::certificate::ExtensionFault;
use crate::identity::SpiffeIdError;

/// Why a chain is not the SVID that was asked for. Positions count from 0, the leaf; what the
/// issuer wrote is escaped and truncated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// More bytes than a chain may have.
    #[error("the certificate chain has {bytes} bytes, {limit} are allowed")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many may be.
        limit: usize,
    },
    /// More certificates than a chain may have.
    #[error("the certificate chain has {count} certificates, {limit} are allowed")]
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
    #[error("the certificate chain holds a PEM block \"{label}\": only certificates belong there")]
    ForeignBlock {
        /// Its label.
        label: String,
    },
    /// The chain holds no certificate.
    #[error("the certificate chain is empty: the issuer returned no certificate")]
    Empty,
    /// A block is not a certificate, or something follows it within the block.
    #[error("{} could not be read: it is not DER of X.509", Place(*.position))]
    Malformed {
        /// Which one.
        position: usize,
    },
    /// The certificate is for a key other than the one made for it.
    #[error(
        "the certificate is for another key than the one of the request: the issuer may have ignored the request"
    )]
    WrongKey,
    /// The leaf has no URI as subject alternative name.
    #[error("the certificate names no SPIFFE ID: the issuer dropped the URI that was asked for")]
    NoSpiffeId,
    /// The leaf has several URIs; SPIFFE X509-SVID section 2 requires exactly one.
    #[error(
        "the certificate has {count} URIs as subject alternative names, exactly one is allowed"
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
    #[error("the certificate is for \"{found}\", \"{expected}\" was asked for")]
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
        "the SPIFFE ID of the certificate has no path, so it names a trust domain and no workload"
    )]
    NoPath,
    /// The right name in another encoding than DER has for it, which some readers refuse.
    #[error("the subject alternative name of the certificate is not encoded as DER demands")]
    NameEncoding,
    /// The leaf is an authority itself.
    #[error("the certificate is one of an authority (CA), which an SVID must not be")]
    LeafIsAuthority,
    /// The leaf may sign certificates or revocation lists.
    #[error("the key usage of the certificate has {usage}, which an SVID must not have")]
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
    /// The leaf is signed with its own key.
    #[error("the certificate is signed with its own key: an issuer that is an authority is needed")]
    SelfSignedLeaf,
    /// A certificate is not issued by the one that follows, by their names.
    #[error("{} is issued by \"{issuer}\", but \"{found}\" follows it", Place(*.position))]
    BrokenLink {
        /// Which one.
        position: usize,
        /// Whom it names as its issuer.
        issuer: String,
        /// The certificate that follows.
        found: String,
    },
    /// A certificate is not signed with the key of the one that follows.
    #[error("{} is not signed with the key of the one that follows it", Place(*.position))]
    WrongSignature {
        /// Which one.
        position: usize,
    },
    /// A certificate is signed in a way that is not accepted, such as with SHA-1.
    #[error("{} is signed with an algorithm that is unknown or too weak", Place(*.position))]
    UnsupportedSignature {
        /// Which one.
        position: usize,
    },
    /// A certificate signs another one without the right to.
    #[error("{} signs the one before it, but is no authority (CA, keyCertSign)", Place(*.position))]
    NotAuthority {
        /// Which one.
        position: usize,
    },
    /// There are more authorities below one than it allows.
    #[error("{} allows {allowed} authorities below it, there are {found}", Place(*.position))]
    PathTooLong {
        /// Which one.
        position: usize,
        /// How many it allows.
        allowed: u32,
        /// How many there are.
        found: usize,
    },
    /// An authority must not issue for this trust domain.
    #[error("the name constraints of {} do not permit the trust domain of the SPIFFE ID", Place(*.position))]
    NameConstraints {
        /// Which one.
        position: usize,
    },
    /// An extension stands there twice.
    #[error("{} has the extension {oid} twice", Place(*.position))]
    RepeatedExtension {
        /// Which one.
        position: usize,
        /// The extension.
        oid: String,
    },
    /// An extension is not what it says it is.
    #[error("{} has a damaged extension {oid}", Place(*.position))]
    MalformedExtension {
        /// Which one.
        position: usize,
        /// The extension.
        oid: String,
    },
    /// An extension is critical and unknown; RFC 5280, section 4.2.
    #[error("{} has the critical extension {oid}, which is unknown", Place(*.position))]
    UnknownCriticalExtension {
        /// Which one.
        position: usize,
        /// The extension.
        oid: String,
    },
    /// A certificate has expired.
    #[error("{} expired at {not_after}, it is {now}", Place(*.position))]
    Expired {
        /// Which one.
        position: usize,
        /// When it did.
        not_after: Timestamp,
        /// When that was looked at.
        now: Timestamp,
    },
    /// At no moment are all certificates valid.
    #[error("the certificate chain is never valid: it begins at {begins} and ends at {ends}")]
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
    pub(super) fn extension(position: usize, fault: &ExtensionFault) -> Self {
        match fault.clone() {
            ExtensionFault::Repeated(oid) => Self::RepeatedExtension { position, oid },
            ExtensionFault::Malformed(oid) => Self::MalformedExtension { position, oid },
            ExtensionFault::UnknownCritical(oid) => {
                Self::UnknownCriticalExtension { position, oid }
            }
        }
    }
}

/// A position as people read it.
struct Place(usize);

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => formatter.write_str("the certificate"),
            position => write!(
                formatter,
                "intermediate certificate {position} of the chain"
            ),
        }
    }
}
