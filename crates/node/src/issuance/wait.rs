//! Waiting for the answer to one request.

use std::time::Duration;

use futures::StreamExt as _;
use kube::core::WatchEvent;
use svid_api::certmanager::{CertificateRequest, CertificateRequestCondition, Progress};
use tokio::time::{Instant, sleep, timeout_at};

use super::{ApiError, Events, Requests};
use crate::renewal::Backoff;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The issuer returned these bytes: PEM, unchecked.
    Issued(Vec<u8>),
    /// The approver denied it, saying this.
    Denied(String),
    /// The issuer gave up, saying this.
    Failed(String),
    /// cert-manager called it malformed, saying this.
    Invalid(String),
    /// Somebody deleted it.
    Deleted,
    /// There was no final answer in time; the last word on it.
    TimedOut(String),
}

/// News of a request on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// An approver allowed it.
    Approved,
    /// What it waits for.
    Waits(String),
    /// A watch of it failed.
    NotWatched(ApiError),
}

/// Waits for the final answer to the request that `created` shows, until `deadline`.
///
/// One watch on this one object, from the version that the create returned, so that the API
/// server's cost does not grow with the cluster. A watch that ends is opened anew from the last
/// version seen; after 410 from its present state, once a read has shown that it
/// is still there. A failing watch, and
/// one that ends at once, is retried with backoff: the answer may be there although it cannot be
/// read, so nothing short of `deadline` ends the wait. `tell` hears what happens on the way.
pub async fn wait(
    requests: &dyn Requests,
    created: &CertificateRequest,
    deadline: Instant,
    chance: impl Fn() -> f64 + Send + Sync,
    mut tell: impl FnMut(News) + Send,
) -> Answer {
    let namespace = created.metadata.namespace.as_deref().unwrap_or_default();
    let name = created.metadata.name.as_deref().unwrap_or_default();
    let mut follower = Follower {
        version: created.metadata.resource_version.clone(),
        approved: false,
        last_word: "it is undecided; is an approver running?".to_owned(),
    };
    tell(News::Waits(follower.last_word.clone()));
    if let Some(answer) = follower.read(created, &mut tell) {
        return answer;
    }
    let mut backoff = Backoff::default();
    loop {
        let version = follower.version.clone();
        let opened = Instant::now();
        let followed = requests.follow(namespace, name, version.as_deref());
        let end = match timeout_at(deadline, followed).await {
            Ok(Ok(events)) => {
                match timeout_at(deadline, follower.consume(events, &mut tell)).await {
                    Ok(end) => end,
                    Err(_elapsed) => return Answer::TimedOut(follower.last_word),
                }
            }
            Ok(Err(error)) => End::Broken(error),
            Err(_elapsed) => return Answer::TimedOut(follower.last_word),
        };
        let pause = match end {
            End::Answered(answer) => return answer,
            End::Closed if opened.elapsed() > LASTING => {
                backoff.reset();
                REOPEN
            }
            End::Closed => backoff.next(None, None, chance()),
            End::Broken(ApiError::Expired) => {
                // From the present state. The request may have been deleted meanwhile, of which
                // nobody will tell.
                follower.version = None;
                match requests.read(namespace, name).await {
                    Ok(request) => {
                        if let Some(answer) = follower.read(&request, &mut tell) {
                            return answer;
                        }
                    }
                    Err(ApiError::NotFound) => return Answer::Deleted,
                    Err(error) => tell(News::NotWatched(error)),
                }
                backoff.next(None, None, chance())
            }
            End::Broken(error) => {
                let pause = backoff.next(None, error.retry_after(), chance());
                follower.word(format!("it could not be watched: {error}"), &mut tell);
                tell(News::NotWatched(error));
                pause
            }
        };
        if timeout_at(deadline, sleep(pause)).await.is_err() {
            return Answer::TimedOut(follower.last_word);
        }
    }
}

/// How one watch ended.
enum End {
    Answered(Answer),
    /// By the server, as it does after a while.
    Closed,
    Broken(ApiError),
}

struct Follower {
    version: Option<String>,
    approved: bool,
    last_word: String,
}

impl Follower {
    async fn consume(&mut self, mut events: Events, tell: &mut (impl FnMut(News) + Send)) -> End {
        while let Some(event) = events.next().await {
            match event {
                Ok(WatchEvent::Added(request) | WatchEvent::Modified(request)) => {
                    self.version.clone_from(&request.metadata.resource_version);
                    if let Some(answer) = self.read(&request, tell) {
                        return End::Answered(answer);
                    }
                }
                Ok(WatchEvent::Deleted(request)) => {
                    let answer = self.read(&request, tell);
                    return End::Answered(match answer {
                        Some(answer @ Answer::Denied(_)) => answer,
                        Some(_) | None => Answer::Deleted,
                    });
                }
                Ok(WatchEvent::Bookmark(bookmark)) => {
                    self.version = Some(bookmark.metadata.resource_version);
                }
                Ok(WatchEvent::Error(status)) if status.code == 410 => {
                    return End::Broken(ApiError::Expired);
                }
                Ok(WatchEvent::Error(status)) => {
                    return End::Broken(ApiError::Failed {
                        code: status.code,
                        message: status.message.clone(),
                        retry_after: None,
                    });
                }
                Err(error) => return End::Broken(error),
            }
        }
        End::Closed
    }

    fn word(&mut self, word: String, tell: &mut impl FnMut(News)) {
        if self.last_word != word {
            self.last_word.clone_from(&word);
            tell(News::Waits(word));
        }
    }

    fn read(
        &mut self,
        request: &CertificateRequest,
        tell: &mut impl FnMut(News),
    ) -> Option<Answer> {
        if request.is_approved() && !self.approved {
            self.approved = true;
            tell(News::Approved);
        }
        match request.progress() {
            Progress::Undecided => None,
            Progress::Approved => {
                let word = request.ready().and_then(|ready| ready.message.as_deref());
                let word = match word {
                    Some(word) => format!("it is approved and not signed: {}", quote(word)),
                    None => "it is approved and not signed; is the issuer there?".to_owned(),
                };
                self.word(word, tell);
                None
            }
            Progress::Issued(certificate) => Some(match certificate.decode() {
                Ok(pem) => Answer::Issued(pem),
                Err(error) => Answer::Failed(format!("its certificate cannot be read: {error}")),
            }),
            Progress::Denied(condition) => Some(Answer::Denied(words(condition))),
            Progress::Failed(condition) => Some(Answer::Failed(words(condition))),
            Progress::Invalid(condition) => Some(Answer::Invalid(words(condition))),
        }
    }
}

fn words(condition: &CertificateRequestCondition) -> String {
    quote(
        condition
            .message
            .as_deref()
            .unwrap_or("no reason was given"),
    )
}

/// Somebody else's words, fit for one line of a log and an Event.
fn quote(words: &str) -> String {
    words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MOST_WORDS)
        .collect()
}

/// Characters; the approver's longest denial is 1 KiB.
const MOST_WORDS: usize = 1024;
/// Before a watch that lasted is opened anew.
const REOPEN: Duration = Duration::from_millis(100);
/// A watch that ends sooner did not end as they do.
const LASTING: Duration = Duration::from_secs(10);
