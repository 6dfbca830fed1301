//! Which group may read the files.

use std::collections::BTreeMap;

use svid_api::annotation::FS_GROUP;
use svid_api::csi::v1::volume_capability::MountVolume;
use svid_core::text::quote;

use super::PublishRequestError;

/// The group of the volume attribute if there is one, else that of the pod's security context,
/// which the kubelet sends as the capability's `volume_mount_group`. Empty means none in both.
pub(super) fn choose(
    context: &BTreeMap<String, String>,
    mount: &MountVolume,
) -> Result<Option<u32>, PublishRequestError> {
    let attribute = context.get(FS_GROUP).map_or("", String::as_str);
    match (attribute, mount.volume_mount_group.as_str()) {
        ("", "") => Ok(None),
        ("", group) => parse("volume_capability.mount.volume_mount_group", group).map(Some),
        (group, _) => parse(ATTRIBUTE_FIELD, group).map(Some),
    }
}

/// Group 0 is refused: it is root's, and root reads the files anyway; requesting it is a mistake.
fn parse(field: &'static str, text: &str) -> Result<u32, PublishRequestError> {
    let digits = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(group @ 1..) if digits => Ok(group),
        Ok(_) | Err(_) => Err(PublishRequestError::FsGroup {
            field,
            value: quote(text),
        }),
    }
}

const ATTRIBUTE_FIELD: &str = "volume_context[\"spiffe.csi.cert-manager.io/fs-group\"]";

#[cfg(test)]
mod tests {
    use super::*;

    fn group(attribute: Option<&str>, mount_group: &str) -> Result<Option<u32>, String> {
        let context = attribute.map(|value| (FS_GROUP.to_owned(), value.to_owned()));
        let mount = MountVolume {
            volume_mount_group: mount_group.to_owned(),
            ..MountVolume::default()
        };
        choose(&context.into_iter().collect(), &mount).map_err(|error| error.to_string())
    }

    #[test]
    fn the_attribute_wins_over_the_pods_group() {
        let table = [
            (None, "", None),
            (Some(""), "", None),
            (None, "2000", Some(2000)),
            (Some(""), "2000", Some(2000)),
            (Some("1000"), "2000", Some(1000)),
            (Some("1000"), "nonsense", Some(1000)),
            (Some("1"), "", Some(1)),
            (Some("0042"), "", Some(42)),
            (Some("4294967295"), "", Some(u32::MAX)),
        ];
        for (attribute, mount_group, expected) in table {
            assert_eq!(
                group(attribute, mount_group),
                Ok(expected),
                "{attribute:?} {mount_group}"
            );
        }
    }

    #[test]
    fn what_is_no_group_is_refused_with_the_fields_name() {
        assert!(ATTRIBUTE_FIELD.contains(FS_GROUP));
        for bad in [
            "0",
            "00",
            "-1",
            "+1",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x10",
            "4294967296",
            "99999999999",
            "00000000001",
            "root",
            "١",
            "1\0",
            "1\n",
        ] {
            let error = group(Some(bad), "1000").unwrap_err();
            assert!(error.contains("fs-group"), "{bad:?}: {error}");
            let error = group(None, bad).unwrap_err();
            assert!(error.contains("volume_mount_group"), "{bad:?}: {error}");
        }
        assert!(group(Some(&"9".repeat(60_000)), "").unwrap_err().len() < 300);
    }
}
