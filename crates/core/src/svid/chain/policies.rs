//! Certificate policies along a path: RFC 5280, section 6.1, as RFC 9618 has it.
//!
//! Nobody asks for a policy here, so the only thing that can be wrong is that an authority requires
//! one (`requireExplicitPolicy`) and none holds all the way down. For that it suffices to know
//! which policies are valid at each certificate, so the work grows with the number of policies and
//! not with that of the ways to map them.

use std::collections::BTreeSet;

use super::super::certificate::{ANY_POLICY, Certificate, Policies};
use super::error::{ChainError, PathPosition};

/// Whether the policies that the authorities of a path require are there. The root that signed the
/// last one has no say, as in RFC 5280.
pub(super) fn fault(path: &[&Certificate]) -> Option<ChainError> {
    let mut state = PolicyState::begin(path.len());
    for (position, certificate) in path.iter().enumerate().rev() {
        let is_leaf = position == 0;
        let policies = &certificate.extensions.policies;
        let is_exempt = certificate.is_self_issued() && !is_leaf;
        state.valid = state.kept(policies, is_exempt);
        if is_leaf {
            state.explicit = state.explicit.saturating_sub(1);
            if policies.require_explicit == Some(0) {
                state.explicit = 0;
            }
        }
        if state.explicit == 0 && state.valid.is_none_at_all() {
            let place = PathPosition::of(position, certificate);
            return Some(ChainError::NoPolicy { place });
        }
        state.map(policies);
        if !is_exempt {
            state.count_down();
        }
        state.constrain(policies);
    }
    None
}

/// The policies that are valid for what a certificate issues.
#[derive(Clone, Debug, Default)]
struct Valid {
    any: bool,
    named: BTreeSet<Vec<u8>>,
}

impl Valid {
    fn is_none_at_all(&self) -> bool {
        !self.any && self.named.is_empty()
    }
}

/// Numbers count the certificates until a rule begins to hold; zero means that it does.
struct PolicyState {
    valid: Valid,
    explicit: usize,
    mapping: usize,
    any: usize,
}

impl PolicyState {
    fn begin(length: usize) -> Self {
        Self {
            valid: Valid {
                any: true,
                named: BTreeSet::new(),
            },
            explicit: length + 1,
            mapping: length + 1,
            any: length + 1,
        }
    }

    /// What is left of the valid policies in a certificate; section 6.1.3 (d) and (e).
    fn kept(&self, policies: &Policies, is_exempt: bool) -> Valid {
        let Some(issued_under) = &policies.issued_under else {
            return Valid::default();
        };
        let mut named: BTreeSet<Vec<u8>> = issued_under
            .iter()
            .filter(|policy| *policy != ANY_POLICY)
            .filter(|policy| self.valid.any || self.valid.named.contains(*policy))
            .cloned()
            .collect();
        let has_any = issued_under.iter().any(|policy| policy == ANY_POLICY);
        let any_counts = has_any && (self.any > 0 || is_exempt);
        if any_counts {
            named.extend(self.valid.named.iter().cloned());
        }
        Valid {
            any: any_counts && self.valid.any,
            named,
        }
    }

    /// Section 6.1.4 (b).
    fn map(&mut self, policies: &Policies) {
        let mapped: Vec<_> = policies
            .mappings
            .iter()
            .filter(|(issuer, _)| self.valid.any || self.valid.named.contains(issuer))
            .collect();
        for (issuer, _) in &mapped {
            self.valid.named.remove(issuer);
        }
        if self.mapping > 0 {
            let subjects = mapped.iter().map(|(_, subject)| subject.clone());
            self.valid.named.extend(subjects);
        }
    }

    fn count_down(&mut self) {
        for count in [&mut self.explicit, &mut self.mapping, &mut self.any] {
            *count = count.saturating_sub(1);
        }
    }

    fn constrain(&mut self, policies: &Policies) {
        let limits = [
            (&mut self.explicit, policies.require_explicit),
            (&mut self.mapping, policies.inhibit_mapping),
            (&mut self.any, policies.inhibit_any),
        ];
        for (count, limit) in limits {
            let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
            *count = (*count).min(limit.unwrap_or(usize::MAX));
        }
    }
}
