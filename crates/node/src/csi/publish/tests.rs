//! Every rule of a NodePublishVolume request, and requests that no kubelet would send.

use super::*;
use crate::csi::fixture::{self, EXPIRY, POD_UID, PodInfo, SIGNATURE};
use crate::installation;
use svid_api::annotation::FS_GROUP;
use svid_api::csi::v1::volume_capability::BlockVolume;

const DRIVER: &str = "spiffe.csi.cert-manager.io";

fn read(request: &NodePublishVolumeRequest) -> Result<PublishRequest, PublishRequestError> {
    read_for(RequestMode::Pod, request)
}

fn read_for(
    requester: RequestMode,
    request: &NodePublishVolumeRequest,
) -> Result<PublishRequest, PublishRequestError> {
    let installation = Installation {
        requester,
        ..installation::fixture()
    };
    parse(
        request,
        &installation,
        Timestamp::from_second(EXPIRY - 600).unwrap(),
    )
}

fn token(credential: &Credential) -> &PodToken {
    match credential {
        Credential::Pod(token) => token,
        Credential::Driver => panic!("the driver's own"),
    }
}

fn set(map: &mut BTreeMap<String, String>, key: &str, value: &str) {
    map.insert(key.to_owned(), value.to_owned());
}

/// A rule's name, how a request comes to break it, and words that the error must contain.
type Break = (
    &'static str,
    fn(&mut NodePublishVolumeRequest),
    &'static [&'static str],
);

#[test]
fn reads_what_the_kubelet_sends() {
    let PublishRequest { spec, credential } = read(&fixture::request()).unwrap();
    assert_eq!(spec.volume.as_str().len(), 68);
    assert_eq!(spec.target.pod_uid(), Some(POD_UID));
    assert_eq!(
        spec.pod,
        Pod {
            name: "sleep-1".to_owned(),
            uid: POD_UID.to_owned()
        }
    );
    assert_eq!(
        spec.service_account.username(),
        "system:serviceaccount:sandbox:sleep"
    );
    assert_eq!(spec.fs_group, None);
    assert_eq!(token(&credential).expires_at.as_second(), EXPIRY);
}

#[test]
fn names_the_field_of_every_broken_rule() {
    let table: [Break; 24] = [
        ("volume id missing", |r| r.volume_id.clear(), &["volume_id"]),
        (
            "volume id leaves its folder",
            |r| r.volume_id = "../x".into(),
            &["volume_id"],
        ),
        (
            "target missing",
            |r| r.target_path.clear(),
            &["target_path"],
        ),
        (
            "target leaves its folder",
            |r| r.target_path.push_str("/../x"),
            &["target_path"],
        ),
        (
            "target relative",
            |r| r.target_path = "a/b".into(),
            &["target_path"],
        ),
        (
            "no capability",
            |r| r.volume_capability = None,
            &["volume_capability"],
        ),
        (
            "block",
            |r| {
                r.volume_capability = Some(VolumeCapability {
                    access_type: Some(AccessType::Block(BlockVolume {})),
                    ..VolumeCapability::default()
                });
            },
            &["volume_capability.block"],
        ),
        (
            "no access type",
            |r| r.volume_capability = Some(VolumeCapability::default()),
            &["volume_capability.mount"],
        ),
        (
            "writable",
            |r| r.readonly = false,
            &["readonly", "readOnly: true"],
        ),
        (
            "context too large",
            |r| set(&mut r.volume_context, "colour", &"x".repeat(CONTEXT_LIMIT)),
            &["volume_context"],
        ),
        (
            "not said to be ephemeral",
            |r| drop(r.volume_context.remove(EPHEMERAL_KEY)),
            &[EPHEMERAL_KEY, DRIVER],
        ),
        (
            "not ephemeral",
            |r| set(&mut r.volume_context, EPHEMERAL_KEY, "True"),
            &[EPHEMERAL_KEY],
        ),
        (
            "no pod name",
            |r| drop(r.volume_context.remove(POD_NAME_KEY)),
            &[POD_NAME_KEY, DRIVER],
        ),
        (
            "no namespace",
            |r| set(&mut r.volume_context, NAMESPACE_KEY, ""),
            &[NAMESPACE_KEY, "podInfoOnMount"],
        ),
        (
            "no uid",
            |r| drop(r.volume_context.remove(POD_UID_KEY)),
            &[POD_UID_KEY],
        ),
        (
            "no service account",
            |r| drop(r.volume_context.remove(SERVICE_ACCOUNT_KEY)),
            &[SERVICE_ACCOUNT_KEY],
        ),
        (
            "illegal namespace",
            |r| set(&mut r.volume_context, NAMESPACE_KEY, "kube.system"),
            &[NAMESPACE_KEY],
        ),
        (
            "illegal service account",
            |r| set(&mut r.volume_context, SERVICE_ACCOUNT_KEY, "a/../b"),
            &[SERVICE_ACCOUNT_KEY],
        ),
        (
            "illegal pod name",
            |r| set(&mut r.volume_context, POD_NAME_KEY, "A_b"),
            &[POD_NAME_KEY],
        ),
        (
            "illegal uid",
            |r| set(&mut r.volume_context, POD_UID_KEY, "../x"),
            &[POD_UID_KEY],
        ),
        (
            "target of another pod",
            |r| r.target_path = r.target_path.replace(POD_UID, "other"),
            &["target_path", "other"],
        ),
        (
            "no token",
            |r| r.secrets.clear(),
            &[
                TOKENS_KEY,
                "tokenRequests",
                "serviceAccountTokenInSecrets",
                DRIVER,
            ],
        ),
        (
            "token does not parse",
            |r| set(&mut r.secrets, TOKENS_KEY, "{"),
            &["secrets", TOKENS_KEY, "JSON"],
        ),
        (
            "fs-group",
            |r| set(&mut r.volume_context, FS_GROUP, "wheel"),
            &["volume_context", FS_GROUP],
        ),
    ];
    for (rule, break_it, words) in table {
        let mut request = fixture::request();
        break_it(&mut request);
        let error = read(&request).expect_err(rule).to_string();
        for word in words {
            assert!(error.contains(word), "{rule}: {error}");
        }
        assert!(!error.contains(SIGNATURE), "{rule}: {error}");
    }
}

