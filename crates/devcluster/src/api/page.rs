//! Where the next page of a list begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Problem;
use crate::store::meta;

/// What `metadata.continue` holds: every page shows the revision of the first, and begins behind
/// the last object of the one before. Nobody but the server reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Page {
    pub(super) revision: u64,
    namespace: String,
    name: String,
}

impl Page {
    pub(super) fn behind(object: &Value, revision: u64) -> Self {
        Self {
            revision,
            namespace: meta::namespace(object).to_owned(),
            name: meta::name(object).to_owned(),
        }
    }

    /// Whether the object is on this page or a later one.
    pub(super) fn holds(&self, object: &Value) -> bool {
        let last = (self.namespace.as_str(), self.name.as_str());
        (meta::namespace(object), meta::name(object)) > last
    }

    /// As it stands in a list.
    pub(super) fn encode(&self) -> String {
        // Texts and a number only: this cannot fail.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// As it stands in a query.
    pub(super) fn decode(text: &str) -> Result<Self, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let page = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        page.ok_or_else(|| Problem::BadRequest("continue key is not valid".to_owned()))
    }
}
