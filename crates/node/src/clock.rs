//! The wall clock and chance, as arguments.
//!
//! Owns the only reads of the wall clock in this crate. Invariant: whoever waits for a wall-clock
//! time is woken when that time comes, also when the clock is set or the machine was suspended.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;

/// The wall clock. Certificates are valid by it, so renewal is due by it.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Ends when the wall clock shows `due` or later; at once when it does already.
    fn sleep_until(&self, due: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Where jitter comes from.
pub trait Chance: Send + Sync + fmt::Debug + 'static {
    /// A number in 0.0..1.0.
    fn fraction(&self) -> f64;
}
