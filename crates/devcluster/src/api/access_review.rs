//! `subjectaccessreviews` and `selfsubjectaccessreviews`: who may do what, asked and not kept
//! (authorization.k8s.io/v1).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::Problem;
use super::asked::{Call, specification};
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
    let mut body = call.object()?;
    let spec: Spec = specification(&body)?;
    let user = if *call.target.resource == SELF_SUBJECT_ACCESS_REVIEWS {
        call.user.clone()
    } else {
        User {
            username: spec.user,
            groups: spec.groups,
            ..User::anonymous()
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
