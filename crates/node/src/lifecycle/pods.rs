//! How many volumes each pod has, and how many it may begin.
//!
//! Invariant: a volume is counted from before anything of it exists until nothing of it is left,
//! and only here; so the publishes of one pod cannot pass the limit together.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most volumes of this driver that one pod may begin (`--max-volumes-per-pod`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumesPerPod(NonZeroU16);

/// Why a text is not a valid limit. The message leaves the text out, to be written after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a number in the range; allowed: 1 to {}", NonZeroU16::MAX)]
pub struct VolumesPerPodError;

impl VolumesPerPod {
    /// Takes a limit as it is written: in decimal digits.
    ///
    /// # Errors
    /// If it is not a number from 1 to 65535.
    pub fn parse(text: &str) -> Result<Self, VolumesPerPodError> {
        text.parse().map(Self).map_err(|_other| VolumesPerPodError)
    }
}

/// A pod needs one volume, which all its containers can mount, and one more for each other group
/// that is to read the files.
impl Default for VolumesPerPod {
    fn default() -> Self {
        Self(const { NonZeroU16::MIN.saturating_add(15) })
    }
}

impl fmt::Display for VolumesPerPod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The volumes of every pod, by the pod's UID. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub(super) struct PodVolumes {
    limit: VolumesPerPod,
    counts: Arc<Mutex<HashMap<String, usize>>>,
}

/// One volume of a pod, counted until this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    of: PodVolumes,
    pod: String,
}

impl PodVolumes {
    pub(super) fn new(limit: VolumesPerPod) -> Self {
        let counts = Arc::default();
        Self { limit, counts }
    }

    pub(super) fn limit(&self) -> VolumesPerPod {
        self.limit
    }

    /// Counts a new volume of this pod, unless it has as many as it may begin.
    pub(super) fn admit(&self, pod: &str) -> Option<Counted> {
        let mut counts = self.lock();
        let count = counts.get(pod).copied().unwrap_or_default();
        (count < self.limit.0.get().into()).then(|| self.one_more(&mut counts, pod))
    }

    /// Counts a volume that exists, however many there are.
    pub(super) fn count(&self, pod: &str) -> Counted {
        self.one_more(&mut self.lock(), pod)
    }

    fn one_more(&self, counts: &mut HashMap<String, usize>, pod: &str) -> Counted {
        *counts.entry(pod.to_owned()).or_default() += 1;
        Counted {
            of: self.clone(),
            pod: pod.to_owned(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        // A map cannot be left half-changed by a panic elsewhere.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.of.lock();
        if let Some(count) = counts.get_mut(&self.pod) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.pod);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_from_one() {
        assert_eq!(VolumesPerPod::parse("16"), Ok(VolumesPerPod::default()));
        for (text, shown) in [("1", "1"), ("65535", "65535"), ("007", "7")] {
            assert_eq!(VolumesPerPod::parse(text).unwrap().to_string(), shown);
        }
        for text in ["", "0", "-1", "65536", "1.5", "16 ", "sixteen", "0x10", "٣"] {
            assert!(VolumesPerPod::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_pod_begins_as_many_volumes_as_it_may_and_again_when_one_is_gone() {
        let volumes = PodVolumes::new(VolumesPerPod::parse("2").unwrap());
        let first = volumes.admit("a").unwrap();
        let _second = volumes.admit("a").unwrap();
        assert!(volumes.admit("a").is_none());
        assert!(volumes.admit("b").is_some(), "another pod");
        drop(first);
        let _third = volumes.admit("a").unwrap();
        assert!(volumes.admit("a").is_none());
    }

    #[test]
    fn volumes_that_exist_are_counted_beyond_the_limit() {
        let volumes = PodVolumes::new(VolumesPerPod::parse("2").unwrap());
        let mut there: Vec<_> = (0..3).map(|_| volumes.count("a")).collect();
        assert!(volumes.admit("a").is_none());
        there.truncate(2);
        assert!(volumes.admit("a").is_none());
        there.truncate(1);
        drop(volumes.admit("a").unwrap());
        drop(there);
        assert!(
            volumes.lock().is_empty(),
            "nothing is kept of pods without volumes"
        );
    }
}
