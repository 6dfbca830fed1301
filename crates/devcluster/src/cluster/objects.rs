//! The cluster's objects as its administrator sees them, in process.
//!
//! Everything goes through the same checks as over HTTP, but is neither logged nor hit by faults.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::api::{Creation, Edit, Part, Problem, Shared, Writing, deletion};
use crate::auth::User;
use crate::resource::{Resource, Scope};
use crate::store::{Audience, Key, Object, Selector, Start, StoreError};

/// The cluster's objects, as the administrator. Clones are the same cluster's.
#[derive(Clone)]
pub struct Objects {
    shared: Shared,
    administrator: User,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Objects(..)")
    }
}

/// A request that the API server would have answered with an error.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    code: u16,
    reason: String,
    message: String,
}

impl Refused {
    pub fn code(&self) -> u16 {
        self.code
    }

    /// `NotFound`, `Conflict` and so on.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let status = problem.to_status();
        let reason = status.get("reason").and_then(Value::as_str);
        Self {
            code: problem.code().as_u16(),
            reason: reason.unwrap_or_default().to_owned(),
            message: problem.to_string(),
        }
    }
}

/// Why waiting ended without what was waited for.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// It did not happen in time.
    #[error("waited {limit:?} in vain for {resource}; last seen: {last}")]
    TimedOut {
        limit: Duration,
        resource: String,
        /// What was there in the end.
        last: String,
    },
    #[error("the cluster ended while {resource} were waited for")]
    Ended { resource: String },
}

impl Objects {
    pub(crate) fn new(shared: Shared) -> Self {
        Self {
            shared,
            administrator: User::administrator(),
        }
    }

    /// Creates an object; `namespace` is empty for cluster-scoped types.
    ///
    /// # Errors
    /// As the API server's.
    pub fn create(
        &self,
        resource: &'static Resource,
        namespace: &str,
        body: Value,
    ) -> Result<Object, Refused> {
        let creation = Creation {
            resource,
            namespace: (resource.scope == Scope::Namespaced).then_some(namespace),
            user: &self.administrator,
        };
        Ok(creation.carry_out(&self.shared, body)?)
    }

    pub fn read(&self, resource: &'static Resource, namespace: &str, name: &str) -> Option<Object> {
        let key = Key::new(resource, namespace, name);
        self.shared.store.read(&key)
    }

    /// Every object of a type, in one namespace or in all.
    pub fn list(&self, resource: &'static Resource, namespace: Option<&str>) -> Vec<Object> {
        let selector = Selector::default();
        self.shared.store.list(resource, namespace, &selector).0
    }

    /// Merges a patch into an object.
    ///
    /// # Errors
    /// As the API server's.
    pub fn merge(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Object, Refused> {
        self.edit(Part::Object, Key::new(resource, namespace, name), patch)
    }

    /// Merges a patch into an object's status.
    ///
    /// # Errors
    /// As the API server's.
    pub fn merge_status(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Object, Refused> {
        self.edit(Part::Status, Key::new(resource, namespace, name), patch)
    }

    fn edit(&self, part: Part, key: Key, patch: &Value) -> Result<Object, Refused> {
        let edit = Edit {
            key,
            part,
            writing: Writing::Patch,
            user: &self.administrator,
        };
        let edited = edit.carry_out(&self.shared, |current| {
            let mut next = current.clone();
            json_patch::merge(&mut next, patch);
            Ok(next)
        });
        Ok(edited?)
    }

    /// Removes an object at once (a finalizer still holds it) and what it owns.
    ///
    /// # Errors
    /// As the API server's.
    pub fn delete(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
    ) -> Result<(), Refused> {
        let key = Key::new(resource, namespace, name);
        deletion::begin(&self.shared, &key, &deletion::DeleteOptions::now())?;
        Ok(())
    }

    /// Deletes an object as a user does: a pod on a node is only marked, for its kubelet to end.
    ///
    /// # Errors
    /// As the API server's.
    pub fn terminate(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
    ) -> Result<(), Refused> {
        let key = Key::new(resource, namespace, name);
        deletion::begin(&self.shared, &key, &deletion::DeleteOptions::default())?;
        Ok(())
    }

    /// Waits until an object of a type is as wanted, and returns it.
    ///
    /// # Errors
    /// If that does not happen within the limit.
    pub async fn wait_for(
        &self,
        resource: &'static Resource,
        namespace: Option<&str>,
        limit: Duration,
        is_wanted: impl Fn(&Value) -> bool + Send,
    ) -> Result<Object, WaitError> {
        self.wait_until(resource, namespace, limit, move |objects| {
            let found = objects.iter().find(|object| is_wanted(object));
            found.map(Object::clone)
        })
        .await
    }

    /// Waits until no object of a type is like this any more.
    ///
    /// # Errors
    /// If that does not happen within the limit.
    pub async fn wait_for_none(
        &self,
        resource: &'static Resource,
        namespace: Option<&str>,
        limit: Duration,
        is_unwanted: impl Fn(&Value) -> bool + Send,
    ) -> Result<(), WaitError> {
        self.wait_until(resource, namespace, limit, move |objects| {
            let found = objects.iter().any(|object| is_unwanted(object));
            (!found).then_some(())
        })
        .await
    }

    /// Waits until `outcome` is something, looking at all objects of a type after each change.
    ///
    /// # Errors
    /// If that does not happen within the limit.
    pub async fn wait_until<T>(
        &self,
        resource: &'static Resource,
        namespace: Option<&str>,
        limit: Duration,
        outcome: impl Fn(&[Object]) -> Option<T> + Send,
    ) -> Result<T, WaitError> {
        let subscribed = self.shared.store.subscribe(
            resource,
            namespace,
            Selector::default(),
            Start::Live,
            Audience::Internal,
        );
        let ended = |resource: &Resource| WaitError::Ended {
            resource: resource.qualified(),
        };
        let mut watch = subscribed.map_err(|_impossible: StoreError| ended(resource))?;
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let objects = self.list(resource, namespace);
            if let Some(outcome) = outcome(&objects) {
                return Ok(outcome);
            }
            tokio::select! {
                event = watch.next() => {
                    event.ok_or_else(|| ended(resource))?;
                }
                () = self.shared.shutdown.cancelled() => return Err(ended(resource)),
                () = tokio::time::sleep_until(deadline) => {
                    return Err(WaitError::TimedOut {
                        limit,
                        resource: resource.qualified(),
                        last: Value::from_iter(objects.iter().map(|object| Value::clone(object))).to_string(),
                    });
                }
            }
        }
    }
}
