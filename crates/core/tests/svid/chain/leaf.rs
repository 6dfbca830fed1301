//! The rules for the leaf.

use rcgen::{DnType, ExtendedKeyUsagePurpose as Purpose, IsCa, KeyUsagePurpose as Usage, SanType};
use svid_core::identity::SpiffeId;
use svid_core::svid::{ChainError, Expectation, PathPosition, PrivateKey, X509Svid};

use super::verify_leaf;
use crate::fixtures::{
    Authority, Case, Change, IDENTITY, extension, leaf, nothing, now, pem, place, uri,
};

/// What is expected of a fault in a certificate at a position.
type Expected = fn(PathPosition) -> ChainError;

#[test]
fn accepts_leaves_that_the_specification_allows() {
    let table: [(&str, Change); 9] = [
        ("as it should be", nothing),
        ("no basic constraints", |params| params.is_ca = IsCa::NoCa),
        ("no key usage", |params| params.key_usages.clear()),
        ("no extended key usage", |params| {
            params.extended_key_usages.clear();
        }),
        ("key agreement", |params| {
            params.key_usages.push(Usage::KeyAgreement);
        }),
        ("more extended key usages", |params| {
            params.extended_key_usages.push(Purpose::TimeStamping);
        }),
        ("a subject", |params| {
            params
                .distinguished_name
                .push(DnType::OrganizationName, "SPIRE");
        }),
        ("as step-ca issues it", |params| {
            // With a subject the SAN is not critical, and the provisioner has an extension.
            params.distinguished_name.push(DnType::CommonName, IDENTITY);
            let provisioner = [1, 3, 6, 1, 4, 1, 37_476, 9000, 64, 1];
            extension(params, &provisioner, false, b"\x30\x03\x02\x01\x01");
        }),
        ("an unknown extension that is not critical", |params| {
            extension(params, &[1, 2, 3, 4], false, b"\x05\x00");
        }),
    ];
    for (name, change) in table {
        assert_eq!(verify_leaf(change).err(), None, "{name}");
    }
}

#[test]
fn refuses_a_leaf_with_a_wrong_name() {
    for (name, text) in [
        ("somebody else", "spiffe://cluster.local/ns/apps/sa/db"),
        (
            "another trust domain",
            "spiffe://other.local/ns/apps/sa/web",
        ),
        (
            "upper case in the trust domain",
            "spiffe://Cluster.local/ns/apps/sa/web",
        ),
        (
            "upper case in the path",
            "spiffe://cluster.local/ns/apps/sa/Web",
        ),
        (
            "percent-encoding",
            "spiffe://cluster.local/ns/apps/sa/%77eb",
        ),
        (
            "a trailing zero byte",
            "spiffe://cluster.local/ns/apps/sa/web\0",
        ),
    ] {
        let wrong = ChainError::WrongSpiffeId {
            found: text.replace('\0', "\\0"),
            expected: IDENTITY.to_owned(),
        };
        let verified = verify_leaf(|params| params.subject_alt_names = vec![uri(text)]);
        assert_eq!(verified, Err(wrong), "{name}");
    }
    let dns = || SanType::DnsName("a".try_into().unwrap());
    let besides = |kind| ChainError::OtherName { kind };
    let address = SanType::IpAddress([127, 0, 0, 1].into());
    let email = SanType::Rfc822Name("a@b".try_into().unwrap());
    let other = rcgen::OtherNameValue::Utf8String("a".to_owned());
    let other = SanType::OtherName((vec![1, 2, 3], other));
    let right = || uri(IDENTITY);
    let several = ChainError::SeveralUris { count: 2 };
    for (name, names, expected) in [
        ("no names", vec![], ChainError::NoSpiffeId),
        ("a DNS name only", vec![dns()], ChainError::NoSpiffeId),
        (
            "a second URI",
            vec![right(), uri("https://example.org")],
            several.clone(),
        ),
        ("the same URI twice", vec![right(), right()], several),
        (
            "a DNS name besides",
            vec![right(), dns()],
            besides("DNS name"),
        ),
        (
            "an address besides",
            vec![right(), address],
            besides("IP address"),
        ),
        (
            "an e-mail address besides",
            vec![right(), email],
            besides("e-mail address"),
        ),
        (
            "another name besides",
            vec![right(), other],
            besides("name of an unusual kind"),
        ),
    ] {
        let verified = verify_leaf(|params| params.subject_alt_names.clone_from(&names));
        assert_eq!(verified, Err(expected), "{name}");
    }
}

