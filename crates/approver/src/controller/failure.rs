//! Why an attempt to decide fails, what would mend it, and when to try again.
//!
//! A refusal looks the same whether it is about this one request or about all of them, and the two
//! must not be confused: if the approver lacks a right, everything must go on within minutes once
//! it is given; but a request that nobody can ever decide must not be sent again and again.
//! Kubernetes says neither in a field, so the text of the answer decides, in the direction that
//! does no harm: what is not known to be about the request alone is tried every five minutes.

use std::time::Duration;

use svid_client::ApiError;
use svid_client::retry::Retry;
use svid_core::policy::IssuerReference;
use thiserror::Error;

use super::index::Wakes;
use crate::kinds::KindsError;
use crate::pods::PodError;

/// Why an attempt to decide failed; the request stays undecided until the next.
#[derive(Debug, Error)]
pub(crate) enum AttemptError {
    /// The decision could not be written, or the request not read again.
    #[error(transparent)]
    Request(#[from] ApiError),
    /// The Pod could not be read.
    #[error(transparent)]
    Pod(#[from] PodError),
    /// It could not be found out whether there is such a kind of issuer.
    #[error(transparent)]
    Kinds(#[from] KindsError),
    /// It names an issuer of a kind that the API server does not serve.
    #[error(
        "it names the issuer {0}, and the API server serves no such kind; install what serves it, \
         or delete the request"
    )]
    UnknownKind(IssuerReference),
    /// The object is there and its status is not.
    #[error("its status does not exist, but the request does; install cert-manager's own CRDs")]
    NoStatus,
    /// The term lapsed meanwhile and may still be extended.
    #[error("the lease was not renewed in time")]
    Lapsed,
}

/// What would mend a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Time alone: the API server is busy, or cannot be reached.
    Time,
    /// Somebody who gives a right or changes a webhook or policy, which nothing reports.
    Administrator,
    /// Another version of the request, or an installation that has more in it.
    Change,
}

impl AttemptError {
    /// How long the server wants to be left alone.
    fn retry_after(&self) -> Option<Duration> {
        self.answer().and_then(ApiError::retry_after)
    }

    /// What would mend it.
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

    /// What the log says of it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Time => "deciding failed, trying again",
            Self::Administrator => {
                "deciding is refused, trying again every five minutes; this is said once"
            }
            Self::Change => {
                "deciding is refused each time, trying again in an hour or when the request \
                 changes; this is said once"
            }
        }
    }

    /// What ends the rest before its time.
    pub(crate) fn wakes(self) -> Wakes {
        match self {
            Self::Time | Self::Administrator => Wakes::OnTime,
            Self::Change => Wakes::OnChange,
        }
    }
}

/// What cert-manager's webhook for approvals answers if the kind of issuer is not served
/// (`internal/webhook/admission/certificaterequest/approval`). If the words change, such requests
/// are tried every five minutes.
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
/// How long after a right was given the last request is decided; per request, a lack costs a call
/// in so long. Halved, ten thousand requests that are refused cost 67 calls per second in place of
/// 33.
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
