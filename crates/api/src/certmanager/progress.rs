//! How far a request has come, read from its conditions.

use super::condition::{ConditionStatus, condition_type, ready_reason};
use super::encoded::EncodedBytes;
use super::stored::{StoredCondition, StoredRequest};

/// How far a request has come. The last four are final: a request is used once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress<'a> {
    /// No approver has decided.
    Undecided,
    /// Approved, and the issuer has not answered.
    Approved,
    /// The issuer answered with a certificate, which nobody has checked yet, and perhaps with
    /// authorities beside it.
    Issued {
        /// The certificate and what came with it.
        certificate: &'a EncodedBytes,
        /// What is in `status.ca`.
        ca: Option<&'a EncodedBytes>,
    },
    /// An approver denied it; the condition says why.
    Denied(&'a StoredCondition),
    /// The issuer gave up; the condition says why.
    Failed(&'a StoredCondition),
    /// cert-manager found the request malformed; the condition says why.
    Invalid(&'a StoredCondition),
}

impl StoredRequest {
    /// Reads how far the request has come. A refusal wins over whatever else is stated, and a
    /// certificate counts only if `Ready` is true.
    #[must_use]
    pub fn progress(&self) -> Progress<'_> {
        if let Some(condition) = self.holding(condition_type::DENIED) {
            return Progress::Denied(condition);
        }
        if let Some(condition) = self.holding(condition_type::INVALID_REQUEST) {
            return Progress::Invalid(condition);
        }
        if let Some(ready) = self.ready() {
            let reason = ready.reason.as_ref().and_then(|reason| reason.whole());
            if ready.status == ConditionStatus::True {
                if let Some(certificate) = self.certificate() {
                    let ca = self.status.as_ref().and_then(|status| status.ca.as_ref());
                    return Progress::Issued { certificate, ca };
                }
            } else if reason == Some(ready_reason::DENIED) {
                return Progress::Denied(ready);
            } else if reason == Some(ready_reason::FAILED) {
                return Progress::Failed(ready);
            }
        }
        if self.is_approved() {
            Progress::Approved
        } else {
            Progress::Undecided
        }
    }

    fn certificate(&self) -> Option<&EncodedBytes> {
        self.status
            .as_ref()?
            .certificate
            .as_ref()
            .filter(|certificate| !certificate.is_empty())
    }
}
