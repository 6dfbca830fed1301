//! Says what is in a volume, good or bad.

use jiff::Timestamp;

/// The bytes of the files of a volume.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The certificate file.
    pub chain_pem: &'a [u8],
    /// The key file, if it could be read.
    pub key_pem: Option<&'a [u8]>,
    /// The CA file, if there is one.
    pub bundle_pem: Option<&'a [u8]>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// The SPIFFE ID of the leaf.
    pub spiffe_id: Option<String>,
    /// The issuer of the leaf.
    pub issuer: String,
    /// The serial number of the leaf, in hexadecimal.
    pub serial: String,
    /// When the leaf becomes valid.
    pub not_before: Option<Timestamp>,
    /// When the leaf expires.
    pub not_after: Option<Timestamp>,
    /// The kind of the leaf's key.
    pub key_type: String,
    /// Whether the key file holds the leaf's key.
    pub key_matches: Option<bool>,
    /// Every certificate, the leaf first.
    pub chain: Vec<CertificateSummary>,
    /// Whether the chain leads to the CA file.
    pub anchored: Option<bool>,
    /// Everything that is wrong, one sentence each.
    pub problems: Vec<String>,
}

/// One certificate of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSummary {
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// When it becomes valid.
    pub not_before: Timestamp,
    /// When it expires.
    pub not_after: Timestamp,
    /// The kind of its key.
    pub key_type: String,
    /// Whether it is an authority.
    pub is_ca: bool,
}

/// Looks at the files of a volume.
pub fn examine(_files: &Files<'_>, _now: Timestamp) -> Examination {
    Examination::default()
}
