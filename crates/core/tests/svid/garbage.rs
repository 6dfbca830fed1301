//! Any bytes whatever: nothing panics, and what is believed is what it was.

use svid_core::identity::{ServiceAccount, SpiffeId, TrustDomain};
use svid_core::svid::examine::{Files, examine};
use svid_core::svid::{Anchoring, CertificateSigningRequest, PublicKey, TrustBundle, X509Svid};
use svid_corpus::craft::armor;

use crate::fixtures::{Authority, Case, bundle, concatenated, nothing, now, pem};

/// A sequence of numbers without pattern and without surprise (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((number ^ (number >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn text(&mut self, alphabet: &[&str], most: usize) -> String {
        (0..self.below(most + 1))
            .map(|_| alphabet[self.below(alphabet.len())])
            .collect()
    }

    /// One to three damages: a byte changed, removed, added, or the end cut off.
    fn damaged(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let place = self.below(bytes.len().max(1));
            match self.below(8) {
                0 => bytes.truncate(place),
                1 => bytes.insert(place.min(bytes.len()), self.byte()),
                2 if !bytes.is_empty() => {
                    bytes.remove(place);
                }
                _ => {
                    let change = self.byte();
                    bytes
                        .iter_mut()
                        .skip(place)
                        .take(1)
                        .for_each(|byte| *byte ^= change);
                }
            }
        }
        bytes
    }
}

#[test]
fn damaged_certificates_are_refused_or_were_not_damaged_where_it_matters() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let intermediate = root.intermediate("intermediate", nothing);
    let leaf = intermediate.leaf(case.key.public_key(), nothing);
    let roots = bundle(&[&root.der]);
    let mut numbers = Numbers(1);
    let (mut accepted, mut anchored) = (0, 0);
    for round in 0..1500 {
        let chain = match round % 3 {
            0 => pem(&[&numbers.damaged(&leaf), &intermediate.der]),
            1 => pem(&[&leaf, &numbers.damaged(&intermediate.der)]),
            _ => pem(&[&numbers.damaged(&leaf), &numbers.damaged(&intermediate.der)]),
        };
        let beside = pem(&[&intermediate.der]);
        let (chain_pem, beside) = (chain.as_bytes(), beside.as_bytes());
        if let Ok(svid) = case.verify_beside(chain_pem, beside, Some(&roots), now()) {
            accepted += 1;
            is_what_it_was(&case, &svid, &roots);
            // The signatures of the path hold all the way up to the root, so nothing of it was
            // touched. What stands behind it may name an issuer that is not here.
            if *svid.anchoring() == Anchoring::Anchored {
                anchored += 1;
                let path = pem(&[&leaf, &intermediate.der]);
                assert!(svid.chain_pem().starts_with(&path), "{chain}");
            }
        }
        look(
            chain.as_bytes(),
            case.key.to_pkcs8_pem().as_bytes(),
            chain.as_bytes(),
        );
    }
    assert!(
        accepted >= anchored && anchored > 0,
        "the test damages too much to say anything: {accepted}, {anchored}"
    );
}

#[test]
fn damaged_text_is_refused_or_was_not_damaged_where_it_matters() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let intermediate = root.intermediate("intermediate", nothing);
    let leaf = intermediate.leaf(case.key.public_key(), nothing);
    let roots = bundle(&[&root.der]);
    let chain = pem(&[&leaf, &intermediate.der, &root.der]);
    let key = case.key.to_pkcs8_pem();
    let request = CertificateSigningRequest::build(&case.key, &case.identity).unwrap();
    let mut numbers = Numbers(2);
    for _ in 0..1500 {
        let damaged = numbers.damaged(chain.as_bytes());
        if let Ok(svid) = case.verify_pem(&damaged, Some(&roots), now()) {
            is_what_it_was(&case, &svid, &roots);
        }
        if let Ok(read) = TrustBundle::parse_pem(&damaged) {
            assert_eq!(TrustBundle::parse_pem(read.to_pem().as_bytes()), Ok(read));
        }
        let damaged_request = numbers.damaged(request.to_pem().as_bytes());
        if let Ok(read) = CertificateSigningRequest::parse_pem(&damaged_request) {
            assert_eq!(read.public_key(), case.key.public_key());
        }
        look(
            &damaged,
            &numbers.damaged(key.as_bytes()),
            &numbers.damaged(roots.to_pem().as_bytes()),
        );
    }
}

