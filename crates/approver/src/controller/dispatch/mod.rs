//! The task that owns the index.

use std::collections::HashMap;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::Resource as _;
use svid_api::certmanager::{CertificateRequest, StoredRequest};
use svid_client::ApiError;
use svid_client::issuer::{IssuerState, Issuers, IssuersReceiver};
use svid_client::trouble::{Said, Trouble};
use svid_client::watch::{Event, Selection, Unreadable, watch};
use tokio::task::coop::consume_budget;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::bystander::Bystander;
use super::candidate::{Classified, NamespacedName};
use super::failure::{AttemptError, Remedy};
use super::index::{Ending, Index, RetryTrigger};
use super::kept::{Kept, RequestReference, is_ours};
use super::worker::Worker;
use crate::lease::{LeadershipReceiver, Term};
use crate::metrics::{Metrics, Undecided, WatchedResource};
use crate::readiness::Readiness;

/// Watches requests and decides on them while this replica leads.
pub(crate) struct Controller {
    worker: Worker,
    issuers: IssuersReceiver,
    leadership: LeadershipReceiver,
    readiness: Readiness,
    chance: fn() -> f64,
    metrics: Metrics,
    /// Of the watch.
    trouble: Trouble,
    index: Index,
    bystander: Bystander,
    running: JoinSet<Result<Ending, AttemptError>>,
    at_work: HashMap<Id, NamespacedName>,
}

impl Controller {
    pub(crate) fn new(
        worker: Worker,
        leadership: LeadershipReceiver,
        readiness: Readiness,
        chance: fn() -> f64,
    ) -> Self {
        let metrics = worker.metrics.clone();
        Self {
            issuers: worker.issuers.clone(),
            leadership,
            readiness,
            chance,
            bystander: Bystander::new(&worker.attestation, metrics.clone()),
            metrics,
            trouble: Trouble::default(),
            worker,
            index: Index::default(),
            running: JoinSet::new(),
            at_work: HashMap::new(),
        }
    }

