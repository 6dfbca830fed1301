//! The whole policy over both corpora.

use super::corpus::{Craft, RIGHT_ID, around, hostile, policy, right, to_pem};
use super::*;

fn broken(decision: &Decision) -> Vec<Rule> {
    match decision {
        Decision::Deny(denial) => denial.violations().iter().map(Violation::rule).collect(),
        Decision::Approve(_) | Decision::Inquire(_) | Decision::LeaveAlone => Vec::new(),
    }
}

#[test]
fn every_right_request_is_approved() {
    for case in right() {
        match evaluate(&policy(), &case.request) {
            Decision::Approve(approval) => {
                assert_eq!(approval.spiffe_id().as_str(), RIGHT_ID, "{}", case.name);
            }
            Decision::Deny(denial) => panic!("{}: {}", case.name, denial.message()),
            Decision::Inquire(_) => panic!("{}: inquired", case.name),
            Decision::LeaveAlone => panic!("{}: left alone", case.name),
        }
    }
}

#[test]
fn every_hostile_request_is_denied_for_its_own_fault() {
    let cases = hostile();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let decision = evaluate(&policy(), &case.request);
        let rules = broken(&decision);
        if !case.breaks.is_some_and(|rule| rules.contains(&rule)) {
            wrong.push(format!(
                "{}: wanted {:?}, got {rules:?}",
                case.name, case.breaks
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_denial_is_short_printable_ascii() {
    for case in hostile() {
        let Decision::Deny(denial) = evaluate(&policy(), &case.request) else {
            panic!("{}", case.name)
        };
        let message = denial.message();
        assert!(message.len() <= Denial::MAX_MESSAGE_BYTES, "{}", case.name);
        let printable = |c: char| c == ' ' || c.is_ascii_graphic();
        assert!(message.chars().all(printable), "{}: {message}", case.name);
    }
}

#[test]
fn hostile_cases_have_names_of_their_own() {
    let mut names: Vec<String> = hostile().into_iter().map(|case| case.name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_request_to_another_issuer_is_left_alone_however_wrong_it_is() {
    for (name, kind, group) in [
        ("other", "ClusterIssuer", "cert-manager.io"),
        ("spiffe-ca", "Issuer", "cert-manager.io"),
        ("spiffe-ca", "", "cert-manager.io"),
        ("spiffe-ca", "clusterissuer", "cert-manager.io"),
        ("spiffe-ca", "ClusterIssuer", "example.org"),
        ("spiffe-ca ", "ClusterIssuer", ""),
    ] {
        let mut request = around(Vec::new());
        request.issuer = IssuerReference::new(name, kind, group);
        let decision = evaluate(&policy(), &request);
        assert!(
            matches!(decision, Decision::LeaveAlone),
            "{:?}",
            request.issuer
        );
    }
}

#[test]
fn a_denial_lists_every_broken_rule_once() {
    let mut request = around(b"garbage".to_vec());
    request.namespace = "default".to_owned();
    request.generation = None;
    request.identity_annotation = String::new();
    request.usages = None;
    request.duration = DurationField::Absent;
    request.is_ca = true;
    assert_eq!(
        broken(&evaluate(&policy(), &request)),
        [
            Rule::Namespace,
            Rule::Generation,
            Rule::Annotation,
            Rule::Usages,
            Rule::Duration,
            Rule::CertificateAuthority,
            Rule::Encoding,
        ]
    );
}

#[test]
fn the_worst_request_is_still_told_within_the_limit() {
    let hostile = "\0".repeat(100_000);
    let mut request = around(Vec::new());
    request.namespace.clone_from(&hostile);
    request.identity_annotation.clone_from(&hostile);
    request.usages = Some(vec![hostile.clone(); 50]);
    request.duration = DurationField::Malformed(hostile.clone());
    request.generation = Some(7);
    request.is_ca = true;
    let Decision::Deny(denial) = evaluate(&policy(), &request) else {
        panic!()
    };
    let message = denial.message();
    assert!(message.len() <= Denial::MAX_MESSAGE_BYTES);
    assert!(denial.violations().len() >= 7);
}

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
