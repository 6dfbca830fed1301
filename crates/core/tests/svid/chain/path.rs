//! The rules for what stands above the leaf, and the way into the bundle.

use rcgen::{IsCa, KeyUsagePurpose as Usage, SignatureAlgorithm};
use svid_core::svid::{Anchoring, ChainError, Gap};

use crate::fixtures::{
    Authority, Case, Change, bundle, dns_constraints, nothing, now, patched, path_length, pem,
    place, uri_constraints,
};

/// Certificates in a row.
type Ders<'a> = &'a [&'a [u8]];

#[test]
fn a_certificate_without_its_issuer_cannot_be_judged_by_its_signature() {
    // Whoever does not anchor it refuses it.
    let (case, root) = (Case::new(), Authority::root("root"));
    let mut forged = root.leaf(case.key.public_key(), nothing);
    *forged.last_mut().unwrap() ^= 1;
    let svid = case
        .verify_at(&[&forged], Some(&bundle(&[&root.der])), now())
        .unwrap();
    assert!(matches!(
        svid.anchoring(),
        Anchoring::NotAnchored(Gap::OtherKey { .. })
    ));
}

#[test]
fn refuses_authorities_that_are_none() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let table: [(&str, Change); 4] = [
        ("no basic constraints", |params| params.is_ca = IsCa::NoCa),
        ("not a CA", |params| params.is_ca = IsCa::ExplicitNoCa),
        ("may not sign certificates", |params| {
            params.key_usages = vec![Usage::CrlSign];
        }),
        ("may sign other things", |params| {
            params.key_usages = vec![Usage::DigitalSignature];
        }),
    ];
    for (name, change) in table {
        let intermediate = root.intermediate("intermediate", change);
        let leaf = intermediate.leaf(case.key.public_key(), nothing);
        let result = case.verify(&[&leaf, &intermediate.der]);
        assert_eq!(
            result,
            Err(ChainError::NotAuthority {
                place: place(1, "intermediate")
            }),
            "{name}"
        );
    }
    // Key usages may be missing altogether, as RFC 5280 has it for authorities of old.
    let silent = root.intermediate("intermediate", |params| params.key_usages.clear());
    let leaf = silent.leaf(case.key.public_key(), nothing);
    assert_eq!(case.verify(&[&leaf, &silent.der]).err(), None);
}

#[test]
fn holds_authorities_to_their_path_length() {
    let case = Case::new();
    let root = Authority::root_with("root", &rcgen::PKCS_ECDSA_P256_SHA256, |params| {
        path_length(params, 1);
    });
    let upper = root.intermediate("upper", |params| path_length(params, 0));
    let lower = upper.intermediate("lower", nothing);
    let leaf_of_upper = upper.leaf(case.key.public_key(), nothing);
    let leaf_of_lower = lower.leaf(case.key.public_key(), nothing);
    let roots = bundle(&[&root.der]);
    let verify = |chain: Ders<'_>| case.verify_at(chain, Some(&roots), now());
    assert_eq!(verify(&[&leaf_of_upper, &upper.der, &root.der]).err(), None);
    assert_eq!(
        verify(&[&leaf_of_lower, &lower.der, &upper.der]),
        Err(ChainError::PathTooLong {
            place: place(2, "upper"),
            allowed: 0,
            found: 1,
        })
    );
    // Roots in the bundle are held to it as well: nobody would accept this.
    let loose = root.intermediate("loose", nothing);
    let looser = loose.intermediate("looser", nothing);
    let leaf = looser.leaf(case.key.public_key(), nothing);
    let svid = verify(&[&leaf, &looser.der, &loose.der]).unwrap();
    let Anchoring::NotAnchored(gap) = svid.anchoring() else {
        panic!("{svid:?}");
    };
    assert_eq!(
        gap.to_string(),
        "the path cannot be continued beyond the authority \"CN=loose\" (2 above the \
         certificate): the authority \"CN=root\" (3 above the certificate) allows 1 authorities \
         below it, but there are 2"
    );
}

