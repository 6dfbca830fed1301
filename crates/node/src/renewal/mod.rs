//! When to request the next certificate, and when to retry after a failure.
//!
//! Pure: the caller supplies times and random numbers. Knows nothing of volumes' files or of
//! Kubernetes.

mod schedule;

pub use schedule::{
    due, least_pause, obtained, patience, publish_pause, restart_spread, retry_after, retry_cap,
};
