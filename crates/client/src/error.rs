//! How a call fails.

use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use svid_core::text;

/// Why a call had no result. The texts do not name the object: the caller does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// 401: the credentials are not accepted (any more).
    #[error("the API server rejected the credentials: {0}")]
    Unauthorized(String),
    /// 403: permissions are missing, or admission refuses.
    #[error("the API server forbade it: {0}")]
    Forbidden(String),
    /// 403 because the namespace is being deleted: nothing new can be created in it. That passes by
    /// itself and says nothing about our permissions.
    #[error("the namespace is being deleted: {0}")]
    Terminating(String),
    /// 404: the object, its namespace or its kind does not exist.
    #[error("it does not exist")]
    NotFound,
    /// 409: on create, the object exists; on a write, it is no longer the version that was read.
    #[error("the API server reported a conflict: {0}")]
    Conflict(String),
    /// 410: the version to list or watch from is too old.
    #[error("the resource version is too old")]
    Expired,
    /// 429: there are too many requests for the server.
    #[error("the API server is throttling requests")]
    Throttled {
        /// How long the server asks us to wait.
        retry_after: Option<Duration>,
    },
    /// Any other refusal; nothing was written.
    #[error("the API server answered {code}: {message}")]
    Refused {
        /// The HTTP status; 0 if the call could not be put together.
        code: u16,
        /// The server's message, on one line.
        message: String,
    },
    /// 5xx: whether something was written is not known.
    #[error("the API server failed with {code}: {message}")]
    Failed {
        /// The HTTP status.
        code: u16,
        /// The server's message, on one line.
        message: String,
        /// How long the server asks us to wait.
        retry_after: Option<Duration>,
    },
    /// No answer: whether something was written is not known.
    #[error("the API server cannot be reached: {0}")]
    Unreachable(String),
    /// No answer in time: whether something was written is not known.
    #[error("the API server did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// An answer that cannot be read: something may have been written.
    #[error("the API server's answer cannot be read: {0}")]
    Unreadable(String),
}

impl ApiError {
    /// Every value of [`ApiError::kind`].
    pub const KINDS: [&'static str; 12] = [
        "unauthorized",
        "forbidden",
        "terminating",
        "not_found",
        "conflict",
        "expired",
        "throttled",
        "refused",
        "server_error",
        "unreachable",
        "timed_out",
        "unreadable",
    ];

    /// Whether the write may nevertheless have happened.
    #[must_use]
    pub fn leaves_doubt(&self) -> bool {
        match self {
            Self::Failed { .. }
            | Self::Unreachable(_)
            | Self::TimedOut(_)
            | Self::Unreadable(_) => true,
            Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::Terminating(_)
            | Self::NotFound
            | Self::Conflict(_)
            | Self::Expired
            | Self::Throttled { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// How long the server asks us to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Failed { retry_after, .. } => *retry_after,
            Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::Terminating(_)
            | Self::NotFound
            | Self::Conflict(_)
            | Self::Expired
            | Self::Refused { .. }
            | Self::Unreachable(_)
            | Self::TimedOut(_)
            | Self::Unreadable(_) => None,
        }
    }

    /// The kind of failure in one word, as metrics count it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::Terminating(_) => "terminating",
            Self::NotFound => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Expired => "expired",
            Self::Throttled { .. } => "throttled",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "server_error",
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut(_) => "timed_out",
            Self::Unreadable(_) => "unreadable",
        }
    }

    /// The error for an answer with this status.
    pub(crate) fn of_status(
        status: StatusCode,
        message: &str,
        retry_after: Option<Duration>,
    ) -> Self {
        let code = status.as_u16();
        let message = one_line(message);
        match code {
            401 => Self::Unauthorized(message),
            403 => Self::Forbidden(message),
            404 => Self::NotFound,
            409 => Self::Conflict(message),
            410 => Self::Expired,
            429 => Self::Throttled { retry_after },
            500.. => Self::Failed {
                code,
                message,
                retry_after,
            },
            _ => Self::Refused { code, message },
        }
    }

    /// The whole chain of causes: its end tells a refused connection, an untrusted certificate and
    /// an unknown host apart. And what to do about it.
    pub(crate) fn unreachable(error: &dyn Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text = format!("{text}: {inner_text}");
            }
            cause = inner.source();
        }
        let advice = advice(&text);
        Self::Unreachable(one_line(&text) + advice)
    }

    pub(crate) fn unreadable(why: impl std::fmt::Display) -> Self {
        Self::Unreadable(one_line(&why.to_string()))
    }

    pub(crate) fn not_built(error: &kube::core::request::Error) -> Self {
        Self::Refused {
            code: 0,
            message: format!("the request cannot be built: {error}"),
        }
    }
}

/// What to look at, by how the libraries below name a cause.
fn advice(cause: &str) -> &'static str {
    let known = ADVICE.iter().find(|(words, _)| cause.contains(words));
    known.map_or("", |(_, advice)| advice)
}

const ADVICE: [(&str, &str); 5] = [
    (
        "Connection refused",
        " (nothing listens there: is the address right, and does the API server run?)",
    ),
    ("UnknownIssuer", ANOTHER_AUTHORITY),
    // It has the same name, as the authorities of most clusters do ("kubernetes").
    ("BadSignature", ANOTHER_AUTHORITY),
    (
        "NotValidForName",
        " (its certificate does not name this host: use a name or an address that it names)",
    ),
    (
        "failed to lookup address",
        " (is the host name right, and does DNS answer?)",
    ),
];

const ANOTHER_AUTHORITY: &str = " (another authority than the configured one signed its \
                                 certificate: is it --certificate-authority?)";

/// Text from elsewhere, made fit for one line of a log.
pub(crate) fn one_line(words: &str) -> String {
    text::one_line(words, MOST_MESSAGE)
}

/// Bytes.
const MOST_MESSAGE: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_written_is_in_doubt_and_a_refusal_is_not() {
        for (code, doubt) in [
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (409, false),
            (410, false),
            (422, false),
            (429, false),
            (500, true),
            (504, true),
        ] {
            let status = StatusCode::from_u16(code).unwrap();
            let error = ApiError::of_status(status, "x", None);
            assert_eq!(error.leaves_doubt(), doubt, "{code}");
        }
    }

    #[test]
    fn every_kind_of_failure_is_listed() {
        for code in [400, 401, 403, 404, 409, 410, 429, 500] {
            let status = StatusCode::from_u16(code).unwrap();
            let kind = ApiError::of_status(status, "x", None).kind();
            assert!(ApiError::KINDS.contains(&kind), "{kind}");
        }
        let word = String::new;
        for error in [
            ApiError::Terminating(word()),
            ApiError::Unreachable(word()),
            ApiError::TimedOut(Duration::ZERO),
            ApiError::Unreadable(word()),
        ] {
            assert!(ApiError::KINDS.contains(&error.kind()), "{error:?}");
        }
    }

    #[test]
    fn the_servers_words_stay_on_one_short_line() {
        let words = format!("a\nb\u{1b}\u{202e}\u{200b}{}", "x".repeat(1 << 20));
        let error = ApiError::of_status(StatusCode::BAD_REQUEST, &words, None);
        let text = error.to_string();
        assert!(text.len() < 700 && text.contains("a b   xx"), "{text}");
    }
}
