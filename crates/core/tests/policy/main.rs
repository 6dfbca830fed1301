//! The policy, asked from outside: over the corpora, and rule by rule.

#![expect(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod afterwards;
mod changes;
mod corpora;
mod inquiry;
mod ordinary;
mod rules;

use svid_core::policy::{Decision, Rule, Violation, evaluate};
use svid_corpus::craft::{Craft, to_pem};
use svid_corpus::{around, policy};

/// The rules that a decision tells.
fn broken(decision: &Decision) -> Vec<Rule> {
    match decision {
        Decision::Deny(denial) => denial.violations().iter().map(Violation::rule).collect(),
        Decision::Approve(_) | Decision::Inquire(_) | Decision::LeaveAlone => Vec::new(),
    }
}

/// What one rule says of a signing request in a right object, if it objects.
fn objection(rule: Rule, der: &[u8]) -> Option<String> {
    let Decision::Deny(denial) = evaluate(&policy(), &around(to_pem(der))) else {
        return None;
    };
    let violations = denial.violations();
    let unread = violations.iter().any(|told| told.rule() == Rule::Encoding);
    assert!(!unread || rule == Rule::Encoding, "{}", denial.message());
    let told = violations.iter().find(|told| told.rule() == rule);
    told.map(|told| told.text().to_owned())
}

/// Whether one rule lets a signing request pass.
fn allows(rule: Rule, craft: &Craft) -> bool {
    objection(rule, &craft.der()).is_none()
}
