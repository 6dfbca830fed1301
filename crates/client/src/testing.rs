//! Lists and watches from bytes, as [`crate::watch`] reads them from a connection.
//!
//! For fuzz targets: no shipped build has the feature `testing`.

use serde::de::DeserializeOwned;

use crate::ApiError;
use crate::body::{Cut, Shape, Splitter};
use crate::watch::{Change, Unreadable, read_object};

/// What was read before the end, or before what cannot be read.
#[derive(Debug)]
pub struct Read<T> {
    /// One after another.
    pub pieces: Vec<T>,
    /// Whether it came to its end.
    pub is_complete: bool,
}

/// The objects of a list that arrives in packets of this many bytes.
#[must_use]
pub fn list<T: DeserializeOwned>(json: &[u8], packet: usize) -> Read<Result<T, Unreadable>> {
    read(Shape::List, json, packet, |piece| match piece {
        Some(piece) => read_object(piece),
        None => Err(Unreadable::too_long()),
    })
}

/// The events of a watch that arrives in packets of this many bytes.
#[must_use]
pub fn changes<T: DeserializeOwned>(
    json: &[u8],
    packet: usize,
) -> Read<Result<Change<T>, ApiError>> {
    read(Shape::Sequence, json, packet, |piece| match piece {
        Some(piece) => Change::read(piece),
        None => Ok(Change::Unreadable(Unreadable::too_long())),
    })
}

fn read<T>(
    shape: Shape,
    json: &[u8],
    packet: usize,
    decode: impl Fn(Option<&[u8]>) -> T,
) -> Read<T> {
    let mut splitter = Splitter::new(shape);
    let mut pieces = Vec::new();
    for mut packet in json.chunks(packet.max(1)) {
        while !packet.is_empty() {
            let Ok((taken, cut)) = splitter.push(packet) else {
                let is_complete = false;
                return Read {
                    pieces,
                    is_complete,
                };
            };
            packet = packet.get(taken..).unwrap_or_default();
            match cut {
                Some(Cut::Whole) => pieces.push(decode(Some(splitter.piece()))),
                Some(Cut::TooLong) => pieces.push(decode(None)),
                None => {}
            }
        }
    }
    Read {
        pieces,
        is_complete: splitter.is_complete(),
    }
}
