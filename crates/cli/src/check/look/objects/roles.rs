//! What runs the roles: a DaemonSet and a Deployment, whose command lines are read.

use serde::Deserialize;
use svid_api::bounded::{Few, Text};

use super::cluster::Memory;
use super::{Nothing, Object};

/// apps/v1 DaemonSet.
pub(crate) type DaemonSet = Object<RunsPods, DaemonSetStatus>;
/// apps/v1 Deployment.
pub(crate) type Deployment = Object<RunsPods, DeploymentStatus>;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RunsPods {
    /// Of a Deployment; absent means 1.
    pub(crate) replicas: Option<i64>,
    pub(crate) template: Template,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Template {
    pub(crate) spec: RolePod,
}

/// The pods of a role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RolePod {
    pub(crate) service_account_name: String,
    pub(crate) priority_class_name: Text<256>,
    pub(crate) containers: Few<Container, 8>,
    pub(crate) volumes: Few<RoleVolume, 64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Container {
    pub(crate) image: Text<512>,
    pub(crate) command: Few<Text<4096>, 128>,
    pub(crate) args: Few<Text<4096>, 128>,
    pub(crate) env: Few<Variable, 64>,
    pub(crate) resources: Resources,
    pub(crate) volume_mounts: Few<RoleMount, 64>,
}

/// An environment variable; one without a value has it from elsewhere.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Variable {
    pub(crate) name: Text<256>,
    pub(crate) value: Option<Text<4096>>,
    pub(crate) value_from: Option<ValueFrom>,
}

/// Where a value is from, if from the pod itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ValueFrom {
    pub(crate) field_ref: Option<Nothing>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Resources {
    pub(crate) limits: Memory,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RoleMount {
    pub(crate) name: Text<64>,
    pub(crate) mount_path: Text<4096>,
    pub(crate) sub_path: Text<4096>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RoleVolume {
    pub(crate) name: Text<64>,
    pub(crate) config_map: Option<ConfigMapVolume>,
    pub(crate) projected: Option<Nothing>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigMapVolume {
    pub(crate) name: Text<256>,
    pub(crate) items: Few<Item, 64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Item {
    pub(crate) key: Text<256>,
    pub(crate) path: Text<4096>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DaemonSetStatus {
    pub(crate) observed_generation: i64,
    pub(crate) desired_number_scheduled: i64,
    pub(crate) number_ready: i64,
    pub(crate) updated_number_scheduled: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeploymentStatus {
    pub(crate) available_replicas: i64,
    pub(crate) conditions: Few<super::Condition, 8>,
}

impl Container {
    /// What is run after the program's name; `$(NAME)` is replaced, and by `node` where the value
    /// is known on a node only. `None`: some of it is beyond all limits.
    pub(crate) fn words(&self) -> Option<Vec<String>> {
        if self.command.is_cut || self.args.is_cut {
            return None;
        }
        let command = self.command.kept.iter().skip(1);
        let words = command.chain(&self.args.kept);
        words.map(|word| self.expanded(word.whole()?)).collect()
    }

    /// A variable in its words whose value is in another object, and stays as it is written.
    pub(crate) fn taken_from_elsewhere(&self) -> Option<&str> {
        let words = || self.command.kept.iter().chain(&self.args.kept);
        let elsewhere = self.env.kept.iter().find(|variable| {
            let source = variable.value_from.as_ref();
            let written = format!("$({})", variable.name.beginning());
            variable.value.is_none()
                && source.is_some_and(|source| source.field_ref.is_none())
                && words().any(|word| word.beginning().contains(&written))
        });
        Some(elsewhere?.name.beginning())
    }

    fn expanded(&self, word: &str) -> Option<String> {
        let mut expanded = word.to_owned();
        for variable in &self.env.kept {
            let value = match (&variable.value, &variable.value_from) {
                (Some(value), _) => value.whole()?,
                (None, Some(ValueFrom { field_ref: None })) => continue,
                (None, Some(_)) => "node",
                (None, None) => "",
            };
            expanded = expanded.replace(&format!("$({})", variable.name.beginning()), value);
        }
        Some(expanded)
    }
}
