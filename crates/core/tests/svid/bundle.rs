//! Trust bundles.

use rcgen::IsCa;
use svid_core::svid::{Anchoring, ArmorError, BundleError, PrivateKey, TrustBundle};
use svid_corpus::craft::armor;

use crate::fixtures::{Authority, Case, bundle, nothing, now, patched, pem};

#[test]
fn makes_plain_what_an_administrator_gives() {
    let (a, b) = (Authority::root("a"), Authority::root("b"));
    let key = PrivateKey::generate().unwrap().to_pkcs8_pem();
    let given = format!(
        "# our roots\n\nsubject=CN = a\r\n{}{}{}{}trailing text",
        pem(&[&a.der]).replace('\n', "\r\n"),
        *key,
        pem(&[&b.der]),
        pem(&[&a.der]),
    );
    let bundle = TrustBundle::parse_pem(given.as_bytes()).unwrap();
    assert_eq!(bundle.len(), 2);
    assert_eq!(bundle.to_pem(), pem(&[&a.der, &b.der]));
    assert_eq!(format!("{bundle:?}"), "TrustBundle(2 certificates)");
    assert_eq!(
        TrustBundle::parse_pem(bundle.to_pem().as_bytes()),
        Ok(bundle)
    );
}

#[test]
fn refuses_a_bundle_of_which_a_part_is_not_understood() {
    let root = Authority::root("a");
    let leaf = root.leaf(Case::new().key.public_key(), nothing);
    let no_ca = Authority::root_with("no ca", &rcgen::PKCS_ECDSA_P256_SHA256, |params| {
        params.is_ca = IsCa::NoCa;
    });
    let may_not_sign =
        Authority::root_with("\u{1b}[31m", &rcgen::PKCS_ECDSA_P256_SHA256, |params| {
            params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
        });
    let good = pem(&[&root.der]);
    let table = [
        ("empty", String::new(), BundleError::Empty),
        (
            "text alone",
            "no certificates here\n".to_owned(),
            BundleError::Empty,
        ),
        (
            "other labels alone",
            armor("TRUSTED CERTIFICATE", &root.der),
            BundleError::Empty,
        ),
        (
            "not finished",
            good.replace("-----END CERTIFICATE-----\n", ""),
            BundleError::Armor(ArmorError::Unfinished { line: 1 }),
        ),
        (
            "not DER",
            good.clone() + &armor("CERTIFICATE", b"abc"),
            BundleError::Malformed { number: 2 },
        ),
        (
            "something behind the DER",
            armor("CERTIFICATE", &[&root.der, [0].as_slice()].concat()),
            BundleError::Malformed { number: 1 },
        ),
        (
            "two certificates in one block",
            armor("CERTIFICATE", &[root.der.as_slice(), &root.der].concat()),
            BundleError::Malformed { number: 1 },
        ),
        (
            "a leaf",
            good.clone() + &pem(&[&leaf]),
            BundleError::NotAuthority {
                number: 2,
                subject: String::new(),
            },
        ),
        (
            "no basic constraints",
            pem(&[&no_ca.der]),
            BundleError::NotAuthority {
                number: 1,
                subject: "CN=no ca".to_owned(),
            },
        ),
        (
            "an authority that may not sign certificates",
            pem(&[&may_not_sign.der]),
            BundleError::NotAuthority {
                number: 1,
                subject: "CN=\\u{1b}[31m".to_owned(),
            },
        ),
        (
            "too long",
            " ".repeat(1 << 20) + &good,
            BundleError::TooLarge {
                bytes: (1 << 20) + good.len(),
            },
        ),
    ];
    for (name, text, expected) in table {
        assert_eq!(
            TrustBundle::parse_pem(text.as_bytes()),
            Err(expected),
            "{name}"
        );
    }
}

#[test]
fn takes_roots_whose_serial_number_is_zero_or_negative() {
    let (case, other) = (Case::new(), Authority::root("other"));
    let root = Authority::root_with("root", &rcgen::PKCS_ECDSA_P256_SHA256, |params| {
        params.serial_number = Some(vec![0x55].into());
    });
    let leaf = root.leaf(case.key.public_key(), nothing);
    let version = [0xa0, 0x03, 0x02, 0x01, 0x02];
    let with_serial = |serial| [version.as_slice(), &[0x02, 0x01, serial]].concat();
    for serial in [0x00, 0xfb] {
        // Nobody checks how a root is signed.
        let odd = patched(&root.der, &with_serial(0x55), &with_serial(serial));
        let roots = bundle(&[&other.der, &odd]);
        assert_eq!(roots.len(), 2, "{serial:x}");
        let svid = case.verify_at(&[&leaf], Some(&roots), now()).unwrap();
        assert_eq!(*svid.anchoring(), Anchoring::Anchored, "{serial:x}");
    }
}

#[test]
fn takes_a_bundle_as_large_as_allowed() {
    let root = Authority::root("a");
    let mut text = pem(&[&root.der]);
    text += &" ".repeat((1 << 20) - text.len());
    assert_eq!(TrustBundle::parse_pem(text.as_bytes()).unwrap().len(), 1);
    let many = pem(&[&root.der]).repeat((1 << 20) / pem(&[&root.der]).len());
    assert_eq!(TrustBundle::parse_pem(many.as_bytes()).unwrap().len(), 1);
    // Thousands of tiny blocks cost no more than their length.
    let tiny = "-----BEGIN X-----\nAAAA\n-----END X-----\n".repeat(26_000);
    assert_eq!(
        TrustBundle::parse_pem(tiny.as_bytes()),
        Err(BundleError::Empty)
    );
}
