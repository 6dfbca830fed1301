//! Bytes that travel as base64 text.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

use crate::bounded::Text;

/// Bytes as they travel in JSON: base64 text with padding, kept as it came and decoded on demand.
///
/// Not decoded while an object is read, because text that is not base64 in one object would then
/// make a list of all objects unreadable. Text of more than `MOST_TEXT` bytes is truncated while it
/// is read, and is then not base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EncodedBytes(Text<MOST_TEXT>);

impl EncodedBytes {
    /// Encodes bytes, usually PEM.
    #[must_use]
    pub fn encode(bytes: impl AsRef<[u8]>) -> Self {
        Self(Text::uncut(BASE64.encode(bytes)))
    }

    /// Decodes the text, accepting exactly what Go's `encoding/json` accepts for `[]byte`: line
    /// ends anywhere are skipped, padding is required, the unused bits of the last letter may be
    /// anything. So cert-manager and this project always see the same bytes, or neither sees any.
    ///
    /// # Errors
    /// The text is too long, or is not base64.
    pub fn decode(&self) -> Result<Vec<u8>, EncodedBytesError> {
        let text = self.0.whole().ok_or(EncodedBytesError::TooLong)?;
        if text.contains(['\r', '\n']) {
            return Ok(BASE64.decode(text.replace(['\r', '\n'], ""))?);
        }
        Ok(BASE64.decode(text)?)
    }

    /// Returns the text as it travels, or its beginning if it is too long.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.beginning()
    }

    /// Returns whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.beginning().is_empty()
    }
}

/// Takes text that should be base64; [`EncodedBytes::decode`] shows whether it is.
impl From<String> for EncodedBytes {
    fn from(text: String) -> Self {
        Self(Text::uncut(text))
    }
}

/// A field that should hold base64 holds something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodedBytesError {
    /// Not base64.
    #[error("decoding a base64 field: {0}")]
    NotBase64(#[from] base64::DecodeError),
    /// More than is read.
    #[error("decoding a base64 field: it is longer than {MOST_TEXT} bytes")]
    TooLong,
}

/// Bytes of text: twice the largest signing request that is looked at, and a certificate chain of
/// any sensible length.
const MOST_TEXT: usize = 512 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);
