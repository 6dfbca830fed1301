//! A wall clock that follows tokio's and can be set.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use svid_client::clock::Clock;

/// Shows noon of a day in May when it is made, and goes on with tokio's clock.
#[derive(Debug)]
pub(in super::super) struct FakeClock {
    begun: Instant,
    offset: watch::Sender<SignedDuration>,
}

impl FakeClock {
    pub(in super::super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            offset: watch::Sender::new(SignedDuration::ZERO),
        }
    }

    /// Sets the clock ahead, or back.
    pub(in super::super) fn step(&self, by: SignedDuration) {
        self.offset.send_modify(|offset| *offset += by);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        let noon: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
        let elapsed = SignedDuration::try_from(self.begun.elapsed()).unwrap();
        noon + elapsed + *self.offset.borrow()
    }

    fn sleep_until(&self, due: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut steps = self.offset.subscribe();
        Box::pin(async move {
            while let Ok(left) = Duration::try_from(self.now().duration_until(due))
                && !left.is_zero()
            {
                tokio::select! {
                    () = sleep(left) => {}
                    Ok(()) = steps.changed() => {}
                }
            }
        })
    }
}