#[test]
fn noise_is_refused() {
    let case = Case::new();
    let mut numbers = Numbers(3);
    for _ in 0..1000 {
        let noise: Vec<u8> = (0..numbers.below(400)).map(|_| numbers.byte()).collect();
        assert!(case.verify_pem(&noise, None, now()).is_err());
        for label in ["CERTIFICATE", "PRIVATE KEY", "CERTIFICATE REQUEST"] {
            let text = armor(label, &noise);
            assert!(case.verify_pem(text.as_bytes(), None, now()).is_err());
            assert!(TrustBundle::parse_pem(text.as_bytes()).is_err());
            assert!(PublicKey::from_pkcs8_pem(text.as_bytes()).is_err());
            assert!(CertificateSigningRequest::parse_pem(text.as_bytes()).is_err());
            look(text.as_bytes(), text.as_bytes(), text.as_bytes());
        }
    }
}

#[test]
fn identities_read_back_as_they_were_written() {
    let pieces = [
        "spiffe://",
        "/",
        ".",
        "..",
        "a",
        "B",
        "0",
        "-",
        "_",
        "%",
        ":",
        "?",
        "ns",
        "sa",
        "ä",
        "\0",
        "@",
    ];
    let mut numbers = Numbers(4);
    let mut legal = 0;
    for _ in 0..50_000 {
        let prefix = if numbers.below(4) == 0 {
            ""
        } else {
            "spiffe://a"
        };
        let text = prefix.to_owned() + &numbers.text(&pieces, 8);
        if let Ok(id) = SpiffeId::parse(&text) {
            legal += 1;
            assert_eq!(id.as_str(), text);
            assert_eq!(format!("spiffe://{}{}", id.trust_domain(), id.path()), text);
            assert_eq!(
                TrustDomain::parse(id.trust_domain()).unwrap().as_str(),
                id.trust_domain()
            );
            assert_eq!(spiffe::SpiffeId::new(&text).unwrap().to_string(), text);
        } else if let Ok(other) = spiffe::SpiffeId::new(&text) {
            // That library lowers the trust domain; nothing else is taken there and not here.
            assert_ne!(other.to_string(), text);
        }
    }
    assert!(legal > 1000, "{legal}");
}

#[test]
fn service_accounts_read_back_as_they_were_written() {
    let pieces = [
        "system:serviceaccount:",
        ":",
        "a",
        "b-c",
        "-",
        ".",
        "0",
        "A",
        "/",
        "ä",
        "\n",
    ];
    let mut numbers = Numbers(5);
    let domain = TrustDomain::parse("td").unwrap();
    let mut legal = 0;
    for _ in 0..50_000 {
        let prefix = if numbers.below(4) == 0 {
            ""
        } else {
            "system:serviceaccount:a"
        };
        let text = prefix.to_owned() + &numbers.text(&pieces, 6);
        if let Ok(account) = ServiceAccount::from_username(&text) {
            legal += 1;
            assert_eq!(account.username(), text);
            let id = SpiffeId::for_service_account(&domain, &account);
            assert_eq!(SpiffeId::parse(id.as_str()).unwrap(), id);
            let segments: Vec<&str> = id.path().split('/').collect();
            assert_eq!(
                segments,
                ["", "ns", account.namespace(), "sa", account.name()]
            );
        }
    }
    assert!(legal > 200, "{legal}");
}

/// What was accepted is accepted again from what would be published, here and by the library.
fn is_what_it_was(case: &Case, svid: &X509Svid, roots: &TrustBundle) {
    let again = case.verify_pem(svid.chain_pem().as_bytes(), Some(roots), now());
    assert_eq!(again.as_ref(), Ok(svid));
    let chain = concatenated(svid.chain_pem());
    let key = concatenated(&case.key.to_pkcs8_pem());
    spiffe::X509Svid::parse_from_der(&chain, &key).unwrap();
}

fn look(chain: &[u8], key: &[u8], bundle: &[u8]) {
    let files = Files {
        chain_pem: chain,
        key_pem: Some(key),
        bundle_pem: Some(bundle),
    };
    let examination = examine(&files, now());
    let texts = examination
        .problems
        .iter()
        .chain(&examination.remarks)
        .chain([&examination.issuer]);
    for text in texts {
        assert!(
            text.chars().all(|character| !character.is_control()),
            "{text:?}"
        );
        assert!(text.len() < 4000, "{text}");
    }
}
