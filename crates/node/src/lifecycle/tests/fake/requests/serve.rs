//! The calls to the API server.

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use svid_api::certmanager::{CertificateRequest, CertificateRequestSpec, StoredRequest};
use svid_client::ApiError;
use svid_client::watch::{Change, WATCH_LIMIT, WATCH_SECONDS};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::super::script::{Answering, Creating};
use super::{Entry, FakeRequests, Verb, stored};
use crate::credential::Credential;
use crate::issuance::{RequestChanges, Requests};

impl FakeRequests {
    async fn call(&self, verb: Verb, name: &str) -> Result<(), ApiError> {
        let outage = {
            let mut state = self.state();
            state.calls.push((verb, name.to_owned(), Instant::now()));
            state.outage.clone()
        };
        let Some(error) = outage else {
            return Ok(());
        };
        if let ApiError::TimedOut(limit) = error {
            sleep(limit).await;
        }
        Err(error)
    }

    fn store(
        &self,
        credential: &Credential,
        request: &CertificateRequest,
    ) -> Result<StoredRequest, ApiError> {
        let name = request.metadata.name.clone().unwrap();
        let answering = {
            let mut state = self.state();
            if state.objects.contains_key(&name) {
                return Err(ApiError::Conflict("it exists".to_owned()));
            }
            let mut object = request.clone();
            object.spec.username = match credential {
                Credential::Pod(token) => {
                    // The text is `SECRETSECRET/namespace/account/…`.
                    let parts: Vec<&str> = token.secret.split('/').collect();
                    format!("system:serviceaccount:{}:{}", parts[1], parts[2])
                }
                Credential::Driver => DRIVER.to_owned(),
            };
            object.metadata.resource_version = Some((state.version() + 1).to_string());
            state.sent.push(object.clone());
            state.objects.insert(name.clone(), object.clone());
            self.log(&mut state, Entry::Applied(name.clone(), Box::new(object)));
            state.answering.take()
        };
        let created = self.state().objects.get(&name).map(stored);
        let delay = match answering {
            Answering::IssueAfter(delay) | Answering::DeleteAfter(delay) => delay,
            Answering::Issue(_)
            | Answering::IssueByStranger
            | Answering::Deny(_)
            | Answering::Fail(_)
            | Answering::Invalid(_)
            | Answering::Approve
            | Answering::Nothing => Duration::ZERO,
        };
        if delay.is_zero() {
            self.settle(&name, &answering);
        } else {
            let server = self.clone();
            tokio::spawn(async move {
                sleep(delay).await;
                server.settle(&name, &answering);
            });
        }
        created.ok_or(ApiError::NotFound)
    }
}

/// The driver's user name.
const DRIVER: &str = "system:serviceaccount:cert-manager:driver";

impl Requests for FakeRequests {
    fn create<'a>(
        &'a self,
        credential: &'a Credential,
        request: &'a CertificateRequest,
    ) -> BoxFuture<'a, Result<StoredRequest, ApiError>> {
        Box::pin(async move {
            let name = request.metadata.name.as_deref().unwrap();
            self.call(Verb::Create, name).await?;
            let creating = {
                let mut state = self.state();
                if let Credential::Pod(token) = credential {
                    state.tokens.push(token.secret.to_string());
                }
                state.creating.take()
            };
            match creating {
                Creating::Take => self.store(credential, request),
                Creating::TakeAfter(delay) => {
                    sleep(delay).await;
                    self.store(credential, request)
                }
                Creating::Refuse(error) => Err(error),
                Creating::RefuseAfter(delay, error) => {
                    sleep(delay).await;
                    Err(error)
                }
                Creating::Lose(error) => {
                    self.store(credential, request)?;
                    Err(error)
                }
                Creating::LoseAfter(delay, error) => {
                    let (server, credential) = (self.clone(), credential.clone());
                    let request = request.clone();
                    tokio::spawn(async move {
                        sleep(delay).await;
                        let _conflict = server.store(&credential, &request);
                    });
                    Err(error)
                }
                Creating::Panic => panic!("told to panic at a create"),
                Creating::Squat => {
                    let spec = CertificateRequestSpec {
                        username: "system:serviceaccount:sandbox:squatter".to_owned(),
                        ..request.spec.clone()
                    };
                    let object = CertificateRequest::new(name, spec);
                    self.state().objects.insert(name.to_owned(), object);
                    Err(ApiError::Conflict("it exists".to_owned()))
                }
            }
        })
    }

    fn read<'a>(
        &'a self,
        _namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<StoredRequest, ApiError>> {
        Box::pin(async move {
            self.call(Verb::Read, name).await?;
            let found = self.state().objects.get(name).map(stored);
            found.ok_or(ApiError::NotFound)
        })
    }

    fn follow<'a>(
        &'a self,
        _namespace: &'a str,
        name: &'a str,
        version: &'a str,
    ) -> BoxFuture<'a, Result<RequestChanges, ApiError>> {
        Box::pin(async move {
            self.call(Verb::Follow, name).await?;
            let mut state = self.state();
            if let Some(error) = state.opening.pop_front() {
                return Err(error);
            }
            let watch = OpenWatch {
                server: self.clone(),
                name: name.to_owned(),
                place: version.parse().unwrap(),
                opened: state.version(),
                versions: self.0.versions.subscribe(),
                since: Instant::now(),
                is_over: false,
            };
            let events = futures::stream::unfold(watch, |mut watch| async move {
                let event = watch.next().await?;
                Some((event, watch))
            });
            Ok(events.boxed())
        })
    }

    fn delete<'a>(
        &'a self,
        _namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            self.call(Verb::Delete, name).await?;
            let refusal = self.state().deleting.take();
            refusal.map_or(Ok(()), Err)?;
            self.discard(name)
        })
    }
}

/// One open watch on one object.
struct OpenWatch {
    server: FakeRequests,
    name: String,
    place: usize,
    opened: usize,
    versions: watch::Receiver<usize>,
    since: Instant,
    is_over: bool,
}

impl OpenWatch {
    async fn next(&mut self) -> Option<Result<Change<StoredRequest>, ApiError>> {
        if self.is_over {
            return None;
        }
        loop {
            let place = self.place;
            if self.server.state().is_deaf {
                sleep_until(self.since + WATCH_LIMIT).await;
                self.is_over = true;
                return Some(Err(ApiError::TimedOut(WATCH_LIMIT)));
            }
            if *self.versions.borrow_and_update() <= place {
                let end = self.since + Duration::from_secs(WATCH_SECONDS.into());
                timeout_at(end, self.versions.changed()).await.ok()?.ok()?;
                continue;
            }
            self.place += 1;
            let state = self.server.state();
            let Some(position) = place.checked_sub(state.forgotten) else {
                self.is_over = true;
                return Some(Err(ApiError::Expired));
            };
            match &state.entries[position] {
                Entry::Applied(name, object) if *name == self.name => {
                    return Some(Ok(Change::Applied(stored(object))));
                }
                Entry::Deleted(name, object) if *name == self.name => {
                    return Some(Ok(Change::Deleted(stored(object))));
                }
                Entry::End(error) if place >= self.opened => {
                    self.is_over = true;
                    return error.clone().map(Err);
                }
                Entry::Applied(..) | Entry::Deleted(..) | Entry::End(_) => {}
            }
        }
    }
}
