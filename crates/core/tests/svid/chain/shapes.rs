//! Chains as issuers send them: which path is found, and what is published.

use svid_core::svid::{Anchoring, ChainError, TrustBundle, X509Svid};

use super::Ders;
use crate::fixtures::{
    Authority, Case, Change, bundle, minutes, nothing, now, pem, place, valid, with_sha1,
};

/// A hierarchy and everything that may come with a leaf of it.
struct Issuer {
    case: Case,
    root: Authority,
    other: Authority,
    upper: Authority,
    lower: Authority,
    leaf: Vec<u8>,
    /// The root's name and key by another root.
    cross: Authority,
    expired_cross: Vec<u8>,
    stray: Authority,
    namesake: Authority,
    weak: Vec<u8>,
}

impl Issuer {
    fn new() -> Self {
        let case = Case::new();
        let root = Authority::root("root");
        let other = Authority::root("other");
        let upper = root.intermediate("upper", nothing);
        let lower = upper.intermediate("lower", nothing);
        let leaf = lower.leaf(case.key.public_key(), nothing);
        let past: Change = |params| valid(params, -minutes(600), -minutes(1));
        let expired_cross = root.reissued(past).certified_by(&other).der;
        // By the same name and key.
        let rsa = Authority::root_with("rsa", &rcgen::PKCS_RSA_SHA256, nothing);
        let weak = with_sha1(&upper.certified_by(&rsa).der);
        Self {
            cross: root.certified_by(&other),
            expired_cross,
            stray: other.intermediate("stray", nothing),
            namesake: Authority::root("somebody").intermediate("lower", nothing),
            weak,
            case,
            root,
            other,
            upper,
            lower,
            leaf,
        }
    }

    fn verify(&self, chain: &Ders<'_>, beside: &Ders<'_>, roots: &TrustBundle) -> X509Svid {
        let (chain, beside) = (pem(chain), pem(beside));
        let verified =
            self.case
                .verify_beside(chain.as_bytes(), beside.as_bytes(), Some(roots), now());
        verified.unwrap()
    }
}

