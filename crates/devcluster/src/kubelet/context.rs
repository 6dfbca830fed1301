//! What the parts of a kubelet have in common.

use std::fmt;
use std::sync::Arc;

use super::options::KubeletOptions;
use super::registration::Drivers;
use super::status::Board;
use super::token_cache::TokenCache;
use crate::clock::Clock;
use crate::cluster::Objects;
use crate::store::Store;

/// What every part of a kubelet sees.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) options: Arc<KubeletOptions>,
    pub(super) node: String,
    pub(super) store: Arc<Store>,
    pub(super) objects: Objects,
    pub(super) drivers: Drivers,
    pub(super) tokens: Arc<TokenCache>,
    pub(super) board: Board,
    pub(super) clock: Clock,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.node)
    }
}

impl Context {
    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}
