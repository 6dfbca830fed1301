//! The SPIFFE ID itself.

use std::fmt;

use super::ServiceAccount;
use super::trust_domain::{self, TrustDomain, TrustDomainError};

/// A SPIFFE ID, such as `spiffe://cluster.local/ns/apps/sa/web`.
///
/// Rules: SPIFFE-ID specification, section 2. IDs are compared byte by byte, which section 2 allows
/// since a valid ID has only one spelling: the scheme and the trust domain are lower-case, the path
/// is case-sensitive, and nothing may be percent-encoded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    text: String,
    /// Where the path begins in `text`; its length if there is none.
    path: usize,
}

impl SpiffeId {
    /// The identity of a service account: `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/NAME`.
    pub fn for_service_account(trust_domain: &TrustDomain, account: &ServiceAccount) -> Self {
        // At most 9 + 255 + 4 + 63 + 4 + 253 = 588 bytes, and both names are legal path segments.
        let text = format!(
            "{SCHEME}{trust_domain}/ns/{}/sa/{}",
            account.namespace(),
            account.name()
        );
        Self {
            text,
            path: SCHEME.len() + trust_domain.as_str().len(),
        }
    }

    /// Parses a SPIFFE ID exactly as it is written; nothing is normalised.
    ///
    /// An ID without a path is legal: it names the trust domain itself.
    ///
    /// # Errors
    ///
    /// The first violation of SPIFFE-ID section 2, from left to right.
    pub fn parse(text: &str) -> Result<Self, SpiffeIdError> {
        if text.len() > MAX_BYTES {
            return Err(SpiffeIdError::TooLong { length: text.len() });
        }
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeIdError::Scheme)?;
        let host = rest.split_once('/').map_or(rest, |(host, _)| host);
        trust_domain::check(host)?;
        let path = SCHEME.len() + host.len();
        check_path(text.get(path..).unwrap_or_default())?;
        Ok(Self {
            text: text.to_owned(),
            path,
        })
    }

    /// The whole ID.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The trust domain, without scheme and path.
    pub fn trust_domain(&self) -> &str {
        self.text.get(SCHEME.len()..self.path).unwrap_or_default()
    }

    /// The path with its leading `/`, or nothing if the ID names the trust domain itself.
    pub fn path(&self) -> &str {
        self.text.get(self.path..).unwrap_or_default()
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not a SPIFFE ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeIdError {
    /// Longer than the 2048 bytes of section 2.3.
    #[error("the SPIFFE ID is {length} bytes long; at most {MAX_BYTES} are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It does not begin with `spiffe://`, in lower case.
    #[error("a SPIFFE ID must begin with \"{SCHEME}\"")]
    Scheme,
    /// The trust domain is not legal.
    #[error(transparent)]
    TrustDomain(#[from] TrustDomainError),
    /// Two slashes in a row.
    #[error("the path of the SPIFFE ID has an empty segment")]
    EmptySegment,
    /// The path ends in a slash.
    #[error("the path of the SPIFFE ID ends with '/'")]
    TrailingSlash,
    /// A segment is `.` or `..`.
    #[error("the path of the SPIFFE ID has a segment \".\" or \"..\"")]
    RelativeSegment,
    /// A character that no path segment may hold; among them `?`, `#` and `%`.
    #[error(
        "the path of the SPIFFE ID contains {character:?}: only letters, digits, '.', '-' and '_' \
         are allowed"
    )]
    Character {
        /// The first character that is not allowed.
        character: char,
    },
}

/// SPIFFE-ID section 2.2.
fn check_path(path: &str) -> Result<(), SpiffeIdError> {
    let Some(segments) = path.strip_prefix('/') else {
        return Ok(());
    };
    if path.ends_with('/') {
        return Err(SpiffeIdError::TrailingSlash);
    }
    for segment in segments.split('/') {
        match segment {
            "" => return Err(SpiffeIdError::EmptySegment),
            "." | ".." => return Err(SpiffeIdError::RelativeSegment),
            _ => {}
        }
        if let Some(character) = segment.chars().find(|character| !allowed(*character)) {
            return Err(SpiffeIdError::Character { character });
        }
    }
    Ok(())
}

