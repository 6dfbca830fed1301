//! The approver's rules: may this request become a certificate for this identity?
//!
//! Owns what a valid request looks like, and the messages that say what is wrong with an invalid
//! one. Knows nothing of Kubernetes objects, conditions or clocks: the caller fills in a
//! [`Request`] and acts on the [`Decision`]. In node-attested mode the caller reads one Pod in
//! between, and only for a request that violates no other rule ([`PodInquiry`]).
//!
//! Invariant: an [`Approval`] exists only if every rule is satisfied and the bytes of the signing
//! request are exactly those that this module would encode itself for the approved identity
//! (`rules/canonical`). So any other parser finds exactly one name in an approved request, the
//! expected URI, and an empty subject.
//!
//! Sources: SPIFFE X509-SVID (sections 2, 4.1 and 5.2), RFC 2986, RFC 5280, and the behaviour of
//! cert-manager/csi-driver-spiffe, whose valid requests are all approved here.

mod afterwards;
pub mod claims;
mod csr;
mod decision;
mod evaluate;
mod evidence;
mod inquiry;
mod ordinary;
mod pem;
mod request;
mod rules;

pub use afterwards::evaluate_approved;
pub use decision::{Approval, Denial, Rule, Violation};
pub use evaluate::{Decision, evaluate};
pub use evidence::{PodEvidence, PodReference};
pub use inquiry::PodInquiry;
pub use ordinary::{OrdinaryApproval, OrdinaryDecision, OrdinaryRequest, evaluate_ordinary};
pub use pem::{MAX_REQUEST_BYTES, PemError, decode as decode_request_pem};
pub use request::{
    Annotations, Attestation, Credentials, DurationField, ExtraAnnotations, IssuerReference,
    NodeAttestation, Owner, Policy, Request, Requester,
};
