use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, SanType,
};

use super::*;

const CLIENT: &str = "spiffe://example.org/ns/sandbox/sa/client";
const SERVER: &str = "spiffe://example.org/ns/sandbox/sa/server";

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, root }
    }

    /// A certificate with these URIs, and the roots of another authority to trust.
    fn files(&self, uris: &[&str], believes: &Self) -> FileSet {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let uris = uris
            .iter()
            .map(|&uri| SanType::URI(uri.try_into().unwrap()));
        params.subject_alt_names = uris.collect();
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        FileSet {
            chain: chain.into_bytes(),
            key: key.serialize_pem().into_bytes().into(),
            roots: believes.root.clone().into_bytes(),
        }
    }
}

fn id(text: &str) -> SpiffeId {
    SpiffeId::parse(text).unwrap()
}

async fn meeting(server: &FileSet, client: &FileSet) -> Meeting {
    let server = Party::new(server, &id(CLIENT)).unwrap();
    let client = Party::new(client, &id(SERVER)).unwrap();
    meet(server, client).await.unwrap()
}

fn assert_failed(end: &End, reason: &str) {
    assert!(
        matches!(end, End::Failed(text) if text.contains(reason)),
        "{end:?}, not {reason}"
    );
}

#[tokio::test]
async fn both_sides_see_the_other_s_spiffe_id() {
    let ca = Authority::new("ours");

    let met = meeting(&ca.files(&[SERVER], &ca), &ca.files(&[CLIENT], &ca)).await;

    assert_eq!(met.server, End::Met(id(CLIENT)));
    assert_eq!(met.client, End::Met(id(SERVER)));
    assert!(met.protocol.starts_with("TLSv1_3"), "{}", met.protocol);
}

#[tokio::test]
async fn another_identity_of_the_same_trust_domain_is_refused_on_either_side() {
    let ca = Authority::new("ours");
    let other = "spiffe://example.org/ns/sandbox/sa/clients";
    let uris: &[&[&str]] = &[&[other], &[SERVER, CLIENT], &["https://example.org"], &[]];
    for uris in uris {
        let met = meeting(&ca.files(&[SERVER], &ca), &ca.files(uris, &ca)).await;
        assert_failed(&met.server, "NotValidForName");
        assert_failed(&met.client, "received fatal alert");

        let met = meeting(&ca.files(uris, &ca), &ca.files(&[CLIENT], &ca)).await;
        assert_failed(&met.client, "NotValidForName");
        assert_failed(&met.server, "received fatal alert");
    }
}

#[tokio::test]
async fn the_right_identity_by_another_authority_is_refused_on_either_side() {
    let (ca, foreign) = (Authority::new("ours"), Authority::new("theirs"));

    let met = meeting(&ca.files(&[SERVER], &ca), &foreign.files(&[CLIENT], &ca)).await;
    assert_failed(&met.server, "UnknownIssuer");
    assert_failed(&met.client, "received fatal alert: UnknownCA");

    let met = meeting(&foreign.files(&[SERVER], &ca), &ca.files(&[CLIENT], &ca)).await;
    assert_failed(&met.client, "UnknownIssuer");
    assert_failed(&met.server, "received fatal alert: UnknownCA");
}
