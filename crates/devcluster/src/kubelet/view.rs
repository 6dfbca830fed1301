//! What the kubelet sees of a pod.

use crate::store::{Object, meta};

/// The pod object as a pod's task sees it.
#[derive(Clone, Debug)]
pub(super) struct PodView {
    pub(super) object: Object,
    gone: bool,
}

impl PodView {
    pub(super) fn new(object: Object) -> Self {
        let gone = false;
        Self { object, gone }
    }

    pub(super) fn gone(object: Object) -> Self {
        let gone = true;
        Self { object, gone }
    }

    /// Whether the pod is to be torn down.
    pub(super) fn is_ending(&self) -> bool {
        self.gone || !meta::deletion(&self.object).is_empty()
    }

    /// Whether anything but the status changed, which makes the kubelet sync the pod.
    pub(super) fn differs_in_content(&self, other: &Self) -> bool {
        ["/spec", "/metadata/annotations", "/metadata/labels"]
            .iter()
            .any(|pointer| self.object.pointer(pointer) != other.object.pointer(pointer))
    }
}
