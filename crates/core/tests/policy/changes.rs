//! Every small change of a right request is refused.

use svid_core::policy::{Decision, evaluate};
use svid_corpus::craft::{Craft, to_pem};
use svid_corpus::{around, policy};

/// Every byte of a right request matters: no single change of one is approved.
#[test]
fn no_single_flipped_bit_of_a_right_request_is_approved() {
    let der = Craft::new().der();
    for at in 0..der.len() {
        for bit in 0..8 {
            let mut changed = der.clone();
            changed[at] ^= 1 << bit;
            let decision = evaluate(&policy(), &around(to_pem(&changed)));
            assert!(
                !matches!(decision, Decision::Approve(_)),
                "byte {at}, bit {bit}"
            );
        }
    }
}

/// The signature catches every change to what was signed; so here it is made anew for each change,
/// and what refuses it is the reading alone.
#[test]
fn no_change_of_a_byte_is_approved_even_if_it_is_signed() {
    let craft = Craft::new();
    let info = craft.info();
    let mut changes: Vec<Vec<u8>> = Vec::new();
    for at in 0..info.len() {
        for bit in 0..8 {
            let mut changed = info.clone();
            changed[at] ^= 1 << bit;
            changes.push(changed);
        }
        let mut shorter = info.clone();
        shorter.remove(at);
        changes.push(shorter);
        for byte in [0x00, 0x05, 0x30, 0x80, 0x86, 0xff] {
            let mut longer = info.clone();
            longer.insert(at, byte);
            changes.push(longer);
        }
    }
    for changed in changes.into_iter().filter(|changed| *changed != info) {
        let request = around(to_pem(&craft.signed(&changed)));
        let decision = evaluate(&policy(), &request);
        assert!(matches!(decision, Decision::Deny(_)), "{changed:02x?}");
    }
}

/// A parser that meets garbage must answer, not panic.
#[test]
fn no_truncation_of_a_right_request_is_approved() {
    let pem = Craft::new().pem();
    for length in 0..pem.len() - 40 {
        let decision = evaluate(&policy(), &around(pem[..length].to_vec()));
        assert!(matches!(decision, Decision::Deny(_)), "{length}");
    }
}
