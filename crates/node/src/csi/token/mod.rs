//! The pod's service account token as the kubelet hands it over.
//!
//! Owns the format `{"<audience>":{"expirationTimestamp":"...","token":"..."}}` (`tokenRequests` of
//! a CSIDriver, KEP-2047) and the claims we read in the token. Pure. The signature is not checked:
//! the API server does that when the token is used, and before that the claims are only compared
//! with what the kubelet says about the pod. Invariant: no error text contains any byte of a token
//! or of its signature.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use svid_core::text::quote;
use zeroize::Zeroizing;

use crate::credential::PodToken;

/// Why the value under `csi.storage.k8s.io/serviceAccount.tokens` yields no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The value or a token in it is longer than any the API server issues.
    #[error("it is {length} bytes long; at most {limit} are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The value is not JSON of the form the kubelet writes.
    #[error(
        "it is not JSON of the form {{AUDIENCE: {{expirationTimestamp, token}}}} \
         (line {line}, column {column})"
    )]
    NotJson {
        /// Where reading ended.
        line: usize,
        /// Where reading ended.
        column: usize,
    },
    /// The JSON is an empty object.
    #[error(
        "it contains no token: give the CSIDriver object a tokenRequests entry with audience \"\""
    )]
    Empty,
    /// Several tokens, none of them for the API server.
    #[error(
        "it contains tokens for {count} audiences, but none for the API server: give the \
         CSIDriver object a tokenRequests entry with audience \"\""
    )]
    NoDefaultAudience {
        /// How many tokens there are.
        count: usize,
    },
    /// The token is not three base64url parts.
    #[error("the token in it is not a signed JSON web token")]
    NotJwt,
    /// The token's payload is not an object with the claims that Kubernetes writes.
    #[error("the token in it has no readable claims of Kubernetes (`exp` and `kubernetes.io`)")]
    NoClaims,
    /// The token was not issued for a pod.
    #[error("the token in it is not bound to a pod")]
    NotBound,
    /// A claim differs from what the kubelet says about the pod.
    #[error(
        "the token in it belongs to somebody else: its {claim} is {found}, but the pod's is \
        {expected:?}"
    )]
    Mismatch {
        /// Which claim.
        claim: &'static str,
        /// What the token says, quoted.
        found: String,
        /// What the kubelet says.
        expected: String,
    },
    /// The token has expired by this node's clock.
    #[error(
        "the token in it expired at {expired_at}, and it is {now} by this node's clock: if the \
         clock is right, the kubelet sends a fresh one with its next call"
    )]
    Expired {
        /// When the token expired.
        expired_at: Timestamp,
        /// The node's time.
        now: Timestamp,
    },
}

/// Whose token it should be, according to the kubelet.
pub(super) struct Bearer<'a> {
    pub(super) namespace: &'a str,
    pub(super) service_account: &'a str,
    pub(super) pod_name: &'a str,
    pub(super) pod_uid: &'a str,
}

/// Takes the pod's token for the API server from the kubelet's JSON.
///
/// # Errors
/// If there is none, or it is somebody else's, or it has expired by `now`, without leeway: the API
/// server would refuse an expired token anyway, and the kubelet soon brings a fresh one.
pub(super) fn parse(
    json: &str,
    bearer: &Bearer<'_>,
    now: Timestamp,
) -> Result<PodToken, TokenError> {
    let secret = select(json)?;
    let claims = decode(&secret)?;
    claims.require(bearer)?;
    let expires_at = Timestamp::from_second(claims.exp).map_err(no_claims)?;
    if expires_at <= now {
        return Err(TokenError::Expired {
            expired_at: expires_at,
            now,
        });
    }
    Ok(PodToken { secret, expires_at })
}

/// The token for the audience `""`, which is the API server's own; else the only one there is.
fn select(json: &str) -> Result<Zeroizing<String>, TokenError> {
    within(json.len(), JSON_LIMIT)?;
    let mut entries: BTreeMap<String, AudienceToken> =
        serde_json::from_str(json).map_err(|error| TokenError::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
    if let Some(entry) = entries.remove("") {
        return Ok(entry.token);
    }
    match (entries.len(), entries.pop_first()) {
        (1, Some((_, entry))) => Ok(entry.token),
        (0, _) | (_, None) => Err(TokenError::Empty),
        (count, Some(_)) => Err(TokenError::NoDefaultAudience { count }),
    }
}

/// Reads the payload of a JWT in compact form. Every part must be base64url, which also keeps line
/// breaks and other bytes that no HTTP header may contain out of the token.
fn decode(token: &str) -> Result<TokenClaims, TokenError> {
    within(token.len(), TOKEN_LIMIT)?;
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::NotJwt);
    };
    let bytes = |part: &str| match part {
        "" => Err(TokenError::NotJwt),
        part => URL_SAFE_NO_PAD
            .decode(part)
            .map(Zeroizing::new)
            .map_err(|_not_base64| TokenError::NotJwt),
    };
    bytes(header)?;
    bytes(signature)?;
    // All of it as UTF-8, since serde_json skips fields it is not asked for without checking them.
    let payload = bytes(payload)?;
    let payload = std::str::from_utf8(&payload).map_err(no_claims)?;
    serde_json::from_str(payload).map_err(no_claims)
}

/// Drops the cause on purpose: serde's texts quote what they could not read.
fn no_claims<E>(_quotes_the_token: E) -> TokenError {
    TokenError::NoClaims
}

fn within(length: usize, limit: usize) -> Result<(), TokenError> {
    if length > limit {
        Err(TokenError::TooLong { length, limit })
    } else {
        Ok(())
    }
}

/// One audience's entry. Its `expirationTimestamp` is not read: the API server goes by the claim
/// `exp`.
#[derive(Deserialize)]
struct AudienceToken {
    #[serde(deserialize_with = "zeroizing")]
    token: Zeroizing<String>,
}

fn zeroizing<'de, D: Deserializer<'de>>(source: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(source).map(Zeroizing::new)
}

/// The claims of a bound service account token (`pkg/serviceaccount/claims.go`).
#[derive(Deserialize)]
struct TokenClaims {
    exp: i64,
    #[serde(rename = "kubernetes.io")]
    kubernetes: KubernetesClaims,
}

#[derive(Deserialize)]
struct KubernetesClaims {
    namespace: String,
    serviceaccount: BoundObject,
    pod: Option<BoundObject>,
}

#[derive(Deserialize)]
struct BoundObject {
    name: String,
    uid: String,
}

impl TokenClaims {
    fn require(&self, bearer: &Bearer<'_>) -> Result<(), TokenError> {
        let pod = self.kubernetes.pod.as_ref().ok_or(TokenError::NotBound)?;
        let claims = [
            ("namespace", &self.kubernetes.namespace, bearer.namespace),
            (
                "service account",
                &self.kubernetes.serviceaccount.name,
                bearer.service_account,
            ),
            ("pod name", &pod.name, bearer.pod_name),
            ("pod UID", &pod.uid, bearer.pod_uid),
        ];
        match claims
            .into_iter()
            .find(|(_, found, expected)| found != expected)
        {
            None => Ok(()),
            Some((claim, found, expected)) => Err(TokenError::Mismatch {
                claim,
                found: quote(found),
                expected: expected.to_owned(),
            }),
        }
    }
}

impl fmt::Debug for AudienceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AudienceToken(redacted)")
    }
}

/// Bytes. The kubelet writes about 1200 for each audience; an honest CSIDriver has a handful.
const JSON_LIMIT: usize = 64 * 1024;

/// Bytes. The API server's tokens are about 1100 long.
const TOKEN_LIMIT: usize = 16 * 1024;