#[test]
fn holds_authorities_to_their_name_constraints() {
    let table: [(&str, Change, bool); 12] = [
        (
            "this trust domain",
            |params| uri_constraints(params, &["cluster.local"], &[]),
            true,
        ),
        (
            "this trust domain in other letters",
            |params| uri_constraints(params, &["Cluster.LOCAL"], &[]),
            true,
        ),
        (
            "everything below its parent",
            |params| uri_constraints(params, &[".local"], &[]),
            true,
        ),
        (
            "one of several",
            |params| uri_constraints(params, &["a", "cluster.local"], &["b"]),
            true,
        ),
        ("other kinds of names", dns_constraints, true),
        (
            "another trust domain",
            |params| uri_constraints(params, &["other.local"], &[]),
            false,
        ),
        (
            "only what is below it",
            |params| uri_constraints(params, &[".cluster.local"], &[]),
            false,
        ),
        (
            "excluded",
            |params| uri_constraints(params, &[], &["cluster.local"]),
            false,
        ),
        (
            "excluded below its parent, as Go reads it",
            |params| uri_constraints(params, &[], &["local"]),
            false,
        ),
        (
            "a host of which it is the end is excluded",
            |params| uri_constraints(params, &[], &["uster.local", "x.cluster.local"]),
            true,
        ),
        (
            "permitted and excluded",
            |params| uri_constraints(params, &["cluster.local"], &[".local"]),
            false,
        ),
        (
            "everything is excluded",
            |params| uri_constraints(params, &[], &[""]),
            false,
        ),
    ];
    let (case, root) = (Case::new(), Authority::root("root"));
    for (name, change, permitted) in table {
        let intermediate = root.intermediate("intermediate", change);
        let leaf = intermediate.leaf(case.key.public_key(), nothing);
        let expected = (!permitted).then_some(ChainError::NameConstraints {
            place: place(1, "intermediate"),
        });
        assert_eq!(
            case.verify(&[&leaf, &intermediate.der]).err(),
            expected,
            "{name}"
        );
        // The same in the bundle.
        let anchor = bundle(&[&intermediate.der]);
        let svid = case.verify_at(&[&leaf], Some(&anchor), now()).unwrap();
        assert_eq!(
            *svid.anchoring() == Anchoring::Anchored,
            permitted,
            "{name}"
        );
    }
}

#[test]
fn believes_the_signatures_of_every_algorithm_in_use() {
    let algorithms: [(&str, &'static SignatureAlgorithm); 7] = [
        ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("P-384", &rcgen::PKCS_ECDSA_P384_SHA384),
        ("P-521", &rcgen::PKCS_ECDSA_P521_SHA512),
        ("Ed25519", &rcgen::PKCS_ED25519),
        ("RSA with SHA-256", &rcgen::PKCS_RSA_SHA256),
        ("RSA with SHA-384", &rcgen::PKCS_RSA_SHA384),
        ("RSA with SHA-512", &rcgen::PKCS_RSA_SHA512),
    ];
    for (name, algorithm) in algorithms {
        let (case, root) = (
            Case::new(),
            Authority::root_with("root", algorithm, nothing),
        );
        let leaf = root.leaf(case.key.public_key(), nothing);
        let svid = case
            .verify_at(&[&leaf, &root.der], Some(&bundle(&[&root.der])), now())
            .expect(name);
        assert_eq!(*svid.anchoring(), Anchoring::Anchored, "{name}");
        let mut forged = leaf.clone();
        *forged.last_mut().unwrap() ^= 1;
        let result = case.verify(&[&forged, &root.der]);
        assert_eq!(
            result,
            Err(ChainError::WrongSignature {
                place: place(0, ""),
                issuer: "CN=root".to_owned(),
            }),
            "{name}"
        );
    }
}

#[test]
fn does_not_believe_weak_or_unfitting_signatures() {
    let case = Case::new();
    let rsa = Authority::root_with("root", &rcgen::PKCS_RSA_SHA256, nothing);
    let unsupported = Err(ChainError::UnsupportedSignature {
        place: place(0, ""),
    });
    // sha256WithRSAEncryption becomes sha1WithRSAEncryption, md5WithRSAEncryption, and nothing
    // known.
    let prefix = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    let sha256 = [prefix.as_slice(), &[0x0b]].concat();
    for algorithm in [0x05, 0x04, 0x7f] {
        let leaf = rsa.leaf(case.key.public_key(), nothing);
        let weak = patched(&leaf, &sha256, &[prefix.as_slice(), &[algorithm]].concat());
        assert_eq!(case.verify(&[&weak, &rsa.der]), unsupported, "{algorithm}");
    }
    // An ECDSA signature below a certificate for an RSA key, and the other way round.
    let ecdsa = Authority::root("root");
    for (signer, shown) in [(&ecdsa, &rsa), (&rsa, &ecdsa)] {
        let leaf = signer.leaf(case.key.public_key(), nothing);
        assert_eq!(case.verify(&[&leaf, &shown.der]), unsupported);
    }
}

#[test]
fn an_authority_that_changed_its_key_vouches_for_itself() {
    // Its name signs its name, and yet it is no root: dropping it would break the chain. Nor does
    // it count for the path length, RFC 5280, section 4.2.1.9.
    let case = Case::new();
    let old = Authority::root_with("authority", &rcgen::PKCS_ECDSA_P256_SHA256, |params| {
        path_length(params, 1);
    });
    let new = old.intermediate("authority", |params| path_length(params, 1));
    let below = new.intermediate("below", |params| path_length(params, 0));
    let leaf = below.leaf(case.key.public_key(), nothing);
    let chain: Ders<'_> = &[&leaf, &below.der, &new.der, &old.der];
    let svid = case
        .verify_at(chain, Some(&bundle(&[&old.der])), now())
        .unwrap();
    assert_eq!(svid.chain_pem(), pem(&[&leaf, &below.der, &new.der]));
    assert_eq!(*svid.anchoring(), Anchoring::Anchored);
}
