//! Owns reading the cluster: one object, all of a type, who may do what.
//!
//! Must not judge. Invariants: everything has a limit of time and of what is kept, nothing is
//! written (a review of rights stores nothing), and what could not be read is not taken for absent.

mod follow;
mod gather;
pub(crate) mod objects;
mod place;

use std::time::Duration;

use futures::{StreamExt as _, pin_mut};
use http::Request;
use kube::api::PostParams;
use kube::core::Request as Path;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use svid_client::call::CALL_LIMIT;
use svid_client::watch::{Event, Selection, Versioned, watch};
use svid_client::{ApiClient, ApiError};
use tokio::time::timeout;

use super::snapshot::{Asked, Review, Seen, Unseen};
pub(crate) use follow::Source;
pub(crate) use gather::gather;
use objects::Collection;

/// The API server, as the caller's own user.
pub(crate) struct Look {
    client: ApiClient,
}

impl Look {
    pub(crate) fn new(client: ApiClient) -> Self {
        Self { client }
    }

    /// A document that is no object, by its path.
    async fn document<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let request = Request::get(path).body(Vec::new());
        let request = request.map_err(kube::core::request::Error::BuildRequest);
        self.client.call(request, CALL_LIMIT).await
    }

    /// One object; `None` if it does not exist.
    async fn one<T: DeserializeOwned>(
        &self,
        from: &Collection<T>,
        namespace: Option<&str>,
        name: &str,
    ) -> Seen<Option<T>> {
        let path = from.path(namespace);
        let found = self.client.find(&path, name, CALL_LIMIT).await;
        found.map_err(|error| Unseen::new(format!("get {} {name}", from.plural()), &error))
    }

    /// All objects, in one namespace or in the cluster, that are wanted.
    async fn all<T: DeserializeOwned + Versioned + Send>(
        &self,
        from: &Collection<T>,
        namespace: Option<&str>,
        is_wanted: impl FnMut(&T) -> bool + Send,
    ) -> Seen<Vec<T>> {
        let what = || format!("list {}", from.plural());
        let read = self.read_all(from.path(namespace), is_wanted);
        match timeout(LIST, read).await {
            Ok(read) => read.map_err(|error| Unseen::new(what(), &error)),
            Err(_elapsed) => Err(Unseen::new(what(), &ApiError::TimedOut(LIST))),
        }
    }

    async fn read_all<T: DeserializeOwned + Versioned + Send>(
        &self,
        path: String,
        mut is_wanted: impl FnMut(&T) -> bool + Send,
    ) -> Result<Vec<T>, ApiError> {
        // A watch begins with a list, page by page and object by object; it is left at its end.
        let events = watch::<T>(self.client.clone(), Selection::all(path), || 0.5);
        pin_mut!(events);
        let mut found = Vec::new();
        while let Some(event) = events.next().await {
            match event? {
                Event::Init => {}
                Event::InitApply(object) if !is_wanted(&object) => {}
                Event::InitApply(_) if found.len() >= MOST_KEPT => {
                    let why = format!("more than {MOST_KEPT} of them matter");
                    return Err(ApiError::Unreadable(why));
                }
                Event::InitApply(object) => found.push(object),
                Event::Unreadable(one) => {
                    let why = format!("{}: {}", one.object, one.error);
                    return Err(ApiError::Unreadable(why));
                }
                Event::InitDone | Event::Apply(_) | Event::Delete(_) => break,
            }
        }
        Ok(found)
    }

    /// Whether somebody may do something.
    async fn review(&self, asked: Asked) -> Review {
        let mut spec = json!({"resourceAttributes": {
            "verb": asked.verb,
            "group": asked.group,
            "resource": asked.resource,
            "subresource": asked.subresource,
            "namespace": asked.namespace,
            "name": asked.name,
        }});
        let (kind, plural) = match &asked.who {
            Some(account) => {
                if let Some(spec) = spec.as_object_mut() {
                    spec.insert("user".to_owned(), account.user().into());
                    spec.insert("groups".to_owned(), account.groups().into());
                }
                ("SubjectAccessReview", "subjectaccessreviews")
            }
            None => ("SelfSubjectAccessReview", "selfsubjectaccessreviews"),
        };
        let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec});
        let allowed = match self.create(plural, &body).await {
            Ok(Answer { status }) => Ok(status.allowed),
            Err(error) => Err(Unseen::new(format!("create {plural}"), &error)),
        };
        Review { asked, allowed }
    }

    async fn create(&self, plural: &str, body: &Value) -> Result<Answer, ApiError> {
        let path = format!("/apis/authorization.k8s.io/v1/{plural}");
        let body = body.to_string().into_bytes();
        let request = Path::new(path).create(&PostParams::default(), body);
        self.client.call(request, CALL_LIMIT).await
    }

    /// Asks several things, a few at a time, in the order in which they are given.
    async fn reviews(&self, asked: Vec<Asked>) -> Vec<Review> {
        futures::stream::iter(asked)
            .map(|asked| self.review(asked))
            .buffered(AT_ONCE)
            .collect()
            .await
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: AnswerStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AnswerStatus {
    allowed: bool,
}

/// For a whole list: 100,000 pods are 200 pages.
const LIST: Duration = Duration::from_secs(120);
/// Objects of one list that are kept.
const MOST_KEPT: usize = 100_000;
/// Questions that are asked at once. More would take from others the room that Priority and
/// Fairness gives one user.
const AT_ONCE: usize = 8;
