//! The trust domain: the host part of a SPIFFE ID.

use std::fmt;

/// The name of a trust domain: the part between `spiffe://` and the path of a SPIFFE ID.
///
/// Rules: SPIFFE-ID specification, section 2.1. One to 255 bytes out of `a`-`z`, `0`-`9`, `.`, `-`
/// and `_`; so there is no port, no user info and no percent-encoding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(String);

impl TrustDomain {
    /// Parses a trust domain name without a scheme.
    ///
    /// # Errors
    ///
    /// When the name is empty, longer than 255 bytes, or holds a character that is not allowed. An
    /// upper-case letter is an error; it is never converted.
    pub fn parse(name: &str) -> Result<Self, TrustDomainError> {
        check(name)?;
        Ok(Self(name.to_owned()))
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a trust domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustDomainError {
    /// The text is empty.
    #[error("the trust domain is empty: give a name such as cluster.local")]
    Empty,
    /// The name is longer than a SPIFFE ID allows.
    #[error("the trust domain is {length} bytes long; at most {MAX_BYTES} are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A character outside the allowed set.
    #[error(
        "the trust domain contains {character:?} at byte {position}: only a-z, 0-9, '.', '-' and \
         '_' are allowed"
    )]
    Character {
        /// The first character that is not allowed.
        character: char,
        /// Where it stands, counted in bytes from 0.
        position: usize,
    },
}

/// Checks a trust domain name in place.
pub(super) fn check(name: &str) -> Result<(), TrustDomainError> {
    if name.is_empty() {
        return Err(TrustDomainError::Empty);
    }
    if name.len() > MAX_BYTES {
        return Err(TrustDomainError::TooLong { length: name.len() });
    }
    match name
        .char_indices()
        .find(|(_, character)| !allowed(*character))
    {
        Some((position, character)) => Err(TrustDomainError::Character {
            character,
            position,
        }),
        None => Ok(()),
    }
}

fn allowed(character: char) -> bool {
    matches!(character, 'a'..='z' | '0'..='9' | '.' | '-' | '_')
}

/// SPIFFE-ID section 2.3: implementations must support trust domain names of up to 255 bytes and
/// should not make longer ones.
const MAX_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_specification_allows() {
        let longest = "a".repeat(255);
        for name in [
            "cluster.local",
            "a",
            "0",
            "prod_eu-1.example.org",
            "-.-",
            "_",
            "10.0.0.1",
            &longest,
        ] {
            let domain = TrustDomain::parse(name).expect(name);
            assert_eq!(domain.as_str(), name);
            assert_eq!(domain.to_string(), name);
        }
    }

    #[test]
    fn refuses_everything_else() {
        let character = |character, position| TrustDomainError::Character {
            character,
            position,
        };
        let table = [
            ("", TrustDomainError::Empty),
            ("Cluster.local", character('C', 0)),
            ("cluster.local:443", character(':', 13)),
            ("user@cluster.local", character('@', 4)),
            ("cluster%2elocal", character('%', 7)),
            ("cluster.local/", character('/', 13)),
            ("spiffe://cluster.local", character(':', 6)),
            ("clüster.local", character('ü', 2)),
            (" cluster.local", character(' ', 0)),
            ("cluster.local\n", character('\n', 13)),
            ("cluster\0local", character('\0', 7)),
            ("[::1]", character('[', 0)),
        ];
        for (name, error) in table {
            assert_eq!(TrustDomain::parse(name), Err(error), "{name:?}");
        }
        let long = "a".repeat(256);
        assert_eq!(
            TrustDomain::parse(&long),
            Err(TrustDomainError::TooLong { length: 256 })
        );
    }
}
