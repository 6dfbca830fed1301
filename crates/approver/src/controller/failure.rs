//! Why an attempt to decide fails, what would fix it, and when to retry.
//!
//! A refusal looks the same whether it concerns this one request or all of them, and the two must
//! not be confused: if the approver lacks a permission, everything must resume within minutes once
//! it is granted; but a request that nobody can ever decide must not be retried constantly.
//! Kubernetes has no field for this distinction, so the text of the answer is used, erring on the
//! safe side: what is not known to concern only this request is retried every five minutes.

use std::time::Duration;

use svid_client::ApiError;
use svid_client::retry::Retry;
use svid_core::policy::IssuerReference;

use super::index::RetryTrigger;
use crate::kinds::KindsError;
use crate::pods::PodError;

/// Why an attempt to decide failed; the request stays undecided until the next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttemptError {
    /// The decision could not be written, or the request not read again.
    #[error(transparent)]
    Request(#[from] ApiError),
    /// The Pod could not be read.
    #[error(transparent)]
    Pod(#[from] PodError),
    /// Whether such a kind of issuer exists could not be determined.
    #[error(transparent)]
    Kinds(#[from] KindsError),
    /// It names an issuer of a kind that the API server does not serve.
    #[error(
        "it names the issuer {0}, and the API server serves no such kind; install that issuer's \
         CRDs, or delete the request"
    )]
    UnknownKind(IssuerReference),
    /// The object exists but its status does not.
    #[error("its status does not exist, but the request does; install cert-manager's own CRDs")]
    NoStatus,
    /// The term has lapsed in the meantime and may still be extended.
    #[error("the lease was not renewed in time")]
    Lapsed,
}

/// What would fix a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Time alone: the API server is busy, or cannot be reached.
    Time,
    /// An administrator who grants a permission or changes a webhook or policy, which no event
    /// reports.
    Administrator,
    /// A change of the request, or the installation of something that is missing.
    Change,
}

impl AttemptError {
    /// How long the server wants to be left alone.
    fn retry_after(&self) -> Option<Duration> {
        self.answer().and_then(ApiError::retry_after)
    }

    /// What would fix it.
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Self::UnknownKind(_) | Self::NoStatus => Remedy::Change,
            Self::Lapsed => Remedy::Time,
            Self::Request(error) => Remedy::of(error),
            Self::Pod(error) => Remedy::of(error.cause()),
            Self::Kinds(error) => Remedy::of(error.cause()),
        }
    }

    fn answer(&self) -> Option<&ApiError> {
        match self {
            Self::Request(error) => Some(error),
            Self::Pod(error) => Some(error.cause()),
            Self::Kinds(error) => Some(error.cause()),
            Self::UnknownKind(_) | Self::NoStatus | Self::Lapsed => None,
        }
    }

    /// How long to wait after so many failures in a row.
    pub(crate) fn delay(&self, failures: u32, chance: f64) -> Duration {
        let retry = self.remedy().retry();
        retry.delay(failures, self.retry_after(), chance)
    }
}

impl Remedy {
    fn of(error: &ApiError) -> Self {
        let says = |message: &String, words: &[&str]| words.iter().any(|it| message.contains(it));
        match error {
            ApiError::Forbidden(message) if says(message, &[NO_SUCH_SIGNER]) => Self::Change,
            ApiError::Failed { message, .. } if says(message, &TOO_LARGE) => Self::Change,
            ApiError::Refused { message, .. } if says(message, &ADMISSION) => Self::Administrator,
            // Not built, malformed, too large, invalid.
            ApiError::Refused {
                code: 0 | 400 | 413 | 422,
                ..
            } => Self::Change,
            ApiError::Forbidden(_) | ApiError::Refused { .. } | ApiError::Unreadable(_) => {
                Self::Administrator
            }
            ApiError::Unauthorized(_)
            | ApiError::Terminating(_)
            | ApiError::NotFound
            | ApiError::Conflict(_)
            | ApiError::Expired
            | ApiError::Throttled { .. }
            | ApiError::Failed { .. }
            | ApiError::Unreachable(_)
            | ApiError::TimedOut(_) => Self::Time,
        }
    }

    fn retry(self) -> Retry {
        match self {
            Self::Time => Retry {
                first: FIRST,
                cap: MINUTE,
            },
            Self::Administrator => Retry {
                first: FIRST,
                cap: FIVE_MINUTES,
            },
            Self::Change => Retry {
                first: HOUR,
                cap: HOUR,
            },
        }
    }

