//! The wall clock, as an argument.

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
