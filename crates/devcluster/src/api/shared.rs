//! What the parts of the API server have in common.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::RequestLog;
use crate::admission::Admission;
use crate::auth::{Permissions, Tokens};
use crate::clock::Clock;
use crate::faults::Faults;
use crate::store::Store;

#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    pub(crate) tokens: Tokens,
    pub(crate) permissions: Permissions,
    pub(crate) admission: Admission,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
    /// How often a watch that asked for bookmarks gets one.
    pub(crate) bookmarks: Duration,
    /// Ends every watch and every hanging request.
    pub(crate) shutdown: CancellationToken,
}
