//! `subjectaccessreviews` and `selfsubjectaccessreviews`: who may do what, asked and not kept
//! (authorization.k8s.io/v1).

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Problem;
use super::asked::Call;
use super::shared::Shared;
use crate::auth::{Question, User};
use crate::resource::{Resource, SELF_SUBJECT_ACCESS_REVIEWS, SUBJECT_ACCESS_REVIEWS};
use crate::store::meta;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    user: String,
    groups: Vec<String>,
    resource_attributes: Attributes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attributes {
    verb: String,
    group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

/// Whether objects of a type are questions.
pub(super) fn is_review(resource: &Resource) -> bool {
    *resource == SUBJECT_ACCESS_REVIEWS || *resource == SELF_SUBJECT_ACCESS_REVIEWS
}

/// Answers a question.
pub(super) fn create(shared: &Shared, call: &Call) -> Result<Response, Problem> {
    let mut body: Value = serde_json::from_slice(&call.body)
        .map_err(|error| Problem::BadRequest(format!("the body is not JSON: {error}")))?;
    let spec = body.get("spec").cloned().unwrap_or_default();
    let spec: Spec = serde_json::from_value(spec)
        .map_err(|error| Problem::BadRequest(format!("spec: {error}")))?;
    let user = if *call.target.resource == SELF_SUBJECT_ACCESS_REVIEWS {
        call.user.clone()
    } else {
        User {
            username: spec.user,
            uid: String::new(),
            groups: spec.groups,
            extra: BTreeMap::new(),
        }
    };
    let asked = &spec.resource_attributes;
    let given = |text: &str| !text.is_empty();
    let question = Question {
        verb: &asked.verb,
        group: &asked.group,
        resource: &asked.resource,
        subresource: Some(asked.subresource.as_str()).filter(|text| given(text)),
        namespace: Some(asked.namespace.as_str()).filter(|text| given(text)),
        name: Some(asked.name.as_str()).filter(|text| given(text)),
    };
    let allowed = shared.permissions.allow(&user, &question);
    meta::field(&mut body, "status").insert("allowed".to_owned(), json!(allowed));
    Ok((StatusCode::CREATED, Json(body)).into_response())
}
