//! Bytes that travel as base64 text.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

/// Bytes as they travel in JSON: base64 text with padding, kept as it came and decoded on demand.
///
/// Not decoded while an object is read, because text that is no base64 in one object would then
/// make a list of all objects unreadable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EncodedBytes(String);

impl EncodedBytes {
    /// Encodes bytes, usually PEM.
    #[must_use]
    pub fn encode(bytes: impl AsRef<[u8]>) -> Self {
        Self(BASE64.encode(bytes))
    }

    /// Decodes the text, accepting exactly what Go's `encoding/json` accepts for `[]byte`: line
    /// ends anywhere are skipped, padding is needed, the unused bits of the last letter may be
    /// anything. So cert-manager and this project always see the same bytes, or both none.
    ///
    /// # Errors
    /// The text is not base64.
    pub fn decode(&self) -> Result<Vec<u8>, EncodedBytesError> {
        if self.0.contains(['\r', '\n']) {
            return Ok(BASE64.decode(self.0.replace(['\r', '\n'], ""))?);
        }
        Ok(BASE64.decode(&self.0)?)
    }

    /// Returns the text as it travels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Takes text that is base64 already; whether it is shows in [`EncodedBytes::decode`].
impl From<String> for EncodedBytes {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// A field that should hold base64 holds something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("decoding a base64 field: {0}")]
pub struct EncodedBytesError(#[from] base64::DecodeError);

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);
