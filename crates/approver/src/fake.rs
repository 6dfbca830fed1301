//! A very small API server for the tests: a tower service under kube's client.
//!
//! Knows leases, certificate requests with their status subresource, and config maps; lists,
//! watches, resourceVersions and conflicts. Faults are queued answers. Everything runs in the
//! test's own task set, so time may be paused.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use svid_client::ApiClient;
use tokio::sync::{Notify, mpsc};

/// Shared by the tests and the clients made from it.
#[derive(Clone, Default)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    watches: Vec<(String, mpsc::UnboundedSender<Bytes>)>,
    faults: VecDeque<Fault>,
    calls: Vec<String>,
    partitioned: Vec<String>,
}

/// What happens to the next call that fits.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// `METHOD /path`, the beginning of it.
    pub(crate) call: &'static str,
    /// What is answered.
    pub(crate) effect: Effect,
}

#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// This status, with `Retry-After` in seconds where given.
    Status(u16, Option<u64>),
    /// Nothing, for ever.
    Hang,
    /// The call takes effect but its answer is lost.
    LoseAnswer,
    /// Somebody else changes the object first: this is merged into it.
    ChangeFirst(Value),
}

impl Fake {
    /// A client under this name; [`Fake::partition`] cuts it off.
    pub(crate) fn client(&self, name: &'static str) -> ApiClient {
        let fake = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let fake = fake.clone();
            async move { fake.answer(name, request).await }
        });
        ApiClient::new(Client::new(service, "default"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Lets calls of this client hang, or heals it.
    pub(crate) fn partition(&self, client: &str, cut: bool) {
        let mut state = self.lock();
        state.partitioned.retain(|name| name != client);
        if cut {
            state.partitioned.push(client.to_owned());
        }
    }

    pub(crate) fn inject(&self, call: &'static str, effect: Effect) {
        self.lock().faults.push_back(Fault { call, effect });
    }

    /// Every call so far, as `METHOD /path`.
    pub(crate) fn calls(&self, prefix: &str) -> usize {
        self.lock()
            .calls
            .iter()
            .filter(|call| call.starts_with(prefix))
            .count()
    }

    /// Creates or replaces an object by its path, and tells the watches.
    pub(crate) fn put(&self, path: &str, object: Value) -> Value {
        let object = self.lock().store(path, object);
        self.changed.notify_waiters();
        object
    }

    pub(crate) fn delete(&self, path: &str) {
        let mut state = self.lock();
        if let Some(object) = state.objects.remove(path) {
            state.version += 1;
            state.tell("DELETED", path, &object);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    pub(crate) fn object(&self, path: &str) -> Option<Value> {
        self.lock().objects.get(path).cloned()
    }

    /// Ends every watch, as servers do from time to time.
    pub(crate) fn drop_watches(&self) {
        self.lock().watches.clear();
    }

    /// Waits until the object looks right, a minute of (paused) time at most.
    pub(crate) async fn until(
        &self,
        path: &str,
        fits: impl Fn(&Value) -> bool + Send + Sync,
    ) -> Value {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                if let Some(object) = self.object(path).filter(|object| fits(object)) {
                    return object;
                }
                changed.await;
            }
        };
        let limit = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        limit.unwrap_or_else(|_| panic!("{path} stayed {:?}", self.object(path)))
    }

    async fn answer(
        &self,
        client: &'static str,
        request: Request<Body>,
    ) -> Result<Response<FakeBody>, std::io::Error> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let body = body.collect_bytes().await.unwrap();
        let call = format!("{} {path}", parts.method);
        let fault = {
            let mut state = self.lock();
            state.calls.push(call.clone());
            if state.partitioned.iter().any(|name| name == client) {
                Some(Effect::Hang)
            } else {
                let at = state
                    .faults
                    .iter()
                    .position(|fault| call.starts_with(fault.call));
                at.and_then(|at| state.faults.remove(at))
                    .map(|fault| fault.effect)
            }
        };
        match fault {
            Some(Effect::Hang) => std::future::pending().await,
            Some(Effect::Status(code, retry_after)) => {
                let mut answer = Response::builder().status(code);
                if let Some(seconds) = retry_after {
                    answer = answer.header("Retry-After", seconds.to_string());
                }
                return Ok(answer.body(FakeBody::whole("told to")).unwrap());
            }
            Some(Effect::ChangeFirst(ref change)) => {
                let target = path.trim_end_matches("/status").to_owned();
                let mut object = self.object(&target).unwrap();
                merge(&mut object, change);
                self.put(&target, object);
            }
            Some(Effect::LoseAnswer) | None => {}
        }
        let answer = self.serve(&parts.method, &path, &query, &body);
        self.changed.notify_waiters();
        if matches!(fault, Some(Effect::LoseAnswer)) {
            return Err(std::io::Error::other("connection lost"));
        }
        Ok(answer)
    }

    fn serve(&self, method: &Method, path: &str, query: &str, body: &[u8]) -> Response<FakeBody> {
        let mut state = self.lock();
        let sent = || serde_json::from_slice::<Value>(body).unwrap();
        if *method == Method::GET && query.contains("watch=true") {
            return state.watch(path, query);
        }
        let collection = state.is_collection(path);
        match (method.as_str(), collection) {
            ("GET", true) => state.list(path, query),
            ("GET", false) => match state.objects.get(path) {
                Some(object) => json_answer(200, object),
                None => failure(404),
            },
            ("POST", _) => {
                let object = sent();
                let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
                if state.objects.contains_key(&path) {
                    return failure(409);
                }
                json_answer(201, &state.store(&path, object))
            }
            ("PUT" | "PATCH", _) => {
                let target = path.trim_end_matches("/status");
                let Some(current) = state.objects.get(target).cloned() else {
                    return failure(404);
                };
                let mut object = current.clone();
                if method == Method::PUT {
                    object = sent();
                } else {
                    let patch: json_patch::Patch = serde_json::from_slice(body).unwrap();
                    json_patch::patch(&mut object, &patch).unwrap();
                }
                let wanted = &object["metadata"]["resourceVersion"];
                if wanted.is_string() && *wanted != current["metadata"]["resourceVersion"] {
                    return failure(409);
                }
                json_answer(200, &state.store(target, object))
            }
            _ => failure(405),
        }
    }
}

