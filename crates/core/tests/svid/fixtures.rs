//! Authorities and certificates, right ones and such as have one named fault.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose as Purpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose as Usage, NameConstraints, PKCS_ECDSA_P256_SHA256, SanType, SignatureAlgorithm,
    SubjectPublicKeyInfo,
};
use svid_core::der::tlv;
use svid_core::identity::SpiffeId;
use svid_core::svid::{
    ChainError, Expectation, PathPosition, PrivateKey, PublicKey, TrustBundle, X509Svid,
};
use svid_corpus::craft::armor;

pub(crate) const IDENTITY: &str = "spiffe://cluster.local/ns/apps/sa/web";

/// A moment in which everything is valid that does not say otherwise.
pub(crate) fn now() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// A change made to a certificate before it is signed.
pub(crate) type Change = fn(&mut CertificateParams);

pub(crate) fn nothing(_: &mut CertificateParams) {}

/// An authority and its certificate.
pub(crate) struct Authority {
    pub(crate) der: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn root(name: &str) -> Self {
        Self::root_with(name, &PKCS_ECDSA_P256_SHA256, nothing)
    }

    pub(crate) fn root_with(
        name: &str,
        algorithm: &'static SignatureAlgorithm,
        change: Change,
    ) -> Self {
        Self::of_key(name, KeyPair::generate_for(algorithm).unwrap(), change)
    }

