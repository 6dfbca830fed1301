//! Faults that can be injected while everything runs.
//!
//! Owns the switches; each is read where it takes effect (API server, watches, issuer). Clones
//! share them. There are no faults until one is set, and [`Faults::clear`] removes all of them.

mod answers;
mod issuer;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::answers::{Answer, Filter, Times};
pub use self::issuer::{Conduct, Lie};
use crate::connection::Connections;
use crate::store::Store;

#[derive(Clone, Debug)]
pub struct Faults {
    store: Arc<Store>,
    connections: Connections,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    set: Mutex<Set>,
    /// How often everything was cleared; announced with every change.
    changes: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Set {
    answers: Vec<answers::Rule>,
    conduct: Vec<issuer::Rule>,
    events_per_watch: Option<usize>,
    /// Users whom nothing reaches.
    cut_off: BTreeSet<String>,
    /// Cancelled when the watches that are open are muted.
    mute: CancellationToken,
}

impl Faults {
    pub(crate) fn new(store: Arc<Store>, connections: Connections) -> Self {
        Self {
            store,
            connections,
            state: Arc::default(),
        }
    }

    /// Answers matching requests in this way, this many times. Of several rules that match, the one
    /// set last wins.
    pub fn answer(&self, filter: Filter, answer: Answer, times: Times) {
        self.lock()
            .answers
            .push(answers::Rule::new(filter, answer, times));
    }

    /// Makes the issuer behave like this, for this many requests. What was set last comes first.
    pub fn issuer(&self, conduct: Conduct, times: Times) {
        self.lock().conduct.push(issuer::Rule::new(conduct, times));
        self.announce();
    }

    /// Ends every watch that a client holds now; returns how many.
    pub fn cut_watches(&self) -> usize {
        self.store.cut_watches()
    }

    /// Lets every watch that a client holds now stay open and report nothing more, not even its
    /// end, as behind a proxy that has lost its other side.
    pub fn mute_watches(&self) {
        std::mem::take(&mut self.lock().mute).cancel();
    }

    /// Cuts a user off from the API server: requests get no answer and watches report nothing,
    /// until [`Faults::reconnect`]. Then waiting requests fail and watches continue.
    pub fn cut_off(&self, user: &str) {
        self.lock().cut_off.insert(user.to_owned());
        self.announce();
    }

    /// Ends what [`Faults::cut_off`] began.
    pub fn reconnect(&self, user: &str) {
        self.lock().cut_off.remove(user);
        self.announce();
    }

    /// Ends every watch begun from now on after this many events; `None` for never.
    pub fn cut_watches_after(&self, events: Option<usize>) {
        self.lock().events_per_watch = events;
    }

    /// Forgets the history: a watch from any earlier revision gets 410 (Expired).
    pub fn compact_history(&self) {
        self.store.compact();
    }

    /// Sets the store back to this revision, as a backup that is restored does, and ends every
    /// watch that a client holds, as the restart of the API server that goes with it does. False if
    /// the history does not reach back so far; then nothing happens.
    #[must_use]
    pub fn set_store_back(&self, revision: u64) -> bool {
        let is_set_back = self.store.set_back(revision).is_ok();
        if is_set_back {
            self.store.cut_watches();
        }
        is_set_back
    }

    /// Breaks every connection of every client, in the middle of whatever it does.
    pub fn sever_connections(&self) {
        self.connections.sever_all();
    }

    /// Clears all faults.
    pub fn clear(&self) {
        *self.lock() = Set::default();
        self.state.changes.send_modify(|clears| *clears += 1);
    }

    /// The answer that this request is to get instead of a true one, if any.
    pub(crate) fn take_answer(&self, request: &Asked<'_>) -> Option<Answer> {
        let mut set = self.lock();
        let rule = set
            .answers
            .iter_mut()
            .rev()
            .find(|rule| rule.matches(request))?;
        let answer = rule.take();
        set.answers.retain(answers::Rule::is_left);
        Some(answer)
    }

    /// How the issuer is to behave for the next request.
    pub(crate) fn take_conduct(&self) -> Conduct {
        let mut set = self.lock();
        let Some(rule) = set.conduct.last_mut() else {
            return Conduct::Honest;
        };
        let conduct = rule.take();
        set.conduct.retain(issuer::Rule::is_left);
        conduct
    }

    /// After how many events a watch that begins now is cut.
    pub(crate) fn events_per_watch(&self) -> Option<usize> {
        self.lock().events_per_watch
    }

    /// What mutes a watch that begins now.
    pub(crate) fn mute(&self) -> CancellationToken {
        self.lock().mute.clone()
    }

    pub(crate) fn is_cut_off(&self, user: &str) -> bool {
        self.lock().cut_off.contains(user)
    }

    /// Waits until this user can be reached.
    pub(crate) async fn reached(&self, user: &str) {
        let mut changes = self.changes();
        while self.is_cut_off(user) {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Tells of every switch that is changed from now on; to be taken before a switch is read.
    pub(crate) fn changes(&self) -> watch::Receiver<usize> {
        self.state.changes.subscribe()
    }

    fn announce(&self) {
        self.state.changes.send_modify(|_clears| {});
    }

    fn lock(&self) -> MutexGuard<'_, Set> {
        self.state
            .set
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) use self::answers::Asked;
