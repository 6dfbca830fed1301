//! Which of several replicas decides: leader election by a Kubernetes `Lease`.
//!
//! Owns the lease object. Knows nothing of requests. Invariants:
//! - A replica leads only while the record that it wrote cannot have expired for any other: from
//!   the moment it sent its last successful renewal, for less time than others wait.
//! - Another holder's record is judged by how long *we* have seen it unchanged, never by comparing
//!   the time written in it with our clock. So clocks may differ, jump or stop.
//! - A replica that shuts down releases the lease, so that another acquires it at once.
//!
//! The lease is advisory: a replica that is suspended between checking its term and sending a
//! decision may still send it. The resourceVersion in every decision makes that harmless: one of
//! two decisions fails with a conflict, and both would have been the same.
//!
//! The format and the rules are those of client-go (`tools/leaderelection`), so replicas of the Go
//! approver and of this one may compete for the same lease during an upgrade.

mod election;
mod object;
mod record;
mod term;

pub(crate) use election::Election;
#[cfg(test)]
pub(crate) use term::Leadership;
pub(crate) use term::{LeadershipReceiver, Term};

use std::time::Duration;

/// How often and how long. Invariant: `retry < renew_within < duration`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// How long others wait on an unchanged record before they take over.
    pub(crate) duration: Duration,
    /// How long a holder goes on after its last renewal. What lies between this and `duration`
    /// is the margin for calls under way and for clocks that run at different speeds.
    pub(crate) renew_within: Duration,
    /// How often holders renew and others look.
    pub(crate) retry: Duration,
}

impl Timing {
    /// client-go's and controller-runtime's own numbers. Shorter ones cost the API server more
    /// and lose the lease in a hiccup; longer ones lengthen the pause after a crash.
    pub(crate) const DEFAULT: Self = Self {
        duration: Duration::from_secs(15),
        renew_within: Duration::from_secs(10),
        retry: Duration::from_secs(2),
    };
}
