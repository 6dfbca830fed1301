//! The rules for names in Kubernetes, as `k8s.io/apimachinery/pkg/util/validation` has them.
//!
//! Invariant: a legal name holds only `a`-`z`, `0`-`9`, `-` and, as a subdomain, `.`; so it can be
//! put into a path, a URL, a log line or a SPIFFE ID as it stands.

/// Whether a name is a DNS label of 1 to 63 bytes (RFC 1123), as namespaces are.
#[must_use]
pub fn is_label(name: &str) -> bool {
    name.len() <= MAX_LABEL_BYTES && is_label_of_any_length(name)
}

/// Whether a name is a DNS subdomain of 1 to 253 bytes (RFC 1123), as the names of most objects
/// are. Its labels may be longer than 63 bytes, since Kubernetes does not count them.
#[must_use]
pub fn is_subdomain(name: &str) -> bool {
    name.len() <= MAX_SUBDOMAIN_BYTES && name.split('.').all(is_label_of_any_length)
}

fn is_label_of_any_length(label: &str) -> bool {
    let is_edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = label.as_bytes();
    bytes.first().is_some_and(is_edge)
        && bytes.last().is_some_and(is_edge)
        && bytes.iter().all(|byte| is_edge(byte) || *byte == b'-')
}

const MAX_LABEL_BYTES: usize = 63;
const MAX_SUBDOMAIN_BYTES: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subdomain_is_labels_between_dots_and_a_label_has_no_dot() {
        let (long_label, long_name) = ("n".repeat(64), "n".repeat(254));
        for (name, label, subdomain) in [
            ("a", true, true),
            ("0", true, true),
            ("my-team-1", true, true),
            (&long_label[1..], true, true),
            (long_label.as_str(), false, true),
            ("web.frontend-2.x", false, true),
            (&long_name[1..], false, true),
            (long_name.as_str(), false, false),
        ] {
            assert_eq!(
                (is_label(name), is_subdomain(name)),
                (label, subdomain),
                "{name}"
            );
        }
        for name in [
            "", "-a", "a-", "A", "a_b", "a/b", "a:b", "a%2f", "ä", " a", "a\n", "a\0", "..", ".",
            "a..b", "a.", ".a", "a.-b", "a-.b",
        ] {
            assert!(!is_label(name) && !is_subdomain(name), "{name:?}");
        }
    }
}
