//! GET and LIST.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Problem;
use super::asked::Call;
use super::shared::Shared;
use crate::store::StoreError;

/// One object.
pub(super) fn one(shared: &Shared, call: &Call) -> Result<Response, Problem> {
    let key = call.target.key().ok_or(Problem::NoSuchPath)?;
    let object = shared.store.read(&key).ok_or(StoreError::NotFound(key))?;
    Ok(Json(&*object).into_response())
}

/// Every selected object, always the whole list.
pub(super) fn all(shared: &Shared, call: &Call) -> Result<Response, Problem> {
    let resource = call.target.resource;
    let namespace = call.target.namespace.as_deref();
    let (objects, revision) = shared.store.list(resource, namespace, &call.query.selector);
    if let Some(asked) = call.query.resource_version
        && asked > revision
    {
        let present = revision;
        return Err(Problem::Future { asked, present });
    }
    let items: Vec<&Value> = objects.iter().map(|object| &**object).collect();
    Ok(Json(json!({
        "kind": format!("{}List", resource.kind),
        "apiVersion": resource.api_version(),
        "metadata": {"resourceVersion": revision.to_string()},
        "items": items,
    }))
    .into_response())
}
