//! Accepting connections, for as long as the process lives.
//!
//! Invariant: a socket that vanished from its path (an old registrar that cleans up at its end, a
//! folder that was wiped) is made again, since the kubelet finds us only by the path; one that
//! another socket has replaced is not, since the newer process has taken over.

use std::io;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::socket::{MissingFolder, Presence, Socket};

/// Sends every connection to `taken` until `shutdown`, or until the receiver is gone. Then the path
/// is removed first, so that nobody finds a socket that does not answer.
///
/// # Errors
/// If the runtime cannot watch the socket.
pub(super) async fn accept(
    mut socket: Socket,
    taken: mpsc::Sender<UnixStream>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let mut listener = listener_of(&socket)?;
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut replaced = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if taken.send(stream).await.is_err() {
                        return Ok(());
                    }
                }
                Err(error) => {
                    let path = socket.path().display();
                    tracing::warn!("taking a connection on {path} failed: {error}");
                    sleep(PAUSE).await;
                }
            },
            _ = look.tick() => match socket.presence() {
                Presence::Ours => replaced = false,
                Presence::Gone => {
                    if let Some(new) = bind_anew(&socket) {
                        listener = listener_of(&new)?;
                        socket = new;
                    }
                }
                Presence::Replaced => {
                    if !replaced {
                        tracing::warn!("{} is another's socket now", socket.path().display());
                    }
                    replaced = true;
                }
            },
        }
    }
}

fn bind_anew(socket: &Socket) -> Option<Socket> {
    let path = socket.path().display();
    match Socket::bind(socket.path(), MissingFolder::Refuse) {
        Ok(new) => {
            tracing::warn!("the socket {path} had vanished and was made anew");
            Some(new)
        }
        Err(error) => {
            tracing::error!("the socket {path} has vanished and cannot be made anew: {error}");
            None
        }
    }
}

fn listener_of(socket: &Socket) -> io::Result<UnixListener> {
    UnixListener::from_std(socket.listener().try_clone()?)
}

/// How long a vanished socket may stay missing. The kubelet's own retries are slower.
const LOOK: Duration = Duration::from_secs(15);

/// After an error of accept, which affects the whole process (no more files) and would otherwise
/// recur at once.
const PAUSE: Duration = Duration::from_millis(500);
