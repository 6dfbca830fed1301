//! POST, PUT, PATCH and DELETE: from a call to a change of the store.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::asked::{Call, Done};
use super::object::Writing;
use super::patch::Change;
use super::shared::Shared;
use super::target::Subresource;
use super::{Problem, deletion, object};
use crate::auth::User;
use crate::chance;
use crate::resource::{NAMESPACES, PODS, Resource, SERVICE_ACCOUNTS, Scope};
use crate::store::{Key, Object, meta};

/// POST to a collection.
pub(super) fn create(shared: &Shared, call: &Call) -> Result<Done, Problem> {
    let body = call.object()?;
    let creation = Creation {
        resource: call.target.resource,
        namespace: call.target.namespace.as_deref(),
        user: &call.user,
    };
    let created = creation.carry_out(shared, body)?;
    Ok(Done {
        name: Some(meta::name(&created).to_owned()),
        response: (StatusCode::CREATED, Json(&*created)).into_response(),
    })
}

/// A create, wherever it comes from.
#[derive(Debug)]
pub(crate) struct Creation<'a> {
    pub(crate) resource: &'static Resource,
    /// From the path; `None` for cluster-scoped types.
    pub(crate) namespace: Option<&'a str>,
    pub(crate) user: &'a User,
}

impl Creation<'_> {
    /// Completes, admits and stores the object.
    pub(crate) fn carry_out(&self, shared: &Shared, mut body: Value) -> Result<Object, Problem> {
        let namespace = self.namespace(shared, &body)?;
        object::check_type(self.resource, &body)?;
        let generated = meta::name(&body).is_empty();
        let prefix = meta::text(&body, "/metadata/generateName").to_owned();
        if generated && prefix.is_empty() {
            return Err(object::invalid(
                self.resource,
                &body,
                "metadata.name",
                "Required value: name or generateName is required",
            ));
        }
        for attempt in 0.. {
            if generated {
                let name = format!("{prefix}{}", chance::suffix());
                meta::metadata(&mut body).insert("name".to_owned(), name.into());
            }
            match self.store(shared, &namespace, body.clone()) {
                Err(Problem::AlreadyExists(_)) if generated && attempt < NAME_ATTEMPTS => {}
                done => return done,
            }
        }
        Err(Problem::InternalError)
    }

    fn namespace(&self, shared: &Shared, body: &Value) -> Result<String, Problem> {
        let given = meta::namespace(body);
        match (self.resource.scope, self.namespace) {
            (Scope::Cluster, _) if given.is_empty() => Ok(String::new()),
            (Scope::Namespaced, Some(namespace)) if given.is_empty() || given == namespace => {
                let key = Key::new(&NAMESPACES, "", namespace);
                let found = shared.store.read(&key).ok_or(Problem::NotFound(key))?;
                if meta::deletion(&found).is_empty() {
                    return Ok(namespace.to_owned());
                }
                let why = format!("namespace {namespace} is being terminated");
                Err(object::forbidden(self.resource, body, why))
            }
            (Scope::Namespaced, None) => Err(Problem::MethodNotAllowed),
            _ => Err(Problem::BadRequest(
                "the namespace of the provided object does not match the namespace sent on the request"
                    .to_owned(),
            )),
        }
    }

    fn store(&self, shared: &Shared, namespace: &str, body: Value) -> Result<Object, Problem> {
        let mut next = object::prepare_create(self.resource, namespace, body, shared.clock.now())?;
        if self.resource == &PODS {
            require_service_account(shared, &next)?;
        }
        let admission = &shared.admission;
        admission.stamp(self.user, self.resource, &mut next);
        object::validate(self.resource, &next)?;
        admission.create(&shared.store, self.resource, &next)?;
        let key = Key::new(self.resource, namespace, meta::name(&next));
        let created = shared.store.create(key, next)?;
        if self.resource == &NAMESPACES {
            self.add_default_service_account(shared, meta::name(&created))?;
        }
        Ok(created)
    }

    /// What the service account controller does for every new namespace.
    fn add_default_service_account(&self, shared: &Shared, namespace: &str) -> Result<(), Problem> {
        let body = json!({"metadata": {"name": "default"}});
        let creation = Creation {
            resource: &SERVICE_ACCOUNTS,
            namespace: Some(namespace),
            user: self.user,
        };
        match creation.carry_out(shared, body) {
            Ok(_) | Err(Problem::AlreadyExists(_)) => Ok(()),
            Err(other) => Err(other),
        }
    }
}

