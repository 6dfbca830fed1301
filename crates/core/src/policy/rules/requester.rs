//! The requester is a service account.
//!
//! Stops: identities for users, nodes and names that merely look like a service account's:
//! `system:serviceaccount:a:b:c` could be read as `b:c` in `a` or as `c` in `a:b`.
//! Allowed: `system:serviceaccount:payments:api`.
//! Refused: `alice`, `system:node:n1`, `system:serviceaccount:payments:`, the same in upper case.
//! Source: Kubernetes `k8s.io/apiserver/pkg/authentication/serviceaccount` (user name format);
//! names are DNS labels and subdomains (RFC 1123), so they never hold a colon.

use super::{Rule, broken};
use crate::identity::ServiceAccount;
use crate::policy::decision::Violation;
use crate::text::quote;

/// Returns the service account behind a user name.
pub(in crate::policy) fn account(username: &str) -> Result<ServiceAccount, Violation> {
    ServiceAccount::from_username(username).or_else(|_detail| {
        let username = quote(username);
        broken(
            Rule::Requester,
            format!("the requester {username} is not a service account, so it has no SPIFFE ID"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_name_is_escaped_in_the_message() {
        let violation = account("\u{1b}[2J").unwrap_err();
        assert!(
            violation.text().contains(r#""\x1b[2J""#),
            "{}",
            violation.text()
        );
    }
}
