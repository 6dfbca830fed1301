//! Reading the bundle's file and noticing that it changed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use rustix::fs::{Mode, OFlags};
use svid_core::svid::{BundleError, TrustBundle};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{TrustState, folders};

/// Follows the file that the administrator named.
#[must_use = "changes are followed by `run`"]
pub struct TrustSource {
    path: Option<PathBuf>,
    state: watch::Sender<TrustState>,
    refusals: Refusals,
    /// The content that was last judged, good or not.
    judged: Option<Result<Vec<u8>, String>>,
}

impl TrustSource {
    /// Reads `path` once, so that the first state is already known, and returns the source that
    /// follows its changes when it is run. Without a path there is never a bundle.
    pub fn watch(path: Option<PathBuf>) -> (Self, watch::Receiver<TrustState>) {
        let (state, receiver) = watch::channel(TrustState::NoSource);
        let mut source = Self {
            path,
            state,
            refusals: Refusals::default(),
            judged: None,
        };
        if let Some(path) = &source.path {
            let content = read(path);
            source.judge(content);
        }
        (source, receiver)
    }

    /// The refusals of this source, for metrics and the status page.
    pub fn refusals(&self) -> Refusals {
        self.refusals.clone()
    }

    /// Follows the file until `shutdown`.
    ///
    /// The kernel reports changes in the folders that matter; if it cannot (its limit of inotify
    /// instances is reached, a network file system), the file is read once a minute.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let Some(path) = self.path.clone() else {
            shutdown.cancelled().await;
            return;
        };
        let changed = Arc::new(Notify::new());
        let mut watches = Watches::new(&changed);
        let follow = async {
            loop {
                let content;
                (watches, content) = look(watches, path.clone(), &changed).await;
                self.judge(content);
                if timeout(UNTOLD, changed.notified()).await.is_ok() {
                    sleep(SETTLE).await;
                }
            }
        };
        shutdown.run_until_cancelled(follow).await;
    }

    fn judge(&mut self, content: Result<Vec<u8>, BundleFileError>) {
        let content = content.map_err(|error| error.to_string());
        if self.judged.as_ref() == Some(&content) {
            return;
        }
        let path = self.path.as_deref().unwrap_or(Path::new("")).display();
        let judgement = match &content {
            Ok(pem) => TrustBundle::parse_pem(pem).map_err(|reason| {
                BundleFileError::Content {
                    path: path.to_string(),
                    reason,
                }
                .to_string()
            }),
            Err(reason) => Err(reason.clone()),
        };
        self.judged = Some(content);
        match judgement {
            Ok(bundle) => self.accept(bundle),
            Err(reason) => self.refuse(reason),
        }
    }

    fn accept(&self, bundle: TrustBundle) {
        self.refusals.clear();
        self.state.send_if_modified(|state| {
            if matches!(state, TrustState::Bundle(old) if **old == bundle) {
                return false;
            }
            tracing::info!(certificates = bundle.len(), "the trust bundle was read");
            *state = TrustState::Bundle(Arc::new(bundle));
            true
        });
    }

    fn refuse(&self, reason: String) {
        self.refusals.add(&reason);
        self.state.send_if_modified(|state| {
            if let TrustState::Bundle(_) = state {
                tracing::error!("{reason}; the last valid trust bundle stays in use");
                return false;
            }
            tracing::error!("{reason}; volumes wait for a valid one");
            *state = TrustState::Unreadable(reason);
            true
        });
    }
}

/// Sets the watches, then reads, on a thread that may block: the file may be on a network.
async fn look(
    mut watches: Watches,
    path: PathBuf,
    changed: &Arc<Notify>,
) -> (Watches, Result<Vec<u8>, BundleFileError>) {
    let named = path.display().to_string();
    let looked = tokio::task::spawn_blocking(move || {
        watches.arm(&path);
        let content = read(&path);
        (watches, content)
    });
    looked.await.unwrap_or_else(|error| {
        let reason = BundleFileError::Read {
            path: named,
            reason: error.into(),
        };
        (Watches::new(changed), Err(reason))
    })
}

/// How often a bundle was refused and what is wrong with the current one. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Mutex<(u64, Option<String>)>>);

impl Refusals {
    /// How often a changed file was refused since the start.
    pub fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Why the file in its current state is refused; None while it is good.
    pub fn current(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .clone()
    }

    fn add(&self, reason: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 += 1;
        inner.1 = Some(reason.to_owned());
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
    }
}

/// The kernel's watches on the folders that currently matter.
struct Watches {
    watcher: Option<RecommendedWatcher>,
    armed: BTreeSet<PathBuf>,
}

impl Watches {
    fn new(changed: &Arc<Notify>) -> Self {
        let changed = Arc::clone(changed);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| matters(event.kind)) {
                changed.notify_one();
            }
        });
        let watcher = watcher.inspect_err(|error| {
            tracing::warn!(
                "changes to the trust bundle are noticed only once a minute: watching failed: \
                 {error}"
            );
        });
        Self {
            watcher: watcher.ok(),
            armed: BTreeSet::new(),
        }
    }

    /// Watches the folders that `path` now goes through, with new watches each time: a folder that
    /// was removed and made again has the same name and may have the same inode, but no watch. The
    /// path is looked up again afterwards, so that no change in between is missed; then the file
    /// may be read.
    fn arm(&mut self, path: &Path) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for _ in 0..ROUNDS {
            for folder in std::mem::take(&mut self.armed) {
                // An error means that the kernel dropped this watch before we did.
                drop(watcher.unwatch(&folder));
            }
            let wanted = folders::to_watch(path);
            for folder in &wanted {
                match watcher.watch(folder, RecursiveMode::NonRecursive) {
                    Ok(()) => {
                        self.armed.insert(folder.clone());
                    }
                    Err(error) => {
                        tracing::debug!("watching {} failed: {error}", folder.display());
                    }
                }
            }
            if wanted == folders::to_watch(path) {
                return;
            }
        }
    }
}

/// Our own reading causes events too, which must not lead to reading again.
fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

/// Why a file is not a trust bundle.
#[derive(Debug, thiserror::Error)]
enum BundleFileError {
    #[error("reading the trust bundle {path} failed: {reason}")]
    Read {
        path: String,
        reason: std::io::Error,
    },
    #[error("the trust bundle {path} is not a regular file")]
    NoFile { path: String },
    #[error("the trust bundle {path} is larger than {} KiB", LIMIT / 1024)]
    TooLarge { path: String },
    #[error("the trust bundle {path} is refused: {reason}")]
    Content { path: String, reason: BundleError },
}

/// Never waits for a writer, as it would if a pipe were in the file's place.
fn read(path: &Path) -> Result<Vec<u8>, BundleFileError> {
    let named = || path.display().to_string();
    let failed = |reason| BundleFileError::Read {
        path: named(),
        reason,
    };
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
    let file = File::from(file);
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(BundleFileError::NoFile { path: named() });
    }
    let mut content = Vec::new();
    file.take(LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() as u64 > LIMIT {
        return Err(BundleFileError::TooLarge { path: named() });
    }
    Ok(content)
}

/// Bytes: as much as a ConfigMap or a ClusterTrustBundle can hold.
const LIMIT: u64 = 1024 * 1024;

/// A file that is written in place is empty for a moment; replacing a link causes several events.
/// If this were shorter, half-written files would be refused for a moment; longer only delays.
const SETTLE: Duration = Duration::from_millis(200);

/// How long a change goes unnoticed if the kernel does not report it.
const UNTOLD: Duration = Duration::from_secs(60);

/// Tries to catch up with a path whose links keep being replaced.
const ROUNDS: usize = 5;
