//! What the API server does to every incoming object, whatever its type.
//!
//! Pure: the old object, the proposed one, the time. Which fields a client may set at all is
//! decided here; what a CertificateRequest may contain, in `admission`.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Problem;
use crate::resource::{CERTIFICATE_REQUESTS, Generation, LEASES, PODS, Resource, StatusWrites};
use crate::store::{Key, meta};
use crate::{chance, clock};

/// Refuses a body whose kind or version differs from that of the path.
pub(super) fn check_type(resource: &'static Resource, body: &Value) -> Result<(), Problem> {
    let is = |field: &str, expected: &str| {
        let given = body.get(field).and_then(Value::as_str);
        given.is_none_or(|given| given.is_empty() || given == expected)
    };
    if is("kind", resource.kind) && is("apiVersion", &resource.api_version()) {
        return Ok(());
    }
    Err(Problem::BadRequest(format!(
        "the API version and kind in the data do not match the expected {}, {}",
        resource.api_version(),
        resource.kind
    )))
}

/// A new object, with what the server sets.
pub(super) fn prepare_create(
    resource: &'static Resource,
    namespace: &str,
    mut body: Value,
    now: Timestamp,
) -> Result<Value, Problem> {
    if !meta::text(&body, "/metadata/resourceVersion").is_empty() {
        return Err(Problem::BadRequest(
            "resourceVersion should not be set on objects to be created".to_owned(),
        ));
    }
    if !is_name(meta::name(&body)) {
        return Err(invalid(
            resource,
            &body,
            "metadata.name",
            "Invalid value: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
             characters, '-' or '.', and must start and end with an alphanumeric character",
        ));
    }
    let metadata = meta::metadata(&mut body);
    for field in [
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
    ] {
        metadata.remove(field);
    }
    metadata.insert("uid".to_owned(), chance::uid().into());
    metadata.insert("creationTimestamp".to_owned(), clock::seconds(now).into());
    if !namespace.is_empty() {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    if resource.generation == Generation::Counted {
        metadata.insert("generation".to_owned(), 1.into());
    }
    let fields = meta::top(&mut body);
    fields.insert("kind".to_owned(), resource.kind.into());
    fields.insert("apiVersion".to_owned(), resource.api_version().into());
    if resource.status == StatusWrites::Subresource {
        fields.remove("status");
    }
    if resource == &PODS {
        let status = meta::field(&mut body, "status");
        status.insert("phase".to_owned(), "Pending".into());
        let spec = meta::field(&mut body, "spec");
        spec.entry("serviceAccountName")
            .or_insert_with(|| "default".into());
    }
    Ok(body)
}

/// How a change is written: a PUT contains the whole object, a patch only what changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// PUT.
    Replace,
    /// PATCH.
    Patch,
}

/// The resourceVersion and UID of a proposed object, where given, must be those of the present one.
pub(super) fn check_version(
    key: &Key,
    current: &Value,
    proposed: &Value,
    writing: Writing,
) -> Result<(), Problem> {
    let conflict = |why: String| Problem::Conflict {
        key: key.clone(),
        why,
    };
    let version = meta::text(proposed, "/metadata/resourceVersion");
    if !version.is_empty() && meta::revision(proposed) != meta::revision(current) {
        return Err(conflict(super::asked::MODIFIED.to_owned()));
    }
    let uid = meta::uid(proposed);
    if !uid.is_empty() && uid != meta::uid(current) && writing == Writing::Patch {
        let why = format!("Invalid value: {uid:?}: field is immutable");
        return Err(invalid(key.resource, current, "metadata.uid", &why));
    }
    if !uid.is_empty() && uid != meta::uid(current) {
        return Err(conflict(format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            meta::uid(current)
        )));
    }
    Ok(())
}

/// A changed object: what only the server sets is kept, and so is the status if it has a path of
/// its own; a change outside metadata and status counts in `generation`.
pub(super) fn prepare_update(
    resource: &'static Resource,
    current: &Value,
    mut proposed: Value,
) -> Value {
    keep_metadata(current, &mut proposed);
    let next = meta::top(&mut proposed);
    for field in ["kind", "apiVersion"] {
        keep(current, next, field);
    }
    if resource.status == StatusWrites::Subresource {
        keep(current, next, "status");
    }
    if resource.generation == Generation::Counted && content(current) != content(&proposed) {
        let generation = current
            .pointer("/metadata/generation")
            .and_then(Value::as_u64);
        let next = generation.unwrap_or_default() + 1;
        meta::metadata(&mut proposed).insert("generation".to_owned(), next.into());
    }
    proposed
}

/// The present object with the proposed status and nothing else of the proposal.
pub(super) fn prepare_status(current: &Value, proposed: &Value) -> Value {
    let mut next = current.clone();
    let fields = meta::top(&mut next);
    match proposed.get("status") {
        Some(status) => fields.insert("status".to_owned(), status.clone()),
        None => fields.remove("status"),
    };
    next
}

