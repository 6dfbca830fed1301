//! The publishes that wait for one volume's certificate.

use std::future::pending;

use tokio::sync::watch;

/// How many publishes wait. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub(super) struct Waiting(watch::Sender<usize>);

/// A publish that waits, until this is dropped.
pub(super) struct Waits(Waiting);

impl Waiting {
    pub(super) fn enter(&self) -> Waits {
        self.0.send_modify(|waiting| *waiting += 1);
        Waits(self.clone())
    }

    /// Ends as soon as a publish waits.
    pub(super) async fn begun(&self) {
        let mut waiting = self.0.subscribe();
        if waiting.wait_for(|waiting| *waiting > 0).await.is_err() {
            pending::<()>().await;
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.send_modify(|waiting| *waiting -= 1);
    }
}
