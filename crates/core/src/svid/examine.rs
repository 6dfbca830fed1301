//! Reports what the files of a volume contain, valid or not, for people: `inspect`.
//!
//! Owns the report but no rules, which are those of verification: what this calls a problem, the
//! driver would refuse. Without a known request, the chain is checked against itself: any SPIFFE ID
//! will do, and the key is the one beside it.
//!
//! Invariant: it returns a report for any bytes.

use jiff::Timestamp;

use super::certificate::Certificate;
use super::chain::found::FoundPath;
use super::chain::pool::Pool;
use super::chain::{leaf, read};
use super::{ChainError, KeyError, PublicKey, TrustBundle};
use crate::identity::SpiffeId;
use crate::text::excerpt;

/// The bytes of the files of a volume.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The certificate file.
    pub chain_pem: &'a [u8],
    /// The key file, if there is one that can be read.
    pub key_pem: Option<&'a [u8]>,
    /// The CA file, if there is one.
    pub bundle_pem: Option<&'a [u8]>,
}

/// What the files hold. Names are escaped and truncated, and nothing of the key is in here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// The one URI of the leaf, whether or not it is a SPIFFE ID.
    pub spiffe_id: Option<String>,
    /// The issuer of the leaf; empty without a leaf.
    pub issuer: String,
    /// The serial number of the leaf in hexadecimal, `0a:1b`; empty without a leaf.
    pub serial: String,
    /// When the leaf becomes valid.
    pub not_before: Option<Timestamp>,
    /// When the leaf expires.
    pub not_after: Option<Timestamp>,
    /// When the first certificate of the path expires, the root included.
    pub usable_until: Option<Timestamp>,
    /// The kind of the leaf's key, such as `ECDSA P-256`; empty without a leaf.
    pub key_type: String,
    /// Whether the key file holds the leaf's key; nothing if either could not be read.
    pub key_matches: Option<bool>,
    /// Every certificate of the certificate file that could be read, in its order.
    pub chain: Vec<CertificateSummary>,
    /// The path that was found, the leaf first, without the root; empty if there is none.
    pub path: Vec<CertificateSummary>,
    /// The certificate of the CA file that the path leads to.
    pub root: Option<CertificateSummary>,
    /// Whether the chain leads to the CA file; nothing if either could not be read.
    pub anchored: Option<bool>,
    /// Every reason why this is not a valid SVID, one sentence each. Empty means that it is valid.
    pub problems: Vec<String>,
    /// What is allowed, and yet may be refused by a relying party, one sentence each.
    pub remarks: Vec<String>,
}

/// One certificate of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSummary {
    /// Its subject; empty for most SVIDs.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number in hexadecimal, `0a:1b`.
    pub serial: String,
    /// When it becomes valid.
    pub not_before: Timestamp,
    /// When it expires.
    pub not_after: Timestamp,
    /// The kind of its key, such as `ECDSA P-256`.
    pub key_type: String,
    /// Whether it may sign certificates.
    pub is_ca: bool,
}

/// Reads the files of a volume and reports everything about them, above all what is wrong.
pub fn examine(files: &Files<'_>, now: Timestamp) -> Examination {
    let mut examination = Examination::default();
    let (chain, unreadable) = read::read(files.chain_pem);
    // A path cannot be judged if a certificate is missing.
    let is_whole = unreadable.is_empty();
    examination
        .problems
        .extend(unreadable.iter().map(ToString::to_string));
    let key = files.key_pem.map(PublicKey::from_pkcs8_pem);
    let bundle = files.bundle_pem.map(TrustBundle::parse_pem);
    let roots = bundle.as_ref().and_then(|bundle| bundle.as_ref().ok());
    let leaf = leaf_of(&chain, key.as_ref().and_then(|key| key.as_ref().ok()), now);
    examination.chain = chain.iter().map(summary).collect();
    if let Some(leaf) = leaf {
        examination.describe(leaf);
        let faults = leaf::faults_at(leaf, now);
        examination
            .problems
            .extend(faults.iter().map(ToString::to_string));
        if leaf.not_before > now {
            let problem = format!(
                "the certificate is not valid before {}; it is now {now}",
                leaf.not_before
            );
            examination.problems.push(problem);
        }
        examination.remarks = remarks(leaf);
        let is_good = faults.is_empty();
        if is_whole {
            let pool = Pool::new(leaf, &chain, roots);
            let found = FoundPath::search(&pool, now);
            examination.look_at_path(found, roots.is_some(), is_good);
        }
    }
    examination.look_at_key(key, leaf);
    if let Some(Err(error)) = bundle {
        examination.problems.push(error.to_string());
    }
    examination
}

/// What the certificates of a trust bundle are, in its order.
pub fn authorities(bundle: &TrustBundle) -> Vec<CertificateSummary> {
    bundle.authorities().iter().map(summary).collect()
}

