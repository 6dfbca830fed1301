//! The cluster's wall clock: the one place where it is read, so that a test can move it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// Wall clock of the API server, the token signer and the issuer.
///
/// Real time plus an offset that a test may change at any moment. Clones share the offset.
#[derive(Clone, Default)]
pub struct Clock {
    offset: Arc<Mutex<jiff::SignedDuration>>,
}

impl Clock {
    /// The time it is in the cluster.
    pub fn now(&self) -> Timestamp {
        let offset = *self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        Timestamp::now()
            .checked_add(offset)
            .unwrap_or(Timestamp::MAX)
    }

    /// Lets the cluster's clock run ahead of the machine's by this much (behind if negative).
    pub fn set_offset(&self, offset: jiff::SignedDuration) {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = offset;
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// `then` plus a duration, at the end of time if that is past it.
pub(crate) fn after(then: Timestamp, duration: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| then.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}

/// RFC 3339 in whole seconds, as metav1.Time is written.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
