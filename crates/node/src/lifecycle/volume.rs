//! One volume, for everything that works on it.

use std::sync::Arc;

use svid_core::identity::SpiffeId;

use super::context::Context;
use super::status::StatusWriter;
use super::writer::Writer;
use crate::wish::Wish;

/// One volume: what is wanted, and the only ways to its files, its record and its status. Cheap
/// to clone.
#[derive(Clone)]
pub(super) struct Volume {
    pub(super) context: Arc<Context>,
    pub(super) wish: Arc<Wish>,
    pub(super) writer: Writer,
    pub(super) status: StatusWriter,
}

impl Volume {
    pub(super) fn namespace(&self) -> &str {
        self.wish.service_account.namespace()
    }

    pub(super) fn spiffe_id(&self) -> SpiffeId {
        SpiffeId::for_service_account(
            &self.context.settings.trust_domain,
            &self.wish.service_account,
        )
    }

    /// A request of this volume, for texts.
    pub(super) fn request(&self, name: &str) -> String {
        format!("the CertificateRequest {}/{name}", self.namespace())
    }
}