/// What the ServiceAccount admission plugin refuses.
fn require_service_account(shared: &Shared, pod: &Value) -> Result<(), Problem> {
    let (namespace, name) = (
        meta::namespace(pod),
        meta::text(pod, "/spec/serviceAccountName"),
    );
    let key = Key::new(&SERVICE_ACCOUNTS, namespace, name);
    if shared.store.read(&key).is_some() {
        return Ok(());
    }
    let why = format!(
        "error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found"
    );
    Err(object::forbidden(&PODS, pod, why))
}

/// PUT of an object or of its status.
pub(super) fn update(shared: &Shared, call: &Call) -> Result<Response, Problem> {
    let key = call.target.key().ok_or(Problem::NoSuchPath)?;
    let body = call.object()?;
    object::check_type(key.resource, &body)?;
    if meta::name(&body) != key.name {
        return Err(Problem::BadRequest(
            "the name of the object does not match the name on the URL".to_owned(),
        ));
    }
    if meta::revision(&body).is_none() && object::needs_revision(key.resource) {
        return Err(object::invalid(
            key.resource,
            &body,
            "metadata.resourceVersion",
            "Invalid value: 0x0: must be specified for an update",
        ));
    }
    edit(call, key, Writing::Replace)
        .carry_out(shared, |_| Ok(body))
        .map(|object| answer(&object))
}

/// PATCH of an object or of its status. It is bound to a version only if the patch names one.
pub(super) fn patch(shared: &Shared, call: &Call) -> Result<Response, Problem> {
    let key = call.target.key().ok_or(Problem::NoSuchPath)?;
    let patch = Change::parse(key.resource, &call.content_type, &call.body)?;
    edit(call, key.clone(), Writing::Patch)
        .carry_out(shared, |current| {
            patch.apply(key.resource, &key.name, current)
        })
        .map(|object| answer(&object))
}

/// A change of an object or of its status, wherever it comes from.
#[derive(Debug)]
pub(crate) struct Edit<'a> {
    pub(crate) key: Key,
    pub(crate) part: Part,
    pub(crate) writing: Writing,
    pub(crate) user: &'a User,
}

/// Which part of an object a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but the status, where that has a path of its own.
    Object,
    /// Only the status.
    Status,
}

impl Edit<'_> {
    /// Replaces the object by what `propose` makes of the present one, under the store's lock.
    pub(crate) fn carry_out(
        &self,
        shared: &Shared,
        propose: impl FnOnce(&Value) -> Result<Value, Problem>,
    ) -> Result<Object, Problem> {
        let key = &self.key;
        // Read before the store's lock is taken: admission looks at another object.
        let validated = shared.admission.validates(&shared.store, &key.namespace);
        let updated = shared.store.update(key, |current| {
            let proposed = propose(current)?;
            object::check_version(key, current, &proposed, self.writing)?;
            let next = match self.part {
                Part::Status => object::prepare_status(current, &proposed),
                Part::Object => object::prepare_update(key.resource, current, proposed),
            };
            object::validate(key.resource, &next)?;
            if validated {
                match self.part {
                    Part::Status => shared.admission.status(self.user, key, current, &next)?,
                    Part::Object => shared.admission.update(key, current, &next)?,
                }
            }
            Ok::<_, Problem>(next)
        })?;
        deletion::finish(shared, key, &updated);
        Ok(updated)
    }
}

fn edit(call: &Call, key: Key, writing: Writing) -> Edit<'_> {
    Edit {
        key,
        part: match call.target.subresource {
            Some(Subresource::Status) => Part::Status,
            Some(Subresource::Token) | None => Part::Object,
        },
        writing,
        user: &call.user,
    }
}

fn answer(object: &Object) -> Response {
    Json(&**object).into_response()
}

/// DELETE of an object.
pub(super) fn delete(shared: &Shared, call: &Call) -> Result<Response, Problem> {
    let key = call.target.key().ok_or(Problem::NoSuchPath)?;
    let options = if call.body.is_empty() {
        Value::Null
    } else {
        call.object()?
    };
    let options = deletion::DeleteOptions::new(&options, call.query.grace_period);
    let (left, deleted) = deletion::begin(shared, &key, &options)?;
    if left == deletion::Left::Terminating || key.resource == &PODS {
        return Ok(Json(&*deleted).into_response());
    }
    Ok(Json(json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {
            "name": key.name,
            "group": key.resource.group,
            "kind": key.resource.plural,
            "uid": meta::uid(&deleted),
        },
    }))
    .into_response())
}

/// How many random names are tried for one `generateName`, as Kubernetes does since 1.30.
const NAME_ATTEMPTS: usize = 8;
