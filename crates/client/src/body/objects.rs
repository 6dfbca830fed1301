//! The objects of a list or watch, one after another.

use std::time::Duration;

use bytes::{Buf as _, Bytes};
use kube::client::Body;
use tokio::time::{Instant, timeout_at};

use super::answer::next;
use super::splitter::{Cut, Shape, Splitter};
use crate::ApiError;

/// A body that is read object by object. No more of it is held than one object and one packet.
#[derive(Debug)]
pub(crate) struct Objects {
    body: Body,
    packet: Bytes,
    splitter: Splitter,
    deadline: Instant,
    limit: Duration,
}

/// One object as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Raw<'a> {
    /// Its JSON, not parsed.
    Json(&'a [u8]),
    /// It has more than [`super::MOST_OBJECT_BYTES`].
    TooLong,
}

impl Objects {
    /// Reads `body`, for at most `limit` from now.
    pub(crate) fn new(shape: Shape, body: Body, limit: Duration) -> Self {
        Self {
            body,
            packet: Bytes::new(),
            splitter: Splitter::new(shape),
            deadline: Instant::now() + limit,
            limit,
        }
    }

    /// The next object; None at the end. Safe to cancel.
    ///
    /// # Errors
    /// The connection failed or was silent for too long, or what is sent is not JSON.
    pub(crate) async fn next(&mut self) -> Result<Option<Raw<'_>>, ApiError> {
        loop {
            while !self.packet.is_empty() {
                let (taken, cut) = self
                    .splitter
                    .push(&self.packet)
                    .map_err(ApiError::unreadable)?;
                self.packet.advance(taken);
                match cut {
                    Some(Cut::Whole) => return Ok(Some(Raw::Json(self.splitter.piece()))),
                    Some(Cut::TooLong) => return Ok(Some(Raw::TooLong)),
                    None => {}
                }
            }
            let packet = timeout_at(self.deadline, next(&mut self.body)).await;
            match packet.map_err(|_elapsed| ApiError::TimedOut(self.limit))?? {
                Some(packet) => self.packet = packet,
                None if self.splitter.is_complete() => return Ok(None),
                None => return Err(ApiError::unreadable("it ended early")),
            }
        }
    }

    /// Everything but the objects: for a list that was read to its end, the list itself, empty.
    pub(crate) fn rest(&self) -> &[u8] {
        self.splitter.rest()
    }
}
