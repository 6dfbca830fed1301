//! RSASSA-PSS: authorities whose key is for it alone (RFC 4055), and signatures of any salt.
//!
//! rcgen writes neither, so its certificates are taken apart and signed again.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::RsaPssSaltLength;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RSA_PSS_SHA384, RsaKeyPair};
use svid_core::der;
use svid_core::svid::{Anchoring, ChainError, TrustBundle};
use x509_parser::asn1_rs::{Any, FromDer as _};

use crate::fixtures::{Authority, Case, bundle, nothing, now, place};

/// The contents of OIDs.
const PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];

/// Hash, hash of the mask, and salt.
type Parameters = (&'static [u8], &'static [u8], u8);

const USUAL: Parameters = (SHA256, SHA256, 32);

fn algorithm(parameters: Option<Parameters>) -> Vec<u8> {
    let Some((hash, mask, salt)) = parameters else {
        return der::sequence(&[&der::oid(PSS)]);
    };
    let hash_of = |oid| der::sequence(&[&der::oid(oid), &der::NULL]);
    let mask = der::sequence(&[&der::oid(MGF1), &hash_of(mask)]);
    der::sequence(&[
        &der::oid(PSS),
        &der::sequence(&[
            &der::tlv(0xa0, &hash_of(hash)),
            &der::tlv(0xa1, &mask),
            &der::tlv(0xa2, &der::unsigned(&[salt])),
        ]),
    ])
}

/// The values in a sequence, each as it stands.
fn elements(sequence: &[u8]) -> Vec<Vec<u8>> {
    let (_, sequence) = Any::from_der(sequence).unwrap();
    let (mut rest, mut elements) = (sequence.data, Vec::new());
    while !rest.is_empty() {
        let (after, _) = Any::from_der(rest).unwrap();
        elements.push(rest[..rest.len() - after.len()].to_vec());
        rest = after;
    }
    elements
}

/// What a certificate says of its own key, and how it is signed.
struct Change {
    key: Option<Option<Parameters>>,
    signature: Signature,
}

#[derive(Clone, Copy)]
enum Signature {
    Pss(Parameters),
    Pkcs1,
}

/// The same certificate, signed by this key.
fn signed(certificate: &[u8], change: &Change, signer: &RsaKeyPair) -> Vec<u8> {
    let parts = elements(certificate);
    let mut tbs = elements(&parts[0]);
    if let Some(parameters) = change.key {
        let bits = elements(&tbs[6])[1].clone();
        tbs[6] = der::sequence(&[&algorithm(parameters), &bits]);
    }
    let named = match change.signature {
        Signature::Pss(parameters) => algorithm(Some(parameters)),
        Signature::Pkcs1 => parts[1].clone(),
    };
    tbs[2].clone_from(&named);
    let tbs: Vec<&[u8]> = tbs.iter().map(Vec::as_slice).collect();
    let tbs = der::sequence(&tbs);
    let mut signature = vec![0; signer.public_modulus_len()];
    let random = SystemRandom::new();
    match change.signature {
        Signature::Pkcs1 => signer.sign(&RSA_PKCS1_SHA256, &random, &tbs, &mut signature),
        Signature::Pss((hash, _, 32)) if hash == SHA256 => {
            signer.sign(&RSA_PSS_SHA256, &random, &tbs, &mut signature)
        }
        Signature::Pss((hash, _, 20)) if hash == SHA256 => {
            let way = &const { RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(20)) };
            signer.sign(way, &random, &tbs, &mut signature)
        }
        Signature::Pss(_) => signer.sign(&RSA_PSS_SHA384, &random, &tbs, &mut signature),
    }
    .unwrap();
    der::sequence(&[&tbs, &named, &der::bit_string(&signature)])
}

#[test]
fn believes_authorities_whose_key_is_for_pss_as_far_as_its_parameters_allow() {
    use Signature::{Pkcs1, Pss};
    let strict = (SHA384, SHA384, 48);
    let table: [(&str, Option<Option<Parameters>>, Signature, bool); 10] = [
        ("any use of RSA", None, Pss(USUAL), true),
        (
            "any use of RSA, another salt",
            None,
            Pss((SHA256, SHA256, 20)),
            true,
        ),
        ("any PSS", Some(None), Pss(USUAL), true),
        ("any PSS, with more", Some(None), Pss(strict), true),
        (
            "the parameters of the key",
            Some(Some(USUAL)),
            Pss(USUAL),
            true,
        ),
        (
            "less salt than the key wants",
            Some(Some(USUAL)),
            Pss((SHA256, SHA256, 20)),
            false,
        ),
        (
            "another hash than the key wants",
            Some(Some(USUAL)),
            Pss(strict),
            false,
        ),
        (
            "another hash for the mask",
            Some(None),
            Pss((SHA256, SHA1, 32)),
            false,
        ),
        ("SHA-1", Some(None), Pss((SHA1, SHA1, 20)), false),
        ("PKCS#1 of a key for PSS", Some(None), Pkcs1, false),
    ];
    let (case, pair) = (
        Case::new(),
        rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap(),
    );
    let signer = RsaKeyPair::from_pkcs8(&pair.serialize_der()).unwrap();
    let root = Authority::of_key("root", pair, nothing);
    let leaf = root.leaf(case.key.public_key(), nothing);
    for (name, key, signature, believed) in table {
        let own = Pss(USUAL);
        let root = signed(
            &root.der,
            &Change {
                key,
                signature: own,
            },
            &signer,
        );
        let leaf = signed(
            &leaf,
            &Change {
                key: None,
                signature,
            },
            &signer,
        );
        let roots = bundle(&[&root]);
        let verify =
            |leaf: &[u8], roots: &TrustBundle| case.verify_at(&[leaf, &root], Some(roots), now());
        if believed {
            let svid = verify(&leaf, &roots).expect(name);
            assert_eq!(*svid.anchoring(), Anchoring::Anchored, "{name}");
            let mut forged = leaf.clone();
            *forged.last_mut().unwrap() ^= 1;
            let stranger = Authority::root("stranger");
            let result = verify(&forged, &bundle(&[&stranger.der]));
            assert!(
                matches!(result, Err(ChainError::WrongSignature { .. })),
                "{name}"
            );
        } else {
            let refused = ChainError::UnsupportedSignature {
                place: place(0, ""),
            };
            assert_eq!(verify(&leaf, &roots), Err(refused), "{name}");
        }
    }
}

#[test]
fn names_the_kind_of_a_key_for_pss() {
    use svid_core::svid::examine::{Files, examine};
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let signer = RsaKeyPair::from_pkcs8(&pair.serialize_der()).unwrap();
    let root = Authority::of_key("root", pair, nothing);
    let change = Change {
        key: Some(Some(USUAL)),
        signature: Signature::Pss(USUAL),
    };
    let root = signed(&root.der, &change, &signer);
    let chain = crate::fixtures::pem(&[&root]);
    let files = Files {
        chain_pem: chain.as_bytes(),
        key_pem: None,
        bundle_pem: None,
    };
    assert_eq!(examine(&files, now()).chain[0].key_type, "RSA 2048 for PSS");
}