    /// Decides until asked to stop, then lets decisions in progress finish, for at most [`DRAIN`].
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => return,
            // Watching begins once it is known which requests are ours.
            _known = wait_for_issuers(self.issuers.clone()) => {}
        }
        let requests = Selection::all(CertificateRequest::url_path(&(), None));
        let client = self.worker.client.clone();
        let events = watch::<StoredRequest>(client, requests, self.chance);
        self.decide_on(events, &stop).await;
        self.drain().await;
    }

    /// Processes events and hands out work in between: neither waits for the end of a list, and at
    /// most a hundred objects of a list are processed before other events.
    async fn decide_on(
        &mut self,
        events: impl Stream<Item = Result<Event<StoredRequest>, ApiError>>,
        stop: &CancellationToken,
    ) {
        let mut events = std::pin::pin!(events);
        loop {
            // A stream that always has an item ready never yields, and nothing else on this thread
            // would run.
            consume_budget().await;
            let lapsed = self.start_work();
            self.report();
            let due = self.index.next_due();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(event) = events.next() => self.observe(event),
                Ok(()) = self.issuers.changed() => self.reconsider(),
                Ok(()) = self.leadership.changed() => {}
                () = resumed(lapsed) => {}
                Some(ended) = self.running.join_next_with_id() => self.finish(ended),
                () = rest(due) => self.index.wake(Instant::now()),
            }
        }
    }

    /// Hands out work while this replica is the leader and workers are free. Returns the term if it
    /// has lapsed: its renewal may be in progress, and then work continues.
    fn start_work(&mut self) -> Option<Term> {
        let term = self.leadership.borrow().term().cloned()?;
        if !term.holds(Instant::now()) {
            return Some(term);
        }
        while let Some(kept) = self.index.take() {
            let key = kept.key().clone();
            let span = tracing::info_span!("decide", namespace = key.namespace, request = key.name);
            let decision = self
                .worker
                .clone()
                .decide(kept, term.clone())
                .instrument(span);
            let id = self.running.spawn(decision).id();
            self.at_work.insert(id, key);
        }
        None
    }

    fn report(&self) {
        for (state, count) in [
            (Undecided::Pending, self.index.pending()),
            (Undecided::LeftAlone, self.index.left_alone()),
            (Undecided::Undecidable, self.index.undecidable()),
        ] {
            self.metrics.set_undecided(state, count);
        }
    }

    fn observe(&mut self, event: Result<Event<StoredRequest>, ApiError>) {
        // That a list begins does not yet say that it was answered.
        if !matches!(event, Ok(Event::Init) | Err(_))
            && let Some(Said {
                failures,
                for_seconds,
            }) = self.trouble.ends(Instant::now())
        {
            tracing::info!(
                failures,
                for_seconds,
                "certificate requests are watched again"
            );
        }
        match event {
            Ok(Event::Init) => {
                self.index.begin_list();
                self.bystander.begin_list();
            }
            Ok(Event::InitApply(object) | Event::Apply(object)) => self.see(object),
            Ok(Event::InitDone) => {
                self.index.end_list();
                self.bystander.end_list();
                self.readiness.set_synced();
            }
            Ok(Event::Delete(object)) => {
                self.index.settle(&NamespacedName::of(&object));
                self.bystander.forget(&object.metadata.uid);
            }
            Ok(Event::Unreadable(unreadable)) => self.cannot_read(unreadable),
            Err(error) => {
                self.metrics.watch_failed(WatchedResource::Requests);
                self.not_watched(&error);
            }
        }
    }

    /// Says that the watch failed: each cause once, then at intervals.
    fn not_watched(&mut self, error: &ApiError) {
        const WHAT: &str = "watching certificate requests failed, retrying";
        match self.trouble.fails(&error.to_string(), Instant::now()) {
            Some(Said {
                failures,
                for_seconds,
            }) => tracing::warn!(%error, failures, for_seconds, "{WHAT}"),
            None => tracing::debug!(%error, "{WHAT}"),
        }
    }

    fn see(&mut self, object: StoredRequest) {
        match Classified::read(object, self.worker.ordinary) {
            Classified::Undecided(candidate) => {
                let issuers = self.issuers.borrow();
                if is_ours(&candidate, issuers.current.known()) {
                    self.index.apply(Kept::from(*candidate));
                } else {
                    self.index.leave_alone(RequestReference::of(&candidate));
                }
            }
            Classified::Decided(decided) => {
                self.index.settle(&decided.key());
                let issuers = self.issuers.borrow();
                self.bystander.notice(*decided, &issuers);
            }
            Classified::Settled(key) => self.index.settle(&key),
        }
    }

    fn cannot_read(&mut self, unreadable: Unreadable) {
        let Unreadable { object, error } = unreadable;
        let key = NamespacedName::of_unreadable(object);
        self.index.settle(&key);
        self.metrics.unreadable.inc();
        let NamespacedName { namespace, name } = key;
        tracing::warn!(
            namespace,
            request = name,
            error,
            "a certificate request cannot be read and stays undecided"
        );
    }

    fn reconsider(&mut self) {
        let issuers = self.issuers.borrow_and_update();
        self.index.reconsider(issuers.current.known());
    }

    fn finish(&mut self, ended: Result<(Id, Result<Ending, AttemptError>), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(key) = self.at_work.remove(&id) else {
            return;
        };
        match ended {
            Ok((_, Ok(ending))) => self.index.finish(&key, ending),
            Ok((_, Err(error))) => self.failed(&key, &error),
            // A bug in the approver; it must not stop the others.
            Err(panic) => {
                self.metrics.errors.inc();
                let NamespacedName { namespace, name } = &key;
                tracing::error!(namespace, request = name, %panic, "a decision panicked");
                let until = Instant::now() + AFTER_PANIC;
                self.index.rest(&key, until, RetryTrigger::OnChange);
            }
        }
    }

    /// Makes a request wait, and logs why: every time if the failure is transient, otherwise once
    /// per version.
    fn failed(&mut self, key: &NamespacedName, error: &AttemptError) {
        match error {
            AttemptError::Pod(_) => self.metrics.pod_errors.inc(),
            AttemptError::Request(_)
            | AttemptError::Kinds(_)
            | AttemptError::UnknownKind(_)
            | AttemptError::NoStatus
            | AttemptError::Lapsed => self.metrics.errors.inc(),
        };
        let remedy = error.remedy();
        let failures = self.index.failures(key).saturating_add(1);
        let delay = error.delay(failures, (self.chance)());
        if remedy == Remedy::Time || self.index.reports(key) {
            let delay_seconds = delay.as_secs_f64();
            let NamespacedName { namespace, name } = key;
            tracing::warn!(
                namespace,
                request = name,
                %error,
                failures,
                delay_seconds,
                "{}",
                remedy.words()
            );
        }
        self.index.rest(key, Instant::now() + delay, remedy.wakes());
    }

    async fn drain(&mut self) {
        let ended = timeout(DRAIN, async {
            while self.running.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            tracing::warn!(
                undone = self.running.len(),
                "decisions in progress were abandoned"
            );
        }
        self.running.shutdown().await;
    }
}

async fn wait_for_issuers(mut issuers: IssuersReceiver) {
    let known = |issuers: &Issuers| !matches!(issuers.current, IssuerState::NotYetRead(_));
    if issuers.wait_for(known).await.is_err() {
        // The task that knows them has ended, which ends the approver.
        std::future::pending::<()>().await;
    }
}

async fn rest(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn resumed(lapsed: Option<Term>) {
    match lapsed {
        Some(term) => term.resumed().await,
        None => std::future::pending().await,
    }
}

/// How long decisions in progress may take to finish at shutdown. The lease is held until then, so
/// this also delays the next leader; one call takes milliseconds.
const DRAIN: Duration = Duration::from_secs(5);
/// A request that made a decision panic will do so again; this bounds the cost until it changes.
const AFTER_PANIC: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;