#[test]
fn refuses_the_right_name_in_another_encoding() {
    let identity = IDENTITY.as_bytes();
    let length = u8::try_from(identity.len()).unwrap();
    let name = [&[0x86, length], identity].concat();
    let long_form = [&[0x86, 0x81, length], identity].concat();
    let encodings = [
        (
            "long form within",
            [&[0x30, length + 3], long_form.as_slice()].concat(),
        ),
        (
            "long form around",
            [&[0x30, 0x81, length + 2], name.as_slice()].concat(),
        ),
        (
            "something behind",
            [&[0x30, length + 2], name.as_slice(), &[0x05, 0x00]].concat(),
        ),
    ];
    for (fault, content) in encodings {
        let (case, root) = (Case::new(), Authority::root("root"));
        let mut params = leaf();
        params.subject_alt_names.clear();
        extension(&mut params, &[2, 5, 29, 17], true, &content);
        let leaf = root.sign(&params, case.key.public_key());
        let error = case.verify(&[&leaf]).expect_err(fault);
        let expected = matches!(
            error,
            ChainError::NameEncoding
                | ChainError::MalformedExtension { .. }
                | ChainError::NoSpiffeId
        );
        assert!(expected, "{fault}: {error:?}");
    }
}

#[test]
fn takes_the_longest_identity() {
    let text = format!(
        "spiffe://{}/ns/{}/sa/{}",
        "d".repeat(255),
        "n".repeat(63),
        "s".repeat(253)
    );
    let case = Case {
        identity: SpiffeId::parse(&text).unwrap(),
        key: PrivateKey::generate().unwrap(),
    };
    let mut params = leaf();
    params.subject_alt_names = vec![uri(&text)];
    let leaf = Authority::root("root").sign(&params, case.key.public_key());
    assert_eq!(case.verify(&[&leaf]).unwrap().spiffe_id().as_str(), text);
}

#[test]
fn refuses_an_identity_without_a_workload() {
    let case = Case {
        identity: SpiffeId::parse("spiffe://td").unwrap(),
        key: PrivateKey::generate().unwrap(),
    };
    let mut params = leaf();
    params.subject_alt_names = vec![uri("spiffe://td")];
    let leaf = Authority::root("root").sign(&params, case.key.public_key());
    assert_eq!(case.verify(&[&leaf]), Err(ChainError::NoPath));
}

#[test]
fn refuses_a_leaf_with_wrong_usages() {
    let forbidden = |usage| ChainError::ForbiddenKeyUsage { usage };
    let missing = |usage| ChainError::MissingExtendedKeyUsage { usage };
    let table: [(&str, Change, ChainError); 9] = [
        (
            "an authority",
            |params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained),
            ChainError::LeafIsAuthority,
        ),
        (
            "signs certificates",
            |params| params.key_usages.push(Usage::KeyCertSign),
            forbidden("keyCertSign"),
        ),
        (
            "signs revocation lists",
            |params| params.key_usages.push(Usage::CrlSign),
            forbidden("cRLSign"),
        ),
        (
            "does not sign at all",
            |params| params.key_usages = vec![Usage::KeyEncipherment],
            ChainError::NoDigitalSignature,
        ),
        (
            "a server only",
            |params| params.extended_key_usages = vec![Purpose::ServerAuth],
            missing("clientAuth"),
        ),
        (
            "a client only",
            |params| params.extended_key_usages = vec![Purpose::ClientAuth],
            missing("serverAuth"),
        ),
        (
            "any purpose",
            |params| params.extended_key_usages = vec![Purpose::Any],
            missing("serverAuth"),
        ),
        (
            "for another purpose",
            |params| params.extended_key_usages = vec![Purpose::CodeSigning],
            missing("serverAuth"),
        ),
        (
            "an authority without key usages",
            |params| {
                params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
                params.key_usages.clear();
            },
            ChainError::LeafIsAuthority,
        ),
    ];
    for (name, change, expected) in table {
        assert_eq!(verify_leaf(change), Err(expected), "{name}");
    }
}

