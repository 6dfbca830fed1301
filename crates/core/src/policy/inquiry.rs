//! The second step of a decision in node-attested mode: what the Pod says.
//!
//! Owns the only way from a request of the driver to an [`Approval`]. Invariant: a [`PodInquiry`]
//! exists only for a request that violates no other rule, so a request that is denied anyway costs
//! no read of a Pod; and it is consumed by the answer, so one Pod never counts for two requests.

use super::decision::{Approval, Denial};
use super::evidence::{PodEvidence, PodReference};
use super::rules::pod::{existence, identity, mirror, node, phase, volume};
use crate::identity::{SpiffeId, TrustDomain};

/// A request of the driver that is valid except for its Pod, which has to be read. Only
/// [`super::evaluate`] makes one.
#[derive(Debug)]
pub struct PodInquiry {
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
    /// The Pod to read, now and not from a cache.
    pub fn pod(&self) -> &PodReference {
        &self.pod
    }

    /// Decides by the Pod that was found under [`PodInquiry::pod`]'s namespace and name; None if it
    /// does not exist. A Pod that could not be read is neither: try again later.
    ///
    /// # Errors
    /// Every rule about the Pod that does not hold.
    pub fn conclude(self, found: Option<&PodEvidence>) -> Result<Approval, Denial> {
        let pod = existence::check(&self.pod, found).map_err(Denial::for_one)?;
        let verdicts = [
            mirror::check(pod),
            identity::check(&self.spiffe_id, &self.trust_domain, pod),
            node::check(&self.node, pod),
            volume::check(&self.csi_driver, pod),
            phase::check(pod),
        ];
        match Denial::of(verdicts.into_iter().filter_map(Result::err).collect()) {
            None => Ok(Approval::new(self.spiffe_id)),
            Some(denial) => Err(denial),
        }
    }
}
