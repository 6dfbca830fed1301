//! What a volume's task is given, in memory and controlled by the test.

mod authority;
mod clock;
mod health;
mod log;
mod requests;
mod script;
mod volumes;

use std::sync::Mutex;

pub(super) use authority::{Authority, Fault};
pub(super) use clock::FakeClock;
pub(super) use health::Line;
pub(super) use log::Log;
pub(super) use requests::{FakeRequests, Happened, History, Verb};
pub(super) use script::{Answering, Creating};
pub(super) use volumes::{FakeVolumes, Operation, Set};

use crate::events::EventReason;
use crate::lifecycle::context::EventSink;
use crate::spec::VolumeSpec;

/// Appears in every token; no text may contain it.
pub(super) const SECRET: &str = "SECRETSECRET";

/// Keeps what is reported.
#[derive(Default)]
pub(super) struct Reports(Mutex<Vec<(EventReason, String)>>);

impl Reports {
    pub(in super::super) fn all(&self) -> Vec<(EventReason, String)> {
        self.0.lock().unwrap().clone()
    }

    pub(in super::super) fn forget(&self) {
        self.0.lock().unwrap().clear();
    }

    pub(in super::super) fn reasons(&self) -> Vec<EventReason> {
        self.all().into_iter().map(|(reason, _)| reason).collect()
    }
}

impl EventSink for Reports {
    fn report(&self, _spec: &VolumeSpec, reason: EventReason, text: &str) {
        self.0.lock().unwrap().push((reason, text.to_owned()));
    }
}
