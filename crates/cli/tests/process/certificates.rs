//! Volumes for `inspect`: good ones, and ones that are named by their fault.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use tempfile::TempDir;

pub(crate) const SPIFFE_ID: &str = "spiffe://example.org/ns/sandbox/sa/workload";

/// An authority that signs leaves.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate and its key, valid from and to so many minutes from now.
    pub(crate) fn leaf(&self, uri: &str, from: i64, to: i64) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.not_before = minutes_from_now(from).into();
        params.not_after = minutes_from_now(to).into();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn minutes_from_now(minutes: i64) -> SystemTime {
    let distance = Duration::from_secs(minutes.unsigned_abs() * 60);
    if minutes < 0 {
        SystemTime::now() - distance
    } else {
        SystemTime::now() + distance
    }
}

/// A folder of files with modes.
pub(crate) struct Volume(TempDir);

impl Volume {
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn good() -> Self {
        let authority = Authority::new("roots");
        let (certificate, key) = authority.leaf(SPIFFE_ID, -1, 60);
        Self::empty()
            .with("tls.crt", &certificate, 0o440)
            .with("tls.key", &key, 0o440)
            .with("ca.crt", authority.pem(), 0o440)
    }

    pub(crate) fn with(self, name: &str, content: &str, mode: u32) -> Self {
        let path = self.path().join(name);
        if path.exists() {
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    pub(crate) fn without(self, name: &str) -> Self {
        fs::remove_file(self.path().join(name)).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}
