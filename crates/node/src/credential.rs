//! The credentials that requests are created with.
//!
//! Owns the one type that holds a token. Invariant: a token lives in memory only; it has no
//! serialised form, prints as redacted and is wiped when dropped.

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroizing;

/// Who creates the requests, for the whole node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestMode {
    /// Each pod, with the token that the kubelet hands over.
    Pod,
    /// The driver (node-attested mode): no pod token is needed or looked at.
    Driver,
}

/// The credential that one request is created with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The token of the pod that the request is for.
    Pod(PodToken),
    /// The driver's own credentials, whatever they are.
    Driver,
}

impl Credential {
    /// Whether the API server would still accept it, by this node's clock.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        match self {
            Self::Pod(token) => token.expires_at > now,
            Self::Driver => true,
        }
    }

    /// Whether it is the same as another.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pod(one), Self::Pod(other)) => one.secret == other.secret,
            (Self::Driver, Self::Driver) => true,
            (Self::Pod(_), Self::Driver) | (Self::Driver, Self::Pod(_)) => false,
        }
    }

    /// Whether it expires later than another.
    pub fn outlives(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pod(new), Self::Pod(old)) => old.expires_at < new.expires_at,
            (Self::Driver, Self::Pod(_)) => true,
            (_, Self::Driver) => false,
        }
    }
}

impl From<PodToken> for Credential {
    fn from(token: PodToken) -> Self {
        Self::Pod(token)
    }
}

/// A pod's service account token for the API server, bound to the pod.
///
/// Lives in memory only: it has no serialised form and prints as redacted (CVE-2023-2878,
/// CVE-2024-3744: tokens in logs).
#[derive(Clone)]
pub struct PodToken {
    /// The bearer token.
    pub secret: Zeroizing<String>,
    /// When the API server stops accepting it.
    pub expires_at: Timestamp,
}

impl fmt::Debug for PodToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PodToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expiry: i64) -> Credential {
        Credential::Pod(PodToken {
            secret: Zeroizing::new("eyJ.secret".to_owned()),
            expires_at: Timestamp::from_second(expiry).unwrap(),
        })
    }

    #[test]
    fn a_token_is_not_printed() {
        assert!(!format!("{:?}", token(0)).contains("secret"));
    }

    #[test]
    fn a_longer_token_is_better_and_the_drivers_own_credentials_do_not_expire_here() {
        let now = Timestamp::from_second(10).unwrap();
        assert!(token(11).is_usable(now) && !token(10).is_usable(now));
        assert!(Credential::Driver.is_usable(now));
        assert!(token(12).outlives(&token(11)) && !token(11).outlives(&token(11)));
        assert!(Credential::Driver.outlives(&token(11)));
        assert!(!Credential::Driver.outlives(&Credential::Driver));
        assert!(!token(11).outlives(&Credential::Driver));
    }
}
