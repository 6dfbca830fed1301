//! Any NodePublishVolume request: ids, paths, capability, attributes.
//!
//! Promises: the driver answers; what it accepts stays within the places that a kubelet names, is
//! read the same again, and says what the request said, whichever account creates the requests;
//! what it shows is bounded and holds no token.
//!
//! The input changes a valid request, entry by entry. 0xff ends an entry and 0xfe a key, since
//! neither can stand in a text. The first byte of a key says what is changed.

use std::path::Component;

use svid_api::csi::v1::NodePublishVolumeRequest;
use svid_api::csi::v1::volume_capability::{AccessType, BlockVolume, MountVolume};
use svid_node::credential::{Credential, RequestMode};
use svid_node::spec::{PublishRequest, TargetPath, VolumeId};

use crate::assert_tellable;
use crate::kubelet::{SIGNATURE, TOKENS, claims, jwt, read, request, tokens};

pub fn volume_context(data: &[u8]) {
    let mut request = request();
    for entry in data.split(|byte| *byte == END_OF_ENTRY) {
        change(&mut request, entry);
    }
    for requester in [RequestMode::Pod, RequestMode::Driver] {
        answer(&request, requester);
    }
}

fn answer(request: &NodePublishVolumeRequest, requester: RequestMode) {
    match read(request, requester) {
        Ok(published) => {
            assert_faithful(request, &published);
            match (&published.credential, requester) {
                (Credential::Pod(token), RequestMode::Pod) => {
                    assert!(!format!("{published:?}").contains(token.secret.as_str()));
                }
                // Nothing else says whose volume it is.
                (Credential::Driver, RequestMode::Driver) => {
                    let spec = &published.spec;
                    assert_eq!(spec.target.pod_uid(), Some(spec.pod.uid.as_str()));
                }
                (Credential::Pod(_) | Credential::Driver, _) => {
                    unreachable!("credentials are those of the installation")
                }
            }
        }
        Err(error) => {
            let text = error.to_string();
            assert_tellable(&text, 4000);
            let attributes = request.volume_context.iter();
            let attributes = attributes.filter(|(key, _)| *key != TOKENS);
            let attributes = attributes.map(|(_, value)| value);
            let told_by_the_stranger = [&request.volume_id, &request.target_path]
                .into_iter()
                .chain(attributes)
                .chain(mount_group(request))
                .any(|text| text.contains(SIGNATURE));
            assert!(told_by_the_stranger || !text.contains(SIGNATURE), "{text}");
        }
    }
}

fn mount_group(request: &NodePublishVolumeRequest) -> Option<&String> {
    match &request.volume_capability.as_ref()?.access_type {
        Some(AccessType::Mount(mount)) => Some(&mount.volume_mount_group),
        Some(AccessType::Block(_)) | None => None,
    }
}

fn change(request: &mut NodePublishVolumeRequest, entry: &[u8]) {
    let Some((what, entry)) = entry.split_first() else {
        return;
    };
    let mut parts = entry.splitn(2, |byte| *byte == END_OF_KEY);
    let mut part = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (first, second) = (part(), part());
    let mount = |mount| Some(AccessType::Mount(mount));
    let access = match *what {
        b'v' => return request.volume_id = first,
        b't' => return request.target_path = first,
        b'c' => return drop(request.volume_context.insert(first, second)),
        b'r' => return drop(request.volume_context.remove(&first)),
        b's' => return drop(request.secrets.insert(first, second)),
        b'x' => return request.secrets.clear(),
        b'w' => return request.readonly = false,
        b'n' => return request.volume_capability = None,
        b'b' => Some(AccessType::Block(BlockVolume {})),
        b'g' => mount(MountVolume {
            volume_mount_group: first,
            ..MountVolume::default()
        }),
        b'f' => mount(MountVolume {
            fs_type: first,
            mount_flags: vec![second],
            ..MountVolume::default()
        }),
        b'o' => None,
        _ => return,
    };
    if let Some(capability) = &mut request.volume_capability {
        capability.access_type = access;
    }
}

