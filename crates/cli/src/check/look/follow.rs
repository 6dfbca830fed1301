//! Owns following a path in a container to the ConfigMap that it is from.

use std::path::Path;

use super::objects::{Container, DaemonSet};

/// Where a file of a container is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nothing is mounted there.
    Nowhere,
    /// Mounted by `subPath`.
    SubPath,
    /// From a projected volume.
    Projected,
    /// From a volume that is no ConfigMap.
    Elsewhere,
    /// From this key of this ConfigMap.
    ConfigMap { name: String, key: String },
}

/// Follows a path by the longest mount that leads to it.
pub(super) fn source(set: &DaemonSet, container: &Container, file: &Path) -> Source {
    let mounts = container.volume_mounts.kept.iter().filter_map(|mount| {
        let below = file.strip_prefix(mount.mount_path.whole()?).ok()?;
        Some((mount, below))
    });
    let longest = mounts.min_by_key(|(_, below)| below.components().count());
    let Some((mount, below)) = longest else {
        return Source::Nowhere;
    };
    if !mount.sub_path.beginning().is_empty() {
        return Source::SubPath;
    }
    let volumes = &set.spec.template.spec.volumes.kept;
    let Some(volume) = volumes.iter().find(|volume| volume.name == mount.name) else {
        return Source::Nowhere;
    };
    let Some(map) = &volume.config_map else {
        return match volume.projected {
            Some(_) => Source::Projected,
            None => Source::Elsewhere,
        };
    };
    let path = below.to_string_lossy();
    let mut items = map.items.kept.iter();
    let key = if map.items.kept.is_empty() {
        path.clone().into_owned()
    } else if let Some(item) = items.find(|item| item.path.whole() == Some(path.as_ref())) {
        item.key.beginning().to_owned()
    } else {
        return Source::Nowhere;
    };
    Source::ConfigMap {
        name: map.name.beginning().to_owned(),
        key,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn followed(volume: &serde_json::Value, mount: &serde_json::Value, file: &str) -> Source {
        let spec = json!({
            "containers": [{"volumeMounts": [{"name": "data", "mountPath": "/"}, mount]}],
            "volumes": [{"name": "data", "hostPath": {"path": "/x"}}, volume],
        });
        let set = json!({"spec": {"template": {"spec": spec}}});
        let set: DaemonSet = serde_json::from_value(set).unwrap();
        source(
            &set,
            &set.spec.template.spec.containers.kept[0],
            Path::new(file),
        )
    }

    #[test]
    fn a_file_is_followed_to_its_config_map_by_the_longest_mount() {
        let mount = json!({"name": "roots", "mountPath": "/roots"});
        let map = |name: &str, key: &str| Source::ConfigMap {
            name: name.to_owned(),
            key: key.to_owned(),
        };
        let plain = json!({"name": "roots", "configMap": {"name": "r"}});
        let items = json!({"key": "root.pem", "path": "ca.crt"});
        let renamed = json!({"name": "roots", "configMap": {"name": "r", "items": [items]}});
        let secret = json!({"name": "roots", "secret": {"secretName": "r"}});
        let projected = json!({"name": "roots", "projected": {"sources": []}});
        let by_sub_path =
            json!({"name": "roots", "mountPath": "/roots/ca.crt", "subPath": "ca.crt"});
        for (volume, mount, file, expected) in [
            (&plain, &mount, "/roots/ca.crt", map("r", "ca.crt")),
            (&renamed, &mount, "/roots/ca.crt", map("r", "root.pem")),
            (&renamed, &mount, "/roots/root.pem", Source::Nowhere),
            (&projected, &mount, "/roots/ca.crt", Source::Projected),
            (&secret, &mount, "/roots/ca.crt", Source::Elsewhere),
            (&plain, &mount, "/rootsx/ca.crt", Source::Elsewhere),
            (&plain, &by_sub_path, "/roots/ca.crt", Source::SubPath),
        ] {
            assert_eq!(followed(volume, mount, file), expected, "{file}");
        }
    }
}
