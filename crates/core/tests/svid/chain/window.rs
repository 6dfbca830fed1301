//! The rules for dates.

use jiff::{SignedDuration, Timestamp};
use rcgen::date_time_ymd;
use svid_core::svid::{ChainError, StartOfValidity};

use super::verify_leaf;
use crate::fixtures::{Authority, Case, Change, bundle, minutes, nothing, now, place, valid};

/// What is expected of a certificate that becomes valid at a time.
type Expected = fn(Timestamp) -> StartOfValidity;

#[test]
fn refuses_what_has_expired_to_the_second() {
    let case = Case::new();
    let root = Authority::root("root");
    let upper = root.intermediate("upper", |params| valid(params, -minutes(60), minutes(20)));
    let leaf = upper.leaf(case.key.public_key(), nothing);
    let second = SignedDuration::from_secs(1);
    let verify = |now| case.verify_at(&[&leaf, &upper.der], None, now);
    let (end_of_upper, end_of_leaf) = (now() + minutes(20), now() + minutes(50));
    assert_eq!(
        verify(end_of_upper).map(|svid| svid.window().end),
        Ok(end_of_upper)
    );
    let late = end_of_upper + second;
    assert_eq!(
        verify(late),
        Err(ChainError::Expired {
            place: place(1, "upper"),
            not_after: end_of_upper,
            now: late
        })
    );
    let later = end_of_leaf + second;
    assert_eq!(
        verify(later),
        Err(ChainError::Expired {
            place: place(0, ""),
            not_after: end_of_leaf,
            now: later
        })
    );
    let text = verify(later).unwrap_err().to_string();
    assert_eq!(
        text,
        "the certificate expired at 2026-05-01T12:50:00Z; it is now 2026-05-01T12:50:01Z"
    );
}

#[test]
fn the_dates_of_a_root_that_is_dropped_do_not_matter() {
    let case = Case::new();
    let root = Authority::root_with("root", &rcgen::PKCS_ECDSA_P256_SHA256, |params| {
        valid(params, -minutes(100), -minutes(50));
    });
    let leaf = root.leaf(case.key.public_key(), nothing);
    let svid = case.verify(&[&leaf, &root.der]).unwrap();
    assert_eq!(svid.window().end, svid.not_after());
}

#[test]
fn an_authority_that_ends_before_the_leaf_ends_the_window_wherever_it_stands() {
    let case = Case::new();
    let short: Change = |params| valid(params, -minutes(60), minutes(20));
    let root = Authority::root_with("root", &rcgen::PKCS_ECDSA_P256_SHA256, short);
    let upper = root.intermediate("upper", nothing);
    let leaf = upper.leaf(case.key.public_key(), nothing);
    let chain: &[&[u8]] = &[&leaf, &upper.der];
    let svid = case
        .verify_at(chain, Some(&bundle(&[&root.der])), now())
        .unwrap();
    assert_eq!(svid.window().end, now() + minutes(20));
    let ends_first = svid.ends_first().unwrap();
    assert!(ends_first.is_root);
    assert_eq!(
        ends_first.to_string(),
        "the root \"CN=root\" expires at 2026-05-01T12:20:00Z, before the certificate does; add \
         its successor to the trust bundle"
    );
    // Its renewed certificate in the bundle is as good for relying parties.
    let renewed = root.reissued(|params| valid(params, -minutes(1), minutes(500)));
    let both = bundle(&[&root.der, &renewed.der]);
    let svid = case.verify_at(chain, Some(&both), now()).unwrap();
    assert_eq!(
        (svid.window().end, svid.ends_first()),
        (svid.not_after(), None)
    );
    // An authority that came with the chain.
    let root = Authority::root("root");
    let upper = root.intermediate("upper", short);
    let leaf = upper.leaf(case.key.public_key(), nothing);
    let svid = case.verify(&[&leaf, &upper.der]).unwrap();
    assert_eq!(svid.window().end, now() + minutes(20));
    assert_eq!(svid.ends_first().map(|first| first.is_root), Some(false));
    // Without a bundle the root is not known, even if it came along.
    let svid = case.verify(&[&root.leaf(case.key.public_key(), nothing), &root.der]);
    assert_eq!(svid.unwrap().ends_first(), None);
}

#[test]
fn refuses_a_chain_that_is_never_valid() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let upper = root.intermediate("upper", |params| valid(params, -minutes(60), minutes(20)));
    let leaf = upper.leaf(case.key.public_key(), |params| {
        valid(params, minutes(21), minutes(60));
    });
    let (begins, ends) = (now() + minutes(21), now() + minutes(20));
    assert_eq!(
        case.verify(&[&leaf, &upper.der]),
        Err(ChainError::NeverValid { begins, ends })
    );
    let inverted = verify_leaf(|params| valid(params, minutes(20), minutes(10)));
    assert!(matches!(inverted, Err(ChainError::NeverValid { .. })));
}

#[test]
fn waits_for_a_certificate_that_is_valid_soon() {
    let hour: Change = |params| valid(params, minutes(4), minutes(64));
    let six_minutes: Change = |params| valid(params, minutes(2), minutes(8));
    let table: [(&str, Change, i64, Expected); 9] = [
        ("at its begin", hour, 240, |_| StartOfValidity::Now),
        ("after its begin", hour, 241, |_| StartOfValidity::Now),
        ("a second before", hour, 239, StartOfValidity::At),
        ("five minutes before", hour, -60, StartOfValidity::At),
        (
            "more than five minutes before",
            hour,
            -61,
            StartOfValidity::TooFarAhead,
        ),
        (
            "years before",
            hour,
            -100_000_000,
            StartOfValidity::TooFarAhead,
        ),
        (
            "a third of a short life before",
            six_minutes,
            0,
            StartOfValidity::At,
        ),
        (
            "more than a third of a short life before",
            six_minutes,
            -1,
            StartOfValidity::TooFarAhead,
        ),
        ("long after its end", six_minutes, 1_000_000, |_| {
            StartOfValidity::Now
        }),
    ];
    for (name, change, seconds, expected) in table {
        let svid = verify_leaf(change).expect(name);
        let readiness = svid.readiness(now() + SignedDuration::from_secs(seconds));
        assert_eq!(readiness, expected(svid.not_before()), "{name}");
    }
}

#[test]
fn waits_for_an_authority_too() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let upper = root.intermediate("upper", |params| valid(params, minutes(1), minutes(500)));
    let leaf = upper.leaf(case.key.public_key(), nothing);
    let svid = case.verify(&[&leaf, &upper.der]).unwrap();
    assert_eq!(
        svid.readiness(now()),
        StartOfValidity::At(now() + minutes(1))
    );
    assert_eq!(svid.not_before(), now() - minutes(10));
}

#[test]
fn certificates_may_last_for_ever() {
    let svid = verify_leaf(|params| {
        params.not_before = date_time_ymd(1, 1, 1);
        params.not_after = date_time_ymd(9999, 12, 31);
    })
    .unwrap();
    assert_eq!(svid.not_after(), Timestamp::MAX);
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, now(), Timestamp::MAX] {
        assert!(matches!(
            svid.readiness(now),
            StartOfValidity::Now | StartOfValidity::TooFarAhead(_)
        ));
    }
}
