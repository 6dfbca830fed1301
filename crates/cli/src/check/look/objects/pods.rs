//! Pods: the driver's own, and those with its volumes.

use serde::Deserialize;
use svid_api::bounded::{Few, Text};

use super::Object;

/// core/v1 Pod.
pub(crate) type Pod = Object<PodSpec, PodStatus>;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodSpec {
    pub(crate) node_name: String,
    pub(crate) service_account_name: String,
    pub(crate) volumes: Few<PodVolume, 64>,
    pub(crate) containers: Few<PodContainer, 64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PodVolume {
    pub(crate) name: Text<64>,
    pub(crate) csi: Option<CsiVolume>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CsiVolume {
    pub(crate) driver: Text<256>,
    pub(crate) read_only: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodContainer {
    pub(crate) volume_mounts: Few<PodMount, 64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodMount {
    pub(crate) name: Text<64>,
    pub(crate) sub_path: Text<64>,
    pub(crate) sub_path_expr: Text<64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodStatus {
    pub(crate) phase: Text<32>,
    pub(crate) container_statuses: Few<ContainerStatus, 64>,
    pub(crate) conditions: Few<super::Condition, 16>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ContainerStatus {
    pub(crate) ready: bool,
    pub(crate) state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ContainerState {
    pub(crate) waiting: Option<Waiting>,
}

/// Why a container does not run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Waiting {
    pub(crate) reason: Text<128>,
    pub(crate) message: Text<1024>,
}

impl Pod {
    /// Its volumes of a CSI driver.
    pub(crate) fn volumes_of<'a>(
        &'a self,
        driver: &'a str,
    ) -> impl Iterator<Item = (&'a PodVolume, &'a CsiVolume)> {
        let volumes = self.spec.volumes.kept.iter();
        volumes.filter_map(move |volume| {
            let csi = volume.csi.as_ref()?;
            (csi.driver.beginning() == driver).then_some((volume, csi))
        })
    }

    /// Whether it has volumes of a CSI driver and needs them: one that is finished does not, unless
    /// they are still to be unmounted.
    pub(crate) fn uses(&self, driver: &str) -> bool {
        !self.is_finished() && self.volumes_of(driver).next().is_some()
    }

    /// Whether it has more volumes than are read, and none of those that were is of the driver.
    pub(crate) fn may_use(&self, driver: &str) -> bool {
        let is_known = self.volumes_of(driver).next().is_some();
        self.spec.volumes.is_cut && !is_known && !self.is_finished()
    }

    fn is_finished(&self) -> bool {
        let phase = self.status.phase.beginning();
        matches!(phase, "Succeeded" | "Failed") && self.metadata.deletion_timestamp.is_none()
    }

    /// Whether its containers have not been started.
    pub(crate) fn is_pending(&self) -> bool {
        self.status.phase.beginning() == "Pending"
    }

    /// Whether all that runs in it is ready.
    pub(crate) fn is_ready(&self) -> bool {
        let mut conditions = self.status.conditions.kept.iter();
        conditions.any(|condition| {
            condition.kind.beginning() == "Ready" && condition.status.beginning() == "True"
        })
    }

    /// What its first container that does not run waits for.
    pub(crate) fn waiting(&self) -> Option<&Waiting> {
        let statuses = self.status.container_statuses.kept.iter();
        let mut idle = statuses.filter(|status| !status.ready);
        idle.find_map(|status| status.state.waiting.as_ref())
    }
}
