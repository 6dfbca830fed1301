//! The approver's rules: may this request become a certificate for this identity?
//!
//! Owns what a valid request looks like and the messages that say what is wrong with another one.
//! Knows nothing of Kubernetes objects, conditions or clocks: the caller fills in a [`Request`] and
//! acts on the [`Decision`]. In node-attested mode it reads one Pod in between, and only for a
//! request that nothing else is wrong with ([`PodInquiry`]).
//!
//! Invariant: an [`Approval`] exists only when every rule held, and the bytes of the signing
//! request are exactly those that this module would write itself for the identity it approved
//! (`rules/canonical`). So whatever another parser reads in an approved request, it reads one
//! URI name, the expected one, and an empty subject.
//!
//! Sources: SPIFFE X509-SVID (sections 2, 4.1 and 5.2), RFC 2986, RFC 5280, and the behaviour of
//! cert-manager/csi-driver-spiffe, whose valid requests are all approved here.

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

pub use decision::{Approval, Denial, Rule, Violation};
pub use evaluate::{Decision, evaluate};
pub use evidence::{Pod, PodReference};
pub use inquiry::PodInquiry;
pub use ordinary::{OrdinaryApproval, OrdinaryDecision, OrdinaryRequest, evaluate_ordinary};
pub use pem::{MAX_REQUEST_BYTES, PemError, decode as decode_request_pem};
pub use request::{
    Annotations, Attestation, Credentials, DurationField, ExtraAnnotations, IssuerReference,
    NodeAttestation, Owner, Policy, Request, Requester,
};
