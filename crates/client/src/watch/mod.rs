//! List and watch: the objects of a collection, and their changes.
//!
//! The API server's own protocol (Kubernetes API concepts, "Efficient detection of changes"), as
//! kube's watcher and client-go's reflector use it, but object by object: each one is decoded by
//! itself into the requested type, and one that cannot be decoded is an event, not the end of the
//! stream.
//!
//! ## Guarantees
//! - After [`Event::Init`] every object that exists is yielded once, up to [`Event::InitDone`];
//!   what was known before and is not among them is gone.
//! - After that every change is yielded in order. A watch that ends is opened again from the last
//!   version that was seen, so nothing is missed in between; if the server no longer knows that
//!   version (410), everything begins with [`Event::Init`] again.
//! - So it does if the store was set back to an older version, as after a restore from a backup:
//!   the server would report nothing before its count has passed the version from which we watch.
//!   The present version is asked for before every other watch.
//! - A connection on which nothing arrives any more is given up after [`WATCH_LIMIT`].
//!
//! | file | job |
//! | --- | --- |
//! | `event` | one event of a watch, decoded |
//! | `single` | the watch of one object by its name |

mod event;
mod single;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use http::StatusCode;
use kube::api::{ListParams, WatchParams};
use kube::core::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use svid_api::certmanager::StoredRequest;
use tokio::time::{Instant, sleep};

pub(crate) use self::event::read_object;
pub use self::event::{Change, ObjectName, Unreadable};
pub use self::single::{HasName, Observed, watch_object};
use crate::body::{Objects, Raw, Shape};
use crate::retry::{Backoff, Retry};
use crate::{ApiClient, ApiError};

/// A collection, or a part of it.
#[derive(Clone, Debug)]
pub struct Selection {
    path: String,
    field_selector: Option<String>,
}

impl Selection {
    /// Everything under this URL path.
    #[must_use]
    pub fn all(path: String) -> Self {
        Self {
            path,
            field_selector: None,
        }
    }

    /// The one object of this name under this URL path.
    #[must_use]
    pub fn named(path: String, name: &str) -> Self {
        Self {
            path,
            field_selector: Some(format!("metadata.name={name}")),
        }
    }
}

/// Something with a version from which a watch can continue.
pub trait Versioned {
    /// `metadata.resourceVersion`.
    fn resource_version(&self) -> &str;
}

impl Versioned for StoredRequest {
    fn resource_version(&self) -> &str {
        &self.metadata.resource_version
    }
}

/// What happens to a collection.
#[derive(Debug)]
pub enum Event<T> {
    /// A list of all objects begins.
    Init,
    /// This one exists.
    InitApply(T),
    /// The list is complete.
    InitDone,
    /// This one was created or changed.
    Apply(T),
    /// This one is gone.
    Delete(T),
    /// This one exists or has changed, and cannot be read.
    Unreadable(Unreadable),
}

/// Lists, then watches, for as long as it is polled. Failures are yielded, and retried after a
/// pause.
pub fn watch<T: DeserializeOwned + Versioned + Send>(
    client: ApiClient,
    selection: Selection,
    chance: fn() -> f64,
) -> impl Stream<Item = Result<Event<T>, ApiError>> + Send {
    let watcher = Watcher {
        client,
        selection,
        chance,
        backoff: Backoff::new(RETRY),
        pause: Duration::ZERO,
        compared: Instant::now(),
        phase: WatchPhase::Start,
        objects: PhantomData::<fn() -> T>,
    };
    unfold(watcher, |mut watcher| async move {
        let event = watcher.step().await;
        Some((event, watcher))
    })
}

/// Opens one watch, from `version` on. It ends by itself after [`WATCH_SECONDS`].
///
/// # Errors
/// The API server refuses or does not answer.
pub async fn open(
    client: &ApiClient,
    selection: &Selection,
    version: &str,
) -> Result<Changes, ApiError> {
    let parameters = WatchParams {
        field_selector: selection.field_selector.clone(),
        timeout: Some(WATCH_SECONDS),
        ..WatchParams::default()
    };
    let call = Request::new(&selection.path).watch(&parameters, version);
    let body = client.open(call, OPEN_LIMIT).await?;
    Ok(Changes {
        objects: Objects::new(Shape::Sequence, body, WATCH_LIMIT),
    })
}

/// The changes that one watch reports.
#[derive(Debug)]
pub struct Changes {
    objects: Objects,
}

