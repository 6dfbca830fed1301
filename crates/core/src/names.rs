//! The names that Kubernetes accepts: DNS labels and subdomains (RFC 1123), as
//! `k8s.io/apimachinery/pkg/util/validation` has them.
//!
//! Invariant: a legal name holds only lower-case letters, digits, `-` and `.`, so it can be part of
//! a path, a URL or a header as it stands.

use std::fmt;

/// The name of the CSI driver: a DNS subdomain of at most 63 bytes (CSI, GetPluginInfo). It is also
/// that of the CSIDriver object, of the lease and of a folder on every node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DriverName(String);

impl DriverName {
    /// Takes a name as it is written.
    ///
    /// # Errors
    /// When the name is not a DNS subdomain or longer than 63 bytes.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        check(name, MAX_DRIVER_BYTES)?;
        Ok(Self(name.to_owned()))
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DriverName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a valid name. The message omits the text: the caller puts it in front.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is not a DNS label.
    #[error(
        "is not a DNS label; allowed: 1 to {MAX_LABEL_BYTES} lower case letters, digits and -, \
         beginning and ending with a letter or digit"
    )]
    Label,
    /// It is not a DNS subdomain.
    #[error(
        "is not a DNS name; allowed: 1 to {limit} bytes of lower case letters, digits, - and ., each \
         part beginning and ending with a letter or digit"
    )]
    Subdomain {
        /// The length in bytes that is allowed for this kind of name.
        limit: usize,
    },
}

/// Whether a name is a DNS label: that of a namespace is one.
#[must_use]
pub fn is_label(name: &str) -> bool {
    name.len() <= MAX_LABEL_BYTES && is_label_of_any_length(name)
}

/// Whether a name is a DNS subdomain of 1 to 253 bytes, as the names of most objects are. Its
/// labels may be longer than 63 bytes, since Kubernetes does not check their length.
#[must_use]
pub fn is_subdomain(name: &str) -> bool {
    check(name, MAX_SUBDOMAIN_BYTES).is_ok()
}

/// Takes a DNS label of at most 63 bytes, as the name of a namespace has to be.
///
/// # Errors
/// When it is not one.
pub fn check_label(name: &str) -> Result<String, NameError> {
    if is_label(name) {
        Ok(name.to_owned())
    } else {
        Err(NameError::Label)
    }
}

/// Takes a DNS subdomain of at most 253 bytes, as the names of most objects have to be.
///
/// # Errors
/// When it is not one.
pub fn check_subdomain(name: &str) -> Result<String, NameError> {
    check(name, MAX_SUBDOMAIN_BYTES)?;
    Ok(name.to_owned())
}

fn check(name: &str, limit: usize) -> Result<(), NameError> {
    if name.len() <= limit && name.split('.').all(is_label_of_any_length) {
        Ok(())
    } else {
        Err(NameError::Subdomain { limit })
    }
}

fn is_label_of_any_length(label: &str) -> bool {
    let edge = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let bytes = label.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|byte| edge(Some(byte)) || *byte == b'-')
}

const MAX_DRIVER_BYTES: usize = 63;
const MAX_LABEL_BYTES: usize = 63;
const MAX_SUBDOMAIN_BYTES: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubernetes() {
        let (longest_label, longest) = ("a".repeat(63), ["a"; 127].join("."));
        for name in ["a", "0", "web-0", "a--b", &longest_label] {
            assert!(is_label(name) && is_subdomain(name), "{name}");
        }
        for name in ["a.b", "a-b.c-d", &"a".repeat(64), &longest] {
            assert!(!is_label(name) && is_subdomain(name), "{name}");
        }
        for name in [
            "", ".", "..", "a.", ".a", "a..b", "-", "-a", "a-", "a.-b", "A", "a_b", "a/b", "/",
            "ä", "a b", "a\0",
        ] {
            assert!(!is_label(name) && !is_subdomain(name), "{name:?}");
        }
        assert!(!is_subdomain(&"a".repeat(254)));
    }

    #[test]
    fn the_name_of_a_driver_is_short() {
        let longest = "a".repeat(63);
        for name in ["spiffe.csi.cert-manager.io", "a", &longest] {
            assert_eq!(DriverName::parse(name).expect(name).as_str(), name);
        }
        for name in ["", "../other", "Upper.example", ".", "/", &"a".repeat(64)] {
            assert_eq!(
                DriverName::parse(name),
                Err(NameError::Subdomain { limit: 63 }),
                "{name:?}"
            );
        }
    }
}
