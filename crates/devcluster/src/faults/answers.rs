//! Faults of the API server's answers: which requests, what instead, how often.

use std::time::Duration;

use serde_json::Value;

/// Which requests a fault is for. `None` matches anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// RBAC verb: `get list watch create update patch delete`.
    pub verb: Option<String>,
    /// Plural of the resource type.
    pub resource: Option<String>,
    /// Subresource; `Some("")` for the object itself.
    pub subresource: Option<String>,
    pub namespace: Option<String>,
    pub user: Option<String>,
}

impl Filter {
    pub fn any() -> Self {
        Self::default()
    }

    /// One verb on one resource type, subresources included.
    pub fn new(verb: &str, resource: &str) -> Self {
        Self {
            verb: Some(verb.to_owned()),
            resource: Some(resource.to_owned()),
            ..Self::default()
        }
    }

    /// Only requests of this user.
    #[must_use]
    pub fn by(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// Only requests in this namespace.
    #[must_use]
    pub fn within(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }
}

/// What a request gets instead of a true answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 409 Conflict, nothing done.
    Conflict,
    /// 404 NotFound, nothing done.
    NotFound,
    /// 401 Unauthorized.
    Unauthorized,
    Forbidden,
    /// Any other refusal or failure, nothing done.
    Refused {
        code: u16,
        message: String,
    },
    /// 429 with `Retry-After` and `details.retryAfterSeconds`, as Priority and Fairness answers.
    TooManyRequests {
        /// Seconds to wait.
        retry_after: u32,
    },
    InternalError,
    /// 500 ServerTimeout with `Retry-After`, as a server answers that has given up waiting.
    ServerTimeout {
        /// Seconds to wait.
        retry_after: u32,
    },
    Unavailable,
    /// No answer until the client gives up, the switch is cleared, or the cluster ends.
    Hang,
    /// The true answer, but only after this long.
    Delay(Duration),
    /// The connection is broken before anything was done.
    Close,
    /// Somebody else, who may do everything, merges this into the object first.
    ChangeFirst(Value),
    /// The request is carried out, and then the connection is broken: its answer is lost.
    CloseAfterwards,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// For this many of the next requests.
    Next(usize),
    /// Until it is cleared.
    Always,
}

impl Times {
    pub(super) fn used(self) -> Self {
        match self {
            Self::Next(left) => Self::Next(left.saturating_sub(1)),
            Self::Always => Self::Always,
        }
    }

    pub(super) fn is_left(self) -> bool {
        self != Self::Next(0)
    }
}

/// A request, as far as faults can distinguish requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) verb: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: Option<&'a str>,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) user: &'a str,
}

#[derive(Debug)]
pub(super) struct Rule {
    filter: Filter,
    answer: Answer,
    times: Times,
}

impl Rule {
    pub(super) fn new(filter: Filter, answer: Answer, times: Times) -> Self {
        Self {
            filter,
            answer,
            times,
        }
    }

    pub(super) fn matches(&self, asked: &Asked<'_>) -> bool {
        let Filter {
            verb,
            resource,
            subresource,
            namespace,
            user,
        } = &self.filter;
        let is = |wanted: &Option<String>, have: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == have)
        };
        self.times.is_left()
            && is(verb, asked.verb)
            && is(resource, asked.resource)
            && is(subresource, asked.subresource.unwrap_or_default())
            && is(namespace, asked.namespace.unwrap_or_default())
            && is(user, asked.user)
    }

    pub(super) fn take(&mut self) -> Answer {
        self.times = self.times.used();
        self.answer.clone()
    }

    pub(super) fn is_left(&self) -> bool {
        self.times.is_left()
    }
}
