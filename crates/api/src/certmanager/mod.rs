//! Owns the shape of cert-manager's `CertificateRequest`, API group `cert-manager.io/v1`
//! (`pkg/apis/certmanager/v1/types_certificaterequest.go` of cert-manager 1.21).
//!
//! [`CertificateRequest`] is what is written, [`StoredRequest`] what is read. Must not know which request is a good one. Invariant: every object that the API server stores
//! under cert-manager's schema decodes; what is odd in it (text that is no base64, a time that is
//! none) is kept or left out, and shows when the value is asked for.

mod condition;
mod encoded;
mod lenient;
mod progress;
mod request;
mod stored;
#[cfg(test)]
mod tests;

pub use condition::{CertificateRequestCondition, ConditionStatus, condition_type, ready_reason};
pub use encoded::{EncodedBytes, EncodedBytesError};
pub use progress::Progress;
pub use request::{
    CertificateRequest, CertificateRequestSpec, CertificateRequestStatus, IssuerRef, usage,
};
pub use stored::{
    Claims, StoredAnnotations, StoredCondition, StoredConditions, StoredExtra, StoredIssuerRef,
    StoredMetadata, StoredOwner, StoredRequest, StoredSpec, StoredStatus,
};
