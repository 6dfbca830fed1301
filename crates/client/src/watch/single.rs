//! One object by its name: its current state, and again after each change.

use std::future::ready;

use futures::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;

use super::{Event, ObjectName, Selection, Unreadable, Versioned, watch};
use crate::{ApiClient, ApiError};

/// Something that has a name.
pub trait HasName {
    /// `metadata.name`.
    fn name(&self) -> &str;
}

impl HasName for ObjectName {
    fn name(&self) -> &str {
        &self.name
    }
}

/// An object in its current state, if it exists.
pub type Observed<T> = Result<Option<T>, Unreadable>;

/// Yields an object's state, first of all and after each change, for as long as it is polled; None
/// while it does not exist. Failures are yielded, and retried after a pause.
pub fn watch_object<T: DeserializeOwned + Versioned + HasName + Send>(
    client: ApiClient,
    path: String,
    name: &str,
    chance: fn() -> f64,
) -> impl Stream<Item = Result<Observed<T>, ApiError>> + Send {
    let selection = Selection::named(path, name);
    let name = name.to_owned();
    let events = watch::<T>(client, selection, chance);
    events
        .scan(None, move |listed: &mut Option<Observed<T>>, event| {
            // A fake or a proxy may ignore the selector.
            let is_other = match &event {
                Ok(Event::InitApply(found) | Event::Apply(found) | Event::Delete(found)) => {
                    found.name() != name
                }
                Ok(Event::Unreadable(found)) => {
                    !found.object.name.is_empty() && found.object.name != name
                }
                Ok(Event::Init | Event::InitDone) | Err(_) => false,
            };
            ready(Some(if is_other {
                None
            } else {
                observe(listed, event)
            }))
        })
        .filter_map(ready)
}

/// What an event says about the object; while a list is read, only its end says something.
fn observe<T>(
    listed: &mut Option<Observed<T>>,
    event: Result<Event<T>, ApiError>,
) -> Option<Result<Observed<T>, ApiError>> {
    let observed = match event {
        Err(error) => return Some(Err(error)),
        Ok(Event::Init) => {
            *listed = Some(Ok(None));
            return None;
        }
        Ok(Event::InitDone) => return listed.take().map(Ok),
        Ok(Event::InitApply(object) | Event::Apply(object)) => Ok(Some(object)),
        Ok(Event::Delete(_)) => Ok(None),
        Ok(Event::Unreadable(unreadable)) => Err(unreadable),
    };
    match listed {
        Some(listed) => {
            *listed = observed;
            None
        }
        None => Some(Ok(observed)),
    }
}
