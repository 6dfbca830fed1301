//! Authentication and authorisation.
//!
//! Owns bearer tokens (service account tokens as Kubernetes signs them, and fixed ones for the
//! administrator) and a small RBAC. Knows the store, to check whether a token's pod still exists;
//! knows nothing of HTTP.

mod claims;
mod presets;
mod rbac;
mod token;
mod token_error;
mod user;

pub use self::presets::Roles;
pub(crate) use self::rbac::Question;
pub use self::rbac::{Grant, Permissions, Reach, Rule, Subject};
pub(crate) use self::token::Authenticated;
pub use self::token::{Binding, MintError};
pub(crate) use self::token::{TokenSpec, Tokens};
pub use self::user::ServiceAccountName;
pub(crate) use self::user::User;

#[cfg(test)]
mod tests;