#[test]
fn uids_are_as_kubernetes_has_them() {
    for good in [POD_UID, "0123456789abcdef0123456789abcdef", &"a".repeat(63)] {
        assert!(
            Pod::new("web".to_owned(), good.to_owned()).is_ok(),
            "{good}"
        );
    }
    for bad in ["", ".", "..", "a/b", "a b", "a\n", "ä", &"a".repeat(64)] {
        assert!(
            Pod::new("web".to_owned(), bad.to_owned()).is_err(),
            "{bad:?}"
        );
    }
}

#[test]
fn the_token_in_secrets_wins_over_one_that_a_user_put_into_the_context() {
    let mut request = fixture::request();
    set(&mut request.volume_context, TOKENS_KEY, "{forged");
    assert!(read(&request).is_ok());

    let mut before_1_35 = fixture::request();
    let tokens = before_1_35.secrets.remove(TOKENS_KEY).unwrap();
    set(&mut before_1_35.volume_context, TOKENS_KEY, &tokens);
    assert!(read(&before_1_35).is_ok());

    request.secrets.clear();
    let error = read(&request).unwrap_err().to_string();
    assert!(error.starts_with("volume_context["), "{error}");
}

#[test]
fn a_forged_pod_info_or_token_gains_nothing() {
    // Without podInfoOnMount the pod's author writes these keys; the token tells them apart.
    let forged = PodInfo {
        namespace: "kube-system",
        ..PodInfo::default()
    };
    let mut request = fixture::request();
    set(&mut request.volume_context, NAMESPACE_KEY, forged.namespace);
    assert!(matches!(
        read(&request),
        Err(PublishRequestError::Token { .. })
    ));

    // Another pod's token, in the place where a user can put one.
    let mut request = fixture::request();
    request.secrets.clear();
    set(
        &mut request.volume_context,
        TOKENS_KEY,
        &fixture::tokens(&forged, EXPIRY),
    );
    assert!(matches!(
        read(&request),
        Err(PublishRequestError::Token { .. })
    ));
}

#[test]
fn in_node_attested_mode_no_token_is_needed_or_looked_at() {
    let expected = read(&fixture::request()).unwrap().spec;
    let changes: [fn(&mut NodePublishVolumeRequest); 3] = [
        |_| {},
        |r| r.secrets.clear(),
        |r| set(&mut r.volume_context, TOKENS_KEY, "garbage"),
    ];
    for change in changes {
        let mut request = fixture::request();
        change(&mut request);
        let read = read_for(RequestMode::Driver, &request).unwrap();
        assert_eq!(read.spec, expected);
        assert!(matches!(read.credential, Credential::Driver));
    }
}

#[test]
fn in_node_attested_mode_the_kubelets_path_says_whose_volume_it_is() {
    let mut request = fixture::request();
    set(&mut request.volume_context, POD_UID_KEY, "u-2");
    let refused = read_for(RequestMode::Driver, &request).unwrap_err();
    assert!(matches!(
        refused,
        PublishRequestError::TargetOfAnotherPod { .. }
    ));
    for target in [
        "/tmp/csi-mount/target",
        "/var/lib/kubelet/pods/volumes/kubernetes.io~csi/spiffe/mount",
        "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/spiffe",
    ] {
        let mut request = fixture::request();
        request.target_path = target.to_owned();
        let refused = read_for(RequestMode::Driver, &request).unwrap_err();
        assert_eq!(refused, PublishRequestError::TargetOfNoPod, "{target}");
        assert!(read(&request).is_ok(), "{target}: a token says it");
    }
    for key in [
        NAMESPACE_KEY,
        POD_NAME_KEY,
        POD_UID_KEY,
        SERVICE_ACCOUNT_KEY,
    ] {
        let mut request = fixture::request();
        request.volume_context.remove(key);
        let refused = read_for(RequestMode::Driver, &request).unwrap_err();
        assert!(refused.to_string().contains("podInfoOnMount"), "{refused}");
    }
}

