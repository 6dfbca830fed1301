//! Sockets, and registering with the kubelet.
//!
//! Owns the files of our sockets and what is served on them; knows nothing of what the services do.
//! One process per node: the kubelet's registration socket also serves the CSI services, which an
//! empty endpoint announces to the kubelet, so no registrar is needed beside us. Invariant: each of
//! our paths leads to a listening socket that only root can open, or to nothing.
//!
//! | file | owns |
//! | --- | --- |
//! | `socket` | making a socket appear and vanish |
//! | `accept` | accepting connections, for as long as the process lives |
//! | `registrar` | the plugin registration service |
//! | `serve` | what is served where, start and end |

mod accept;
mod registrar;
mod serve;
mod socket;
#[cfg(test)]
mod tests;

pub use registrar::RegistrationState;
pub use serve::{BindError, ServeError, Server, registration_name};
