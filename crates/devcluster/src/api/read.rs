//! GET and LIST.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Problem;
use super::asked::Call;
use super::page::Page;
use super::shared::Shared;
use crate::store::{Selector, StoreError, meta};

pub(super) fn one(shared: &Shared, call: &Call) -> Result<Response, Problem> {
    let key = call.target.key().ok_or(Problem::NoSuchPath)?;
    let object = shared.store.read(&key).ok_or(StoreError::NotFound(key))?;
    Ok(Json(&*object).into_response())
}

/// The selected objects: all, or a page of them as they were when the first page was read.
pub(super) fn all(shared: &Shared, call: &Call) -> Result<Response, Problem> {
    let resource = call.target.resource;
    let namespace = call.target.namespace.as_deref();
    let query = &call.query;
    let page = query.page.as_ref();
    if page.is_some() && query.resource_version.is_some() {
        let why = "specifying resource version is not allowed when using continue";
        return Err(Problem::BadRequest(why.to_owned()));
    }
    let (objects, revision) = match page {
        None => shared.store.list(resource, namespace, &query.selector),
        Some(page) => {
            let past = &query.selector;
            let objects = shared
                .store
                .list_at(resource, namespace, past, page.revision)?;
            (objects, page.revision)
        }
    };
    if let Some(asked) = query.resource_version
        && asked > revision
    {
        let present = revision;
        return Err(Problem::Future { asked, present });
    }
    let mut items: Vec<&Value> = objects
        .iter()
        .map(|object| &**object)
        .filter(|object| page.is_none_or(|page| page.holds(object)))
        .collect();
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    let limit = query.limit.unwrap_or(usize::MAX);
    if items.len() > limit {
        let left = items.len() - limit;
        items.truncate(limit);
        let next = items
            .last()
            .map(|last| Page::behind(last, revision).encode());
        let fields = meta::top(&mut metadata);
        fields.insert("continue".to_owned(), next.into());
        // A real server does not count either if there is a selector.
        if query.selector == Selector::default() {
            fields.insert("remainingItemCount".to_owned(), left.into());
        }
    }
    Ok(Json(json!({
        "kind": format!("{}List", resource.kind),
        "apiVersion": resource.api_version(),
        "metadata": metadata,
        "items": items,
    }))
    .into_response())
}
