//! The results of the policy, and the wording of a denial.

use crate::identity::SpiffeId;

/// Proof that a request satisfies every rule. Only [`super::evaluate`] makes one, or
/// [`super::PodInquiry::conclude`] after it.
#[derive(Debug)]
pub struct Approval {
    spiffe_id: SpiffeId,
}

impl Approval {
    pub(super) fn new(spiffe_id: SpiffeId) -> Self {
        Self { spiffe_id }
    }

    /// The identity that the certificate will carry.
    pub fn spiffe_id(&self) -> &SpiffeId {
        &self.spiffe_id
    }
}

/// Every rule that a request broke; never empty.
#[derive(Debug)]
pub struct Denial {
    violations: Vec<Violation>,
}

impl Denial {
    /// Puts violations into the order in which they are reported; None if every rule held.
    pub(super) fn of(mut violations: Vec<Violation>) -> Option<Self> {
        violations.sort_by_key(Violation::rule);
        (!violations.is_empty()).then_some(Self { violations })
    }

    pub(super) fn for_one(violation: Violation) -> Self {
        let violations = vec![violation];
        Self { violations }
    }

    /// The broken rules, in the order in which they are reported.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The text for the requester: at most [`Denial::MAX_MESSAGE_BYTES`] of printable ASCII.
    ///
    /// Violations that do not fit are counted instead of listed.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = String::new();
        for (told, violation) in self.violations.iter().enumerate() {
            let separator = if told == 0 { "" } else { "; " };
            let left = self.violations.len() - told;
            let more = more(left - 1);
            let needed = separator.len() + violation.text.len() + more.len();
            if told > 0 && message.len() + needed > Self::MAX_MESSAGE_BYTES {
                message.push_str(&self::more(left));
                break;
            }
            message.push_str(separator);
            message.push_str(&violation.text);
        }
        message.truncate(message.floor_char_boundary(Self::MAX_MESSAGE_BYTES));
        message
    }

    /// The most that [`Denial::message`] returns. One KiB is far below what an object may hold (1.5
    /// MiB) and what a terminal shows; a larger limit would let a requester fill etcd with text of
    /// its own choosing.
    pub const MAX_MESSAGE_BYTES: usize = 1024;
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    rule: Rule,
    text: String,
}

impl Violation {
    /// The caller escapes what the requester wrote ([`crate::text::quote`]).
    pub(super) fn new(rule: Rule, text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(text.floor_char_boundary(MAX_VIOLATION_BYTES));
        Self { rule, text }
    }

    /// Which rule was broken.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// What is wrong and what to change, in printable ASCII.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Every rule there is; the variants' order is the order in which violations are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// The requester is a service account (`rules/requester`).
    Requester,
    /// The requester is the driver (`rules/driver`).
    Driver,
    /// The driver's token says on which node it is used (`rules/node_claims`).
    NodeClaims,
    /// The request belongs to one Pod (`rules/owner`).
    Owner,
    /// The pod of the requester's token is the one that owns the request (`rules/pod_token`).
    PodToken,
    /// The request is in the service account's namespace (`rules/namespace`).
    Namespace,
    /// The object was never edited (`rules/generation`).
    Generation,
    /// The annotation says what the name says (`rules/annotation`).
    Annotation,
    /// The other annotations are the administrator's (`rules/extra_annotations`).
    ExtraAnnotations,
    /// The key usages are exactly the four of an SVID (`rules/usages`).
    Usages,
    /// The lifetime is exactly the enforced one (`rules/duration`).
    Duration,
    /// No certificate authority is asked for (`rules/certificate_authority`).
    CertificateAuthority,
    /// An ordinary request is not for a SPIFFE issuer (`ordinary`).
    OrdinaryIssuer,
    /// The signing request can be read at all (`pem.rs`, `csr.rs`).
    Encoding,
    /// The subject is empty (`rules/subject`).
    Subject,
    /// Nothing but one extension request is attached (`rules/attributes`).
    Attributes,
    /// The extensions are known ones that say what they should (`rules/extensions`).
    Extensions,
    /// There is exactly one name, a URI (`rules/san`).
    SubjectAlternativeName,
    /// The name is the requester's SPIFFE ID (`rules/identity`), or the Pod's
    /// (`rules/pod/identity`).
    Identity,
    /// The name is in our trust domain (`rules/trust_domain`).
    TrustDomain,
    /// The key is of an allowed kind and size (`rules/key`).
    Key,
    /// The requester holds the key (`rules/signature`).
    Signature,
    /// The bytes are those that we would have written (`rules/canonical`).
    Canonical,
    /// The Pod that owns the request is there (`rules/pod/existence`).
    PodExistence,
    /// A kubelet has not made the Pod itself (`rules/pod/mirror`).
    PodMirror,
    /// The Pod is on the node that the request is made from (`rules/pod/node`).
    PodNode,
    /// The Pod has a volume of our driver (`rules/pod/volume`).
    PodVolume,
    /// The Pod has not ended (`rules/pod/phase`).
    PodPhase,
    /// An ordinary request holds no SPIFFE name (`ordinary`).
    OrdinaryName,
}

/// The most one violation takes of a message, so that two always fit. Our own words are below
/// 300 bytes and a quotation below 120.
const MAX_VIOLATION_BYTES: usize = 480;

fn more(count: usize) -> String {
    if count == 0 {
        String::new()
    } else {
        format!("; and {count} more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(texts: &[String]) -> Denial {
        let violations = texts
            .iter()
            .map(|text| Violation::new(Rule::Usages, text.clone()));
        Denial::of(violations.collect()).unwrap()
    }

    #[test]
    fn violations_are_told_in_the_order_of_the_rules_and_none_are_no_denial() {
        assert!(Denial::of(Vec::new()).is_none());
        let violations = [Rule::Key, Rule::Usages, Rule::Key].map(|rule| Violation::new(rule, ""));
        let denial = Denial::of(violations.to_vec()).unwrap();
        let told: Vec<_> = denial.violations().iter().map(Violation::rule).collect();
        assert_eq!(told, [Rule::Usages, Rule::Key, Rule::Key]);
    }

    #[test]
    fn every_violation_is_told_where_there_is_room() {
        let message = denial(&["first".to_owned(), "second".to_owned()]).message();
        assert_eq!(message, "first; second");
    }

    #[test]
    fn a_message_never_exceeds_its_limit_and_counts_what_is_left_out() {
        for (length, count) in [
            (1, 2000),
            (100, 40),
            (479, 3),
            (480, 3),
            (5000, 2),
            (5000, 1),
        ] {
            let message = denial(&vec!["x".repeat(length); count]).message();
            assert!(
                message.len() <= Denial::MAX_MESSAGE_BYTES,
                "{length} x {count}"
            );
            let told = message.matches("; ").count() + 1;
            if let Some((_, rest)) = message.rsplit_once("; and ") {
                let more: usize = rest.strip_suffix(" more").unwrap().parse().unwrap();
                assert_eq!(told - 1 + more, count, "{length} x {count}");
            } else {
                assert_eq!(told, count, "{length} x {count}");
            }
        }
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        let message = denial(&["ü".repeat(1000)]).message();
        assert!(message.chars().all(|c| c == 'ü'));
        assert!(message.len() <= MAX_VIOLATION_BYTES);
    }
}
