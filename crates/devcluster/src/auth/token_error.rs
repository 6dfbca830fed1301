//! Why a bearer token is not accepted.

use crate::resource::Resource;

/// Why a bearer token was refused. Only ever logged: a client sees 401 and no reason.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum TokenError {
    #[error("not a token of this cluster")]
    Unknown,
    #[error("signature does not verify")]
    Signature,
    #[error("not for the API server")]
    Audience,
    #[error("expired or not yet valid")]
    Time,
    #[error("{} is gone or another one has taken its name", .0.singular())]
    Gone(&'static Resource),
}
