//! Notices decisions on SPIFFE identities that this approver would not have made.
//!
//! cert-manager's own approver approves everything that it is not configured to leave alone
//! (`disableAutoApproval`), and anybody who has gained the right to approve can do the same; then
//! anyone can obtain any identity. That must not go unnoticed: each such request is counted and
//! logged as a warning once, those found in a list with a single warning.
//!
//! The reason of an approval shows which approver made it. But a reason is text that anybody can
//! copy, so every approved request is judged by the rules that hold under any settings, whatever
//! its reason. A denial grants nothing: there only the reason counts.

mod memory;

use svid_client::issuer::Issuers;
use svid_core::identity::ServiceAccount;
use svid_core::policy::{Attestation, evaluate_approved};
use svid_core::text::excerpt;

use self::memory::Memory;
use super::candidate::{Decided, NamespacedName};
use crate::metrics::{Elsewhere, Metrics};
use crate::status::REASON;

/// Remembers which requests were looked at.
#[derive(Debug)]
pub(crate) struct Bystander {
    metrics: Metrics,
    driver: Option<ServiceAccount>,
    memory: Memory,
    listing: Option<NewlyListed>,
}

/// What a list contains that was not known before.
#[derive(Clone, Copy, Debug, Default)]
struct NewlyListed {
    approved: u64,
    denied: u64,
}

impl Bystander {
    pub(crate) fn new(attestation: &Attestation, metrics: Metrics) -> Self {
        let driver = match attestation {
            Attestation::Node(attestation) => Some(attestation.driver.clone()),
            Attestation::PodToken(_) => None,
        };
        Self {
            metrics,
            driver,
            memory: Memory::default(),
            listing: None,
        }
    }

    /// Checks a decided object. Only those for one of our issuers matter, and each only once.
    pub(crate) fn notice(&mut self, decided: Decided, issuers: &Issuers) {
        if !issuers.ever.contains(&decided.issuer()) || self.memory.knows(decided.uid()) {
            return;
        }
        let (uid, key, decision) = (decided.uid().to_owned(), decided.key(), decided.decision);
        let reason = excerpt(decided.reason());
        let Some(fault) = fault_of(decided, self.driver.as_ref()) else {
            self.memory.remember(&uid);
            return;
        };
        if let Some(found) = &mut self.listing {
            // Counted with the whole list; if that breaks off, it was not, and is looked at again.
            self.memory.await_end_of_list(&uid);
            match decision {
                Elsewhere::Approved => found.approved += 1,
                Elsewhere::Denied => found.denied += 1,
            }
            return;
        }
        self.memory.remember(&uid);
        self.metrics.elsewhere(decision, 1);
        let NamespacedName { namespace, name } = &key;
        tracing::warn!(
            namespace,
            request = name,
            ?decision,
            reason,
            fault,
            "{MESSAGE}"
        );
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&mut self, uid: &str) {
        self.memory.forget(uid);
    }

    /// Begins a list of all objects that there are.
    pub(crate) fn begin_list(&mut self) {
        self.listing = Some(NewlyListed::default());
        self.memory.begin_list();
    }

    /// Ends the list: reports what was new in it, and forgets what was not in it.
    pub(crate) fn end_list(&mut self) {
        let Some(NewlyListed { approved, denied }) = self.listing.take() else {
            return;
        };
        self.memory.end_list();
        self.metrics.elsewhere(Elsewhere::Approved, approved);
        self.metrics.elsewhere(Elsewhere::Denied, denied);
        if approved + denied > 0 {
            tracing::warn!(approved, denied, "{MESSAGE}");
        }
    }
}

/// What shows that a decision is not one of ours, in words; None if nothing does.
fn fault_of(decided: Decided, driver: Option<&ServiceAccount>) -> Option<String> {
    let other_reason = (decided.reason() != REASON)
        .then(|| "the reason of its condition is another approver's".to_owned());
    match decided.decision {
        Elsewhere::Denied => other_reason,
        Elsewhere::Approved => match evaluate_approved(decided.into_request(), driver) {
            Err(denial) => Some(denial.message()),
            Ok(()) => other_reason,
        },
    }
}

const MESSAGE: &str = "requests for the SPIFFE issuer were decided by another approver; if it is \
    cert-manager's own, set disableAutoApproval, and check who has the right to approve";

#[cfg(test)]
mod tests;
