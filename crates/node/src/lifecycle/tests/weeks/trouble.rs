//! What may be wrong with the cluster.

use std::time::Duration;

use svid_client::ApiError;

use super::super::fake::{Answering, Creating, Fault};
use super::super::world::World;

/// What is wrong with the cluster for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The API server refuses connections.
    Away,
    /// The API server takes calls and answers none.
    Hanging,
    /// The API server answers creates with 500.
    Failing,
    /// The API server accepts creates, and the answers are lost.
    Losing,
    /// The approver denies everything.
    Denying,
    /// The issuer gives up on everything.
    GivingUp,
    /// Nobody answers, ever.
    Ignoring,
    /// The issuer takes minutes.
    Slow,
    /// The issuer takes a while, and no watch hears of it.
    Deaf,
    /// The issuer takes a while, and watches break.
    Breaking,
    /// The kubelet brings no tokens.
    Late,
}

/// All of them.
pub(super) const TROUBLES: [Trouble; 11] = [
    Trouble::Away,
    Trouble::Hanging,
    Trouble::Failing,
    Trouble::Losing,
    Trouble::Denying,
    Trouble::GivingUp,
    Trouble::Ignoring,
    Trouble::Slow,
    Trouble::Deaf,
    Trouble::Breaking,
    Trouble::Late,
];

impl Trouble {
    pub(super) async fn begin(self, world: &World) {
        let api = &world.api;
        let cut = || ApiError::Unreachable("no route to host".to_owned());
        match self {
            Self::Away => {
                api.set_outage(Some(cut()));
                world.line.cut(true).await;
            }
            Self::Hanging => {
                api.set_outage(Some(ApiError::TimedOut(HANGING)));
                world.line.cut(true).await;
            }
            Self::Failing => api.always_create(Creating::Refuse(ApiError::Failed {
                code: 500,
                message: "etcdserver: request timed out".to_owned(),
                retry_after: None,
            })),
            Self::Losing => api.always_create(Creating::Lose(cut())),
            Self::Denying => api.always_answer(Answering::Deny("no")),
            Self::GivingUp => api.always_answer(Answering::Fail("no")),
            Self::Ignoring => api.always_answer(Answering::Nothing),
            Self::Slow => api.always_answer(Answering::IssueAfter(SLOW)),
            Self::Deaf => {
                api.always_answer(Answering::IssueAfter(SLOW / 4));
                api.silence_watches();
            }
            Self::Breaking => api.always_answer(Answering::IssueAfter(SLOW / 4)),
            Self::Late => {}
        }
    }

    /// What happens over and over while it lasts.
    pub(super) fn go_on(self, world: &World) {
        if self == Self::Breaking {
            world.api.end_watches(Some(ApiError::Expired));
        }
    }

    pub(super) async fn end(self, world: &World) {
        let api = &world.api;
        api.set_outage(None);
        api.always_create(Creating::Take);
        api.always_answer(Answering::Issue(Fault::None));
        api.hear_watches();
        if matches!(self, Self::Away | Self::Hanging) {
            world.line.cut(false).await;
        }
    }
}

/// Longer than any create is waited for.
const HANGING: Duration = Duration::from_secs(35);
/// How long a slow issuer takes.
pub(super) const SLOW: Duration = Duration::from_secs(240);
