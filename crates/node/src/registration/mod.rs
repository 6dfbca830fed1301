//! Sockets, and making ourselves known to the kubelet.
//!
//! Owns the files of our sockets and who is served on them; knows nothing of what the services
//! do. One process a node: the kubelet's registration socket also serves the CSI services, which
//! the kubelet is told by an empty endpoint, so no registrar is needed beside us. Invariant: a
//! path of ours leads to a listening socket that root alone can open, or to nothing.
//!
//! | file | owns |
//! | --- | --- |
//! | `socket` | making a socket appear and vanish |
//! | `accept` | taking connections, for life |
//! | `registrar` | the plugin registration service |
//! | `serve` | who is served where, start and end |

mod accept;
mod registrar;
mod serve;
mod socket;
#[cfg(test)]
mod tests;

pub use registrar::RegistrationState;
pub use serve::{BindError, ServeError, Server, registration_name};
