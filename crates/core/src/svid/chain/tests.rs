//! What a chain costs, however it is made.

use jiff::{SignedDuration, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::super::certificate::Certificate;
use super::found::{FoundPath, Gap};
use super::pool::Pool;
use super::search::{Follow, explore};
use super::signers::{MAX_SIGNATURES, Signers};

fn now() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

/// An authority, with or without key identifiers.
fn params(name: &str, with_ids: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let day = SignedDuration::from_hours(24);
    params.not_before = std::time::SystemTime::from(now() - day).into();
    params.not_after = std::time::SystemTime::from(now() + day).into();
    params.use_authority_key_identifier_extension = with_ids;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn certified(
    subject: &CertificateParams,
    key: &KeyPair,
    issuer: &Issuer<'_, &KeyPair>,
) -> Certificate {
    Certificate::parse(subject.signed_by(key, issuer).unwrap().der()).unwrap()
}

/// `count` authorities of one name, each certified by the next, the last by nobody that is there.
fn namesakes(count: usize, with_ids: bool) -> Vec<Certificate> {
    let keys: Vec<_> = (0..=count).map(|_| KeyPair::generate().unwrap()).collect();
    let params = params("same", with_ids);
    let pairs = keys.iter().zip(keys.iter().skip(1));
    let mut chain: Vec<_> = pairs
        .map(|(key, above)| certified(&params, key, &Issuer::from_params(&params, above)))
        .collect();
    if !with_ids {
        // rcgen identifies the key of every authority.
        for certificate in &mut chain {
            certificate.extensions.key_id = None;
        }
    }
    chain
}

#[test]
fn namesakes_in_order_or_with_key_identifiers_cost_one_signature_each() {
    for with_ids in [true, false] {
        let mut chain = namesakes(32, with_ids);
        if with_ids {
            chain[1..].reverse();
        }
        let (leaf, sent) = chain.split_first().unwrap();
        let pool = Pool::new(leaf, sent, None);
        let mut signers = Signers::new(&pool);
        let explored = explore(&pool, &mut signers, Follow::Valid, now());
        assert_eq!(explored.paths.len(), 32, "{with_ids}");
        // The last one was tried with the keys of all others.
        assert_eq!(signers.tried(), 31 + 31, "{with_ids}");
    }
}

#[test]
fn the_work_is_bounded_and_a_chain_beyond_it_says_so() {
    let mut chain = namesakes(32, false);
    chain[1..].reverse();
    let (leaf, sent) = chain.split_first().unwrap();
    let pool = Pool::new(leaf, sent, None);
    let mut signers = Signers::new(&pool);
    let explored = explore(&pool, &mut signers, Follow::Valid, now());
    assert_eq!(signers.tried(), MAX_SIGNATURES);
    assert!(explored.paths.len() < 32);
    let found = FoundPath::search(&pool, now()).unwrap();
    let limit = MAX_SIGNATURES;
    assert_eq!(found.gap, Some(Gap::TooManySignatures { limit }));
}

#[test]
fn cross_signs_do_not_multiply_paths() {
    // Ten layers of three certificates for one key each: 3^10 paths.
    let keys: Vec<_> = (0..11).map(|_| KeyPair::generate().unwrap()).collect();
    let layer = |number: usize| params(&format!("layer {number}"), true);
    let mut sent = Vec::new();
    for number in 0..10 {
        for _ in 0..3 {
            let above = layer(number + 1);
            let issuer = Issuer::from_params(&above, &keys[number + 1]);
            let mut own = layer(number);
            own.serial_number = Some(u64::try_from(sent.len() + 1).unwrap().into());
            sent.push(certified(&own, &keys[number], &issuer));
        }
    }
    let (below, own) = (layer(0), KeyPair::generate().unwrap());
    let leaf = params("leaf", true);
    let leaf = certified(&leaf, &own, &Issuer::from_params(&below, &keys[0]));
    let pool = Pool::new(&leaf, &sent, None);
    let mut signers = Signers::new(&pool);
    let explored = explore(&pool, &mut signers, Follow::Valid, now());
    assert_eq!(signers.tried(), 1 + 9 * 3);
    assert_eq!(explored.paths.iter().map(Vec::len).max(), Some(11));
    assert!(
        explored.paths.len() <= 1 + 30 * 4,
        "{}",
        explored.paths.len()
    );
}
