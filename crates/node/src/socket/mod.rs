//! The files of our Unix sockets.
//!
//! Owns binding them and accepting connections; knows nothing of what is served. Invariant: each of
//! our paths leads to a listening socket that only root can open, or to nothing.
//!
//! | file | owns |
//! | --- | --- |
//! | `file` | making a socket appear and vanish, and connecting to one |
//! | `listener` | accepting connections, for as long as the process lives |

mod file;
mod listener;

pub use file::{Socket, SocketError, connect};
pub use listener::SocketListener;

pub(crate) use file::MissingFolder;