#[test]
fn a_path_to_the_roots_is_found_in_chains_of_every_shape() {
    let of = Issuer::new();
    let upper_by_other = of.upper.certified_by(&of.other).der;
    let named = |names: &str| -> Ders<'_> {
        let named = |name| match name {
            "leaf" => &*of.leaf,
            "lower" => &*of.lower.der,
            "upper" => &*of.upper.der,
            "root" => &*of.root.der,
            "other" => &*of.other.der,
            "cross" => &*of.cross.der,
            "expired" => &*of.expired_cross,
            "stray" => &*of.stray.der,
            "namesake" => &*of.namesake.der,
            "weak" => &*of.weak,
            "upper_by_other" => &*upper_by_other,
            _ => panic!("{name}"),
        };
        names.split_whitespace().map(named).collect()
    };
    // The chain, what is in status.ca, the roots, what is published.
    let table = [
        ("in order", WHOLE, "", "root", WHOLE),
        ("with the root", "leaf lower upper root", "", "root", WHOLE),
        (
            "the root follows the leaf",
            "leaf root",
            "",
            "lower",
            "leaf",
        ),
        (
            "the root in between",
            "leaf root lower upper",
            "",
            "root",
            WHOLE,
        ),
        (
            "an authority twice",
            "leaf lower lower upper",
            "",
            "root",
            WHOLE,
        ),
        ("the leaf twice", "leaf leaf lower upper", "", "root", WHOLE),
        ("out of order", "leaf upper lower", "", "root", WHOLE),
        ("the leaf last", "upper lower leaf", "", "root", WHOLE),
        (
            "the leaf in between",
            "root upper leaf lower",
            "",
            "root",
            WHOLE,
        ),
        (
            "an expired cross-sign",
            "leaf lower upper expired",
            "",
            "root",
            WHOLE,
        ),
        (
            "an expired cross-sign first",
            "expired leaf lower upper",
            "",
            "root",
            WHOLE,
        ),
        ("a cross-sign for others", CROSSED, "", "root", CROSSED),
        ("a cross-sign that is needed", CROSSED, "", "other", CROSSED),
        (
            "it and the root",
            "leaf lower upper root cross",
            "",
            "other",
            CROSSED,
        ),
        (
            "two cross-signs, of which one has expired",
            "leaf lower upper expired cross",
            "",
            "other",
            CROSSED,
        ),
        (
            "an authority certified by two roots",
            "leaf lower upper upper_by_other",
            "",
            "other",
            "leaf lower upper_by_other upper",
        ),
        (
            "all authorities in status.ca",
            "leaf",
            "root upper lower",
            "root",
            WHOLE,
        ),
        (
            "one of them in status.ca",
            "leaf lower",
            "upper",
            "root",
            WHOLE,
        ),
        ("all in both", WHOLE, "lower upper root", "root", WHOLE),
        (
            "a stray authority",
            "leaf stray lower upper",
            "",
            "root",
            WHOLE,
        ),
        (
            "a stray authority in status.ca",
            WHOLE,
            "stray",
            "root",
            WHOLE,
        ),
        (
            "a namesake of another key",
            "leaf namesake lower upper",
            "",
            "root",
            WHOLE,
        ),
        (
            "a weak signature beside",
            "leaf weak lower upper",
            "",
            "root",
            WHOLE,
        ),
        ("an authority is trusted itself", WHOLE, "", "lower", WHOLE),
        (
            "one of them is left out",
            "leaf lower",
            "",
            "upper",
            "leaf lower",
        ),
    ];
    for (name, chain, beside, roots, published) in table {
        let [chain, beside, roots, published] = [chain, beside, roots, published].map(named);
        let svid = of.verify(&chain, &beside, &bundle(&roots));
        assert_eq!(*svid.anchoring(), Anchoring::Anchored, "{name}");
        assert_eq!(svid.chain_pem(), pem(&published), "{name}");
        // What was published is accepted again, and is as good.
        let again = of
            .case
            .verify_pem(svid.chain_pem().as_bytes(), Some(&bundle(&roots)), now());
        assert_eq!(again.as_ref(), Ok(&svid), "{name}");
        // Line ends and text between do no harm.
        let text = pem(&chain)
            .replace('\n', "\r\n")
            .replace("-----BEGIN", "text\n-----BEGIN");
        let beside = pem(&beside);
        let mixed = of.case.verify_beside(
            text.as_bytes(),
            beside.as_bytes(),
            Some(&bundle(&roots)),
            now(),
        );
        assert_eq!(mixed.as_ref(), Ok(&svid), "{name}");
    }
}

const WHOLE: &str = "leaf lower upper";
const CROSSED: &str = "leaf lower upper cross";

