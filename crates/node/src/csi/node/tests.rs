//! The Node service with volumes that only remember what they were asked.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Mutex;

use jiff::Timestamp;
use tonic::Code;

use super::*;
use crate::csi::fixture::{self, EXPIRY};
use crate::installation;
use crate::lifecycle::{UnpublishError, VolumesPerPod};
use crate::spec::PublishRequest;

/// How the volumes behave in a test.
#[derive(Debug, Default)]
struct Volumes {
    known: bool,
    /// Whether a volume is known is never found out.
    stuck: bool,
    /// Publishes end with this; if None, they never end.
    publish: Option<Result<(), PublishError>>,
    /// Misunderstood publishes and unpublishes end with this.
    rest: Option<String>,
    asked: Mutex<Vec<String>>,
}

impl Volumes {
    fn note(&self, text: String) {
        self.asked.lock().unwrap().push(text);
    }
}

impl Lifecycle for Volumes {
    async fn is_known(&self, volume: &VolumeId, target: Option<&TargetPath>) -> bool {
        self.note(format!("is_known {volume} {}", target.is_some()));
        if self.stuck {
            pending::<()>().await;
        }
        self.known
    }

    async fn publish(&self, request: PublishRequest, limit: Duration) -> Result<(), PublishError> {
        self.note(format!("publish {} {limit:?}", request.spec.volume));
        match self.publish.clone() {
            Some(outcome) => outcome,
            None => pending().await,
        }
    }

    async fn publish_malformed(
        &self,
        volume: &VolumeId,
        reason: String,
    ) -> Result<(), PublishError> {
        self.note(format!("misunderstood {volume} {reason}"));
        self.rest
            .clone()
            .map_or(Ok(()), |text| Err(PublishError::Malformed(text)))
    }

    async fn unpublish(&self, volume: VolumeId, target: TargetPath) -> Result<(), UnpublishError> {
        self.note(format!("unpublish {volume} {target}"));
        self.rest
            .clone()
            .map_or(Ok(()), |_| Err(UnpublishError::ShuttingDown))
    }
}

#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(EXPIRY - 600).unwrap()
    }

    fn sleep_until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(pending())
    }
}

fn service(volumes: Volumes) -> NodeService<Volumes> {
    NodeService::new(
        Arc::new(volumes),
        Arc::new(StoppedClock),
        Arc::new(installation::fixture()),
        CancellationToken::new(),
    )
}

fn asked(service: &NodeService<Volumes>) -> Vec<String> {
    service.lifecycle.asked.lock().unwrap().clone()
}

async fn publish(
    service: &NodeService<Volumes>,
    request: NodePublishVolumeRequest,
) -> Result<(), Status> {
    service
        .node_publish_volume(Request::new(request))
        .await
        .map(drop)
}

fn not_read_only() -> NodePublishVolumeRequest {
    NodePublishVolumeRequest {
        readonly: false,
        ..fixture::request()
    }
}

#[tokio::test]
async fn a_publish_that_was_understood_is_answered_by_the_volumes() {
    let text = || "reason".to_owned();
    let table = [
        (Ok(()), None),
        (
            Err(PublishError::AttemptFailed(text())),
            Some(Code::Unavailable),
        ),
        (Err(PublishError::Malformed(text())), Some(Code::Aborted)),
        (
            Err(PublishError::TooManyVolumes {
                limit: VolumesPerPod::default(),
            }),
            Some(Code::InvalidArgument),
        ),
        (
            Err(PublishError::StillWaiting {
                doing: "waiting",
                waits_for: None,
                failure: None,
            }),
            Some(Code::DeadlineExceeded),
        ),
    ];
    for (outcome, code) in table {
        let service = service(Volumes {
            publish: Some(outcome),
            ..Volumes::default()
        });
        let answer = publish(&service, fixture::request()).await;
        assert_eq!(answer.err().map(|status| status.code()), code);
        let [call] = asked(&service).try_into().unwrap();
        assert!(
            call.starts_with("publish csi-abab") && call.ends_with(" 110s"),
            "{call}"
        );
    }
}

