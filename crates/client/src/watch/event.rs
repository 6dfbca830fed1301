//! One event of a watch.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{Versioned, error_of_status};
use crate::ApiError;

/// What a watch reports.
#[derive(Debug)]
pub enum Change<T> {
    /// An object was created or changed, or existed before.
    Applied(T),
    /// An object is gone; its last version.
    Deleted(T),
    /// Nothing has happened up to this version.
    Bookmark(String),
    /// Something happened to an object that cannot be read.
    Unreadable(Unreadable),
}

/// An object that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which one, as far as that can be read.
    pub object: ObjectName,
    /// What is wrong with it; contains none of the object's text.
    pub error: String,
}

/// Which object it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectName {
    /// Its namespace; empty for a cluster-wide one.
    pub namespace: String,
    /// Its name; empty if not even that can be read.
    pub name: String,
    /// Distinguishes it from an earlier one of the same name.
    pub uid: String,
    /// Its version.
    pub resource_version: String,
}

/// `NAMESPACE/NAME`, for people.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Versioned for ObjectName {
    fn resource_version(&self) -> &str {
        &self.resource_version
    }
}

impl Unreadable {
    pub(crate) fn too_long() -> Self {
        Self {
            object: ObjectName::default(),
            error: "it is larger than any object may be".to_owned(),
        }
    }

    fn named_in(json: &[u8], error: &serde_json::Error) -> Self {
        #[derive(Deserialize)]
        struct PartialObject {
            metadata: ObjectName,
        }
        Self {
            object: serde_json::from_slice::<PartialObject>(json)
                .map(|named| named.metadata)
                .unwrap_or_default(),
            // The position and the kind of fault; serde's own text may quote the object.
            error: format!(
                "{:?} error at column {} of its JSON",
                error.classify(),
                error.column()
            ),
        }
    }
}

/// Reads one object of a list.
pub(crate) fn read_object<T: DeserializeOwned>(json: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(json).map_err(|error| Unreadable::named_in(json, &error))
}

impl<T> Change<T> {
    /// The version that is known after this, if it can be read.
    pub(super) fn resource_version(&self) -> Option<&str>
    where
        T: Versioned,
    {
        let version = match self {
            Self::Applied(object) | Self::Deleted(object) => object.resource_version(),
            Self::Bookmark(version) => version,
            Self::Unreadable(unreadable) => unreadable.object.resource_version(),
        };
        (!version.is_empty()).then_some(version)
    }
}

impl<T: DeserializeOwned> Change<T> {
    /// Reads one event.
    ///
    /// # Errors
    /// It is not an event, or it reports an error.
    pub(crate) fn read(json: &[u8]) -> Result<Self, ApiError> {
        let Sent { kind, object } = serde_json::from_slice(json).map_err(ApiError::unreadable)?;
        let bytes = object.get().as_bytes();
        let kind = match &*kind {
            "ERROR" => return Err(error(bytes)),
            "BOOKMARK" => {
                let Bookmark { metadata } =
                    serde_json::from_slice(bytes).map_err(ApiError::unreadable)?;
                return Ok(Self::Bookmark(metadata.resource_version));
            }
            "DELETED" => Self::Deleted,
            _ => Self::Applied,
        };
        Ok(read_object(bytes).map_or_else(Self::Unreadable, kind))
    }
}

/// An event as it is sent (`metav1.WatchEvent`).
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct Bookmark {
    metadata: ObjectName,
}

/// The `Status` that ends a watch.
fn error(json: &[u8]) -> ApiError {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct ErrorStatus {
        code: u16,
        message: String,
    }
    match serde_json::from_slice::<ErrorStatus>(json) {
        Ok(ErrorStatus { code, message }) => error_of_status(code, &message),
        Err(error) => ApiError::unreadable(error),
    }
}