/// Types that cannot be replaced without saying which version is meant.
pub(super) fn needs_revision(resource: &'static Resource) -> bool {
    resource.group == "cert-manager.io" || resource == &LEASES
}

/// What a type's schema demands, as far as anything here depends on it.
pub(super) fn validate(resource: &'static Resource, object: &Value) -> Result<(), Problem> {
    let metadata = object.get("metadata").and_then(Value::as_object);
    for field in ["labels", "annotations"] {
        let map = metadata.and_then(|metadata| metadata.get(field));
        if !is_text_map(map) {
            let why = "Invalid value: must be a map of strings";
            return Err(invalid(
                resource,
                object,
                "metadata",
                &format!("{field}: {why}"),
            ));
        }
    }
    if resource == &CERTIFICATE_REQUESTS {
        return certificate_request(object);
    }
    Ok(())
}

fn certificate_request(object: &Value) -> Result<(), Problem> {
    let check = |right: bool, field: &'static str, why: &str| {
        if right {
            Ok(())
        } else {
            Err(invalid(&CERTIFICATE_REQUESTS, object, field, why))
        }
    };
    let at = |pointer: &str| object.pointer(pointer).filter(|value| !value.is_null());
    let is_text = |pointer: &str| at(pointer).is_none_or(Value::is_string);
    let texts = |pointer: &str| {
        at(pointer).is_none_or(|list| {
            let list = list.as_array();
            list.is_some_and(|list| list.iter().all(Value::is_string))
        })
    };
    check(
        at("/spec/request").is_some(),
        "spec.request",
        "Required value",
    )?;
    check(
        is_text("/spec/request"),
        "spec.request",
        "must be of type string",
    )?;
    let is_base64 = STANDARD.decode(meta::text(object, "/spec/request")).is_ok();
    check(is_base64, "spec.request", "must be of type byte")?;
    check(
        !meta::text(object, "/spec/issuerRef/name").is_empty(),
        "spec.issuerRef.name",
        "Required value",
    )?;
    let is_ca = at("/spec/isCA").is_none_or(Value::is_boolean);
    check(is_ca, "spec.isCA", "must be of type boolean")?;
    for (pointer, field) in [
        ("/spec/duration", "spec.duration"),
        ("/spec/username", "spec.username"),
        ("/spec/uid", "spec.uid"),
        ("/spec/issuerRef/kind", "spec.issuerRef.kind"),
        ("/spec/issuerRef/group", "spec.issuerRef.group"),
    ] {
        check(is_text(pointer), field, "must be of type string")?;
    }
    check(
        texts("/spec/usages"),
        "spec.usages",
        "must be of type array of strings",
    )?;
    check(
        texts("/spec/groups"),
        "spec.groups",
        "must be of type array of strings",
    )?;
    let conditions = at("/status/conditions").and_then(Value::as_array);
    let conditions = conditions.into_iter().flatten();
    let types: Vec<&str> = conditions
        .map(|condition| meta::text(condition, "/type"))
        .collect();
    let different: BTreeSet<&&str> = types.iter().collect();
    check(
        different.len() == types.len(),
        "status.conditions",
        "Duplicate value: a list by type",
    )
}

/// A 422 about one field.
pub(super) fn invalid(
    resource: &'static Resource,
    object: &Value,
    field: &'static str,
    why: &str,
) -> Problem {
    Problem::Invalid {
        resource,
        name: meta::name(object).to_owned(),
        field,
        why: why.to_owned(),
    }
}

/// A 403 of an admission plugin.
pub(super) fn forbidden(resource: &'static Resource, object: &Value, why: String) -> Problem {
    Problem::Forbidden {
        resource,
        name: Some(meta::name(object).to_owned()),
        why,
    }
}

fn keep_metadata(current: &Value, proposed: &mut Value) {
    let present = current.get("metadata").cloned().unwrap_or_default();
    let metadata = meta::metadata(proposed);
    for field in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "generateName",
    ] {
        keep(&present, metadata, field);
    }
}

fn keep(current: &Value, next: &mut Map<String, Value>, field: &str) {
    match current.get(field) {
        Some(value) => next.insert(field.to_owned(), value.clone()),
        None => next.remove(field),
    };
}

fn content(object: &Value) -> Option<Map<String, Value>> {
    let mut content = object.as_object()?.clone();
    for field in ["metadata", "status", "kind", "apiVersion"] {
        content.remove(field);
    }
    Some(content)
}

fn is_text_map(map: Option<&Value>) -> bool {
    match map {
        None | Some(Value::Null) => true,
        Some(map) => map
            .as_object()
            .is_some_and(|map| map.values().all(Value::is_string)),
    }
}

fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    // `:` for names such as those of ClusterTrustBundles and RBAC objects is not needed here.
    (1..=253).contains(&name.len())
        && name.split('.').all(|label| {
            label.starts_with(inner)
                && label.ends_with(inner)
                && label.chars().all(|c| inner(c) || c == '-')
        })
}
