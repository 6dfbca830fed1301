//! What is accepted here, the SPIFFE library for Rust accepts too: it reads what is published.

use svid_core::svid::{Anchoring, TrustBundle};

use crate::fixtures::{Authority, Case, IDENTITY, bundle, concatenated, nothing, now, path_length};

#[test]
fn accepts_the_chain_the_key_and_the_bundle_that_are_published() {
    let algorithms = [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
    ];
    for algorithm in algorithms {
        let root = Authority::root_with("root", algorithm, nothing);
        let upper = root.intermediate("upper", |params| path_length(params, 1));
        let lower = upper.intermediate("lower", |params| path_length(params, 0));
        let roots = bundle(&[&root.der]);
        for depth in 0..3 {
            let case = Case::new();
            let (signer, above): (&Authority, Vec<&[u8]>) = match depth {
                0 => (&root, vec![&root.der]),
                1 => (&upper, vec![&upper.der, &root.der]),
                _ => (&lower, vec![&lower.der, &upper.der]),
            };
            let leaf = signer.leaf(case.key.public_key(), nothing);
            let chain = [vec![leaf.as_slice()], above].concat();
            let svid = case.verify_at(&chain, Some(&roots), now()).unwrap();
            assert_eq!(*svid.anchoring(), Anchoring::Anchored);

            let key = concatenated(&case.key.to_pkcs8_pem());
            let read =
                spiffe::X509Svid::parse_from_der(&concatenated(svid.chain_pem()), &key).unwrap();
            assert_eq!(read.spiffe_id().to_string(), IDENTITY);
            assert_eq!(read.cert_chain().len(), depth + 1);
        }
        reads_the_bundle(&roots);
    }
}

fn reads_the_bundle(bundle: &TrustBundle) {
    let domain = spiffe::TrustDomain::new("cluster.local").unwrap();
    let read = spiffe::X509Bundle::parse_from_der(domain, &concatenated(bundle.to_pem())).unwrap();
    assert_eq!(read.authorities().len(), bundle.len());
}

#[test]
fn reads_every_identity_that_is_legal_here_the_same_way() {
    let longest = format!(
        "spiffe://{}/{}",
        "d".repeat(255),
        "p".repeat(2048 - 9 - 255 - 1)
    );
    for text in [
        "spiffe://a/b",
        "spiffe://cluster.local/ns/x/sa/y.z",
        "spiffe://1_-.x/A/.../_",
        &longest,
    ] {
        let ours = svid_core::identity::SpiffeId::parse(text).unwrap();
        let theirs = spiffe::SpiffeId::new(text).unwrap();
        assert_eq!(theirs.to_string(), ours.as_str());
        assert_eq!(theirs.trust_domain_name(), ours.trust_domain());
        assert_eq!(theirs.path(), ours.path());
    }
}
