//! The embedded API server as the tests need it: without sockets, so that time may be paused.
//!
//! cert-manager's webhooks are absent: the test that creates a request names its requester. The
//! approver's clients have the rights that the chart gives, and those of node-attested mode.

use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use serde_json::Value;
use svid_client::ApiClient;
use svid_client::retry::chance;
use svid_devcluster::{
    Answer, ApiServer, Binding, Filter, Identity, Key, Object, Options, Resource, Roles,
    ServiceAccountName, Times, Webhooks, resource,
};

use crate::Environment;

/// One API server, with the namespace `payments` and its service account `api`.
pub(crate) struct World {
    api: ApiServer,
}

impl World {
    pub(crate) fn new() -> Self {
        let api = ApiServer::new(Options::default()).unwrap();
        api.configure_webhooks(Webhooks::Absent);
        let world = Self { api };
        world.add_namespace("payments");
        world
    }

    /// Adds a namespace with the service account `api`.
    pub(crate) fn add_namespace(&self, name: &str) {
        let account = ServiceAccountName::new(name, "api");
        self.api.add_service_account(&account).unwrap();
    }

    /// A client under this name; [`World::cut_off`] parts it from the server.
    pub(crate) fn client(&self, name: &str) -> ApiClient {
        let account = account(name);
        self.api.add_service_account(&account).unwrap();
        let map = Some(("cert-manager", "issuer"));
        let grants = Roles::approver(&account, "cert-manager", map);
        for grant in grants {
            self.api.permissions().grant(grant);
        }
        let attested = Roles::node_attested_approver(&account);
        self.api.permissions().grant(attested);
        let identity = Identity::ServiceAccount(account, Binding::None);
        let token = self.api.token(&identity).unwrap();
        let service = self.api.service(token.as_deref());
        ApiClient::new(Client::new(service, "default"))
    }

    /// Lets requests of this client hang, and its watches report nothing.
    pub(crate) fn cut_off(&self, client: &str) {
        self.api.faults().cut_off(&account(client).username());
    }

    /// Ends that.
    pub(crate) fn reconnect(&self, client: &str) {
        self.api.faults().reconnect(&account(client).username());
    }

    /// Answers the next request of this verb and type otherwise.
    pub(crate) fn inject(&self, verb: &str, resource: &Resource, answer: Answer) {
        self.inject_into(Filter::new(verb, resource.plural), answer);
    }

    /// Answers the next request that matches otherwise.
    pub(crate) fn inject_into(&self, filter: Filter, answer: Answer) {
        self.api.faults().answer(filter, answer, Times::Next(1));
    }

    /// Answers every request that matches otherwise, until [`World::clear_faults`].
    pub(crate) fn inject_always(&self, filter: Filter, answer: Answer) {
        self.api.faults().answer(filter, answer, Times::Always);
    }

    /// Ends what was injected.
    pub(crate) fn clear_faults(&self) {
        self.api.faults().clear();
    }

    /// How many requests of this verb and type there were.
    pub(crate) fn calls(&self, verb: &str, resource: &Resource) -> usize {
        let log = self.api.requests();
        log.count_where(|entry| entry.verb == verb && entry.resource == resource.plural)
    }

    /// How many decisions were sent.
    pub(crate) fn decisions(&self) -> usize {
        self.calls("patch", &resource::CERTIFICATE_REQUESTS)
    }

    /// Creates an object or merges this into it, its status too.
    pub(crate) fn put(&self, key: &Key, object: Value) -> Object {
        let objects = self.api.objects();
        let (namespace, name) = (key.namespace.as_str(), key.name.as_str());
        let status = serde_json::json!({ "status": object["status"] });
        let stored = match self.object(key) {
            None => objects.create(key.resource, namespace, object),
            Some(_) => objects.merge(key.resource, namespace, name, &object),
        };
        if status["status"].is_null() {
            return stored.unwrap();
        }
        let stored = objects.merge_status(key.resource, namespace, name, &status);
        stored.unwrap()
    }

    /// Removes an object.
    pub(crate) fn delete(&self, key: &Key) {
        let objects = self.api.objects();
        let removed = objects.delete(key.resource, &key.namespace, &key.name);
        removed.unwrap();
    }

    /// Marks an object as being deleted.
    pub(crate) fn terminate(&self, key: &Key) {
        let objects = self.api.objects();
        let marked = objects.terminate(key.resource, &key.namespace, &key.name);
        marked.unwrap();
    }

    pub(crate) fn object(&self, key: &Key) -> Option<Object> {
        let objects = self.api.objects();
        objects.read(key.resource, &key.namespace, &key.name)
    }

    /// Ends every watch, as servers do from time to time.
    pub(crate) fn cut_watches(&self) {
        self.api.faults().cut_watches();
    }

    /// Sets the store back to the version of this object, as a restored backup does.
    pub(crate) fn set_store_back(&self, object: &Value) {
        let version = object["metadata"]["resourceVersion"].as_str().unwrap();
        let is_set_back = self.api.faults().set_store_back(version.parse().unwrap());
        assert!(is_set_back, "{version} is not in the history");
    }

    /// Lets every watch stay open and report nothing more.
    pub(crate) fn mute_watches(&self) {
        self.api.faults().mute_watches();
    }

    /// Waits until the object looks right, two minutes of (paused) time at most.
    pub(crate) async fn until(&self, key: &Key, fits: impl Fn(&Value) -> bool + Send) -> Object {
        let is_it = move |object: &Value| object["metadata"]["name"] == key.name && fits(object);
        let objects = self.api.objects();
        let waited = objects.wait_for(key.resource, Some(&key.namespace), LIMIT, is_it);
        waited.await.unwrap()
    }
}

/// A wall clock that stands still, and real chance.
pub(crate) const ENVIRONMENT: Environment = Environment { now: today, chance };

/// A time for tests to which it does not matter.
pub(crate) fn today() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn account(name: &str) -> ServiceAccountName {
    ServiceAccountName::new("cert-manager", name)
}

const LIMIT: Duration = Duration::from_secs(120);