#[test]
fn refuses_faulty_extensions_wherever_they_are() {
    let table: [(&str, Change, Expected); 5] = [
        (
            "unknown and critical",
            |params| extension(params, &[1, 2, 3, 4], true, b"\x05\x00"),
            |place| ChainError::UnknownCriticalExtension {
                place,
                oid: "1.2.3.4".to_owned(),
            },
        ),
        (
            "a critical one that is known and not understood",
            |params| extension(params, &[2, 5, 29, 18], true, b"\x30\x00"),
            |place| ChainError::UnknownCriticalExtension {
                place,
                oid: "2.5.29.18".to_owned(),
            },
        ),
        (
            "twice",
            |params| extension(params, &[2, 5, 29, 19], true, b"\x30\x00"),
            |place| ChainError::RepeatedExtension {
                place,
                oid: "2.5.29.19".to_owned(),
            },
        ),
        (
            "damaged",
            |params| {
                params.extended_key_usages.clear();
                extension(params, &[2, 5, 29, 37], false, b"\x30\x05\x06\x01");
            },
            |place| ChainError::MalformedExtension {
                place,
                oid: "2.5.29.37".to_owned(),
            },
        ),
        (
            "something behind it",
            |params| {
                params.extended_key_usages.clear();
                let both = b"\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02\x00";
                extension(params, &[2, 5, 29, 37], false, both);
            },
            |place| ChainError::MalformedExtension {
                place,
                oid: "2.5.29.37".to_owned(),
            },
        ),
    ];
    let (case, root) = (Case::new(), Authority::root("root"));
    for (name, change, expected) in table {
        let leaf = root.leaf(case.key.public_key(), change);
        assert_eq!(case.verify(&[&leaf]), Err(expected(place(0, ""))), "{name}");
        let intermediate = root.intermediate("intermediate", change);
        let leaf = intermediate.leaf(case.key.public_key(), nothing);
        assert_eq!(
            case.verify(&[&leaf, &intermediate.der]),
            Err(expected(place(1, "intermediate"))),
            "{name}"
        );
    }
}

#[test]
fn certificate_policies_may_be_critical() {
    let policy: Change = |params| {
        extension(
            params,
            &[2, 5, 29, 32],
            true,
            b"\x30\x05\x30\x03\x06\x01\x2a",
        );
    };
    assert_eq!(verify_leaf(policy).err(), None);
}

#[test]
fn refuses_a_certificate_for_another_key() {
    let (case, other, root) = (Case::new(), Case::new(), Authority::root("root"));
    let leaf = root.leaf(other.key.public_key(), nothing);
    assert_eq!(case.verify(&[&leaf]), Err(ChainError::WrongKey));
    // The key is named first: everything else may be as wrong as it likes.
    let leaf = root.leaf(other.key.public_key(), |params| {
        params.subject_alt_names.clear();
    });
    assert_eq!(case.verify(&[&leaf]), Err(ChainError::WrongKey));
}

#[test]
fn refuses_a_certificate_signed_with_its_own_key() {
    let pair = rcgen::KeyPair::generate().unwrap();
    let key = svid_core::svid::PublicKey::from_pkcs8_pem(pair.serialize_pem().as_bytes()).unwrap();
    let leaf = leaf().self_signed(&pair).unwrap();
    let identity = SpiffeId::parse(IDENTITY).unwrap();
    let expected = Expectation {
        spiffe_id: &identity,
        public_key: &key,
        candidates: b"",
        trust_bundle: None,
    };
    let chain = pem(&[leaf.der()]);
    assert_eq!(
        X509Svid::verify(chain.as_bytes(), &expected, now()),
        Err(ChainError::SelfSignedLeaf)
    );
}
