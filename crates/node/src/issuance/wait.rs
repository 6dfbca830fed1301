//! Waiting for the answer to one request.

use std::time::Duration;

use futures::StreamExt as _;
use svid_api::bounded::Text;
use svid_api::certmanager::{Progress, StoredCondition, StoredRequest};
use svid_client::ApiError;
use svid_client::watch::{Change, LASTING};
use svid_core::text::one_line;
use tokio::time::{Instant, sleep, timeout_at};

use super::{RequestChanges, Requests};
use svid_client::retry::Backoff;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The issuer returned this, unchecked.
    Issued(Issued),
    /// The approver denied it, with this message.
    Denied(String),
    /// The issuer gave up, with this message.
    Failed(String),
    /// cert-manager called it malformed, with this message.
    Invalid(String),
    /// Somebody deleted it.
    Deleted,
    /// There was no final answer in time; the last known state.
    TimedOut(String),
}

/// What an issuer returned: PEM that nobody has checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate, and what the issuer put beside it.
    pub chain: Vec<u8>,
    /// Further authorities, from `status.ca`; empty if there are none that can be read.
    pub candidates: Vec<u8>,
}

/// News of a request in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// An approver approved it.
    Approved,
    /// What it waits for.
    Waits(String),
    /// Watching it failed.
    NotWatched(ApiError),
}

/// Waits for the final answer to the request that `created` shows, until `deadline`.
///
/// ## Expected flow
/// One watch on this one object, from the version that the create returned, so that the API
/// server's cost does not grow with the cluster. Whenever a watch has ended, the object is read
/// once and the next watch begins at the version that was read.
///
/// ## Guarantees
/// - An answer is noticed within the time limit of one watch, whatever happens to a connection:
///   each watch and each read has a limit of its own, and neither relies on what another reported.
/// - The object is read a last time before the wait is given up.
/// - Only an answer or a deletion ends the wait before `deadline`: the answer may be there although
///   it cannot be read. Failures are retried with backoff.
///
/// `tell` is called with what happens on the way.
pub async fn wait(
    requests: &dyn Requests,
    created: &StoredRequest,
    deadline: Instant,
    chance: fn() -> f64,
    tell: impl FnMut(News) + Send,
) -> Answer {
    let namespace = created.metadata.namespace.as_str();
    let name = created.metadata.name.as_str();
    let mut follower = WatchFollower {
        version: created.metadata.resource_version.clone(),
        approved: false,
        last_word: String::new(),
        tell,
    };
    follower.word("it has not been approved or denied; is an approver running?".to_owned());
    if let Some(answer) = follower.read(created) {
        return answer;
    }
    let mut backoff = Backoff::default();
    loop {
        let mut opened = None;
        let version = follower.version.clone();
        let watched = async {
            match requests.follow(namespace, name, &version).await {
                Ok(watch) => {
                    opened = Some(Instant::now());
                    follower.consume(watch).await
                }
                Err(error) => End::Broken(error),
            }
        };
        let end = timeout_at(deadline, watched).await;
        let is_last = end.is_err();
        let lasted = opened.is_some_and(|opened| opened.elapsed() > LASTING);
        if lasted {
            backoff.reset();
        }
        let pause = match end {
            Ok(End::Answered(answer)) => return answer,
            Ok(End::Closed) if lasted => REOPEN,
            Ok(End::Closed) => backoff.next(None, chance()),
            Ok(End::Broken(error)) => {
                let pause = backoff.next(error.retry_after(), chance());
                follower.not_watched(error);
                pause
            }
            Err(_elapsed) => Duration::ZERO,
        };
        let is_last = timeout_at(deadline, sleep(pause)).await.is_err() || is_last;
        match requests.read(namespace, name).await {
            Ok(request) => {
                follower
                    .version
                    .clone_from(&request.metadata.resource_version);
                if let Some(answer) = follower.read(&request) {
                    return answer;
                }
            }
            Err(ApiError::NotFound) => return Answer::Deleted,
            Err(error) => follower.not_watched(error),
        }
        if is_last {
            return Answer::TimedOut(follower.last_word);
        }
    }
}

/// How one watch ended.
enum End {
    Answered(Answer),
    /// The server closed it, as it does after a while.
    Closed,
    Broken(ApiError),
}

struct WatchFollower<F> {
    version: String,
    approved: bool,
    last_word: String,
    tell: F,
}

impl<F: FnMut(News) + Send> WatchFollower<F> {
    async fn consume(&mut self, mut watch: RequestChanges) -> End {
        while let Some(change) = watch.next().await {
            match change {
                Ok(Change::Applied(request)) => {
                    self.version.clone_from(&request.metadata.resource_version);
                    if let Some(answer) = self.read(&request) {
                        return End::Answered(answer);
                    }
                }
                Ok(Change::Deleted(request)) => {
                    let answer = self.read(&request);
                    return End::Answered(match answer {
                        Some(answer @ Answer::Denied(_)) => answer,
                        Some(_) | None => Answer::Deleted,
                    });
                }
                Ok(Change::Bookmark(version)) => self.version = version,
                Ok(Change::Unreadable(unreadable)) => {
                    return End::Broken(ApiError::Unreadable(unreadable.error));
                }
                Err(error) => return End::Broken(error),
            }
        }
        End::Closed
    }

    fn not_watched(&mut self, error: ApiError) {
        self.word(format!("it could not be watched: {error}"));
        (self.tell)(News::NotWatched(error));
    }

    fn word(&mut self, word: String) {
        if self.last_word != word {
            self.last_word.clone_from(&word);
            (self.tell)(News::Waits(word));
        }
    }

    fn read(&mut self, request: &StoredRequest) -> Option<Answer> {
        if request.is_approved() && !self.approved {
            self.approved = true;
            (self.tell)(News::Approved);
        }
        match request.progress() {
            Progress::Undecided => None,
            Progress::Approved => {
                let word = request.ready().and_then(|ready| ready.message.as_ref());
                let word = match word {
                    Some(word) => {
                        format!(
                            "it is approved but not signed: {}",
                            one_line(word.beginning(), MOST_WORDS)
                        )
                    }
                    None => "it is approved but not signed; does the issuer exist?".to_owned(),
                };
                self.word(word);
                None
            }
            Progress::Issued { certificate, ca } => Some(match certificate.decode() {
                Ok(chain) => {
                    let candidates = ca.and_then(|ca| ca.decode().ok()).unwrap_or_default();
                    Answer::Issued(Issued { chain, candidates })
                }
                Err(error) => Answer::Failed(format!("its certificate cannot be read: {error}")),
            }),
            Progress::Denied(condition) => Some(Answer::Denied(words(condition))),
            Progress::Failed(condition) => Some(Answer::Failed(words(condition))),
            Progress::Invalid(condition) => Some(Answer::Invalid(words(condition))),
        }
    }
}

fn words(condition: &StoredCondition) -> String {
    let words = condition.message.as_ref().map(Text::beginning);
    one_line(words.unwrap_or("no reason was given"), MOST_WORDS)
}

/// Bytes; the approver's longest denial is 1 KiB.
const MOST_WORDS: usize = 1024;
/// The pause before a watch that lasted is opened again.
const REOPEN: Duration = Duration::from_millis(100);