impl Changes {
    /// The next change; None once the server has ended the watch. Safe to cancel.
    ///
    /// # Errors
    /// The watch broke off, is silent beyond [`WATCH_LIMIT`], or the server reported an error:
    /// [`ApiError::Expired`] if the version is too old.
    pub async fn next<T: DeserializeOwned + Versioned>(
        &mut self,
    ) -> Result<Option<Change<T>>, ApiError> {
        match self.objects.next().await? {
            Some(Raw::Json(json)) => Ok(Some(Change::read(json)?)),
            Some(Raw::TooLong) => Ok(Some(Change::Unreadable(Unreadable::too_long()))),
            None => Ok(None),
        }
    }
}

struct Watcher<T> {
    client: ApiClient,
    selection: Selection,
    chance: fn() -> f64,
    backoff: Backoff,
    pause: Duration,
    /// When the version from which we watch was last known not to be ahead of the store.
    compared: Instant,
    phase: WatchPhase,
    objects: PhantomData<fn() -> T>,
}

#[derive(Debug)]
enum WatchPhase {
    Start,
    Page {
        token: Option<String>,
    },
    Listing(Objects),
    Open {
        version: String,
    },
    Watching {
        changes: Changes,
        version: String,
        since: Instant,
    },
}

impl<T: DeserializeOwned + Versioned> Watcher<T> {
    async fn step(&mut self) -> Result<Event<T>, ApiError> {
        loop {
            // A timer of no time at all still waits for the next millisecond, per object.
            if !self.pause.is_zero() {
                sleep(std::mem::take(&mut self.pause)).await;
            }
            let event = match std::mem::replace(&mut self.phase, WatchPhase::Start) {
                WatchPhase::Start => {
                    self.phase = WatchPhase::Page { token: None };
                    return Ok(Event::Init);
                }
                WatchPhase::Page { token } => self.ask_for_page(token).await,
                WatchPhase::Listing(objects) => self.read_page(objects).await,
                WatchPhase::Open { version } => self.open(version).await,
                WatchPhase::Watching {
                    changes,
                    version,
                    since,
                } => self.read_changes(changes, version, since).await,
            };
            match event {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(error) => {
                    self.pause = self.backoff.next(error.retry_after(), (self.chance)());
                    return Err(error);
                }
            }
        }
    }

    async fn ask_for_page(&mut self, token: Option<String>) -> Result<Option<Event<T>>, ApiError> {
        let page = list(&self.client, &self.selection, PAGE, token).await?;
        self.phase = WatchPhase::Listing(page);
        Ok(None)
    }

    async fn read_page(&mut self, mut objects: Objects) -> Result<Option<Event<T>>, ApiError> {
        let event = match objects.next().await? {
            Some(Raw::Json(json)) => {
                read_object(json).map_or_else(Event::Unreadable, Event::InitApply)
            }
            Some(Raw::TooLong) => Event::Unreadable(Unreadable::too_long()),
            None => {
                let list: List =
                    serde_json::from_slice(objects.rest()).map_err(ApiError::unreadable)?;
                let ListMetadata {
                    next_page,
                    resource_version: version,
                } = list.metadata;
                if let Some(token) = next_page.filter(|token| !token.is_empty()) {
                    self.phase = WatchPhase::Page { token: Some(token) };
                    return Ok(None);
                }
                self.backoff.reset();
                self.compared = Instant::now();
                self.phase = WatchPhase::Open { version };
                return Ok(Some(Event::InitDone));
            }
        };
        self.phase = WatchPhase::Listing(objects);
        Ok(Some(event))
    }

    async fn open(&mut self, version: String) -> Result<Option<Event<T>>, ApiError> {
        match self.open_unless_set_back(&version).await {
            Ok(None) => Ok(None),
            Ok(Some(changes)) => {
                self.phase = WatchPhase::Watching {
                    changes,
                    version,
                    since: Instant::now(),
                };
                Ok(None)
            }
            Err(error) => {
                self.begin_again_from(version, &error);
                Err(error)
            }
        }
    }

    /// None if the store's own version is lower: then everything begins again.
    async fn open_unless_set_back(&mut self, version: &str) -> Result<Option<Changes>, ApiError> {
        if self.compared.elapsed() >= COMPARE_AFTER {
            let present = present_version(&self.client, &self.selection).await?;
            if is_newer(version, &present) {
                tracing::warn!(
                    path = self.selection.path,
                    present,
                    seen = version,
                    "the API server's store was set back, listing everything again"
                );
                return Ok(None);
            }
            self.compared = Instant::now();
        }
        open(&self.client, &self.selection, version).await.map(Some)
    }

