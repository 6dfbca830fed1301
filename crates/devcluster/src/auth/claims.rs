//! The JWT around a service account token: ES256, one key, one header.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::token_error::TokenError;
use crate::store::meta;

/// What a token says (`serviceaccount/claims.go`).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) aud: Vec<String>,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) iss: String,
    pub(super) jti: String,
    #[serde(rename = "kubernetes.io")]
    pub(super) kubernetes: Bound,
    pub(super) nbf: i64,
    pub(super) sub: String,
}

/// The `kubernetes.io` claim: what the token lives and dies with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Bound {
    pub(super) namespace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pod: Option<Reference>,
    pub(super) serviceaccount: Reference,
}

/// An object, certain because of its UID.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) uid: String,
}

impl Reference {
    pub(super) fn to(object: &serde_json::Value) -> Self {
        Self {
            name: meta::name(object).to_owned(),
            uid: meta::uid(object).to_owned(),
        }
    }
}

impl Claims {
    pub(super) fn encode(&self, key: &SigningKey) -> String {
        // Texts and numbers only: this cannot fail.
        let claims = serde_json::to_vec(self).unwrap_or_default();
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(HEADER),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature: Signature = key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Reads a token whose header is ours, to the byte, and whose signature is the key's.
    pub(super) fn decode(token: &str, key: &VerifyingKey) -> Result<Self, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Unknown)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Unknown)?;
        let decode = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok();
            bytes.ok_or(TokenError::Unknown)
        };
        if decode(header)? != HEADER.as_bytes() {
            return Err(TokenError::Unknown);
        }
        let signature = Signature::from_slice(&decode(signature)?).ok();
        let signature = signature.ok_or(TokenError::Signature)?;
        if key.verify(signed.as_bytes(), &signature).is_err() {
            return Err(TokenError::Signature);
        }
        let claims: Option<Self> = serde_json::from_slice(&decode(claims)?).ok();
        claims.ok_or(TokenError::Unknown)
    }
}

const HEADER: &str = r#"{"alg":"ES256","kid":"devcluster"}"#;
