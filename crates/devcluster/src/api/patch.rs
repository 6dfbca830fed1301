//! PATCH bodies: JSON merge patch (RFC 7386), JSON patch (RFC 6902), strategic merge patch.
//!
//! A strategic merge patch is treated as a merge patch, so a list in it replaces the whole list; as
//! on a real API server it is not taken for custom resources. Server-side apply is not served.

use serde_json::Value;

use super::Problem;
use crate::resource::Resource;

/// A patch, read but not applied.
#[derive(Debug)]
pub(super) enum Change {
    Merge(Value),
    Json(json_patch::Patch),
}

impl Change {
    /// Reads a body by its content type.
    pub(super) fn parse(
        resource: &'static Resource,
        content_type: &str,
        body: &[u8],
    ) -> Result<Self, Problem> {
        let malformed = |error| Problem::BadRequest(format!("the patch cannot be read: {error}"));
        let custom = resource.group == "cert-manager.io";
        match content_type {
            "application/strategic-merge-patch+json" if custom => {
                Err(Problem::UnsupportedMediaType(CUSTOM_TYPES))
            }
            "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
                let patch: Value = serde_json::from_slice(body).map_err(malformed)?;
                if patch.is_object() {
                    Ok(Self::Merge(patch))
                } else {
                    Err(Problem::BadRequest("the patch is not an object".to_owned()))
                }
            }
            "application/json-patch+json" => serde_json::from_slice(body)
                .map(Self::Json)
                .map_err(malformed),
            _ if custom => Err(Problem::UnsupportedMediaType(CUSTOM_TYPES)),
            _ => Err(Problem::UnsupportedMediaType(TYPES)),
        }
    }

    /// What it makes of an object.
    pub(super) fn apply(
        &self,
        resource: &'static Resource,
        name: &str,
        object: &Value,
    ) -> Result<Value, Problem> {
        let mut next = object.clone();
        match self {
            Self::Merge(patch) => json_patch::merge(&mut next, patch),
            Self::Json(patch) => {
                json_patch::patch(&mut next, patch).map_err(|error| Problem::Invalid {
                    resource,
                    name: name.to_owned(),
                    field: "patch",
                    why: error.to_string(),
                })?;
            }
        }
        Ok(next)
    }
}

const TYPES: &str = "application/json-patch+json, application/merge-patch+json, \
                     application/strategic-merge-patch+json";
const CUSTOM_TYPES: &str = "application/json-patch+json, application/merge-patch+json";