#[test]
fn a_chain_that_leads_to_no_root_says_what_is_missing_by_name() {
    let of = Issuer::new();
    let (leaf, lower, upper) = (&*of.leaf, &*of.lower.der, &*of.upper.der);
    let renamed = of.root.reissued(|params| {
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "Root");
    });
    let expired = of
        .root
        .reissued(|params| valid(params, -minutes(200), -minutes(100)));
    let future = of
        .root
        .reissued(|params| valid(params, minutes(100), minutes(200)));
    let namesake = Authority::root("root");
    let missing = |of: &str, issuer: &str| {
        format!(
            "the issuer of {of}, \"CN={issuer}\", is neither in the chain, nor in status.ca, nor among the roots"
        )
    };
    let at_upper = "the authority \"CN=upper\" (2 above the certificate)";
    let at_lower = "the authority \"CN=lower\" (1 above the certificate)";
    let table: Vec<(&str, Ders<'_>, Ders<'_>, String)> = vec![
        (
            "the leaf alone",
            vec![leaf],
            vec![&of.root.der],
            missing("the certificate", "lower"),
        ),
        (
            "one is missing",
            vec![leaf, lower],
            vec![&of.root.der],
            missing(at_lower, "upper"),
        ),
        (
            "one is missing below",
            vec![leaf, upper, &of.root.der],
            vec![&of.root.der],
            missing("the certificate", "lower"),
        ),
        (
            "nobody known",
            vec![leaf, lower, upper],
            vec![&of.other.der],
            missing(at_upper, "root"),
        ),
        (
            "the root's key under another name",
            vec![leaf, lower, upper],
            vec![&renamed.der],
            missing(at_upper, "root"),
        ),
        (
            "a root of the same name",
            vec![leaf, lower, upper],
            vec![&namesake.der],
            format!(
                "{at_upper} is not signed with the key of any \"CN=root\" that is in the chain, in status.ca or among the roots"
            ),
        ),
        (
            "a root that came with it",
            vec![leaf, lower, upper, &of.root.der],
            vec![&of.other.der],
            "it ends at the root \"CN=root\", which was sent along and is not in the trust bundle"
                .to_owned(),
        ),
        (
            "the root has expired",
            vec![leaf, lower, upper],
            vec![&expired.der],
            format!(
                "the path cannot be continued beyond {at_upper}: the authority \"CN=root\" (3 \
                above the certificate) expired at 2026-05-01T10:20:00Z; it is now \
                2026-05-01T12:00:00Z"
            ),
        ),
        (
            "the root is not valid yet",
            vec![leaf, lower, upper],
            vec![&future.der],
            format!(
                "the path cannot be continued beyond {at_upper}: the authority \"CN=root\" (3 \
                above the certificate) is not valid before 2026-05-01T13:40:00Z"
            ),
        ),
    ];
    for (name, chain, roots, text) in table {
        let svid = of.verify(&chain, &vec![], &bundle(&roots));
        let Anchoring::NotAnchored(gap) = svid.anchoring() else {
            panic!("{name}: {svid:?}");
        };
        assert_eq!(gap.to_string(), text, "{name}");
    }
}

#[test]
fn a_root_is_taken_from_the_bundle_alone() {
    let of = Issuer::new();
    let roots = bundle(&[&of.other.der]);
    let beside = vec![&*of.root.der, &*of.upper.der];
    let svid = of.verify(&vec![&of.leaf, &of.lower.der], &beside, &roots);
    assert!(matches!(svid.anchoring(), Anchoring::NotAnchored(_)));
    assert_eq!(
        svid.chain_pem(),
        pem(&[&of.leaf, &of.lower.der, &of.upper.der])
    );
}

#[test]
fn a_path_with_a_fault_is_refused_if_there_is_no_other() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let expired = root.intermediate("inter", |params| {
        valid(params, -minutes(600), -minutes(1));
    });
    let fresh = expired.reissued(|params| valid(params, -minutes(600), minutes(600)));
    let fresh = fresh.certified_by(&root);
    let leaf = expired.leaf(case.key.public_key(), nothing);
    let roots = bundle(&[&root.der]);
    let verify = |chain: &[&[u8]]| case.verify_at(chain, Some(&roots), now());
    assert!(matches!(
        verify(&[&leaf, &expired.der]),
        Err(ChainError::Expired { place: at, .. }) if at == place(1, "inter")
    ));
    let svid = verify(&[&leaf, &expired.der, &fresh.der]).unwrap();
    assert_eq!(svid.chain_pem(), pem(&[&leaf, &fresh.der]));
}

