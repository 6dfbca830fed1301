//! A kubelet's side of the sockets: the generated clients over real Unix sockets.

use std::path::Path;
use std::time::Duration;

use svid_api::csi::v1::identity_client::IdentityClient;
use svid_api::csi::v1::node_client::NodeClient;
use svid_api::csi::v1::{
    GetPluginInfoRequest, NodeGetInfoRequest, NodeUnpublishVolumeRequest, ProbeRequest,
};
use svid_api::registration::v1::registration_client::RegistrationClient;
use svid_api::registration::v1::{InfoRequest, RegistrationStatus};
use tokio::net::UnixStream;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use super::fixture::{DRIVER, LIMIT, Running, bind};
use super::*;
use crate::installation;

async fn channel(path: &Path) -> Channel {
    let uri = format!("unix://{}", path.display());
    Endpoint::from_shared(uri).unwrap().connect().await.unwrap()
}

/// How the kubelet's registration client names its peer: by the socket's path, encoded as grpc-go
/// does it.
fn kubelets_authority(path: &Path) -> String {
    let path = path.to_str().unwrap();
    let kept = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]@".contains(byte);
    let encoded = path.bytes().map(|byte| {
        if kept(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    encoded.collect()
}

#[test]
fn the_name_that_the_kubelet_gives_the_registration_socket_is_a_legal_authority() {
    let folder = Path::new("/var/lib/kubelet/plugins_registry");
    let authority =
        kubelets_authority(&folder.join(registration_name(&installation::fixture().driver_name)));
    // The parser is the one the server uses.
    assert!(
        http::uri::Authority::try_from(authority.as_str()).is_ok(),
        "{authority}"
    );
    let usual = kubelets_authority(&folder.join("spiffe.csi.cert-manager.io-reg.sock"));
    assert!(
        http::uri::Authority::try_from(usual.as_str()).is_err(),
        "{usual}"
    );
}

#[tokio::test]
async fn a_kubelet_finds_registration_and_the_csi_services_on_one_socket() {
    let mut running = Running::start();
    let channel = channel(&running.registration()).await;
    let mut registration = RegistrationClient::new(channel.clone());
    let info = registration
        .get_info(InfoRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (info.r#type.as_str(), info.name.as_str()),
        ("CSIPlugin", DRIVER)
    );
    assert_eq!(
        (info.endpoint.as_str(), info.supported_versions),
        ("", vec!["1.0.0".to_owned()])
    );

    let node = NodeClient::new(channel.clone())
        .node_get_info(NodeGetInfoRequest {})
        .await;
    assert_eq!(node.unwrap().into_inner().node_id, "node-1");
    let probe = IdentityClient::new(channel).probe(ProbeRequest {}).await;
    assert_eq!(probe.unwrap().into_inner().ready, Some(true));

    assert_eq!(*running.registered.borrow(), RegistrationState::Unheard);
    for (plugin_registered, error, state) in [
        (
            false,
            "no node",
            RegistrationState::Refused("no node".to_owned()),
        ),
        (true, "", RegistrationState::Registered),
    ] {
        let status = RegistrationStatus {
            plugin_registered,
            error: error.to_owned(),
        };
        registration
            .notify_registration_status(status)
            .await
            .unwrap();
        assert_eq!(*running.registered.borrow_and_update(), state);
    }
    running.stop().await;
}

#[tokio::test]
async fn the_endpoint_serves_csi_and_leaves_registration_to_the_other_socket() {
    let running = Running::start();
    let channel = channel(&running.endpoint()).await;
    let info = IdentityClient::new(channel.clone())
        .get_plugin_info(GetPluginInfoRequest {})
        .await;
    assert_eq!(info.unwrap().into_inner().name, DRIVER);
    let refused = RegistrationClient::new(channel)
        .get_info(InfoRequest {})
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    running.stop().await;
}

#[tokio::test]
async fn errors_of_binding_name_the_flag() {
    let scratch = tempfile::tempdir().unwrap();
    let error = bind(scratch.path()).unwrap_err().to_string();
    assert!(error.starts_with("--kubelet-registration-dir: "), "{error}");
    assert!(
        !scratch.path().join("plugin/csi.sock").exists(),
        "what was bound goes again"
    );
    std::fs::create_dir_all(scratch.path().join("plugin/csi.sock")).unwrap();
    let error = bind(scratch.path()).unwrap_err().to_string();
    assert!(error.starts_with("--endpoint: "), "{error}");
}

#[tokio::test]
async fn a_socket_that_vanished_is_made_anew_and_counts_as_not_registered() {
    let running = Running::start();
    let path = running.registration();
    let status = RegistrationStatus {
        plugin_registered: true,
        error: String::new(),
    };
    let mut kubelet = RegistrationClient::new(channel(&path).await);
    kubelet.notify_registration_status(status).await.unwrap();
    drop(kubelet);
    assert_eq!(*running.registered.borrow(), RegistrationState::Registered);
    std::fs::remove_file(&path).unwrap();
    tokio::time::pause();
    let found = async {
        while UnixStream::connect(&path).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LIMIT, found)
        .await
        .expect("made anew in time");
    tokio::time::resume();
    assert_eq!(*running.registered.borrow(), RegistrationState::Unheard);
    let info = RegistrationClient::new(channel(&path).await)
        .get_info(InfoRequest {})
        .await;
    assert_eq!(info.unwrap().into_inner().name, DRIVER);
    running.stop().await;
}

#[tokio::test]
async fn neither_a_stuck_call_nor_a_silent_caller_keeps_the_process() {
    let running = Running::start();
    let unreported = UnixStream::connect(running.endpoint()).await.unwrap();
    let mut node = NodeClient::new(channel(&running.endpoint()).await);
    let request = NodeUnpublishVolumeRequest {
        volume_id: "v".to_owned(),
        target_path: "/t".to_owned(),
    };
    let stuck = tokio::spawn(async move { node.node_unpublish_volume(request).await });
    let mut idle = NodeClient::new(channel(&running.endpoint()).await);
    idle.node_get_info(NodeGetInfoRequest {}).await.unwrap();
    tokio::time::pause();
    running.stop().await;
    tokio::time::resume();
    stuck.abort();
    drop((unreported, idle));
}
