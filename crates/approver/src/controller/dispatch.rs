//! The task that owns the index.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use kube::Resource as _;
use svid_api::certmanager::{CertificateRequest, StoredRequest};
use svid_client::ApiError;
use svid_client::issuer::{IssuerState, Issuers, IssuersReceiver};
use svid_client::retry::{Retry, chance};
use svid_client::watch::{Event, Selection, Unreadable, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::bystander::Bystander;
use super::candidate::{Key, Sighting};
use super::index::{Ending, Index};
use super::kept::{Kept, Reference, is_ours};
use super::worker::{Attempt, AttemptError, Worker};
use crate::lease::{LeadershipReceiver, Term};
use crate::metrics::{Metrics, Undecided, Watch};
use crate::readiness::Readiness;

/// Watches requests and decides on them while this replica leads.
pub(crate) struct Controller {
    worker: Worker,
    issuers: IssuersReceiver,
    leadership: LeadershipReceiver,
    readiness: Readiness,
    metrics: Metrics,
    index: Index,
    bystander: Bystander,
    running: JoinSet<Attempt>,
    at_work: HashMap<Id, Key>,
}

impl Controller {
    pub(crate) fn new(
        worker: Worker,
        leadership: LeadershipReceiver,
        readiness: Readiness,
    ) -> Self {
        let metrics = worker.metrics.clone();
        Self {
            issuers: worker.issuers.clone(),
            leadership,
            readiness,
            bystander: Bystander::new(metrics.clone()),
            metrics,
            worker,
            index: Index::default(),
            running: JoinSet::new(),
            at_work: HashMap::new(),
        }
    }

    /// Decides until asked to stop, then lets decisions under way end, for [`DRAIN`] at most.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => return,
            // Watching begins once it is known which requests are ours.
            _known = wait_for_issuers(self.issuers.clone()) => {}
        }
        let requests = Selection::all(CertificateRequest::url_path(&(), None));
        let client = self.worker.client.clone();
        let mut events = std::pin::pin!(watch::<StoredRequest>(client, requests, chance));
        loop {
            self.start_work();
            self.report();
            let due = self.index.next_due();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(event) = events.next() => self.observe(event),
                Ok(()) = self.issuers.changed() => self.reconsider(),
                Ok(()) = self.leadership.changed() => {}
                Some(ended) = self.running.join_next_with_id() => self.finish(ended),
                () = rest(due) => self.index.wake(Instant::now()),
            }
        }
        self.drain().await;
    }

    /// Hands out work while this replica leads and workers are free.
    fn start_work(&mut self) {
        let Some(term) = self.term() else { return };
        while self.running.len() < MOST_AT_WORK {
            let Some(kept) = self.index.take() else {
                return;
            };
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
    }

    fn term(&self) -> Option<Term> {
        self.leadership.borrow().term(Instant::now()).cloned()
    }

    fn report(&self) {
        self.metrics
            .set_undecided(Undecided::Pending, self.index.pending());
        self.metrics
            .set_undecided(Undecided::LeftAlone, self.index.left_alone());
    }

    fn observe(&mut self, event: Result<Event<StoredRequest>, ApiError>) {
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
                self.index.settle(&Key::of(&object));
                self.bystander.forget(&object.metadata.uid);
            }
            Ok(Event::Unreadable(unreadable)) => self.cannot_read(unreadable),
            Err(error) => {
                self.metrics.watch_failed(Watch::Requests);
                tracing::warn!(%error, "watching certificate requests failed, trying again");
            }
        }
    }

    fn see(&mut self, object: StoredRequest) {
        match Sighting::read(object, self.worker.ordinary) {
            Sighting::Undecided(candidate) => {
                let issuers = self.issuers.borrow();
                if is_ours(&candidate, issuers.current.known()) {
                    self.index.apply(Kept::from(*candidate));
                } else {
                    self.index.leave_alone(Reference::of(&candidate));
                }
            }
            Sighting::Settled(settled) => {
                self.index.settle(&settled.key);
                let issuers = self.issuers.borrow();
                self.bystander.notice(&settled, &issuers);
            }
        }
    }

    fn cannot_read(&mut self, unreadable: Unreadable) {
        let Unreadable { object, error } = unreadable;
        let key = Key::of_unreadable(object);
        self.index.settle(&key);
        self.metrics.unreadable.inc();
        let Key { namespace, name } = key;
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

    fn finish(&mut self, ended: Result<(Id, Attempt), JoinError>) {
        let (id, attempt) = match ended {
            Ok((id, attempt)) => (id, Ok(attempt)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(key) = self.at_work.remove(&id) else {
            return;
        };
        let ending = match attempt {
            Ok(Attempt::Written { resource_version }) => Ending::Written { resource_version },
            Ok(Attempt::LeftAlone) => Ending::LeftAlone,
            Ok(Attempt::Settled) => Ending::Settled,
            Ok(Attempt::Interrupted) => Ending::Interrupted,
            Ok(Attempt::Failed(error)) => {
                match error {
                    AttemptError::Request(_) => self.metrics.errors.inc(),
                    AttemptError::Pod(_) => self.metrics.pod_errors.inc(),
                };
                self.failed(&key, &error, error.retry_after())
            }
            // A bug in the approver; it must not stop the others.
            Err(error) => {
                self.metrics.errors.inc();
                self.failed(&key, &error, None)
            }
        };
        self.index.finish(&key, ending);
    }

    fn failed(
        &self,
        key: &Key,
        error: &dyn std::error::Error,
        retry_after: Option<Duration>,
    ) -> Ending {
        let failures = self.index.failures(key).saturating_add(1);
        let delay = RETRY.delay(failures, retry_after, chance());
        let Key { namespace, name } = key;
        tracing::warn!(
            namespace,
            request = name,
            %error,
            failures,
            delay_seconds = delay.as_secs_f64(),
            "deciding failed, trying again"
        );
        Ending::Failed {
            until: Instant::now() + delay,
        }
    }

    async fn drain(&mut self) {
        let ended = timeout(DRAIN, async {
            while self.running.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            tracing::warn!(
                undone = self.running.len(),
                "decisions under way were given up"
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

/// How many decisions are made at once. Each is one call of a few milliseconds, so this is about
/// two thousand per second, far beyond what the API server takes; more would only queue there.
const MOST_AT_WORK: usize = 16;
/// How long decisions under way may take to end at shutdown. The lease is held meanwhile, so it
/// also delays the next leader; one call takes milliseconds.
const DRAIN: Duration = Duration::from_secs(5);
/// After a failure. The first is short, as a dropped connection recovers at once; the cap bounds
/// what a lasting refusal (missing rights) costs.
const RETRY: Retry = Retry {
    first: Duration::from_millis(500),
    cap: Duration::from_secs(60),
};