#[test]
fn without_roots_the_longest_valid_path_counts() {
    let of = Issuer::new();
    let (leaf, lower, upper) = (&*of.leaf, &*of.lower.der, &*of.upper.der);
    let table: [(&str, Ders<'_>, Ders<'_>); 6] = [
        ("the leaf alone", vec![leaf], vec![leaf]),
        (
            "out of order",
            vec![upper, leaf, lower],
            vec![leaf, lower, upper],
        ),
        (
            "a cross-sign",
            vec![leaf, &of.cross.der, lower, upper],
            vec![leaf, lower, upper, &of.cross.der],
        ),
        (
            "an expired cross-sign",
            vec![leaf, lower, upper, &of.expired_cross],
            vec![leaf, lower, upper],
        ),
        (
            "a stray one and the root",
            vec![leaf, &of.stray.der, lower, upper, &of.root.der],
            vec![leaf, lower, upper],
        ),
        ("one is missing", vec![leaf, upper], vec![leaf]),
    ];
    for (name, chain, published) in table {
        let svid = of.case.verify(&chain).expect(name);
        assert_eq!(svid.chain_pem(), pem(&published), "{name}");
        assert_eq!(*svid.anchoring(), Anchoring::NoBundle, "{name}");
    }
    // A leaf whose issuer is there under its name, and has not signed it, is forged or useless.
    assert_eq!(
        of.case.verify(&[leaf, &of.namesake.der]),
        Err(ChainError::WrongSignature {
            place: place(0, ""),
            issuer: "CN=lower".to_owned(),
        })
    );
}

#[test]
fn authorities_that_certify_each_other_make_no_endless_path() {
    let case = Case::new();
    let (a, b) = (Authority::root("a"), Authority::root("b"));
    let (a_by_b, b_by_a) = (a.certified_by(&b), b.certified_by(&a));
    let leaf = a.leaf(case.key.public_key(), nothing);
    let chain: &[&[u8]] = &[&leaf, &a_by_b.der, &b_by_a.der];
    for roots in [&a, &b] {
        let svid = case.verify_at(chain, Some(&bundle(&[&roots.der])), now());
        let svid = svid.unwrap();
        assert_eq!(*svid.anchoring(), Anchoring::Anchored);
        assert_eq!(svid.chain_pem(), pem(chain));
    }
    let stranger = Authority::root("stranger");
    let svid = case.verify_at(chain, Some(&bundle(&[&stranger.der])), now());
    let text = format!("{:?}", svid.unwrap().anchoring());
    assert!(text.contains("NoRoot"), "{text}");
}

#[test]
fn the_same_key_under_another_name_and_the_same_name_with_another_key_are_others() {
    let case = Case::new();
    let root = Authority::root("root");
    let inter = root.intermediate("inter", nothing);
    let leaf = inter.leaf(case.key.public_key(), nothing);
    let renamed = inter.reissued(|params| {
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "renamed");
    });
    let renamed = renamed.certified_by(&root);
    let namesake = root.intermediate("inter", nothing);
    let roots = bundle(&[&root.der]);
    let verify = |chain: &[&[u8]]| case.verify_at(chain, Some(&roots), now()).unwrap();
    let svid = verify(&[&leaf, &renamed.der, &namesake.der, &inter.der]);
    assert_eq!(svid.chain_pem(), pem(&[&leaf, &inter.der]));
    let svid = verify(&[&leaf, &renamed.der]);
    assert!(matches!(svid.anchoring(), Anchoring::NotAnchored(_)));
}

#[test]
fn the_leaf_is_the_certificate_of_our_key_that_is_good() {
    let (case, stranger, root) = (Case::new(), Case::new(), Authority::root("root"));
    let leaf = root.leaf(case.key.public_key(), nothing);
    let expired = root.leaf(case.key.public_key(), |params| {
        valid(params, -minutes(60), -minutes(1));
    });
    let another = root.leaf(stranger.key.public_key(), nothing);
    let svid = case.verify(&[&another, &expired, &leaf]).unwrap();
    assert_eq!(svid.chain_pem(), pem(&[&leaf]));
    assert_eq!(case.verify(&[&another]), Err(ChainError::WrongKey));
}