#[tokio::test]
async fn a_publish_waits_no_longer_than_its_caller() {
    let service = service(Volumes {
        publish: Some(Ok(())),
        ..Volumes::default()
    });
    let mut request = Request::new(fixture::request());
    request
        .metadata_mut()
        .insert("grpc-timeout", "60000m".parse().unwrap());
    service.node_publish_volume(request).await.unwrap();
    assert!(asked(&service)[0].ends_with(" 58s"));
}

#[tokio::test]
async fn a_publish_that_was_not_understood_is_final_only_for_a_volume_that_nobody_knows() {
    let service = service(Volumes::default());
    let status = publish(&service, not_read_only()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("readonly"));
    assert_eq!(asked(&service).len(), 1);

    for (rest, code) in [
        (None, None),
        (Some("no certificate".to_owned()), Some(Code::Aborted)),
    ] {
        let service = self::service(Volumes {
            known: true,
            rest,
            ..Volumes::default()
        });
        let answer = publish(&service, not_read_only()).await;
        assert_eq!(answer.err().map(|status| status.code()), code);
        let [first, second] = asked(&service).try_into().unwrap();
        assert!(
            first.starts_with("is_known csi-") && first.ends_with(" true"),
            "{first}"
        );
        assert!(second.starts_with("misunderstood csi-") && second.contains("readonly"));
    }
}

#[tokio::test]
async fn the_volumes_are_asked_about_a_target_that_is_missing_but_never_about_a_bad_id() {
    let service = service(Volumes {
        known: true,
        ..Volumes::default()
    });
    let request = NodePublishVolumeRequest {
        target_path: "../etc".to_owned(),
        ..fixture::request()
    };
    publish(&service, request).await.unwrap();
    assert!(asked(&service)[0].ends_with(" false"));

    let service = self::service(Volumes {
        known: true,
        ..Volumes::default()
    });
    let request = NodePublishVolumeRequest {
        volume_id: "../etc".to_owned(),
        ..fixture::request()
    };
    let status = publish(&service, request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(asked(&service).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_publish_that_was_not_understood_waits_no_longer_than_its_caller_either() {
    let service = service(Volumes {
        stuck: true,
        ..Volumes::default()
    });
    let status = publish(&service, not_read_only()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_stopping_driver_ends_publishes_with_a_code_that_is_not_final() {
    let service = service(Volumes::default());
    let stop = async {
        while asked(&service).is_empty() {
            tokio::task::yield_now().await;
        }
        service.shutdown.cancel();
    };
    let (answer, ()) = tokio::join!(publish(&service, fixture::request()), stop);
    assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn unpublish_names_what_is_missing_and_passes_on_the_rest() {
    let request = |volume: &str, target: &str| {
        Request::new(NodeUnpublishVolumeRequest {
            volume_id: volume.to_owned(),
            target_path: target.to_owned(),
        })
    };
    for (volume, target, field) in [
        ("", "/t", "volume_id"),
        ("a/b", "/t", "volume_id"),
        ("v", "", "target_path"),
        ("v", "t", "target_path"),
    ] {
        let service = service(Volumes::default());
        let status = service
            .node_unpublish_volume(request(volume, target))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(field), "{status}");
        assert!(asked(&service).is_empty());
    }
    for (rest, code) in [
        (None, None),
        (Some("busy".to_owned()), Some(Code::Internal)),
    ] {
        let service = service(Volumes {
            rest,
            ..Volumes::default()
        });
        let answer = service.node_unpublish_volume(request("v", "/t")).await;
        assert_eq!(answer.err().map(|status| status.code()), code);
        assert_eq!(asked(&service), ["unpublish v /t"]);
    }
}

#[tokio::test]
async fn says_of_the_node_what_the_kubelet_needs_and_no_more() {
    let service = service(Volumes::default());
    let info = service
        .node_get_info(Request::new(Default::default()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(info.node_id, "node-1");
    assert_eq!(
        (info.max_volumes_per_node, info.accessible_topology),
        (0, None)
    );
    let answer = service
        .node_get_capabilities(Request::new(Default::default()))
        .await
        .unwrap()
        .into_inner();
    let rpc = Rpc {
        r#type: Capability::VolumeMountGroup.into(),
    };
    assert_eq!(
        answer.capabilities,
        [NodeServiceCapability {
            r#type: Some(Type::Rpc(rpc))
        }]
    );
    let status = service
        .node_stage_volume(Request::new(Default::default()))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}