impl State {
    fn is_collection(&self, path: &str) -> bool {
        ["leases", "certificaterequests", "configmaps"]
            .iter()
            .any(|kind| path.ends_with(kind))
    }

    fn store(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let kind = if self.objects.contains_key(path) {
            "MODIFIED"
        } else {
            "ADDED"
        };
        self.objects.insert(path.to_owned(), object.clone());
        self.tell(kind, path, &object);
        object
    }

    fn tell(&mut self, kind: &str, path: &str, object: &Value) {
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let line = format!("{}\n", json!({ "type": kind, "object": object }));
        self.watches.retain(|(collection, sender)| {
            !is_in(path, collection) || sender.send(Bytes::from(line.clone())).is_ok()
        });
    }

    fn list(&self, path: &str, query: &str) -> Response<FakeBody> {
        let items: Vec<&Value> = self
            .objects
            .iter()
            .filter(|(object, _)| is_in(object, path))
            .filter(|(object, _)| {
                let name = object.rsplit('/').next().unwrap();
                !query.contains("fieldSelector") || query.contains(&format!("name%3D{name}"))
            })
            .map(|(_, object)| object)
            .collect();
        let list = json!({
            "apiVersion": "v1",
            "kind": "List",
            "metadata": { "resourceVersion": self.version.to_string() },
            "items": items,
        });
        json_answer(200, &list)
    }

    /// Begins with what was stored after the version that is asked for.
    fn watch(&mut self, path: &str, query: &str) -> Response<FakeBody> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let seen = query.rsplit("resourceVersion=").next().unwrap();
        let seen: u64 = seen.split('&').next().unwrap().parse().unwrap();
        let version = |object: &Value| -> u64 {
            let version = object["metadata"]["resourceVersion"].as_str().unwrap();
            version.parse().unwrap()
        };
        let missed = self
            .objects
            .iter()
            .filter(|(name, object)| is_in(name, path) && version(object) > seen);
        for (_, object) in missed {
            let line = format!("{}\n", json!({ "type": "MODIFIED", "object": object }));
            sender.send(Bytes::from(line)).unwrap();
        }
        self.watches.push((path.to_owned(), sender));
        Response::new(FakeBody {
            whole: None,
            receiver: Some(receiver),
        })
    }
}

/// Whether an object's path is below a collection's, in all namespaces or one.
fn is_in(object: &str, collection: &str) -> bool {
    let Some((parent, _name)) = object.rsplit_once('/') else {
        return false;
    };
    if parent == collection {
        return true;
    }
    let Some((group, kind)) = collection.rsplit_once('/') else {
        return false;
    };
    parent.starts_with(&format!("{group}/namespaces/")) && parent.ends_with(&format!("/{kind}"))
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

fn json_answer(code: u16, value: &Value) -> Response<FakeBody> {
    Response::builder()
        .status(code)
        .body(FakeBody::whole(&value.to_string()))
        .unwrap()
}

fn failure(code: u16) -> Response<FakeBody> {
    let message = StatusCode::from_u16(code).unwrap().to_string();
    let status = json!({
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "message": message,
    });
    json_answer(code, &status)
}

/// A body that is there at once, or that goes on as long as its sender.
struct FakeBody {
    whole: Option<Bytes>,
    receiver: Option<mpsc::UnboundedReceiver<Bytes>>,
}

impl FakeBody {
    fn whole(text: &str) -> Self {
        Self {
            whole: Some(Bytes::from(text.to_owned())),
            receiver: None,
        }
    }
}

impl http_body::Body for FakeBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(whole) = self.whole.take() {
            return Poll::Ready(Some(Ok(Frame::data(whole))));
        }
        match &mut self.receiver {
            Some(receiver) => receiver
                .poll_recv(context)
                .map(|line| line.map(|line| Ok(Frame::data(line)))),
            None => Poll::Ready(None),
        }
    }
}
