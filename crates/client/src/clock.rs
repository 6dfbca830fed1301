//! The wall clock, as an argument.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;

/// The wall clock. It determines whether certificates are valid, and so when renewal is due.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Ends when the wall clock shows `due` or later; at once if it does already.
    fn sleep_until(&self, due: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
