//! The pure steps of a certificate, as work that can be repeated and measured.
//!
//! Owns what is measured, once for both measures: `benches/pure.rs` says how long each takes, which
//! depends on the machine, and `tests/allocations.rs` how much memory it asks for, which does not
//! and so has limits.

#![expect(
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a crate for measurements: what cannot be prepared must be loud"
)]

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SubjectPublicKeyInfo,
};
use serde_json::{Value, json};
use svid_api::certmanager::StoredRequest;
use svid_approver::testing::{Seen, see};
use svid_core::identity::SpiffeId;
use svid_core::policy::{Decision, Policy, Request, evaluate};
use svid_core::svid::{CertificateSigningRequest, Expectation, PrivateKey, TrustBundle, X509Svid};
use svid_corpus::World;
use svid_corpus::export::exports;

/// A request that the approver approves, as the API server sends it and as it was read.
pub struct Decisions {
    policy: Policy,
    json: Vec<u8>,
    request: Request,
}

impl Default for Decisions {
    fn default() -> Self {
        let world = World::default();
        let case = svid_corpus::right::right(&world)
            .into_iter()
            .next()
            .unwrap();
        Self {
            policy: world.policy(),
            json: serde_json::to_vec(&stored(&world)).unwrap(),
            request: case.request,
        }
    }
}

/// An object with values as long as real ones.
fn stored(world: &World) -> Value {
    let export = exports(world).into_iter().next().unwrap();
    let mut object = export.stored();
    object["metadata"]["uid"] = json!("0f6f1e2c-6a0c-4e57-9b3d-4f7c7b1f3a10");
    object["metadata"]["resourceVersion"] = json!("123456");
    object["metadata"]["creationTimestamp"] = json!("2026-05-01T12:00:00Z");
    object
}

impl Decisions {
    /// Reads the object of a watch event.
    pub fn read(&self) -> Seen {
        let object: StoredRequest = serde_json::from_slice(&self.json).unwrap();
        let seen = see(object);
        assert!(matches!(seen, Seen::Identity(_)), "{seen:?}");
        seen
    }

    /// Judges what was read.
    pub fn judge(&self) -> Decision {
        let decision = evaluate(&self.policy, &self.request);
        assert!(matches!(decision, Decision::Approve(_)), "{decision:?}");
        decision
    }
}

/// What an issuer has answered: a leaf below an intermediate authority below the root of a bundle.
pub struct Answer {
    identity: SpiffeId,
    key: PrivateKey,
    chain: String,
    bundle: TrustBundle,
    now: Timestamp,
}

impl Default for Answer {
    fn default() -> Self {
        let now = Timestamp::now();
        let identity = SpiffeId::parse("spiffe://cluster.local/ns/apps/sa/web").unwrap();
        let key = PrivateKey::generate().unwrap();
        let root_key = KeyPair::generate().unwrap();
        let root = authority("root");
        let root_pem = root.self_signed(&root_key).unwrap().pem();
        let root = Issuer::from_params(&root, &root_key);
        let intermediate_key = KeyPair::generate().unwrap();
        let intermediate = authority("intermediate");
        let intermediate_pem = intermediate
            .signed_by(&intermediate_key, &root)
            .unwrap()
            .pem();
        let intermediate = Issuer::from_params(&intermediate, &intermediate_key);
        let mut leaf = CertificateParams::default();
        leaf.distinguished_name = rcgen::DistinguishedName::new();
        leaf.subject_alt_names = vec![SanType::URI(identity.as_str().try_into().unwrap())];
        leaf.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        leaf.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let public_key = SubjectPublicKeyInfo::from_der(key.public_key().as_der()).unwrap();
        let leaf_pem = leaf.signed_by(&public_key, &intermediate).unwrap().pem();
        Self {
            identity,
            key,
            chain: format!("{leaf_pem}{intermediate_pem}"),
            bundle: TrustBundle::parse_pem(root_pem.as_bytes()).unwrap(),
            now,
        }
    }
}

impl Answer {
    /// Makes the key and the signing request of one attempt.
    pub fn make_request(&self) -> CertificateSigningRequest {
        let key = PrivateKey::generate().unwrap();
        CertificateSigningRequest::build(&key, &self.identity).unwrap()
    }

    /// Checks the chain that was answered.
    pub fn check_chain(&self) -> X509Svid {
        let expected = Expectation {
            spiffe_id: &self.identity,
            public_key: self.key.public_key(),
            candidates: b"",
            trust_bundle: Some(&self.bundle),
        };
        X509Svid::verify(self.chain.as_bytes(), &expected, self.now).unwrap()
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
