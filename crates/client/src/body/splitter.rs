//! Cuts a stream of JSON into the objects that it contains, without understanding them.
//!
//! The parser finds out whether a piece is JSON at all; this only counts brackets outside strings,
//! so it needs no memory except for the current piece and does not recurse.

use super::MOST_OBJECT_BYTES;

/// Where in a stream the objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One after another, as a watch sends its events.
    Sequence,
    /// In the array `items` of one object, as a list sends them.
    List,
}

/// A complete piece; its bytes are in [`Splitter::piece`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// An object.
    Whole,
    /// An object that was too long; nothing of it is kept.
    TooLong,
}

/// What cannot be the beginning of any JSON of this shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not the JSON of a list or watch")]
pub(crate) struct Malformed;

/// See the module.
#[derive(Debug)]
pub(crate) struct Splitter {
    shape: Shape,
    depth: u32,
    string: InString,
    /// Within the top level's `items`.
    in_items: bool,
    /// The depth at which the current object began.
    cutting: Option<u32>,
    is_too_long: bool,
    piece: Vec<u8>,
    /// Everything but the objects.
    frame: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InString {
    No,
    Yes,
    AfterBackslash,
}

impl Splitter {
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            depth: 0,
            string: InString::No,
            in_items: false,
            cutting: None,
            is_too_long: false,
            piece: Vec::new(),
            frame: Vec::new(),
        }
    }

    /// Takes in bytes up to the end of the next object. Returns how many, and whether there was
    /// such an end.
    ///
    /// # Errors
    /// [`Malformed`], after which nothing more can be read.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(usize, Option<Cut>), Malformed> {
        if self.cutting.is_none() {
            self.forget_piece();
        }
        // Where the part of the current object begins that was not copied yet.
        let mut from = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if self.string != InString::No {
                self.step_in_string(byte);
                self.frame(byte)?;
                continue;
            }
            match byte {
                b'"' => self.string = InString::Yes,
                b'{' | b'[' => {
                    if byte == b'{' && self.begins_object() {
                        self.cutting = Some(self.depth);
                        from = at;
                    }
                    self.depth = self.depth.checked_add(1).ok_or(Malformed)?;
                    if byte == b'[' && self.depth == 2 && self.cutting.is_none() {
                        self.in_items = self.frame.ends_with(b"\"items\":");
                    }
                }
                b'}' | b']' => {
                    self.depth = self.depth.checked_sub(1).ok_or(Malformed)?;
                    if self.cutting == Some(self.depth) {
                        self.copy(bytes.get(from..=at).unwrap_or_default());
                        return Ok((at + 1, Some(self.finish())));
                    }
                    self.in_items &= self.depth > 1;
                }
                b',' if self.in_items && self.depth == 2 => continue,
                b' ' | b'\n' | b'\r' | b'\t' => continue,
                _ => {}
            }
            self.frame(byte)?;
        }
        if self.cutting.is_some() {
            self.copy(bytes.get(from..).unwrap_or_default());
        }
        Ok((bytes.len(), None))
    }

    /// The object that was completed last.
    pub(crate) fn piece(&self) -> &[u8] {
        &self.piece
    }

    /// Everything outside the objects, without spaces: for a list the list itself, empty.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.frame
    }

    /// Whether the stream may end here.
    pub(crate) fn is_complete(&self) -> bool {
        self.depth == 0 && self.string == InString::No
    }

    fn begins_object(&self) -> bool {
        self.cutting.is_none()
            && match self.shape {
                Shape::Sequence => self.depth == 0,
                Shape::List => self.in_items && self.depth == 2,
            }
    }

    fn step_in_string(&mut self, byte: u8) {
        self.string = match (self.string, byte) {
            (InString::Yes, b'\\') => InString::AfterBackslash,
            (InString::Yes, b'"') => InString::No,
            (InString::Yes | InString::AfterBackslash | InString::No, _) => InString::Yes,
        };
    }

    fn frame(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.cutting.is_some() {
            return Ok(());
        }
        if self.shape == Shape::Sequence || self.frame.len() == MOST_FRAME_BYTES {
            return Err(Malformed);
        }
        self.frame.push(byte);
        Ok(())
    }

    fn copy(&mut self, part: &[u8]) {
        if self.piece.len().saturating_add(part.len()) > MOST_OBJECT_BYTES {
            self.is_too_long = true;
            self.piece = Vec::new();
        }
        if !self.is_too_long {
            self.piece.extend_from_slice(part);
        }
    }

    fn finish(&mut self) -> Cut {
        self.cutting = None;
        if std::mem::take(&mut self.is_too_long) {
            Cut::TooLong
        } else {
            Cut::Whole
        }
    }

    fn forget_piece(&mut self) {
        self.piece.clear();
        self.piece.shrink_to(USUAL_OBJECT_BYTES);
    }
}

