//! The claims of the requester's token, from `spec.extra`.
//!
//! The API server puts a token's claims there by name, each with one value
//! (`k8s.io/apiserver/pkg/authentication/serviceaccount/util.go`), and cert-manager's webhook
//! copies them. Invariant: anything but exactly one string is never treated as a claim.

use super::request::Requester;

/// The state of one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim<'a> {
    /// The token has none.
    Absent,
    /// The one value.
    Says(&'a str),
    /// No value, an empty one, or several: nothing that the API server writes.
    Unclear,
}

/// Reads the claim of a name.
pub(super) fn claim<'a>(requester: &'a Requester, name: &str) -> Claim<'a> {
    match requester.extra.get(name).map(Vec::as_slice) {
        None => Claim::Absent,
        Some([value]) if !value.is_empty() => Claim::Says(value),
        Some(_) => Claim::Unclear,
    }
}

/// The name of the pod that the token is bound to.
pub const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
/// That pod's UID.
pub const POD_UID: &str = "authentication.kubernetes.io/pod-uid";
/// The node that this pod was on when the token was issued (Kubernetes 1.30 on).
pub const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
/// That node's UID.
pub const NODE_UID: &str = "authentication.kubernetes.io/node-uid";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_text_is_a_claim() {
        for (values, expected) in [
            (None, Claim::Absent),
            (Some(vec![]), Claim::Unclear),
            (Some(vec![""]), Claim::Unclear),
            (Some(vec!["a"]), Claim::Says("a")),
            (Some(vec!["a", "a"]), Claim::Unclear),
            (Some(vec!["a", ""]), Claim::Unclear),
        ] {
            let own = |values: &Vec<&str>| values.iter().map(|&value| value.to_owned()).collect();
            let entry = values.as_ref().map(|all| (POD_NAME.to_owned(), own(all)));
            let requester = Requester {
                extra: entry.into_iter().collect(),
                ..Requester::default()
            };
            assert_eq!(claim(&requester, POD_NAME), expected, "{values:?}");
        }
    }
}
