//! The whole policy over the three corpora, in the default world and in another.

use std::sync::Arc;

use svid_core::identity::TrustDomain;
use svid_core::policy::{
    Decision, Denial, DurationField, ExtraAnnotations, IssuerReference, Policy, Rule, evaluate,
};
use svid_corpus::foreigners::foreigners;
use svid_corpus::hostile::hostile;
use svid_corpus::right::right;
use svid_corpus::{Case, Expect, World, around, policy};

use crate::broken;

/// Another cluster, where nothing has the names of the default one and defaults mean the issuer.
fn elsewhere() -> World {
    World::new(
        "e2e-",
        TrustDomain::parse("example.test").unwrap(),
        IssuerReference::new("signer", "", ""),
    )
    .with_annotations(&[
        ("example.com/team", "blue"),
        ("ejbca-issuer.keyfactor.com/certificateProfileName", "svid"),
    ])
}

/// An approver that was not told what the driver writes.
fn unlisted(world: &World) -> Policy {
    Policy {
        extra_annotations: Arc::new(ExtraAnnotations::Unlisted),
        ..world.policy()
    }
}

/// Every answer that is not the expected one, in words.
fn wrong_answers(world: &World, cases: Vec<Case>) -> Vec<String> {
    wrong_answers_by(&world.policy(), world, cases)
}

fn wrong_answers_by(policy: &Policy, world: &World, cases: Vec<Case>) -> Vec<String> {
    let wrong = cases.into_iter().filter_map(|case| {
        let decision = evaluate(policy, &case.request);
        let is_right = match (&decision, case.expect) {
            (Decision::Approve(approval), Expect::Approve) => {
                approval.spiffe_id().as_str() == world.identity()
            }
            (Decision::Deny(_), Expect::Deny(rule)) => broken(&decision).contains(&rule),
            (Decision::LeaveAlone, Expect::LeaveAlone) => true,
            (_, Expect::Approve | Expect::Deny(_) | Expect::LeaveAlone) => false,
        };
        (!is_right).then(|| format!("{}: wanted {:?}, got {decision:?}", case.name, case.expect))
    });
    wrong.collect()
}

fn all(world: &World) -> Vec<Case> {
    [right(world), hostile(world), foreigners(world)].concat()
}

#[test]
fn every_right_request_is_approved() {
    for world in [World::default(), elsewhere()] {
        let cases = right(&world);
        assert!(cases.len() >= 80, "{} cases", cases.len());
        let wrong = wrong_answers(&world, cases);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn every_hostile_request_is_denied_for_its_own_fault() {
    for world in [World::default(), elsewhere()] {
        let cases = hostile(&world);
        assert!(cases.len() >= 450, "{} cases", cases.len());
        let wrong = wrong_answers(&world, cases);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn without_a_list_of_annotations_right_requests_are_approved_and_hostile_ones_denied() {
    let world = World::default().with_annotations(&[("example.com/team", "blue")]);
    let policy = unlisted(&world);
    let mut hostile = hostile(&world);
    hostile.retain(|case| case.expect != Expect::Deny(Rule::ExtraAnnotations));
    let cases = [right(&world), hostile].concat();
    let wrong = wrong_answers_by(&policy, &world, cases);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn without_a_list_a_request_is_denied_only_for_annotations_that_issuers_obey() {
    let world = World::default();
    let policy = unlisted(&world);
    let (mut denied, mut approved) = (0, 0);
    for case in hostile(&world) {
        if case.expect != Expect::Deny(Rule::ExtraAnnotations) {
            continue;
        }
        let steers = STEERING.iter().any(|key| case.name.contains(key));
        match evaluate(&policy, &case.request) {
            Decision::Deny(_) => denied += usize::from(steers),
            Decision::Approve(_) => approved += usize::from(!steers),
            other @ (Decision::Inquire(_) | Decision::LeaveAlone) => {
                panic!("{}: {other:?}", case.name)
            }
        }
    }
    assert_eq!((denied, approved), (16, 6));
}

/// What the names of the corpus's annotations that issuers obey begin with.
const STEERING: &[&str] = &[
    "keyfactor.com/",
    "venafi.cert-manager.io/",
    "aws-privateca-issuer/",
    "horizon.evertrust.io/",
    "czertainly.com/",
    "infisical.com/",
    "cert-manager.io/certificate-name",
    "cert-manager.io/private-key-secret-name",
];

#[test]
fn every_request_to_another_issuer_is_left_alone_however_wrong_it_is() {
    for world in [World::default(), elsewhere()] {
        let wrong = wrong_answers(&world, foreigners(&world));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn every_denial_is_short_printable_ascii() {
    for case in hostile(&World::default()) {
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
fn every_case_has_a_name_of_its_own() {
    let cases = all(&World::default());
    let mut names: Vec<String> = cases.into_iter().map(|case| case.name).collect();
    names.sort();
    let doubled: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
}

#[test]
fn every_rule_is_broken_by_some_hostile_request() {
    let rules: Vec<Rule> = hostile(&World::default())
        .iter()
        .filter_map(|case| match case.expect {
            Expect::Deny(rule) => Some(rule),
            Expect::Approve | Expect::LeaveAlone => None,
        })
        .collect();
    for rule in [
        Rule::Requester,
        Rule::Owner,
        Rule::PodToken,
        Rule::Namespace,
        Rule::Generation,
        Rule::Annotation,
        Rule::ExtraAnnotations,
        Rule::Usages,
        Rule::Duration,
        Rule::CertificateAuthority,
        Rule::Encoding,
        Rule::Subject,
        Rule::Attributes,
        Rule::Extensions,
        Rule::SubjectAlternativeName,
        Rule::Identity,
        Rule::Key,
        Rule::Signature,
        Rule::Canonical,
    ] {
        assert!(rules.contains(&rule), "{rule:?}");
    }
}

#[test]
fn a_denial_lists_every_broken_rule_once() {
    let mut request = around(b"garbage".to_vec());
    request.namespace = "default".to_owned();
    request.generation = None;
    request.identity_annotation = String::new();
    request.annotations.is_cut = true;
    request.usages = None;
    request.duration = DurationField::Absent;
    request.is_ca = true;
    assert_eq!(
        broken(&evaluate(&policy(), &request)),
        [
            Rule::Namespace,
            Rule::Generation,
            Rule::Annotation,
            Rule::ExtraAnnotations,
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
    let annotations = &mut request.annotations.read;
    annotations.insert(hostile.clone(), Some(hostile.clone()));
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
