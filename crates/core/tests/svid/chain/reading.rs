//! What is read of a chain, and what becomes of it.

use svid_core::svid::{Anchoring, ArmorError, ChainError, StartOfValidity};
use svid_corpus::craft::armor;

use crate::fixtures::{
    Authority, Case, IDENTITY, bundle, leaf, minutes, nothing, now, path_length, pem, uri, valid,
};

#[test]
fn accepts_a_chain_and_tells_what_is_in_it() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let intermediate = root.intermediate("intermediate", |params| {
        path_length(params, 0);
        valid(params, -minutes(5), minutes(30));
    });
    let leaf = intermediate.leaf(case.key.public_key(), |params| {
        params.serial_number = Some(vec![0xf0, 1, 2].into());
    });
    let text = format!(
        "issued by nobody\n{}",
        pem(&[&leaf, &intermediate.der, &root.der])
    );
    let svid = case.verify_pem(text.as_bytes(), None, now()).unwrap();
    assert_eq!(svid.chain_pem(), pem(&[&leaf, &intermediate.der]));
    assert_eq!(svid.spiffe_id().as_str(), IDENTITY);
    assert_eq!(svid.serial(), [0, 0xf0, 1, 2]);
    assert_eq!(svid.not_before(), now() - minutes(10));
    assert_eq!(svid.not_after(), now() + minutes(50));
    assert_eq!(svid.window().end, now() + minutes(30));
    assert_eq!(*svid.anchoring(), Anchoring::NoBundle);
    assert_eq!(svid.readiness(now()), StartOfValidity::Now);
    // What was published is accepted again.
    assert_eq!(
        case.verify_pem(svid.chain_pem().as_bytes(), None, now()),
        Ok(svid)
    );
}

#[test]
fn refuses_what_cannot_be_read() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let leaf = root.leaf(case.key.public_key(), nothing);
    let good = pem(&[&leaf]);
    let foreign = |label: &str| ChainError::ForeignBlock {
        label: label.to_owned(),
    };
    let table = [
        ("nothing", String::new(), ChainError::Empty),
        ("no block", "pending".to_owned(), ChainError::Empty),
        (
            "a key",
            armor("PRIVATE KEY", b"abc"),
            foreign("PRIVATE KEY"),
        ),
        (
            "a key behind",
            good.clone() + &case.key.to_pkcs8_pem(),
            foreign("PRIVATE KEY"),
        ),
        (
            "a key before",
            case.key.to_pkcs8_pem().to_string() + &good,
            foreign("PRIVATE KEY"),
        ),
        (
            "another label",
            armor("TRUSTED CERTIFICATE", &leaf),
            foreign("TRUSTED CERTIFICATE"),
        ),
        (
            "a label in lower case",
            armor("certificate", &leaf),
            foreign("certificate"),
        ),
        (
            "not DER",
            armor("CERTIFICATE", b"abc"),
            ChainError::Malformed { number: 1 },
        ),
        (
            "an empty block",
            armor("CERTIFICATE", b""),
            ChainError::Malformed { number: 1 },
        ),
        (
            "something behind the DER",
            armor("CERTIFICATE", &[&leaf, [0].as_slice()].concat()),
            ChainError::Malformed { number: 1 },
        ),
        (
            "cut short",
            armor("CERTIFICATE", &leaf[..leaf.len() - 1]),
            ChainError::Malformed { number: 1 },
        ),
        (
            "two in one block",
            good.clone() + &armor("CERTIFICATE", &[leaf.as_slice(), &root.der].concat()),
            ChainError::Malformed { number: 2 },
        ),
        (
            "unfinished",
            good[..good.len() - 10].to_owned(),
            ArmorError::Unfinished { line: 1 }.into(),
        ),
        (
            "too many",
            good.repeat(17),
            ChainError::TooManyCertificates {
                count: 17,
                limit: 16,
            },
        ),
        (
            "too long",
            " ".repeat(256 * 1024) + &good,
            ChainError::TooLarge {
                bytes: 256 * 1024 + good.len(),
                limit: 256 * 1024,
            },
        ),
    ];
    for (name, text, expected) in table {
        assert_eq!(
            case.verify_pem(text.as_bytes(), None, now()),
            Err(expected),
            "{name}"
        );
    }
}

#[test]
fn refuses_two_algorithms_in_one_certificate() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let leaf = root.leaf(case.key.public_key(), nothing);
    // The last ecdsa-with-SHA256 is the one outside of what is signed.
    let algorithm = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let place = leaf
        .windows(8)
        .rposition(|window| window == algorithm)
        .unwrap();
    let mut mixed = leaf.clone();
    mixed[place + 7] = 0x03;
    assert_eq!(
        case.verify(&[&mixed]),
        Err(ChainError::Malformed { number: 1 })
    );
}

#[test]
fn takes_as_many_certificates_as_allowed() {
    let case = Case::new();
    let mut authorities = vec![Authority::root("0")];
    for depth in 1..16 {
        let next = authorities[depth - 1].intermediate(&depth.to_string(), nothing);
        authorities.push(next);
    }
    let leaf = authorities[15].leaf(case.key.public_key(), nothing);
    let above = authorities
        .iter()
        .skip(1)
        .rev()
        .map(|authority| authority.der.as_slice());
    let chain: Vec<&[u8]> = std::iter::once(leaf.as_slice()).chain(above).collect();
    let roots = bundle(&[&authorities[0].der]);
    assert_eq!(
        *case
            .verify_at(&chain, Some(&roots), now())
            .unwrap()
            .anchoring(),
        Anchoring::Anchored
    );
}

#[test]
fn what_the_issuer_wrote_is_escaped_and_cut_short() {
    let case = Case::new();
    let mut params = leaf();
    params.subject_alt_names = vec![uri(&format!(
        "spiffe://\u{1b}[31m\r\n\"{}",
        "x".repeat(5000)
    ))];
    let leaf = Authority::root("root").sign(&params, case.key.public_key());
    let text = case.verify(&[&leaf]).unwrap_err().to_string();
    assert!(text.len() < 500, "{} bytes", text.len());
    assert!(
        text.chars().all(|character| !character.is_control()),
        "{text}"
    );
}
