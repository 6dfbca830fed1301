//! Roots that an issuer sends along: they anchor nothing, and do no harm.

use svid_core::svid::{Anchoring, TrustBundle};

use super::Ders;
use crate::fixtures::{Authority, Case, bundle, nothing, now, pem, with_sha1};

#[test]
fn a_root_that_came_with_the_chain_may_be_signed_with_sha_1() {
    let case = Case::new();
    let root = Authority::root_with("old", &rcgen::PKCS_RSA_SHA256, nothing);
    let other = Authority::root("other");
    let old = with_sha1(&root.der);
    let inter = root.intermediate("inter", nothing);
    let direct = root.leaf(case.key.public_key(), nothing);
    let leaf = inter.leaf(case.key.public_key(), nothing);
    let ends_there =
        "it ends at the root \"CN=old\", which was sent along and is not in the trust bundle";
    let table: [(&str, Ders<'_>, Ders<'_>); 3] = [
        ("directly below", vec![&direct, &old], vec![&direct]),
        ("the root first", vec![&old, &direct], vec![&direct]),
        (
            "further below",
            vec![&leaf, &inter.der, &old],
            vec![&leaf, &inter.der],
        ),
    ];
    for (name, chain, published) in table {
        let verify = |roots: Option<&TrustBundle>| {
            let svid = case.verify_at(&chain, roots, now()).expect(name);
            assert_eq!(svid.chain_pem(), pem(&published), "{name}");
            svid.anchoring().clone()
        };
        assert_eq!(verify(None), Anchoring::NoBundle, "{name}");
        let Anchoring::NotAnchored(gap) = verify(Some(&bundle(&[&other.der]))) else {
            panic!("{name}: nobody trusts it");
        };
        assert_eq!(gap.to_string(), ends_there, "{name}");
        for roots in [&[&*root.der], &[&*old]] {
            assert_eq!(verify(Some(&bundle(roots))), Anchoring::Anchored, "{name}");
        }
    }
}

#[test]
fn a_roots_next_key_of_another_kind_that_the_root_certified_is_no_root_itself() {
    let case = Case::new();
    let root = Authority::root_with("root", &rcgen::PKCS_RSA_SHA256, nothing);
    let next = Authority::root("root");
    let leaf = next.leaf(case.key.public_key(), nothing);
    let chain: &[&[u8]] = &[&leaf, &next.certified_by(&root).der];
    let svid = case.verify_at(chain, Some(&bundle(&[&root.der])), now());
    let svid = svid.unwrap();
    assert_eq!(*svid.anchoring(), Anchoring::Anchored);
    assert_eq!(svid.chain_pem(), pem(chain));
}
