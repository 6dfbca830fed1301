//! How an attempt to get a certificate ended.

use std::time::Duration;

use svid_client::{ApiError, label_values};

use super::Calls;
use crate::events::EventReason;

/// How an attempt ended, as the value of a metric's label. A closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// The pod sees a new certificate.
    Issued,
    /// The approver denied the request.
    Denied,
    /// The issuer gave up.
    Failed,
    /// cert-manager called the request malformed.
    Invalid,
    /// Somebody deleted the request.
    Deleted,
    /// Nobody approved or signed in time.
    TimedOut,
    /// Another issuer is now configured.
    IssuerChanged,
    /// What the issuer returned was refused.
    BadCertificate,
    /// The pod's service account may not create requests.
    Forbidden,
    /// The pod's token is not accepted.
    Unauthorized,
    /// The API server failed or could not be reached.
    ApiError,
    /// The files could not be shown to the pod.
    NotMounted,
    /// An issuer or the trust bundle is not known yet.
    NotConfigured,
}

label_values! {
    AttemptOutcome {
        Issued => "issued",
        Denied => "denied",
        Failed => "failed",
        Invalid => "invalid",
        Deleted => "deleted",
        TimedOut => "timed_out",
        IssuerChanged => "issuer_changed",
        BadCertificate => "bad_certificate",
        Forbidden => "forbidden",
        Unauthorized => "unauthorized",
        ApiError => "api_error",
        NotMounted => "not_mounted",
        NotConfigured => "not_configured",
    }
}

impl AttemptOutcome {
    /// Whether the same is likely to come of another attempt until somebody changes a policy, a
    /// right or the configuration.
    pub fn is_lasting(self) -> bool {
        match self {
            Self::Denied
            | Self::Invalid
            | Self::BadCertificate
            | Self::Forbidden
            | Self::NotConfigured => true,
            Self::Issued
            | Self::Failed
            | Self::Deleted
            | Self::TimedOut
            | Self::IssuerChanged
            | Self::Unauthorized
            | Self::ApiError
            | Self::NotMounted => false,
        }
    }
}

/// Why an attempt ended without a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kind of ending.
    pub outcome: AttemptOutcome,
    /// What went wrong on which object, and what to do.
    pub reason: String,
    /// How long the API server asks us to wait.
    pub retry_after: Option<Duration>,
    /// The calls whose working again may help, if one of them failed.
    pub calls: Option<Calls>,
    /// The Event for the pod's owner, if they must act.
    pub event: Option<EventReason>,
}

impl Failure {
    /// A failure that is likely to pass.
    pub fn unreported(outcome: AttemptOutcome, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            reason: reason.into(),
            retry_after: None,
            calls: None,
            event: None,
        }
    }

    /// A failure that the pod's owner or an administrator must know of.
    pub fn reported(
        outcome: AttemptOutcome,
        event: EventReason,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            event: Some(event),
            ..Self::unreported(outcome, reason)
        }
    }

    /// A failed call; `attempted` names the operation and the object.
    pub fn api(attempted: &str, calls: Calls, error: &ApiError) -> Self {
        Self {
            retry_after: error.retry_after(),
            calls: Some(calls),
            ..Self::unreported(AttemptOutcome::ApiError, format!("{attempted}: {error}"))
        }
    }
}
