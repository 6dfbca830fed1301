//! Owns the shape of cert-manager's `CertificateRequest`, API group `cert-manager.io/v1`
//! (`pkg/apis/certmanager/v1/types_certificaterequest.go` of cert-manager 1.21).
//!
//! [`CertificateRequest`] is what is written, [`StoredRequest`] what is read. Must not know which
//! request is a good one. Invariant: every object that the API server stores under cert-manager's
//! schema decodes; invalid values in it (text that is not base64, a time that is not a time) are
//! kept or left out, and are reported when the value is used.

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
    Claims, StoredCondition, StoredConditions, StoredExtra, StoredIssuerRef, StoredMetadata,
    StoredOwner, StoredRequest, StoredSpec, StoredStatus,
};
