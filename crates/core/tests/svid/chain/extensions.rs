//! Every extension on the path is applied, or the certificate is refused by name.

use rcgen::ExtendedKeyUsagePurpose as Purpose;
use svid_core::der::tlv;
use svid_core::svid::{Anchoring, ChainError};

use crate::fixtures::{Authority, Case, Change, bundle, extension, nothing, now, place};

/// 1.2.3 and 1.2.4, as the contents of OIDs.
const A: &[u8] = &[0x2a, 0x03];
const B: &[u8] = &[0x2a, 0x04];
const ANY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];

fn policies(params: &mut rcgen::CertificateParams, policies: &[&[u8]]) {
    let list: Vec<u8> = policies
        .iter()
        .flat_map(|policy| tlv(0x30, &tlv(0x06, policy)))
        .collect();
    extension(params, &[2, 5, 29, 32], true, &tlv(0x30, &list));
}

fn require_explicit(params: &mut rcgen::CertificateParams, after: u8) {
    let content = tlv(0x30, &tlv(0x80, &[after]));
    extension(params, &[2, 5, 29, 36], true, &content);
}

fn map(params: &mut rcgen::CertificateParams, from: &[u8], to: &[u8]) {
    let pair = tlv(0x30, &[tlv(0x06, from), tlv(0x06, to)].concat());
    extension(params, &[2, 5, 29, 33], true, &tlv(0x30, &pair));
}

#[test]
fn what_go_and_openssl_process_is_understood_critical_or_not() {
    let table: [(&str, &[u64], &[u8]); 7] = [
        ("CRL distribution points", &[2, 5, 29, 31], b"\x30\x00"),
        (
            "OCSP no check",
            &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5],
            b"\x05\x00",
        ),
        ("policies", &[2, 5, 29, 32], b"\x30\x05\x30\x03\x06\x01\x2a"),
        (
            "policy mappings",
            &[2, 5, 29, 33],
            b"\x30\x08\x30\x06\x06\x01\x2a\x06\x01\x2b",
        ),
        (
            "policy constraints",
            &[2, 5, 29, 36],
            b"\x30\x03\x81\x01\x00",
        ),
        ("inhibit anyPolicy", &[2, 5, 29, 54], b"\x02\x01\x00"),
        (
            "Netscape type",
            &[2, 16, 840, 1, 113_730, 1, 1],
            b"\x03\x02\x05\xe0",
        ),
    ];
    let (case, root) = (Case::new(), Authority::root("root"));
    for (name, oid, content) in table {
        for critical in [true, false] {
            let change = |params: &mut rcgen::CertificateParams| {
                extension(params, oid, critical, content);
            };
            let inter = root.intermediate("inter", nothing);
            let inter = inter.reissued(change).certified_by(&root);
            let leaf = inter.leaf(case.key.public_key(), change);
            let svid = case.verify_at(&[&leaf, &inter.der], Some(&bundle(&[&root.der])), now());
            let svid = svid.expect(name);
            assert_eq!(*svid.anchoring(), Anchoring::Anchored, "{name}");
        }
    }
}

