//! One rule per file: a pure function, the attack it stops, and tests of what the corpora cannot
//! show.
//!
//! A rule returns the first violation it finds and does not rely on any other rule having run;
//! [`super::evaluate`] applies all of them and approves only if there is no violation. Rules with
//! [`super::csr::Csr`] among their arguments are skipped when the signing request cannot be read,
//! which is itself a violation. Those in `pod` run last, on the Pod as it was read.

pub(super) mod annotation;
pub(super) mod attributes;
pub(super) mod canonical;
pub(super) mod certificate_authority;
pub(super) mod driver;
pub(super) mod duration;
pub(super) mod extensions;
pub(super) mod extra_annotations;
pub(super) mod generation;
pub(super) mod identity;
pub(super) mod key;
pub(super) mod namespace;
pub(super) mod node_claims;
pub(super) mod owner;
pub(super) mod pod;
pub(super) mod pod_token;
pub(super) mod requester;
pub(super) mod san;
pub(super) mod signature;
pub(super) mod subject;
pub(super) mod trust_domain;
pub(super) mod usages;

use super::decision::{Rule, Violation};

/// What every rule returns.
pub(super) type RuleResult = Result<(), Violation>;

/// Names the rule that was broken and what to change.
fn broken<T>(rule: Rule, text: impl Into<String>) -> Result<T, Violation> {
    Err(Violation::new(rule, text))
}
