//! Owns what a line of JSON contains, and under which names.
//!
//! Invariant: no key is in a line twice. The line's own entries come first, then the event's own
//! fields, then those of the spans around it, of which the inner ones win.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;
use tracing::Metadata;
use tracing::field::{Field, Visit};

/// One line.
#[derive(Debug)]
pub(super) struct LogLine(Vec<(Cow<'static, str>, Value)>);

impl LogLine {
    pub(super) fn new(timestamp: String, metadata: &Metadata<'_>, mut fields: Fields) -> Self {
        let values = [
            timestamp,
            metadata.level().to_string(),
            fields.take_text(),
            metadata.target().to_owned(),
        ];
        let entries = RESERVED.into_iter().map(Cow::Borrowed);
        let mut line = Self(entries.zip(values.map(Value::String)).collect());
        for (name, value) in fields.0 {
            let mut name = Cow::Borrowed(name);
            while line.has(&name) {
                name = renamed(&name);
            }
            line.0.push((name, value));
        }
        line
    }

    /// Adds the fields of the next span outwards; a name that is there already wins.
    pub(super) fn surround(&mut self, fields: &Fields) {
        for (name, value) in &fields.0 {
            let name = if RESERVED.contains(name) {
                renamed(name)
            } else {
                Cow::Borrowed(*name)
            };
            if !self.has(&name) {
                self.0.push((name, value.clone()));
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }
}

impl Serialize for LogLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The fields of an event or a span, in their order.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Takes out the text of an event. The macros put it first, so if two fields have its name, the
    /// second is a field that the caller named so.
    fn take_text(&mut self) -> String {
        let at = self.0.iter().position(|(name, _)| *name == TEXT);
        match at.map(|at| self.0.remove(at)) {
            Some((_, Value::String(text))) => text,
            Some((_, value)) => value.to_string(),
            None => String::new(),
        }
    }

    /// Adds values that were recorded later.
    pub(super) fn update(&mut self, later: Self) {
        for (name, value) in later.0 {
            match self.0.iter_mut().find(|(other, _)| *other == name) {
                Some((_, known)) => *known = value,
                None => self.0.push((name, value)),
            }
        }
    }

    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.push((field.name(), value.into()));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.add(field, value),
            Err(_) => self.add(field, value.to_string()),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.add(field, value),
            // More than readers keep exactly.
            Err(_) => self.add(field, value.to_string()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.add(field, value);
        } else {
            // JSON has no number for it.
            self.add(field, value.to_string());
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut next = value.source();
        while let Some(cause) = next {
            let cause_text = cause.to_string();
            // Some errors print their cause themselves.
            if !text.ends_with(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            next = cause.source();
        }
        self.add(field, text);
    }
}

fn renamed(name: &str) -> Cow<'static, str> {
    Cow::Owned(format!("field_{name}"))
}

/// What every line has, in this order.
const RESERVED: [&str; 4] = ["timestamp", "level", TEXT, "target"];

/// The field name that tracing gives to the text of an event.
const TEXT: &str = "message";
