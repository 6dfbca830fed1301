//! Keys and requests.

use rcgen::{KeyPair, PublicKeyData as _, RsaKeySize};
use svid_core::der::tlv;
use svid_core::svid::{CertificateSigningRequest, CsrError, KeyError, PrivateKey, PublicKey};
use svid_corpus::craft::armor;
use x509_parser::asn1_rs::{Any, DerParser, SequenceIterator};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, ParsedCriAttribute};

use crate::fixtures::{Case, IDENTITY, concatenated};

#[test]
fn a_new_key_is_p256_in_pkcs8_and_reads_back_as_itself() {
    let key = PrivateKey::generate().unwrap();
    let pem = key.to_pkcs8_pem();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(pem.ends_with("-----END PRIVATE KEY-----\n"));
    assert_eq!(
        &PublicKey::from_pkcs8_pem(pem.as_bytes()).unwrap(),
        key.public_key()
    );
    assert_eq!(key.public_key().kind(), "ECDSA P-256");
    // rcgen reads it as well, and sees the same key.
    let other = KeyPair::from_pem(&pem).unwrap();
    assert_eq!(other.subject_public_key_info(), key.public_key().as_der());
    assert_ne!(
        PrivateKey::generate().unwrap().public_key(),
        key.public_key()
    );
}

#[test]
fn a_new_key_has_the_version_of_pkcs_8_that_java_11_reads() {
    let pem = PrivateKey::generate().unwrap().to_pkcs8_pem();
    let written = concatenated(&pem);
    let (rest, whole) = Any::from_der(&written).unwrap();
    assert_eq!(rest, b"");
    // Version 0; version 1 may have the public half behind the key (RFC 5958, section 2).
    assert_eq!(whole.data.get(..3), Some([0x02, 0x01, 0x00].as_slice()));
    let parts = SequenceIterator::<Any<'_>, DerParser>::new(whole.data);
    assert_eq!(parts.count(), 3, "version, algorithm, key");
}

#[test]
fn a_private_key_never_prints() {
    let key = PrivateKey::generate().unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey { .. }");
    assert_eq!(format!("{key:#?}"), "PrivateKey { .. }");
}

#[test]
fn takes_the_keys_that_other_drivers_leave() {
    let pairs = [
        (
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(),
            "ECDSA P-256",
        ),
        (
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
            "ECDSA P-384",
        ),
        (
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap(),
            "ECDSA P-521",
        ),
        (
            KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
            "Ed25519",
        ),
        (
            KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(),
            "RSA 2048",
        ),
    ];
    for (pair, kind) in pairs {
        let key = PublicKey::from_pkcs8_pem(pair.serialize_pem().as_bytes()).unwrap();
        assert_eq!(key.as_der(), pair.subject_public_key_info(), "{kind}");
        assert_eq!(key.kind(), kind);
    }
}

#[test]
fn takes_ed25519_without_its_public_half_as_go_writes_it() {
    let prefix = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let der = [prefix.as_slice(), &[7; 32]].concat();
    let key = PublicKey::from_pkcs8_pem(armor("PRIVATE KEY", &der).as_bytes()).unwrap();
    assert_eq!(key.kind(), "Ed25519");
}

#[test]
fn refuses_what_is_no_private_key_without_repeating_it() {
    let good = PrivateKey::generate().unwrap().to_pkcs8_pem();
    let relabelled = good.replace("PRIVATE KEY", "EC PRIVATE KEY");
    let cut = good
        .lines()
        .filter(|line| !line.starts_with("MIG"))
        .collect::<Vec<_>>()
        .join("\n");
    let table = [
        ("empty", String::new()),
        ("no PEM", "hello".to_owned()),
        ("another label", relabelled),
        ("two of them", format!("{}{}", *good, *good)),
        ("cut short", cut),
        ("not DER", armor("PRIVATE KEY", b"\x30\x03abc")),
        (
            "unfinished",
            good.trim_end_matches("-----END PRIVATE KEY-----\n")
                .to_owned(),
        ),
        ("far too long", "x".repeat(70_000)),
    ];
    for (name, text) in table {
        let error = PublicKey::from_pkcs8_pem(text.as_bytes()).expect_err(name);
        let printed = format!("{error} {error:?}");
        assert!(
            good.lines()
                .skip(1)
                .all(|line| line.starts_with("-----") || !printed.contains(line)),
            "{name}"
        );
    }
    let weak = PublicKey::from_pkcs8_pem(armor("PRIVATE KEY", &[0x30, 0]).as_bytes());
    assert!(matches!(weak, Err(KeyError::Unsupported)));
}

