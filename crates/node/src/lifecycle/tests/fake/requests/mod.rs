//! An API server with an approver and an issuer, in memory.

mod answer;
mod history;
mod serve;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use svid_api::certmanager::{CertificateRequest, StoredRequest};
use svid_client::ApiError;
use tokio::sync::watch;
use tokio::time::Instant;

pub(in super::super) use history::{Happened, History};

use super::authority::{Authority, Fault};
use super::script::{Answering, Creating, Script};
use svid_client::clock::Clock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Verb {
    Create,
    Read,
    Follow,
    Delete,
}

/// What has happened, in order: the version is the position, counted with what was forgotten.
enum Entry {
    Applied(String, Box<CertificateRequest>),
    Deleted(String, Box<CertificateRequest>),
    /// Every open watch ends, with or without this error.
    End(Option<ApiError>),
}

struct State {
    objects: BTreeMap<String, CertificateRequest>,
    /// Every object that ever was, as it was sent.
    sent: Vec<CertificateRequest>,
    entries: Vec<Entry>,
    /// How many entries were forgotten.
    forgotten: usize,
    /// The version up to which the history was told.
    told: usize,
    calls: Vec<(Verb, String, Instant)>,
    tokens: Vec<String>,
    creating: Script<Creating>,
    answering: Script<Answering>,
    opening: VecDeque<ApiError>,
    deleting: Script<Option<ApiError>>,
    outage: Option<ApiError>,
    is_deaf: bool,
}

/// Cheap to clone; all clones are one server.
#[derive(Clone)]
pub(in super::super) struct FakeRequests(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    versions: watch::Sender<usize>,
    clock: Arc<dyn Clock>,
    authority: Arc<Authority>,
    stranger: Arc<Authority>,
}

/// An object as it is read back.
fn stored(object: &CertificateRequest) -> StoredRequest {
    serde_json::from_value(serde_json::to_value(object).unwrap()).unwrap()
}

impl FakeRequests {
    pub(in super::super) fn new(
        clock: Arc<dyn Clock>,
        authority: Arc<Authority>,
        stranger: Arc<Authority>,
    ) -> Self {
        let state = State {
            objects: BTreeMap::new(),
            sent: Vec::new(),
            entries: Vec::new(),
            forgotten: 0,
            told: 0,
            calls: Vec::new(),
            tokens: Vec::new(),
            creating: Script::new(Creating::Take),
            answering: Script::new(Answering::Issue(Fault::None)),
            opening: VecDeque::new(),
            deleting: Script::new(None),
            outage: None,
            is_deaf: false,
        };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            versions: watch::Sender::new(0),
            clock,
            authority,
            stranger,
        }))
    }

    /// The names of the objects that exist.
    pub(in super::super) fn names(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    /// Every object that was ever accepted, as it was sent.
    pub(in super::super) fn sent(&self) -> Vec<CertificateRequest> {
        self.state().sent.clone()
    }

    pub(in super::super) fn put(&self, name: &str) {
        let object = CertificateRequest::new(name, Default::default());
        self.state().objects.insert(name.to_owned(), object);
    }

    pub(in super::super) fn calls(&self) -> Vec<(Verb, String, Instant)> {
        self.state().calls.clone()
    }

    /// When each call of this kind was made.
    pub(in super::super) fn times(&self, verb: Verb) -> Vec<Instant> {
        let calls = self.calls();
        let those = calls.iter().filter(|(of, _, _)| *of == verb);
        those.map(|(_, _, at)| *at).collect()
    }

    pub(in super::super) fn count(&self, verb: Verb) -> usize {
        self.times(verb).len()
    }

    /// Creates, reads, watches and deletes so far.
    pub(in super::super) fn counts(&self) -> [usize; 4] {
        [Verb::Create, Verb::Read, Verb::Follow, Verb::Delete].map(|verb| self.count(verb))
    }

    /// The token of every create.
    pub(in super::super) fn tokens(&self) -> Vec<String> {
        self.state().tokens.clone()
    }

    pub(in super::super) fn always_answer(&self, answering: Answering) {
        self.state().answering.always(answering);
    }

    pub(in super::super) fn then_answer(&self, answering: Answering) {
        self.state().answering.then(answering);
    }

    pub(in super::super) fn always_create(&self, creating: Creating) {
        self.state().creating.always(creating);
    }

    pub(in super::super) fn then_create(&self, creating: Creating) {
        self.state().creating.then(creating);
    }

    pub(in super::super) fn then_refuse_watch(&self, error: ApiError) {
        self.state().opening.push_back(error);
    }

    pub(in super::super) fn always_delete(&self, refusal: Option<ApiError>) {
        self.state().deleting.always(refusal);
    }

    /// Every call hangs until it has timed out, or fails as given.
    pub(in super::super) fn set_outage(&self, outage: Option<ApiError>) {
        self.state().outage = outage;
    }

    /// Nothing that happens reaches a watch any more, as after a connection is lost silently.
    pub(in super::super) fn silence_watches(&self) {
        let mut state = self.state();
        state.is_deaf = true;
        self.0.versions.send_replace(state.version());
    }

    /// What happens reaches watches again, those that are opened from now on.
    pub(in super::super) fn hear_watches(&self) {
        self.state().is_deaf = false;
    }

    /// Deletes an object as another client.
    pub(in super::super) fn remove(&self, name: &str) {
        self.discard(name).unwrap();
    }

    /// Ends every open watch.
    pub(in super::super) fn end_watches(&self, error: Option<ApiError>) {
        self.log(&mut self.state(), Entry::End(error));
    }

    /// Makes approver and issuer answer a request that they left alone.
    pub(in super::super) fn answer(&self, name: &str, answering: &Answering) {
        self.settle(name, answering);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    fn log(&self, state: &mut State, entry: Entry) {
        state.entries.push(entry);
        self.0.versions.send_replace(state.version());
    }
}
