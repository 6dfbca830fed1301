//! Accepting connections, for as long as the process lives.
//!
//! Invariant: a socket that vanished from its path (an old registrar that cleans up at its end, a
//! folder that was wiped) is made again, since callers find us only by the path; one that another
//! socket has replaced is not, since the newer process has taken over.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::file::{Presence, Socket};

/// A socket that takes connections. Dropping it removes the path if it is still this socket's.
pub struct SocketListener {
    socket: Socket,
    listener: UnixListener,
    look: Interval,
    is_replaced: bool,
    /// What to do when callers of the path do not reach this socket any more.
    lost: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for SocketListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketListener")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

impl SocketListener {
    /// Begins to take connections.
    ///
    /// # Errors
    /// If the runtime cannot watch the socket.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn new(socket: Socket) -> io::Result<Self> {
        let listener = UnixListener::from_std(socket.listener().try_clone()?)?;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            socket,
            listener,
            look,
            is_replaced: false,
            lost: Box::new(|| {}),
        })
    }

    /// Has `lost` called each time that the path was found to lead to nothing or to another's
    /// socket, before anybody can connect to a new one of ours.
    pub(crate) fn when_lost(self, lost: impl Fn() + Send + Sync + 'static) -> Self {
        let lost = Box::new(lost);
        Self { lost, ..self }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.socket.path()
    }

    /// Waits for the next connection. Nothing is lost if the caller stops waiting.
    ///
    /// # Errors
    /// Those of accept(2), most of which concern the whole process (no more files) and would recur
    /// at once: pause before the next call.
    pub async fn accept(&mut self) -> io::Result<UnixStream> {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => return accepted.map(|(stream, _)| stream),
                _ = self.look.tick() => self.look_at_path(),
            }
        }
    }

    fn look_at_path(&mut self) {
        match self.socket.presence() {
            Presence::Ours => self.is_replaced = false,
            Presence::Gone => {
                (self.lost)();
                self.bind_again();
            }
            Presence::Replaced => {
                if !self.is_replaced {
                    (self.lost)();
                    tracing::warn!(
                        "another process has taken over the socket {}",
                        self.path().display()
                    );
                }
                self.is_replaced = true;
            }
        }
    }

    fn bind_again(&mut self) {
        let path = self.socket.path().to_owned();
        let bound = self
            .socket
            .bind_again()
            .map_err(|error| error.to_string())
            .and_then(|socket| Self::new(socket).map_err(|error| error.to_string()));
        match bound {
            Ok(mut new) => {
                std::mem::swap(&mut self.lost, &mut new.lost);
                tracing::warn!(
                    "the socket {} had vanished and was created again",
                    path.display()
                );
                *self = new;
            }
            Err(error) => tracing::error!(
                "the socket {} has vanished and cannot be created again: {error}",
                path.display()
            ),
        }
    }
}

/// How long a vanished socket may stay missing. The kubelet's own retries are slower.
const LOOK: Duration = Duration::from_secs(15);
