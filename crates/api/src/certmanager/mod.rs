//! Owns the shape of cert-manager's `CertificateRequest`, API group `cert-manager.io/v1`
//! (`pkg/apis/certmanager/v1/types_certificaterequest.go` of cert-manager 1.21).
//!
//! [`CertificateRequest`] is for writing, [`StoredRequest`] for reading. Must not know which
//! requests are valid. Invariant: every object that the API server stores under cert-manager's
//! schema can be decoded; invalid values in it (text that is not base64, an unparseable time) are
//! kept or left out, and reported when the value is used.

mod annotations;
mod condition;
mod encoded;
mod lenient;
mod progress;
mod request;
mod stored;
#[cfg(test)]
mod tests;

pub use annotations::{OtherAnnotation, StoredAnnotations};
pub use condition::{CertificateRequestCondition, ConditionStatus, condition_type, ready_reason};
pub use encoded::{EncodedBytes, EncodedBytesError};
pub use progress::Progress;
pub use request::{
    CertificateRequest, CertificateRequestSpec, CertificateRequestStatus, IssuerRef, usage,
};
pub use stored::{
    ClaimValues, StoredCondition, StoredConditions, StoredExtra, StoredIssuerRef, StoredMetadata,
    StoredOwner, StoredRequest, StoredSpec, StoredStatus,
};