#[test]
fn other_attributes_flags_and_file_system_types_change_nothing() {
    let expected = read(&fixture::request()).unwrap();
    let mut request = fixture::request();
    for (key, value) in [
        ("", ""),
        (
            "spiffe.csi.cert-manager.io/identity",
            "spiffe://cluster.local/ns/kube-system/sa/admin",
        ),
        ("csi.storage.k8s.io/pod.Name", "other"),
        ("CSI.STORAGE.K8S.IO/POD.NAME", "other"),
        ("csi.storage.k8s.io/pod.name ", "other"),
        ("\0\n", "\u{202e}"),
    ] {
        set(&mut request.volume_context, key, value);
    }
    set(&mut request.secrets, "csi.storage.k8s.io/pod.name", "other");
    set(&mut request.publish_context, POD_NAME_KEY, "other");
    request.staging_target_path = "/etc".to_owned();
    request.volume_capability = Some(VolumeCapability {
        access_type: Some(AccessType::Mount(MountVolume {
            fs_type: "ext4".to_owned(),
            mount_flags: vec!["exec".to_owned(), "rw".to_owned()],
            ..MountVolume::default()
        })),
        ..VolumeCapability::default()
    });
    let read = read(&request).unwrap();
    assert_eq!(read.spec, expected.spec);
    let secret = |read: &PublishRequest| token(&read.credential).secret.clone();
    assert_eq!(*secret(&read), *secret(&expected));
}

#[test]
fn an_expired_token_is_refused_with_both_times() {
    let mut request = fixture::request();
    let expired = fixture::tokens(&PodInfo::default(), EXPIRY - 601);
    set(&mut request.secrets, TOKENS_KEY, &expired);
    let error = read(&request).unwrap_err().to_string();
    assert!(error.contains("2030-03-17T17:36:39Z"), "{error}");
    assert!(error.contains("2030-03-17T17:36:40Z"), "{error}");
}

#[test]
fn targets_of_other_orchestrators_name_no_pod_and_are_taken() {
    let mut request = fixture::request();
    request.target_path = "/tmp/csi-mount/target".to_owned();
    assert!(read(&request).is_ok());
}

#[test]
fn logs_name_a_pod_only_where_its_name_is_legal() {
    let mut request = fixture::request();
    assert_eq!(pod_for_logs(&request), Some(("sandbox", "sleep-1")));
    set(&mut request.volume_context, POD_NAME_KEY, "a\nb");
    assert_eq!(pod_for_logs(&request), None);
}

/// Numbers that look random and are the same in every run (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below).unwrap()).unwrap()
    }

    fn mutate(&mut self, text: &mut String) {
        let mut characters: Vec<char> = text.chars().collect();
        let place = self.next(characters.len() + 1);
        let odd = [
            '\0',
            '/',
            '.',
            '\n',
            '"',
            '{',
            '}',
            'ä',
            '0',
            '-',
            '\u{10ffff}',
            ' ',
        ];
        match self.next(4) {
            0 => characters.insert(place, odd[self.next(odd.len())]),
            1 => characters.truncate(place),
            2 if place < characters.len() => characters[place] = odd[self.next(odd.len())],
            2 => characters.clear(),
            _ => characters.extend_from_within(..place),
        }
        *text = characters.into_iter().collect();
    }

    fn mutate_map(&mut self, map: &mut BTreeMap<String, String>) {
        if map.is_empty() {
            return;
        }
        let index = self.next(map.len());
        let key = map.keys().nth(index).unwrap().clone();
        if self.next(8) == 0 {
            let value = map.remove(&key).unwrap();
            let mut key = key;
            self.mutate(&mut key);
            map.insert(key, value);
        } else {
            self.mutate(map.get_mut(&key).unwrap());
        }
    }
}

#[test]
fn no_mutated_request_panics_tells_a_secret_or_changes_whose_volume_it_is() {
    let expected = read(&fixture::request()).unwrap().spec;
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..20_000 {
        let mut request = fixture::request();
        if round % 2 == 0 {
            let tokens = request.secrets.remove(TOKENS_KEY).unwrap();
            set(&mut request.volume_context, TOKENS_KEY, &tokens);
        }
        for _ in 0..=numbers.next(3) {
            match numbers.next(8) {
                0 => numbers.mutate(&mut request.volume_id),
                1 => numbers.mutate(&mut request.target_path),
                2 => numbers.mutate_map(&mut request.secrets),
                3 => request.volume_capability = Some(fixture::mount("2000")),
                _ => numbers.mutate_map(&mut request.volume_context),
            }
        }
        match read(&request) {
            Ok(PublishRequest { spec, .. }) => {
                taken += 1;
                assert_eq!(spec.pod, expected.pod);
                assert_eq!(spec.service_account, expected.service_account);
            }
            Err(error) => {
                refused += 1;
                let text = error.to_string();
                assert!(!text.contains("U0VDUkVU"), "{text}");
                assert!(text.len() < 2000, "{text}");
                assert!(!text.chars().any(char::is_control), "{text:?}");
            }
        }
    }
    assert!(
        taken > 500 && refused > 5000,
        "{taken} taken, {refused} refused"
    );
}
