//! The wall clock and chance, as arguments.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;

/// The wall clock. It determines whether certificates are valid, and so when renewal is due.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Ends when the wall clock shows `due` or later; at once if it does already.
    fn sleep_until(&self, due: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Time and chance.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Jitter: a number in `0.0..1.0`.
    pub chance: fn() -> f64,
}
