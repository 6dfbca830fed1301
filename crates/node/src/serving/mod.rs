//! The kubelet's sockets, and registering with it.
//!
//! Owns what is served on them; knows nothing of what the services do. One process per node: the
//! registration socket also serves the CSI services, which an empty endpoint announces to the
//! kubelet, so no registrar is needed beside us.
//!
//! | file | owns |
//! | --- | --- |
//! | `registrar` | the plugin registration service |
//! | `serve` | what is served where, start and end |

#[cfg(test)]
pub(crate) mod fixture;
mod registrar;
mod serve;
#[cfg(test)]
mod tests;

pub use registrar::RegistrationState;
pub use serve::{BindError, ServeError, Server, registration_name};
