//! What a rule leaves to the others, and what it says.

use svid_core::policy::Rule;
use svid_corpus::craft::{Craft, Signer, general_name, san};

use crate::{allows, objection};

#[test]
fn a_rule_looks_at_its_own_subject_only() {
    let nothing = Craft::new().attributes(vec![]);
    assert!(allows(Rule::Attributes, &nothing));
    let any_text = Craft::new().extensions(&[san(true, &[general_name(0x86, b"x")])]);
    assert!(allows(Rule::SubjectAlternativeName, &any_text));
}

#[test]
fn an_algorithm_that_does_not_fit_the_key_is_told_as_such() {
    for other in [Signer::rsa2048(), Signer::ed25519()] {
        let der = Craft::new().algorithm(&other.algorithm()).der();
        assert_eq!(
            objection(Rule::Signature, &der).as_deref(),
            Some("the CSR's signature algorithm does not fit its key")
        );
    }
}
