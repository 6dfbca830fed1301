//! Requests and responses, as all handlers see them.

use axum::body::Bytes;
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Problem;
use super::route::{Query, Verb};
use super::target::Target;
use crate::auth::User;

#[derive(Debug)]
pub(super) struct Call {
    pub(super) user: User,
    pub(super) target: Target,
    pub(super) query: Query,
    pub(super) verb: Verb,
    /// From the path or the field selector.
    pub(super) name: Option<String>,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

impl Call {
    /// Reads the body as a JSON object. Protobuf, which Go clients prefer for built-in types, is not
    /// served; they fall back to JSON on that answer.
    pub(super) fn object(&self) -> Result<Value, Problem> {
        if !["", "application/json"].contains(&self.content_type.as_str()) {
            return Err(Problem::UnsupportedMediaType("application/json"));
        }
        let value: Value = serde_json::from_slice(&self.body)
            .map_err(|error| Problem::BadRequest(format!("the body is not JSON: {error}")))?;
        if value.is_object() {
            Ok(value)
        } else {
            Err(Problem::BadRequest("the body is not an object".to_owned()))
        }
    }
}

/// The specification in the body of a call, as the type that it is read into; null where there is
/// none.
pub(super) fn specification<T: DeserializeOwned>(body: &Value) -> Result<T, Problem> {
    let spec = body.get("spec").cloned().unwrap_or_default();
    serde_json::from_value(spec).map_err(|error| Problem::BadRequest(format!("spec: {error}")))
}

/// An answer, and the name that the server chose for what it created.
pub(super) struct Done {
    pub(super) response: Response,
    pub(super) name: Option<String>,
}

impl From<Response> for Done {
    fn from(response: Response) -> Self {
        let name = None;
        Self { response, name }
    }
}

/// The 403 of RBAC.
pub(super) fn forbidden(call: &Call) -> Problem {
    let Target {
        resource,
        namespace,
        subresource,
        ..
    } = &call.target;
    let sub = subresource.map_or(String::new(), |sub| format!("/{}", sub.as_str()));
    let place = match namespace {
        Some(namespace) => format!("in the namespace \"{namespace}\""),
        None => "at the cluster scope".to_owned(),
    };
    Problem::Forbidden {
        resource,
        name: call.name.clone(),
        why: format!(
            "User \"{}\" cannot {} resource \"{}{sub}\" in API group \"{}\" {place}",
            call.user.username,
            call.verb.as_str(),
            resource.plural,
            resource.group,
        ),
    }
}

pub(super) const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";