    async fn read_changes(
        &mut self,
        mut changes: Changes,
        mut version: String,
        since: Instant,
    ) -> Result<Option<Event<T>>, ApiError> {
        let change = match changes.next::<T>().await {
            Ok(change) => change,
            Err(error) => {
                self.begin_again_from(version, &error);
                return Err(error);
            }
        };
        if let Some(newer) = change.as_ref().and_then(Change::resource_version) {
            version = newer.to_owned();
        }
        let event = match change {
            Some(Change::Applied(object)) => Some(Event::Apply(object)),
            Some(Change::Deleted(object)) => Some(Event::Delete(object)),
            Some(Change::Unreadable(unreadable)) => Some(Event::Unreadable(unreadable)),
            Some(Change::Bookmark(_)) => None,
            None => {
                if since.elapsed() < LASTING {
                    // If a server ends every watch at once, there is a pause before the next one.
                    self.pause = self.backoff.next(None, (self.chance)());
                } else {
                    self.backoff.reset();
                }
                self.phase = WatchPhase::Open { version };
                return Ok(None);
            }
        };
        if since.elapsed() >= LASTING {
            self.backoff.reset();
        }
        self.phase = WatchPhase::Watching {
            changes,
            version,
            since,
        };
        Ok(event)
    }

    /// After 410 Gone, begins again from the list; after any other failure, from the last version
    /// seen.
    fn begin_again_from(&mut self, version: String, error: &ApiError) {
        self.phase = if *error == ApiError::Expired {
            WatchPhase::Start
        } else {
            WatchPhase::Open { version }
        };
    }
}

/// So many objects of the list as it is now, or of the page with this token.
async fn list(
    client: &ApiClient,
    selection: &Selection,
    limit: u32,
    token: Option<String>,
) -> Result<Objects, ApiError> {
    let parameters = ListParams {
        field_selector: selection.field_selector.clone(),
        limit: Some(limit),
        continue_token: token,
        ..ListParams::default()
    };
    let call = Request::new(&selection.path).list(&parameters);
    let body = client.open(call, OPEN_LIMIT).await?;
    Ok(Objects::new(Shape::List, body, PAGE_LIMIT))
}

/// The version that the store has now, by a list of one object.
async fn present_version(client: &ApiClient, selection: &Selection) -> Result<String, ApiError> {
    let mut objects = list(client, selection, 1, None).await?;
    while objects.next().await?.is_some() {}
    let list: List = serde_json::from_slice(objects.rest()).map_err(ApiError::unreadable)?;
    Ok(list.metadata.resource_version)
}

/// Whether one resourceVersion is newer than another. They are numbers (comparable by contract
/// since Kubernetes 1.35); of any that is not, nothing is known, and it counts as not newer.
#[must_use]
pub fn is_newer(version: &str, than: &str) -> bool {
    match (version.parse::<u128>(), than.parse::<u128>()) {
        (Ok(version), Ok(than)) => version > than,
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// A list without its items.
#[derive(Deserialize)]
struct List {
    metadata: ListMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMetadata {
    #[serde(rename = "continue", default)]
    next_page: Option<String>,
    resource_version: String,
}

/// An error that is reported within a watch, which began as a success.
fn error_of_status(code: u16, message: &str) -> ApiError {
    StatusCode::from_u16(code).map_or_else(
        |_not_http| ApiError::unreadable(format!("an error without a status: {message}")),
        |status| ApiError::of_status(status, message, None),
    )
}

/// Seconds after which the server ends a watch; the next begins where it ended. If this were
/// shorter, quiet watches would be opened more often; if longer, a connection that was lost
/// silently would be noticed later if something in between keeps answering keepalives.
pub const WATCH_SECONDS: u32 = 30;
/// A watch that the server has not ended after this is given up.
pub const WATCH_LIMIT: Duration = Duration::from_secs(35);
/// The store's version is compared before every second watch of full length. If this were halved,
/// it would be before each, and a quiet watch would cost two calls per 30 s in place of three per
/// minute.
const COMPARE_AFTER: Duration = Duration::from_secs(45);
/// For the head of an answer.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// For one page of a list to its end.
const PAGE_LIMIT: Duration = Duration::from_secs(60);
/// Objects per page, as client-go asks. They are read one by one, so this bounds calls, not memory:
/// 10,000 objects cost 20 calls.
const PAGE: u32 = 500;
/// A watch that ends sooner did not end normally.
pub const LASTING: Duration = Duration::from_secs(5);
/// After a failure.
const RETRY: Retry = Retry {
    first: Duration::from_millis(800),
    cap: Duration::from_secs(30),
};
