//! A kubelet, as far as inline CSI volumes go: registration, publish, republish, unpublish.
//!
//! Owns the kubelet's folder (`pods/..`), the calls to the driver's socket and the status of the
//! pods on its node. Speaks to a driver exactly as `pkg/volume/csi` and `pkg/kubelet/pluginmanager`
//! do, and knows nothing of what is in a volume. It runs no containers: a pod is Running once its
//! volumes are published, and ends as soon as it is deleted.
//!
//! Invariant: calls about one volume never overlap, as the kubelet's operation executor has it.

mod backoff;
mod context;
mod folders;
mod node;
mod options;
mod pod;
mod registration;
mod request;
mod socket;
mod status;
mod token_cache;
mod view;
mod volume;

pub use self::node::Kubelet;
pub use self::options::{KubeletOptions, Retry};
pub use self::pod::{Access, NotReady, PodHandle, PodSpec};
pub use self::socket::{CallError, CsiSocket};
pub use self::status::{Phase, VolumeStatus};
