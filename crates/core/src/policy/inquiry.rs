//! The second step of a decision in node-attested mode: what the Pod says.
//!
//! Owns the only way from a request of the driver to an [`Approval`]. Invariant: a [`PodInquiry`]
//! exists only for a request that broke no other rule, so one that is denied anyway costs no
//! reading of a Pod; and it is used up by the answer, so no Pod answers for two requests.

use super::decision::{Approval, Denial, Violation};
use super::evidence::{Pod, PodReference};
use super::rules::pod::{existence, identity, mirror, node, phase, volume};
use crate::identity::{SpiffeId, TrustDomain};

/// A request of the driver that is right but for its Pod, which has to be read.
#[derive(Debug)]
pub struct PodInquiry {
    spiffe_id: SpiffeId,
    trust_domain: TrustDomain,
    csi_driver: String,
    node: String,
    pod: PodReference,
}

/// What is known of a request before its Pod was read.
pub(super) struct Known {
    /// The identity whose bytes the signing request holds.
    pub(super) spiffe_id: SpiffeId,
    /// The enforced trust domain.
    pub(super) trust_domain: TrustDomain,
    /// The CSI driver's name.
    pub(super) csi_driver: String,
    /// The node that the request was made from.
    pub(super) node: String,
    /// Whom it is for.
    pub(super) pod: PodReference,
}

impl PodInquiry {
    /// Only [`super::evaluate`] calls this, where nothing else is wrong.
    pub(super) fn new(known: Known) -> Self {
        let Known {
            spiffe_id,
            trust_domain,
            csi_driver,
            node,
            pod,
        } = known;
        Self {
            spiffe_id,
            trust_domain,
            csi_driver,
            node,
            pod,
        }
    }

    /// The Pod to read, now and not from a cache.
    pub fn pod(&self) -> &PodReference {
        &self.pod
    }

    /// Decides by the Pod that was found under [`PodInquiry::pod`]'s namespace and name; None where
    /// there is none. A Pod that could not be read is neither: ask again later.
    ///
    /// # Errors
    /// Every rule about the Pod that does not hold.
    pub fn conclude(self, found: Option<&Pod>) -> Result<Approval, Denial> {
        let pod = existence::check(&self.pod, found)
            .map_err(|violation| Denial::new(violation, Vec::new()))?;
        let verdicts = [
            mirror::check(pod),
            identity::check(&self.spiffe_id, &self.trust_domain, pod),
            node::check(&self.node, pod),
            volume::check(&self.csi_driver, pod),
            phase::check(pod),
        ];
        let mut violations: Vec<_> = verdicts.into_iter().filter_map(Result::err).collect();
        violations.sort_by_key(Violation::rule);
        let mut violations = violations.into_iter();
        match violations.next() {
            None => Ok(Approval::new(self.spiffe_id)),
            Some(first) => Err(Denial::new(first, violations.collect())),
        }
    }
}