    /// The log message for it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Time => "the decision failed, retrying",
            Self::Administrator => {
                "the decision was refused, retrying every five minutes; this is logged once"
            }
            Self::Change => {
                "every decision is refused, retrying in an hour or when the request changes; this \
                 is logged once"
            }
        }
    }

    /// What ends the wait early.
    pub(crate) fn wakes(self) -> RetryTrigger {
        match self {
            Self::Time | Self::Administrator => RetryTrigger::OnTime,
            Self::Change => RetryTrigger::OnChange,
        }
    }
}

/// What cert-manager's webhook for approvals answers if the kind of issuer is not served
/// (`internal/webhook/admission/certificaterequest/approval`). If the text changes, such requests
/// are retried every five minutes.
const NO_SUCH_SIGNER: &str = "referenced signer resource does not exist";
/// What etcd answers, and its client, if an object has no room for one more condition. The API
/// server passes it on as a failure of its own.
const TOO_LARGE: [&str; 2] = [
    "request is too large",
    "trying to send message larger than max",
];
/// How the API server begins the refusal of a webhook and of a policy, whatever status they chose
/// (`k8s.io/apiserver/pkg/admission/plugin`).
const ADMISSION: [&str; 2] = ["admission webhook", "ValidatingAdmissionPolicy"];
/// Short, since a connection that was dropped recovers at once.
const FIRST: Duration = Duration::from_millis(500);
/// Bounds what a lasting failure costs.
const MINUTE: Duration = Duration::from_secs(60);
/// The longest time until all requests are decided once a permission has been granted; a missing
/// permission costs one call per request in this time. Halved, ten thousand refused requests cost
/// 67 calls per second instead of 33.
const FIVE_MINUTES: Duration = Duration::from_secs(300);
/// For what is refused each time.
const HOUR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16, message: &str) -> ApiError {
        let message = message.to_owned();
        match code {
            403 => ApiError::Forbidden(message),
            500 => ApiError::Failed {
                code,
                message,
                retry_after: None,
            },
            _ => ApiError::Refused { code, message },
        }
    }

    #[test]
    fn what_is_about_one_request_is_distinguished_from_what_is_about_all() {
        use Remedy::{Administrator, Change, Time};
        const RBAC: &str = "certificaterequests.cert-manager.io \"x\" is forbidden: User \"a\" cannot \
                            patch resource \"certificaterequests/status\"";
        const NO_KIND: &str = "admission webhook \"webhook.cert-manager.io\" denied the request: \
                               spec.issuerRef: Forbidden: referenced signer resource does not exist: \
                               {x Nope nope.example}";
        const NO_APPROVE: &str = "admission webhook \"webhook.cert-manager.io\" denied the request: \
                                  status.conditions: Forbidden: user \"a\" does not have permissions \
                                  to set approved/denied conditions for issuer {x}";
        const POLICY: &str = "certificaterequests.cert-manager.io \"x\" is forbidden: \
                              ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no";
        for (code, message, expected) in [
            (403, RBAC, Administrator),
            (403, NO_APPROVE, Administrator),
            (403, NO_KIND, Change),
            (403, POLICY, Administrator),
            (422, POLICY, Administrator),
            (
                400,
                "admission webhook \"x\" denied the request: no",
                Administrator,
            ),
            (422, "Invalid value: must be", Change),
            (400, "json: cannot unmarshal", Change),
            (413, "Request entity too large: limit is 3145728", Change),
            (405, "the server does not allow this method", Administrator),
            (500, "etcdserver: request is too large", Change),
            (
                500,
                "trying to send message larger than max (2097410 vs. 2097152)",
                Change,
            ),
            (500, "etcdserver: leader changed", Time),
        ] {
            let remedy = AttemptError::from(refused(code, message)).remedy();
            assert_eq!(remedy, expected, "{code} {message}");
        }
        for passing in [
            ApiError::TimedOut(MINUTE),
            ApiError::Unauthorized(String::new()),
            ApiError::Throttled { retry_after: None },
        ] {
            assert_eq!(Remedy::of(&passing), Time, "{passing:?}");
        }
    }

    #[test]
    fn a_lack_of_rights_is_tried_within_minutes_and_a_lasting_refusal_within_the_hour() {
        let delay = |error: ApiError| AttemptError::from(error).delay(20, 0.0);
        assert_eq!(delay(refused(500, "x")), MINUTE);
        assert_eq!(delay(refused(403, "x")), FIVE_MINUTES);
        assert_eq!(delay(refused(413, "x")), HOUR);
        let first = AttemptError::from(refused(403, "x")).delay(1, 0.0);
        assert_eq!(first, FIRST);
    }
}
