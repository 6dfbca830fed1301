//! Work on files and mounts, on threads that may block, so much at once of each kind.
//!
//! Owns how many threads each kind of work may take. Knows nothing of what is done. Invariants:
//! however much there is to do of one kind, the others go on; a thread is counted until its work
//! has ended, whoever waits for it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// A kind of work that others must not wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// What a pod waits for: looking, publishing, records.
    Volumes,
    /// Taking volumes away, which a node that is drained waits for.
    Removals,
    /// A new trust bundle, which comes to all volumes at the same time.
    Bundles,
    /// Looking at targets of volumes that nobody knows, which a flood may ask for.
    Strangers,
}

/// The threads of all lanes. Cheap to clone; all clones are the same threads.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    volumes: Arc<Semaphore>,
    removals: Arc<Semaphore>,
    bundles: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

/// A thread of a lane, not used yet.
#[derive(Debug)]
pub(super) struct Permit(OwnedSemaphorePermit);

/// The work panicked, or the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ThreadEnded;

impl Default for Lanes {
    fn default() -> Self {
        let wide = |threads| Arc::new(Semaphore::new(threads));
        Self {
            volumes: wide(12),
            removals: wide(8),
            bundles: wide(8),
            strangers: wide(4),
        }
    }
}

impl Lanes {
    /// Waits for a thread.
    pub(super) async fn enter(&self, lane: Lane) -> Result<Permit, ThreadEnded> {
        let threads = match lane {
            Lane::Volumes => &self.volumes,
            Lane::Removals => &self.removals,
            Lane::Bundles => &self.bundles,
            Lane::Strangers => &self.strangers,
        };
        let permit = Arc::clone(threads).acquire_owned().await;
        permit.map(Permit).map_err(|_closed| ThreadEnded)
    }
}

impl Permit {
    /// Does the work. Once begun it runs to its end, even if the caller is dropped.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ThreadEnded> {
        let Self(permit) = self;
        let done = spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(|_panicked_or_cancelled| ThreadEnded)
    }
}
