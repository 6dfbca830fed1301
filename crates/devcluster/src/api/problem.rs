//! Everything that can be wrong with a request, and the `metav1.Status` that says so.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::resource::Resource;
use crate::store::{Key, SelectorError, StoreError};

/// Why a request was not carried out; the texts are those of a real API server if clients depend on
/// them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{0}")]
    BadRequest(String),
    #[error("Unauthorized")]
    Unauthorized,
    #[error("{}", forbidden(.resource, .name, .why))]
    Forbidden {
        resource: &'static Resource,
        name: Option<String>,
        why: String,
    },
    #[error("the server could not find the requested resource")]
    NoSuchPath,
    #[error("{} \"{}\" not found", .0.resource.qualified(), .0.name)]
    NotFound(Key),
    #[error("{} \"{}\" already exists", .0.resource.qualified(), .0.name)]
    AlreadyExists(Key),
    #[error("Operation cannot be fulfilled on {} \"{}\": {why}", .key.resource.qualified(), .key.name)]
    Conflict { key: Key, why: String },
    #[error("{} \"{name}\" is invalid: {field}: {why}", .resource.kind)]
    Invalid {
        resource: &'static Resource,
        name: String,
        field: &'static str,
        why: String,
    },
    #[error("admission webhook \"{webhook}\" denied the request: {why}")]
    Denied { webhook: &'static str, why: String },
    #[error("the server does not allow this method on the requested resource")]
    MethodNotAllowed,
    #[error("the body of the request was in an unknown format - accepted media types include: {0}")]
    UnsupportedMediaType(&'static str),
    #[error("too old resource version (oldest: {oldest})")]
    Expired { oldest: u64 },
    #[error("Too large resource version: {asked}, current: {present}")]
    Future { asked: u64, present: u64 },
    #[error("{message}")]
    Refused { code: u16, message: String },
    #[error("too many requests, please try again later")]
    TooManyRequests { retry_after: u32 },
    #[error("an error on the server (\"fault\") has prevented the request from succeeding")]
    InternalError,
    #[error("the request could not be completed in time")]
    ServerTimeout { retry_after: u32 },
    #[error("the server is currently unable to handle the request")]
    Unavailable,
}

impl Problem {
    pub(crate) fn code(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::Denied { .. } => StatusCode::FORBIDDEN,
            Self::NoSuchPath | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::AlreadyExists(_) | Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Expired { .. } => StatusCode::GONE,
            Self::Future { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Refused { code, .. } => {
                StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError | Self::ServerTimeout { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The machine-readable reason (`metav1.StatusReason`).
    fn reason(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequest",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden { .. } | Self::Denied { .. } => "Forbidden",
            Self::NoSuchPath | Self::NotFound(_) => "NotFound",
            Self::AlreadyExists(_) => "AlreadyExists",
            Self::Conflict { .. } => "Conflict",
            Self::Invalid { .. } => "Invalid",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::UnsupportedMediaType(_) => "UnsupportedMediaType",
            Self::Expired { .. } => "Expired",
            Self::Future { .. } => "Timeout",
            Self::Refused { .. } => "Unknown",
            Self::TooManyRequests { .. } => "TooManyRequests",
            Self::InternalError => "InternalError",
            Self::ServerTimeout { .. } => "ServerTimeout",
            Self::Unavailable => "ServiceUnavailable",
        }
    }

    fn details(&self) -> Value {
        let object = |key: &Key| {
            json!({
                "name": key.name,
                "group": key.resource.group,
                "kind": key.resource.plural,
            })
        };
        match self {
            Self::NotFound(key) | Self::AlreadyExists(key) | Self::Conflict { key, .. } => {
                object(key)
            }
            Self::Forbidden { resource, name, .. } => {
                let mut details = json!({"group": resource.group, "kind": resource.plural});
                if let (Some(name), Value::Object(fields)) = (name, &mut details) {
                    fields.insert("name".to_owned(), name.clone().into());
                }
                details
            }
            Self::Invalid {
                resource,
                name,
                field,
                why,
            } => json!({
                "name": name,
                "group": resource.group,
                "kind": resource.kind,
                "causes": [{"reason": "FieldValueInvalid", "message": why, "field": field}],
            }),
            Self::TooManyRequests { retry_after } | Self::ServerTimeout { retry_after } => {
                json!({"retryAfterSeconds": retry_after})
            }
            Self::Future { .. } => json!({
                "retryAfterSeconds": 1,
                "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            }),
            Self::BadRequest(_)
            | Self::Unauthorized
            | Self::NoSuchPath
            | Self::Denied { .. }
            | Self::MethodNotAllowed
            | Self::UnsupportedMediaType(_)
            | Self::Expired { .. }
            | Self::Refused { .. }
            | Self::InternalError
            | Self::Unavailable => json!({}),
        }
    }

    fn retry_after(&self) -> Option<u32> {
        if let Self::TooManyRequests { retry_after } | Self::ServerTimeout { retry_after } = self {
            return Some(*retry_after);
        }
        matches!(self, Self::Future { .. }).then_some(1)
    }

    /// The `Status` object, as it stands in a body or in an ERROR event of a watch.
    pub(crate) fn to_status(&self) -> Value {
        json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.to_string(),
            "reason": self.reason(),
            "details": self.details(),
            "code": self.code().as_u16(),
        })
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.code(), Json(self.to_status())).into_response();
        if let Some(seconds) = self.retry_after() {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(key) => Self::NotFound(key),
            StoreError::AlreadyExists(key) => Self::AlreadyExists(key),
            StoreError::Compacted { oldest } => Self::Expired { oldest },
            StoreError::Future { asked, present } => Self::Future { asked, present },
        }
    }
}

impl From<SelectorError> for Problem {
    fn from(error: SelectorError) -> Self {
        Self::BadRequest(error.to_string())
    }
}

fn forbidden(resource: &Resource, name: &Option<String>, why: &str) -> String {
    let resource = resource.qualified();
    match name {
        Some(name) => format!("{resource} \"{name}\" is forbidden: {why}"),
        None => format!("{resource} is forbidden: {why}"),
    }
}
