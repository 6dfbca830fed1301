//! What Kubernetes and cert-manager promise, as far as this project relies on it.
//!
//! Owns one function per promise, each named as a sentence. Knows only HTTP: it takes clients, and
//! so checks the embedded API server (`devcluster/tests/contract`) and a real one alike. That is
//! what keeps the embedded one faithful. Nothing here may rely on injected faults, on a manipulated
//! clock or on anything that only one of the two has.
//!
//! Promises that a real server keeps only after a while (garbage collection, a token that expires
//! with its pod) are waited for. Every promise has a namespace of its own, so they may run side by
//! side.
//!
//! Against a real server, as administrator and with cert-manager installed:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use kube::{Client, Config};
//!
//! let config = Config::infer().await?;
//! let administrator = Client::try_from(config.clone())?;
//! let bearer = move |token: Option<&str>| {
//!     let mut config = config.clone();
//!     config.auth_info = kube::config::AuthInfo::default();
//!     config.auth_info.token = token.map(|token| token.to_owned().into());
//!     Client::try_from(config).expect("client")
//! };
//! let grant = svid_contract::rbac(administrator.clone());
//! let server = svid_contract::Server::new(administrator, bearer, grant);
//! for contract in svid_contract::contracts() {
//!     println!("{}", contract.name());
//!     contract.check(&server).await; // panics, and says what was promised
//! }
//! # Ok(())
//! # }
//! ```

#![allow(
    missing_docs,
    reason = "nothing of it ships: what a name says here is not said again"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a promise that is not kept ends the check by a panic that names it"
)]

mod admission;
mod lists;
mod namespace;
mod objects;
mod patches;
mod pods;
mod rbac;
mod requests;
mod rights;
mod server;
mod watches;

use futures::future::BoxFuture;

use namespace::TestNamespace;
pub use rbac::rbac;
pub use server::{Grant, Right, Server};

/// One promise.
#[derive(Clone, Copy)]
pub struct Contract {
    name: &'static str,
    run: fn(TestNamespace) -> BoxFuture<'static, ()>,
}

impl Contract {
    /// The promise as a sentence.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Checks it in a namespace of its own, which is deleted afterwards.
    ///
    /// # Panics
    /// If the promise is not kept.
    pub async fn check(&self, server: &Server) {
        let room = TestNamespace::open(server).await;
        (self.run)(room.clone()).await;
        room.close().await;
    }
}

pub fn contracts() -> Vec<Contract> {
    [
        objects::CONTRACTS,
        patches::CONTRACTS,
        lists::CONTRACTS,
        pods::CONTRACTS,
        watches::CONTRACTS,
        rights::CONTRACTS,
        admission::CONTRACTS,
    ]
    .concat()
}

/// The contracts that these functions of a [`TestNamespace`] are.
macro_rules! named {
    ($($name:ident),* $(,)?) => {
        &[$($crate::Contract {
            name: stringify!($name),
            run: |room| Box::pin($name(room)),
        }),*]
    };
}
use named;