#[test]
fn a_request_has_an_empty_subject_one_critical_name_and_the_usages_of_an_svid() {
    let Case { identity, key } = Case::new();
    let request = CertificateSigningRequest::build(&key, &identity).unwrap();
    let (rest, parsed) = X509CertificationRequest::from_der(request.as_der()).unwrap();
    assert!(rest.is_empty());
    parsed.verify_signature().unwrap();
    let info = &parsed.certification_request_info;
    assert_eq!(info.subject.as_raw(), [0x30, 0]);
    assert_eq!(info.subject_pki.raw, key.public_key().as_der());
    let [attribute] = info.attributes() else {
        panic!("{} attributes", info.attributes().len())
    };
    let ParsedCriAttribute::ExtensionRequest(requested) = attribute.parsed_attribute() else {
        panic!("another attribute")
    };
    assert_eq!(requested.extensions.len(), 3);
    let of = |oid: &str| {
        let mut extensions = requested.extensions.iter();
        let found = extensions.find(|extension| extension.oid.to_id_string() == oid);
        found.expect(oid)
    };
    let (name, usage, purposes) = (of("2.5.29.17"), of("2.5.29.15"), of("2.5.29.37"));
    assert!(name.critical);
    let ParsedExtension::SubjectAlternativeName(names) = name.parsed_extension() else {
        panic!("another extension")
    };
    assert_eq!(names.general_names, [GeneralName::URI(IDENTITY)]);
    // digitalSignature and keyEncipherment; serverAuth and clientAuth. The bytes, since approvers
    // compare them.
    assert!(usage.critical);
    assert_eq!(usage.value, [0x03, 0x02, 0x05, 0xa0]);
    let purpose = |last| tlv(0x06, &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, last]);
    assert_eq!(
        purposes.value,
        tlv(0x30, &[purpose(1), purpose(2)].concat())
    );
}

#[test]
fn a_request_tells_its_key() {
    let Case { identity, key } = Case::new();
    let request = CertificateSigningRequest::build(&key, &identity).unwrap();
    assert_eq!(
        CertificateSigningRequest::parse_pem(request.to_pem().as_bytes()).unwrap(),
        request
    );
    assert_eq!(request.public_key(), key.public_key());
    assert_eq!(
        armor("CERTIFICATE REQUEST", request.as_der()),
        request.to_pem()
    );
}

#[test]
fn refuses_what_is_no_request() {
    let Case { identity, key } = Case::new();
    let request = CertificateSigningRequest::build(&key, &identity).unwrap();
    let der = request.as_der();
    let mut forged = der.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let read =
        |label, der: &[u8]| CertificateSigningRequest::parse_pem(armor(label, der).as_bytes());
    let label = "CERTIFICATE REQUEST";
    assert!(matches!(read(label, &forged), Err(CsrError::Signature)));
    assert!(matches!(
        read(label, &[der, &[0]].concat()),
        Err(CsrError::Malformed)
    ));
    assert!(matches!(
        read(label, &der[..der.len() - 1]),
        Err(CsrError::Malformed)
    ));
    assert!(matches!(read("CERTIFICATE", der), Err(CsrError::Armor(_))));
    assert!(matches!(
        CertificateSigningRequest::parse_pem(b""),
        Err(CsrError::Armor(_))
    ));
    assert!(matches!(
        CertificateSigningRequest::parse_pem(&[b'x'; 70_000]),
        Err(CsrError::TooLarge { .. })
    ));
}