    pub(crate) fn of_key(name: &str, key: KeyPair, change: Change) -> Self {
        let mut params = authority(name);
        change(&mut params);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, params, key }
    }

    /// Another certificate for the same name and key.
    pub(crate) fn reissued(&self, change: impl Fn(&mut CertificateParams)) -> Self {
        let mut params = self.params.clone();
        change(&mut params);
        let key = KeyPair::try_from(self.key.serialize_der()).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, params, key }
    }

    /// The same name and key, certified by another authority.
    pub(crate) fn certified_by(&self, other: &Self) -> Self {
        let key = KeyPair::try_from(self.key.serialize_der()).unwrap();
        let der = self
            .params
            .signed_by(&key, &other.issuer())
            .unwrap()
            .der()
            .to_vec();
        Self {
            der,
            params: self.params.clone(),
            key,
        }
    }

    pub(crate) fn intermediate(&self, name: &str, change: impl Fn(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = authority(name);
        change(&mut params);
        let der = params
            .signed_by(&key, &self.issuer())
            .unwrap()
            .der()
            .to_vec();
        Self { der, params, key }
    }

    pub(crate) fn leaf(&self, key: &PublicKey, change: impl Fn(&mut CertificateParams)) -> Vec<u8> {
        let mut params = leaf();
        change(&mut params);
        self.sign(&params, key)
    }

    pub(crate) fn sign(&self, params: &CertificateParams, key: &PublicKey) -> Vec<u8> {
        let key = SubjectPublicKeyInfo::from_der(key.as_der()).unwrap();
        params
            .signed_by(&key, &self.issuer())
            .unwrap()
            .der()
            .to_vec()
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// A request that was answered: everything verification needs.
pub(crate) struct Case {
    pub(crate) identity: SpiffeId,
    pub(crate) key: PrivateKey,
}

impl Case {
    pub(crate) fn new() -> Self {
        Self {
            identity: SpiffeId::parse(IDENTITY).unwrap(),
            key: PrivateKey::generate().unwrap(),
        }
    }

    pub(crate) fn verify(&self, chain: &[&[u8]]) -> Result<X509Svid, ChainError> {
        self.verify_at(chain, None, now())
    }

    pub(crate) fn verify_at(
        &self,
        chain: &[&[u8]],
        trust_bundle: Option<&TrustBundle>,
        now: Timestamp,
    ) -> Result<X509Svid, ChainError> {
        self.verify_pem(pem(chain).as_bytes(), trust_bundle, now)
    }

    pub(crate) fn verify_pem(
        &self,
        chain: &[u8],
        trust_bundle: Option<&TrustBundle>,
        now: Timestamp,
    ) -> Result<X509Svid, ChainError> {
        self.verify_beside(chain, b"", trust_bundle, now)
    }

    /// With what the issuer wrote into `status.ca`.
    pub(crate) fn verify_beside(
        &self,
        chain: &[u8],
        candidates: &[u8],
        trust_bundle: Option<&TrustBundle>,
        now: Timestamp,
    ) -> Result<X509Svid, ChainError> {
        let expected = Expectation {
            spiffe_id: &self.identity,
            public_key: self.key.public_key(),
            candidates,
            trust_bundle,
        };
        X509Svid::verify(chain, &expected, now)
    }
}

/// A certificate on a path.
pub(crate) fn place(position: usize, name: &str) -> PathPosition {
    let subject = if name.is_empty() {
        String::new()
    } else {
        format!("CN={name}")
    };
    PathPosition { position, subject }
}

pub(crate) fn pem(certificates: &[&[u8]]) -> String {
    certificates
        .iter()
        .map(|der| armor("CERTIFICATE", der))
        .collect()
}

/// What is in all blocks, as another reader finds it.
pub(crate) fn concatenated(pem: &str) -> Vec<u8> {
    x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes())
        .flat_map(|block| block.unwrap().contents)
        .collect()
}

pub(crate) fn bundle(authorities: &[&[u8]]) -> TrustBundle {
    TrustBundle::parse_pem(pem(authorities).as_bytes()).unwrap()
}

/// The leaf as it should be: an hour, from ten minutes ago.
pub(crate) fn leaf() -> CertificateParams {
    let mut params = params(DistinguishedName::new(), -minutes(10), minutes(50));
    params.subject_alt_names = vec![uri(IDENTITY)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![Usage::DigitalSignature, Usage::KeyEncipherment];
    params.extended_key_usages = vec![Purpose::ServerAuth, Purpose::ClientAuth];
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    let mut params = params(subject, -minutes(60 * 24), minutes(60 * 24 * 365));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![Usage::KeyCertSign, Usage::CrlSign];
    params
}

fn params(
    subject: DistinguishedName,
    begins: SignedDuration,
    ends: SignedDuration,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    valid(&mut params, begins, ends);
    params.use_authority_key_identifier_extension = true;
    params
}

/// Validity counted from [`now`].
pub(crate) fn valid(params: &mut CertificateParams, begins: SignedDuration, ends: SignedDuration) {
    params.not_before = SystemTime::from(now() + begins).into();
    params.not_after = SystemTime::from(now() + ends).into();
}

pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

pub(crate) fn path_length(params: &mut CertificateParams, length: u8) {
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
}

/// An extension that rcgen would not write by itself.
pub(crate) fn extension(
    params: &mut CertificateParams,
    oid: &[u64],
    critical: bool,
    content: &[u8],
) {
    let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
    extension.set_criticality(critical);
    params.custom_extensions.push(extension);
}

/// A certificate signed with RSA and SHA-256 that says SHA-1, as nobody here checks it any further.
pub(crate) fn with_sha1(certificate: &[u8]) -> Vec<u8> {
    let prefix = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    let of = |last| [prefix.as_slice(), &[last]].concat();
    patched(certificate, &of(0x0b), &of(0x05))
}

/// Name constraints with URIs: rcgen knows the other kinds only.
pub(crate) fn uri_constraints(
    params: &mut CertificateParams,
    permitted: &[&str],
    excluded: &[&str],
) {
    let subtrees = |tag: u8, hosts: &[&str]| -> Vec<u8> {
        let list: Vec<u8> = hosts
            .iter()
            .flat_map(|host| tlv(0x30, &tlv(0x86, host.as_bytes())))
            .collect();
        if list.is_empty() {
            list
        } else {
            tlv(tag, &list)
        }
    };
    let content = [subtrees(0xa0, permitted), subtrees(0xa1, excluded)].concat();
    extension(params, &[2, 5, 29, 30], true, &tlv(0x30, &content));
}

pub(crate) fn dns_constraints(params: &mut CertificateParams) {
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example.org".to_owned())],
        excluded_subtrees: vec![],
    });
}

/// Replaces bytes in a certificate, wherever they stand; its signature is wrong after that.
pub(crate) fn patched(der: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut patched = der.to_vec();
    let places: Vec<usize> = der
        .windows(old.len())
        .enumerate()
        .filter(|(_, window)| *window == old)
        .map(|(place, _)| place)
        .collect();
    assert!(!places.is_empty(), "nothing to patch");
    for place in places {
        patched[place..place + new.len()].copy_from_slice(new);
    }
    patched
}
