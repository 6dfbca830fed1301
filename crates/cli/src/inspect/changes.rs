//! Owns waiting for something to happen in folders (inotify(7)).
//!
//! Must not know what is in them. Invariant: between two looks nothing is missed, since the kernel
//! keeps what happened meanwhile.

use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::Context as _;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::read;
use tokio::io::unix::AsyncFd;

/// What the kernel tells of some folders.
pub(super) struct Changes(AsyncFd<OwnedFd>);

impl Changes {
    /// Listens from now on. Needs an event loop.
    ///
    /// # Errors
    /// A folder is not there, may not be read, or the user watches too many.
    pub(super) fn of<'a>(folders: impl IntoIterator<Item = &'a Path>) -> anyhow::Result<Self> {
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)
            .context("starting to watch folders")?;
        for folder in folders {
            inotify::add_watch(&events, folder, WATCHED)
                .with_context(|| format!("watching {}", folder.display()))?;
        }
        #[expect(
            deprecated,
            reason = "its successor is unsafe for types whose descriptor may change; an OwnedFd's cannot"
        )]
        let events = AsyncFd::new(events).context("waiting for what happens in folders")?;
        Ok(Self(events))
    }

    /// Waits until something has happened. All that has is taken together, since whoever asks looks
    /// at everything anyway.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) async fn next(&self) -> anyhow::Result<()> {
        let mut buffer = [0; BUFFER];
        let mut has_happened = false;
        while !has_happened {
            let mut ready = self.0.readable().await.context("waiting for changes")?;
            while let Ok(taken) = ready.try_io(|events| Ok(read(events.get_ref(), &mut buffer)?)) {
                taken.context("reading changes")?;
                has_happened = true;
            }
        }
        Ok(())
    }
}

/// A set of files is swapped by renaming; whoever writes into files in place ends by closing them.
const WATCHED: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// Bytes; an event has at most 272.
const BUFFER: usize = 4096;