/// The parts of a list besides its objects: kind, version, and where the next page begins.
const MOST_FRAME_BYTES: usize = 64 * 1024;
/// What stays allocated between two objects.
const USUAL_OBJECT_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Feeds the text in pieces of this size.
    fn split(shape: Shape, text: &str, size: usize) -> Result<(Vec<Value>, Splitter), Malformed> {
        let mut splitter = Splitter::new(shape);
        let mut found = Vec::new();
        for mut chunk in text.as_bytes().chunks(size) {
            while !chunk.is_empty() {
                let (taken, cut) = splitter.push(chunk)?;
                chunk = &chunk[taken..];
                match cut {
                    Some(Cut::Whole) => {
                        found.push(serde_json::from_slice(splitter.piece()).unwrap());
                    }
                    Some(Cut::TooLong) => found.push(json!("too long")),
                    None => {}
                }
            }
        }
        Ok((found, splitter))
    }

    fn odd_objects() -> Vec<Value> {
        vec![
            json!({}),
            json!({"a": "}]{[\"\\", "items": [{"b": 1}, 2], "c": {"d": [[], {}]}}),
            json!({"items": [], "x": "\\\"", "y": "\u{0}\u{2028}ü"}),
            json!({"n": null, "f": -1.5e3, "t": true}),
        ]
    }

    #[test]
    fn a_list_falls_into_its_items_wherever_it_is_cut_into_packets() {
        for pretty in [false, true] {
            for list in [
                json!({"apiVersion": "v1", "items": odd_objects(), "metadata": {"continue": "c", "resourceVersion": "7"}}),
                json!({"kind": "List", "metadata": {"items": [{"no": "item"}]}, "items": odd_objects()}),
            ] {
                let text = if pretty {
                    serde_json::to_string_pretty(&list).unwrap()
                } else {
                    list.to_string()
                };
                for size in [1, 2, 3, 7, 64, text.len()] {
                    let (found, splitter) = split(Shape::List, &text, size).unwrap();
                    assert_eq!(found, odd_objects(), "{size} {pretty}");
                    assert!(splitter.is_complete());
                    let rest: Value = serde_json::from_slice(splitter.rest()).unwrap();
                    assert_eq!(rest["metadata"], list["metadata"]);
                    assert_eq!(rest["items"], json!([]));
                }
            }
        }
    }

    #[test]
    fn a_watch_falls_into_its_events_with_or_without_line_ends() {
        for separator in ["", "\n", "\r\n\r\n"] {
            let text: String = odd_objects()
                .iter()
                .map(|event| format!("{event}{separator}"))
                .collect();
            for size in [1, 5, text.len()] {
                let (found, splitter) = split(Shape::Sequence, &text, size).unwrap();
                assert_eq!(found, odd_objects(), "{size}");
                assert!(splitter.is_complete());
            }
        }
    }

    #[test]
    fn what_breaks_off_is_not_complete() {
        for text in ["{\"items\":[{\"a\":1}", "{\"items\":[{\"a\":\"", "{\"a\":1"] {
            for shape in [Shape::List, Shape::Sequence] {
                let (_, splitter) = split(shape, text, 4).unwrap();
                assert!(!splitter.is_complete(), "{text}");
            }
        }
    }

    #[test]
    fn an_object_that_is_too_long_hides_no_other_and_takes_no_memory() {
        let long = json!({"a": "x".repeat(MOST_OBJECT_BYTES)});
        let list = json!({"items": [{"b": 1}, long, {"c": 2}]}).to_string();
        let (found, splitter) = split(Shape::List, &list, 16 * 1024).unwrap();
        assert_eq!(found, [json!({"b": 1}), json!("too long"), json!({"c": 2})]);
        assert!(splitter.piece.capacity() <= USUAL_OBJECT_BYTES);
    }

    #[test]
    fn what_is_no_json_of_this_shape_is_refused() {
        for (shape, text) in [
            (Shape::Sequence, "Internal Server Error"),
            (Shape::Sequence, "[{}]"),
            (Shape::Sequence, "{}}"),
            (Shape::List, "}"),
        ] {
            assert_eq!(split(shape, text, 3).unwrap_err(), Malformed, "{text}");
        }
        let endless = format!("{{\"metadata\": \"{}", "x".repeat(MOST_FRAME_BYTES));
        assert_eq!(split(Shape::List, &endless, 4096).unwrap_err(), Malformed);
    }

    #[test]
    fn nesting_of_any_depth_needs_no_stack() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        let mut splitter = Splitter::new(Shape::Sequence);
        let (taken, cut) = splitter.push(deep.as_bytes()).unwrap();
        assert_eq!((taken, cut), (deep.len(), Some(Cut::Whole)));
    }
}
