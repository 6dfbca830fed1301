//! Base64 as Secrets and requests hold it.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

pub(crate) fn from_base64(encoded: &str) -> Result<String> {
    let bytes = STANDARD.decode(encoded).context("reading base64")?;
    Ok(String::from_utf8(bytes)?)
}
