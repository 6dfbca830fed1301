//! What the API server, the approver and the issuer do next.

use std::collections::VecDeque;
use std::time::Duration;

use super::authority::Fault;
use svid_client::ApiError;

/// What approver and issuer do with a request.
#[derive(Clone, Debug)]
pub(in super::super) enum Answering {
    /// Approve and sign at once, with this fault.
    Issue(Fault),
    /// The same, later.
    IssueAfter(Duration),
    /// Approve and sign with an authority that is not in the trust bundle.
    IssueByStranger,
    /// Deny, with this message.
    Deny(&'static str),
    /// Approve, then give up, with this message.
    Fail(&'static str),
    /// Call it malformed.
    Invalid(&'static str),
    /// Approve and do nothing more.
    Approve,
    /// Do nothing.
    Nothing,
    /// Delete it after a while.
    DeleteAfter(Duration),
}

/// What the API server does with a create.
#[derive(Clone, Debug)]
pub(in super::super) enum Creating {
    /// Accepts it.
    Take,
    /// Accepts it after a while.
    TakeAfter(Duration),
    /// Refuses it with this error.
    Refuse(ApiError),
    /// Refuses it with this error, after a while.
    RefuseAfter(Duration, ApiError),
    /// Accepts it, but answers with this error.
    Lose(ApiError),
    /// Answers with this error, and accepts it after a while all the same.
    LoseAfter(Duration, ApiError),
    /// Already has an object of that name, which another client made.
    Squat,
    /// Makes the calling task panic.
    Panic,
}

/// One after the other, then always the last.
#[derive(Debug)]
pub(super) struct Script<T> {
    next: VecDeque<T>,
    always: T,
}

impl<T: Clone> Script<T> {
    pub(super) fn new(always: T) -> Self {
        Self {
            next: VecDeque::new(),
            always,
        }
    }

    pub(super) fn always(&mut self, always: T) {
        self.next.clear();
        self.always = always;
    }

    pub(super) fn then(&mut self, next: T) {
        self.next.push_back(next);
    }

    pub(super) fn take(&mut self) -> T {
        self.next.pop_front().unwrap_or_else(|| self.always.clone())
    }
}