fn allowed(character: char) -> bool {
    matches!(character, 'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_')
}

const SCHEME: &str = "spiffe://";

/// SPIFFE-ID section 2.3.
const MAX_BYTES: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_a_service_account_to_one_identity() {
        let domain = TrustDomain::parse("cluster.local").expect("legal");
        let account = ServiceAccount::new("apps", "web.front").expect("legal");
        let id = SpiffeId::for_service_account(&domain, &account);
        assert_eq!(id.as_str(), "spiffe://cluster.local/ns/apps/sa/web.front");
        assert_eq!(id.trust_domain(), "cluster.local");
        assert_eq!(id.path(), "/ns/apps/sa/web.front");
        assert_eq!(SpiffeId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn the_longest_service_account_fits() {
        let domain = TrustDomain::parse(&"d".repeat(255)).expect("legal");
        let account = ServiceAccount::new(&"n".repeat(63), &"s".repeat(253)).expect("legal");
        let id = SpiffeId::for_service_account(&domain, &account);
        assert_eq!(id.as_str().len(), 588);
        assert_eq!(SpiffeId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn parses_legal_ids_into_their_parts() {
        let longest = format!("spiffe://td/{}", "a".repeat(2048 - 12));
        let table = [
            ("spiffe://td", "td", ""),
            ("spiffe://td/a", "td", "/a"),
            ("spiffe://t_d-1.x/A/b.C/_-/...", "t_d-1.x", "/A/b.C/_-/..."),
            (longest.as_str(), "td", &longest["spiffe://td".len()..]),
        ];
        for (text, domain, path) in table {
            let id = SpiffeId::parse(text).expect(text);
            assert_eq!(
                (id.as_str(), id.trust_domain(), id.path()),
                (text, domain, path)
            );
        }
    }

    #[test]
    fn refuses_what_the_specification_forbids() {
        let host = |character, position| {
            SpiffeIdError::TrustDomain(TrustDomainError::Character {
                character,
                position,
            })
        };
        let path = |character| SpiffeIdError::Character { character };
        let table = [
            ("", SpiffeIdError::Scheme),
            ("td/a", SpiffeIdError::Scheme),
            ("SPIFFE://td/a", SpiffeIdError::Scheme),
            ("Spiffe://td/a", SpiffeIdError::Scheme),
            ("spiffe:/td/a", SpiffeIdError::Scheme),
            ("https://td/a", SpiffeIdError::Scheme),
            (" spiffe://td/a", SpiffeIdError::Scheme),
            ("spiffe://", TrustDomainError::Empty.into()),
            ("spiffe:///a", TrustDomainError::Empty.into()),
            ("spiffe://TD/a", host('T', 0)),
            ("spiffe://td:80/a", host(':', 2)),
            ("spiffe://u@td/a", host('@', 1)),
            ("spiffe://td?q", host('?', 2)),
            ("spiffe://td#f", host('#', 2)),
            ("spiffe://td/", SpiffeIdError::TrailingSlash),
            ("spiffe://td/a/", SpiffeIdError::TrailingSlash),
            ("spiffe://td//", SpiffeIdError::TrailingSlash),
            ("spiffe://td//a", SpiffeIdError::EmptySegment),
            ("spiffe://td/a//b", SpiffeIdError::EmptySegment),
            ("spiffe://td/./a", SpiffeIdError::RelativeSegment),
            ("spiffe://td/a/..", SpiffeIdError::RelativeSegment),
            ("spiffe://td/a?q=1", path('?')),
            ("spiffe://td/a#f", path('#')),
            ("spiffe://td/%61", path('%')),
            ("spiffe://td/ä", path('ä')),
            ("spiffe://td/a b", path(' ')),
            ("spiffe://td/a\n", path('\n')),
            ("spiffe://td/a\0", path('\0')),
            ("spiffe://td/a:b", path(':')),
            ("spiffe://td/a\\b", path('\\')),
        ];
        for (text, error) in table {
            assert_eq!(SpiffeId::parse(text), Err(error), "{text:?}");
        }
        let long = format!("spiffe://td/{}", "a".repeat(2048));
        assert_eq!(
            SpiffeId::parse(&long),
            Err(SpiffeIdError::TooLong { length: 2060 })
        );
    }
}
