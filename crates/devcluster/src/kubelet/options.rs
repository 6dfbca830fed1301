//! How a kubelet is set up. The defaults are Kubernetes' own.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// How a kubelet is set up.
#[derive(Clone, Debug)]
pub struct KubeletOptions {
    /// The kubelet's folder; `/var/lib/kubelet` in reality. Volumes are below `pods` in it.
    pub root: PathBuf,
    /// Where drivers put their registration sockets.
    pub registration_dir: Option<PathBuf>,
    /// A socket to use without registration, for the cluster's driver name.
    pub endpoint: Option<PathBuf>,
    /// How long after a successful publish the next one follows, drawn again each time.
    pub republish: RangeInclusive<Duration>,
    /// The time that one publish or unpublish may take in all.
    pub deadline: Duration,
    pub retry: Retry,
    /// How often the registration folder is looked at (a real kubelet uses inotify).
    pub registration_poll: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub first: Duration,
    /// The longest one; each is twice the one before.
    pub longest: Duration,
}

impl KubeletOptions {
    /// A kubelet in this folder that finds drivers in its `plugins_registry`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            registration_dir: Some(root.join("plugins_registry")),
            root,
            endpoint: None,
            republish: Duration::from_secs(60)..=Duration::from_secs(90),
            deadline: Duration::from_secs(120),
            retry: Retry::default(),
            registration_poll: Duration::from_millis(100),
        }
    }

    /// A kubelet in this folder that calls this socket, without registration.
    pub fn with_endpoint(root: impl Into<PathBuf>, endpoint: impl Into<PathBuf>) -> Self {
        Self {
            registration_dir: None,
            endpoint: Some(endpoint.into()),
            ..Self::new(root)
        }
    }
}

impl Default for Retry {
    /// `pkg/volume/util/exponentialbackoff`: 0.5 s, doubling to 2 m 2 s.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(122),
        }
    }
}