/// The leaf: the certificate of the key beside the chain, or else the first that is not of an
/// authority.
fn leaf_of<'a>(
    chain: &'a [Certificate],
    key: Option<&PublicKey>,
    now: Timestamp,
) -> Option<&'a Certificate> {
    let ours = chain
        .iter()
        .filter(|certificate| key == Some(&certificate.public_key));
    let leaves = chain
        .iter()
        .filter(|certificate| !certificate.is_authority());
    leaf::best(ours, now)
        .or_else(|| leaf::best(leaves, now))
        .or_else(|| chain.first())
}

impl Examination {
    fn describe(&mut self, leaf: &Certificate) {
        self.issuer = leaf.issuer_text();
        self.serial = leaf.serial_text();
        self.not_before = Some(leaf.not_before);
        self.not_after = Some(leaf.not_after);
        self.usable_until = Some(leaf.not_after);
        self.key_type = leaf.public_key.kind();
        let names = leaf.extensions.subject_names.as_ref();
        self.spiffe_id = match names.map(|names| names.uris.as_slice()) {
            Some([uri]) if SpiffeId::parse(uri).is_ok() => Some(uri.clone()),
            Some([uri]) => Some(excerpt(uri)),
            _ => None,
        };
    }

    fn look_at_path(
        &mut self,
        found: Result<FoundPath<'_>, Vec<ChainError>>,
        has_bundle: bool,
        is_good: bool,
    ) {
        let found = match found {
            Ok(found) => found,
            Err(faults) => {
                self.anchored = has_bundle.then_some(false);
                let faults = faults.iter().map(ToString::to_string);
                self.problems.extend(faults);
                return;
            }
        };
        self.usable_until = Some(found.window().end);
        self.path = found.path.iter().map(|member| summary(member)).collect();
        self.root = found.anchor.map(summary);
        self.anchored = has_bundle.then_some(found.anchor.is_some());
        if let Some(gap) = found.gap.as_ref().filter(|_| has_bundle) {
            self.problems.push(format!(
                "the certificate chain does not lead to the trust bundle: {gap}"
            ));
        }
        if let Some(ends_first) = found.ends_first().filter(|_| is_good) {
            self.remarks.push(ends_first.to_string());
        }
        for member in &found.further {
            self.remarks.push(format!(
                "\"{}\", issued by \"{}\", is not on the path: it is for relying parties with \
                 other roots",
                member.subject_text(),
                member.issuer_text()
            ));
        }
        for member in &found.left_out {
            self.remarks.push(format!(
                "\"{}\", issued by \"{}\" and valid until {}, cannot be used: the driver would \
                 leave it out",
                member.subject_text(),
                member.issuer_text(),
                member.not_after
            ));
        }
    }

    fn look_at_key(
        &mut self,
        key: Option<Result<PublicKey, KeyError>>,
        leaf: Option<&Certificate>,
    ) {
        match (key, leaf) {
            (None, _) => self
                .problems
                .push("the private key is missing, or could not be read".to_owned()),
            (Some(Ok(key)), Some(leaf)) => {
                let matches = key == leaf.public_key;
                self.key_matches = Some(matches);
                if !matches {
                    self.problems
                        .push("the private key does not belong to the certificate".to_owned());
                }
            }
            (Some(Ok(_)), None) => {}
            (Some(Err(error)), _) => self.problems.push(error.to_string()),
        }
    }
}

fn summary(certificate: &Certificate) -> CertificateSummary {
    CertificateSummary {
        subject: certificate.subject_text(),
        issuer: certificate.issuer_text(),
        serial: certificate.serial_text(),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        key_type: certificate.public_key.kind(),
        is_ca: certificate.is_authority(),
    }
}

/// What the specifications recommend or some library requires, though verification does not.
fn remarks(leaf: &Certificate) -> Vec<String> {
    let extensions = &leaf.extensions;
    let has_subject = !leaf.subject_text().is_empty();
    let is_critical = extensions
        .subject_names
        .as_ref()
        .is_none_or(|names| names.critical);
    let remarks = [
        (
            extensions.basic_constraints.is_none(),
            "the certificate has no basic constraints: SPIFFE libraries for Rust reject it",
        ),
        (
            extensions.key_usage.is_none(),
            "the certificate has no key usage, which SPIFFE X509-SVID section 4.3 requires: some \
             libraries reject it",
        ),
        (
            extensions.extended_key_usage.is_none(),
            "the certificate has no extended key usage: SPIFFE X509-SVID section 4.4 recommends serverAuth and clientAuth",
        ),
        (
            !is_critical && !has_subject,
            "the subject is empty and the subject alternative name is not critical, as RFC 5280 \
             section 4.2.1.6 requires",
        ),
        (
            has_subject,
            "the certificate has a subject that was not requested: nobody may rely on it",
        ),
    ];
    remarks
        .into_iter()
        .filter(|(applies, _)| *applies)
        .map(|(_, remark)| remark.to_owned())
        .collect()
}