/// What is wrong with an extension, whichever certificate of the path has it.
fn refused(change: impl Fn(&mut rcgen::CertificateParams)) -> Vec<ChainError> {
    let (case, root) = (Case::new(), Authority::root("root"));
    let roots = bundle(&[&root.der]);
    let at = |chain: &[&[u8]]| case.verify_at(chain, Some(&roots), now()).err();
    let leaf = root.leaf(case.key.public_key(), &change);
    let inter = root.intermediate("inter", &change);
    let below = inter.leaf(case.key.public_key(), nothing);
    [at(&[&leaf]), at(&[&below, &inter.der])]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn what_only_openssl_acts_on_is_refused_by_name_critical_or_not() {
    // id-ppl-inheritAll without a limit, 10.0.0.0/8, and AS 1234.
    let table: [(u64, &'static str, &[u8]); 3] = [
        (
            14,
            "proxyCertInfo",
            b"\x30\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x15\x01",
        ),
        (
            7,
            "IP address blocks",
            b"\x30\x0c\x30\x0a\x04\x02\x00\x01\x30\x04\x03\x02\x00\x0a",
        ),
        (
            8,
            "AS identifiers",
            b"\x30\x08\xa0\x06\x30\x04\x02\x02\x04\xd2",
        ),
    ];
    for (last, name, content) in table {
        for critical in [false, true] {
            let found = refused(|params| {
                extension(params, &[1, 3, 6, 1, 5, 5, 7, 1, last], critical, content);
            });
            let expected = [place(0, ""), place(1, "inter")].map(|place| {
                let oid = format!("1.3.6.1.5.5.7.1.{last}");
                ChainError::RefusedExtension { place, oid, name }
            });
            assert_eq!(found, expected, "{name}, critical: {critical}");
        }
    }
}

#[test]
fn what_go_and_openssl_refuse_as_critical_is_refused_and_taken_otherwise() {
    type Add = fn(&mut rcgen::CertificateParams, bool);
    fn issuer_key_id(params: &mut rcgen::CertificateParams, critical: bool) {
        params.use_authority_key_identifier_extension = false;
        extension(params, &[2, 5, 29, 35], critical, b"\x30\x00");
    }
    fn access(params: &mut rcgen::CertificateParams, critical: bool) {
        extension(params, &[1, 3, 6, 1, 5, 5, 7, 1, 1], critical, b"\x30\x00");
    }
    let table: [(&str, Add); 2] = [("2.5.29.35", issuer_key_id), ("1.3.6.1.5.5.7.1.1", access)];
    for (oid, add) in table {
        let expected = [place(0, ""), place(1, "inter")].map(|place| {
            let oid = oid.to_owned();
            ChainError::WronglyCriticalExtension { place, oid }
        });
        assert_eq!(refused(|params| add(params, true)), expected, "{oid}");
        assert_eq!(refused(|params| add(params, false)), [], "{oid}");
    }
    let (case, root) = (Case::new(), Authority::root("root"));
    let leaf = root.leaf(case.key.public_key(), |params| {
        params.is_ca = rcgen::IsCa::NoCa;
        extension(params, &[2, 5, 29, 14], true, b"\x04\x02\x01\x02");
    });
    let text = case.verify(&[&leaf]).unwrap_err().to_string();
    assert_eq!(
        text,
        "the certificate has the extension 2.5.29.14 as a critical one, which it must not be: most libraries refuse that"
    );
}

#[test]
fn lists_of_locations_are_not_read_but_have_to_be_lists() {
    let table: [(&str, Change); 2] = [
        ("2.5.29.31", |params| {
            extension(params, &[2, 5, 29, 31], false, b"\x30\x02\x05\x00");
        }),
        ("1.3.6.1.5.5.7.1.1", |params| {
            extension(params, &[1, 3, 6, 1, 5, 5, 7, 1, 1], false, b"\x05\x00");
        }),
    ];
    for (oid, change) in table {
        let expected = [place(0, ""), place(1, "inter")].map(|place| {
            let oid = oid.to_owned();
            ChainError::MalformedExtension { place, oid }
        });
        assert_eq!(refused(change), expected, "{oid}");
    }
}

#[test]
fn a_required_policy_has_to_hold_all_the_way_down() {
    // What the upper authority, the lower one and the leaf have, and whether it is enough.
    let table: [(&str, Change, Change, Change, Option<usize>); 9] = [
        ("nothing is required", nothing, nothing, nothing, None),
        (
            "required at once, by nobody fulfilled",
            |params| require_explicit(params, 0),
            nothing,
            nothing,
            Some(1),
        ),
        (
            "required of the leaf alone",
            |params| require_explicit(params, 1),
            nothing,
            nothing,
            Some(0),
        ),
        (
            "fulfilled",
            |params| {
                require_explicit(params, 0);
                policies(params, &[A]);
            },
            |params| policies(params, &[A, B]),
            |params| policies(params, &[A]),
            None,
        ),
        (
            "another policy",
            |params| {
                require_explicit(params, 0);
                policies(params, &[A]);
            },
            |params| policies(params, &[A, B]),
            |params| policies(params, &[B]),
            Some(0),
        ),
        (
            "any policy",
            |params| {
                require_explicit(params, 0);
                policies(params, &[ANY]);
            },
            |params| policies(params, &[ANY]),
            |params| policies(params, &[B]),
            None,
        ),
        (
            "any policy, which means nothing any more",
            |params| {
                require_explicit(params, 0);
                policies(params, &[A]);
                extension(params, &[2, 5, 29, 54], true, b"\x02\x01\x00");
            },
            |params| policies(params, &[ANY]),
            |params| policies(params, &[A]),
            Some(1),
        ),
        (
            "mapped",
            |params| {
                require_explicit(params, 0);
                policies(params, &[A]);
                map(params, A, B);
            },
            |params| policies(params, &[B]),
            |params| policies(params, &[B]),
            None,
        ),
        (
            "mapped away",
            |params| {
                require_explicit(params, 0);
                policies(params, &[A]);
                map(params, A, B);
            },
            |params| policies(params, &[A]),
            |params| policies(params, &[A]),
            Some(1),
        ),
    ];
    let (case, root) = (Case::new(), Authority::root("root"));
    for (name, above, below, last, missing_at) in table {
        let upper = root.intermediate("upper", above);
        let lower = upper.intermediate("lower", below);
        let leaf = lower.leaf(case.key.public_key(), last);
        let chain: [&[u8]; 3] = [&leaf, &lower.der, &upper.der];
        let fault = case
            .verify_at(&chain, Some(&bundle(&[&root.der])), now())
            .err();
        let expected = missing_at.map(|position| ChainError::NoPolicy {
            place: place(position, ["", "lower", "upper"][position]),
        });
        assert_eq!(fault, expected, "{name}");
    }
}

#[test]
fn an_authority_for_other_purposes_signs_no_svid() {
    let table: [(&str, Vec<Purpose>, Option<&'static str>); 4] = [
        ("both", vec![Purpose::ServerAuth, Purpose::ClientAuth], None),
        ("any", vec![Purpose::Any], None),
        ("servers", vec![Purpose::ServerAuth], Some("clientAuth")),
        ("clients", vec![Purpose::ClientAuth], Some("serverAuth")),
    ];
    let (case, root) = (Case::new(), Authority::root("root"));
    for (name, purposes, lacks) in table {
        let inter = root.intermediate("inter", nothing).reissued(|params| {
            params.extended_key_usages.clone_from(&purposes);
        });
        let inter = inter.certified_by(&root);
        let leaf = inter.leaf(case.key.public_key(), nothing);
        let fault = case.verify(&[&leaf, &inter.der]).err();
        let expected = lacks.map(|usage| ChainError::AuthorityPurpose {
            place: place(1, "inter"),
            usage,
        });
        assert_eq!(fault, expected, "{name}");
    }
}

#[test]
fn a_directory_name_constraint_holds_for_subjects() {
    let organization = |params: &mut rcgen::CertificateParams| {
        let mut name = rcgen::DistinguishedName::new();
        name.push(rcgen::DnType::OrganizationName, "ours");
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DirectoryName(name)],
            excluded_subtrees: vec![],
        });
    };
    let (case, root) = (Case::new(), Authority::root("root"));
    let inter = root.intermediate("inter", organization);
    let verify = |change: Change| {
        let leaf = inter.leaf(case.key.public_key(), change);
        case.verify(&[&leaf, &inter.der]).err()
    };
    assert_eq!(verify(nothing), None, "no subject");
    let named: Change = |params| {
        params
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, "ours");
    };
    assert_eq!(verify(named), None);
    let other: Change = |params| {
        params
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, "theirs");
    };
    let refused = ChainError::NameConstraints {
        place: place(1, "inter"),
    };
    assert_eq!(verify(other), Some(refused));
}

#[test]
fn a_leaf_is_held_to_its_netscape_type() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let table: [(u8, Option<&'static str>); 4] = [
        (0b1100_0000, None),
        (0b1000_0000, Some("server")),
        (0b0100_0000, Some("client")),
        (0b0010_0000, Some("server")),
    ];
    for (bits, lacks) in table {
        let leaf = root.leaf(case.key.public_key(), |params| {
            let oid = [2, 16, 840, 1, 113_730, 1, 1];
            extension(params, &oid, false, &tlv(0x03, &[5, bits]));
        });
        let expected = lacks.map(|usage| ChainError::NetscapeType { usage });
        assert_eq!(case.verify(&[&leaf]).err(), expected, "{bits:08b}");
    }
}