fn assert_faithful(request: &NodePublishVolumeRequest, published: &PublishRequest) {
    let PublishRequest { spec, .. } = published;
    assert_eq!(spec.volume.as_str(), request.volume_id);
    assert_eq!(
        VolumeId::parse(spec.volume.as_str()).as_ref(),
        Ok(&spec.volume)
    );
    let path = spec.target.as_path();
    let safe = |part| matches!(part, Component::RootDir | Component::Normal(_));
    assert!(path.is_absolute() && path.components().all(safe));
    assert_eq!(
        TargetPath::parse(path.to_str().unwrap()).as_ref(),
        Ok(&spec.target)
    );
    assert_eq!(
        path.to_str().unwrap(),
        request
            .target_path
            .strip_suffix('/')
            .unwrap_or(&request.target_path)
    );
    assert!(spec.target.pod_uid().is_none_or(|uid| uid == spec.pod.uid));
    let said = |key: &str| request.volume_context.get(key).map(String::as_str);
    let account = &spec.service_account;
    for (key, taken) in [
        ("csi.storage.k8s.io/ephemeral", "true"),
        ("csi.storage.k8s.io/pod.name", &spec.pod.name),
        ("csi.storage.k8s.io/pod.uid", &spec.pod.uid),
        ("csi.storage.k8s.io/pod.namespace", account.namespace()),
        ("csi.storage.k8s.io/serviceAccount.name", account.name()),
    ] {
        assert_eq!(said(key), Some(taken), "{key}");
    }
    assert!(request.readonly && spec.fs_group != Some(0));
}

/// Every kind of entry, alone and together.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    const GROUP: &str = "spiffe.csi.cert-manager.io/fs-group";
    let right = tokens(&jwt(claims().as_bytes()));
    let entries = [
        (b'v', "csi-1", ""),
        (b'v', "../x", ""),
        (b't', "/tmp/target/", ""),
        (
            b't',
            "/k/pods/another/volumes/kubernetes.io~csi/a/mount",
            "",
        ),
        (b't', "/a/../b", ""),
        (b'c', GROUP, "1000"),
        (b'c', GROUP, "4294967296"),
        (b'c', "colour", "blue"),
        (b'c', "csi.storage.k8s.io/pod.name", "web-2"),
        (b'c', "csi.storage.k8s.io/pod.uid", "../x"),
        (b'c', "csi.storage.k8s.io/pod.namespace", "Payments"),
        (b'c', "csi.storage.k8s.io/serviceAccount.name", "a..b"),
        (b'c', "csi.storage.k8s.io/ephemeral", "True"),
        (b'c', TOKENS, &right),
        (b'r', "csi.storage.k8s.io/pod.uid", ""),
        (b's', TOKENS, "{}"),
        (b's', TOKENS, &right),
        (b'x', "", ""),
        (b'w', "", ""),
        (b'n', "", ""),
        (b'b', "", ""),
        (b'g', "2000", ""),
        (b'f', "ext4", "ro,nosuid"),
        (b'o', "", ""),
    ];
    let one = |(what, first, second): &(u8, &str, &str)| {
        let (first, second) = (first.as_bytes(), second.as_bytes());
        [&[*what], first, &[END_OF_KEY], second, &[END_OF_ENTRY]].concat()
    };
    let mut seeds: Vec<Vec<u8>> = entries.iter().map(one).collect();
    let chosen = |wanted: &[usize]| {
        wanted
            .iter()
            .map(|at| one(&entries[*at]))
            .collect::<Vec<_>>()
    };
    seeds.push(chosen(&[0, 2, 5, 7, 21]).concat());
    seeds.push(chosen(&[13, 17, 22]).concat());
    seeds.push(Vec::new());
    seeds
}

const END_OF_ENTRY: u8 = 0xff;
const END_OF_KEY: u8 = 0xfe;
