//! Reading one complete answer, or discarding it.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use kube::client::Body;
use tokio::sync::Semaphore;

use super::{MOST_OBJECT_BYTES, SMALL_ANSWER_BYTES};
use crate::ApiError;

/// Reads a complete answer. If it turns out to be large, it waits until there is room among
/// `large`.
pub(crate) async fn whole(mut body: Body, large: &Semaphore) -> Result<Whole<'_>, ApiError> {
    let mut bytes = BytesMut::new();
    let mut room = None;
    while let Some(data) = next(&mut body).await? {
        let length = bytes.len().saturating_add(data.len());
        if length > MOST_OBJECT_BYTES {
            return Err(ApiError::unreadable(format!(
                "it has more than {MOST_OBJECT_BYTES} bytes"
            )));
        }
        if length > SMALL_ANSWER_BYTES && room.is_none() {
            room = large.acquire().await.ok();
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Whole { bytes, _room: room })
}

/// A complete answer, and the room that it takes.
pub(crate) struct Whole<'a> {
    bytes: BytesMut,
    _room: Option<tokio::sync::SemaphorePermit<'a>>,
}

impl AsRef<[u8]> for Whole<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads an answer to its end and keeps nothing, so that the connection can be used again.
pub(crate) async fn drain(mut body: Body) -> Result<(), ApiError> {
    let mut seen = 0_usize;
    while let Some(data) = next(&mut body).await? {
        seen = seen.saturating_add(data.len());
        if seen > MOST_OBJECT_BYTES {
            // The connection is closed instead.
            break;
        }
    }
    Ok(())
}

/// The next piece of a body; trailers are skipped.
pub(super) async fn next(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ApiError::unreachable(&error))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
