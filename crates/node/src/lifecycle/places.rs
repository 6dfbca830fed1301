//! Which publishes may wait if there are too many.
//!
//! Owns the places in which a publish waits for its volume. They are shared fairly between pods: if
//! none is free, a publish takes the place of one of a pod with more places, as long as its pod
//! then has no more than the other. So however many publishes some pods have, any other pod gets
//! places, up to an equal share. Nothing here cancels work on a volume.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The places. Cheap to clone; all clones are the same places.
#[derive(Clone, Debug)]
pub(super) struct WaitSlots {
    all: usize,
    taken: Arc<Mutex<TakenSlots>>,
}

#[derive(Debug, Default)]
struct TakenSlots {
    count: usize,
    next: u64,
    /// By pod, the oldest first.
    pods: HashMap<String, BTreeMap<u64, CancellationToken>>,
}

/// A place in which a publish waits, until this is dropped.
#[derive(Debug)]
pub(super) struct WaitSlot {
    of: WaitSlots,
    pod: String,
    ticket: u64,
    lost: CancellationToken,
}

impl Default for WaitSlots {
    fn default() -> Self {
        Self::new(PUBLISHES_AT_ONCE)
    }
}

impl WaitSlots {
    fn new(all: usize) -> Self {
        let taken = Arc::default();
        Self { all, taken }
    }

    /// A place for a publish of this pod; None if there are too many, and this pod has its share.
    pub(super) fn enter(&self, pod: &str) -> Option<WaitSlot> {
        let mut taken = self.lock();
        if taken.count == self.all && !taken.make_room(pod) {
            return None;
        }
        let lost = CancellationToken::new();
        let ticket = taken.next;
        taken.next += 1;
        taken.count += 1;
        let places = taken.pods.entry(pod.to_owned()).or_default();
        places.insert(ticket, lost.clone());
        Some(WaitSlot {
            of: self.clone(),
            pod: pod.to_owned(),
            ticket,
            lost,
        })
    }

    fn lock(&self) -> MutexGuard<'_, TakenSlots> {
        // A panic elsewhere leaves the places consistent.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TakenSlots {
    /// Takes the newest place of the pod that has the most, unless this pod would then have more.
    fn make_room(&mut self, pod: &str) -> bool {
        let own = self.pods.get(pod).map_or(0, BTreeMap::len);
        let newest = |places: &BTreeMap<u64, _>| places.last_key_value().map(|(ticket, _)| *ticket);
        let most = self
            .pods
            .iter()
            .max_by_key(|(_, places)| (places.len(), newest(places)))
            .filter(|(_, places)| places.len() > own + 1)
            .and_then(|(pod, places)| Some((pod.clone(), newest(places)?)));
        let Some((pod, ticket)) = most else {
            return false;
        };
        if let Some(lost) = self.leave(&pod, ticket) {
            lost.cancel();
        }
        true
    }

    fn leave(&mut self, pod: &str, ticket: u64) -> Option<CancellationToken> {
        let places = self.pods.get_mut(pod)?;
        let left = places.remove(&ticket)?;
        if places.is_empty() {
            self.pods.remove(pod);
        }
        self.count -= 1;
        Some(left)
    }
}

impl WaitSlot {
    /// Ends when the place went to another pod.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for WaitSlot {
    fn drop(&mut self) {
        self.of.lock().leave(&self.pod, self.ticket);
    }
}

/// A node has at most a few hundred pods, most of which have one volume. Doubled, waiting costs
/// twice the memory.
const PUBLISHES_AT_ONCE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(places: &WaitSlots, pod: &str, count: usize) -> Vec<WaitSlot> {
        (0..count).map_while(|_| places.enter(pod)).collect()
    }

    fn kept(places: &[WaitSlot]) -> usize {
        let kept = places.iter().filter(|place| !place.lost.is_cancelled());
        kept.count()
    }

    #[test]
    fn one_pod_may_take_every_place_that_nobody_else_wants() {
        let places = WaitSlots::new(8);
        let all = enter(&places, "a", 9);
        assert_eq!((all.len(), kept(&all)), (8, 8));
        drop(all);
        assert_eq!(enter(&places, "b", 9).len(), 8);
    }

    #[test]
    fn another_pod_gets_an_equal_share_of_what_one_has_taken() {
        let places = WaitSlots::new(8);
        let flood = enter(&places, "flood", 8);
        let other = enter(&places, "other", 8);
        assert_eq!((kept(&flood), other.len(), kept(&other)), (4, 4, 4));
        assert!(places.enter("flood").is_none());
        assert!(
            flood[..4].iter().all(|place| !place.lost.is_cancelled()),
            "the oldest stay"
        );
    }

    #[test]
    fn one_more_pod_finds_a_place_among_many_that_have_more_than_one() {
        let places = WaitSlots::new(8);
        let pods: Vec<_> = ["a", "b", "c", "d"]
            .map(|pod| enter(&places, pod, 2))
            .into_iter()
            .collect();
        let one = enter(&places, "e", 2);
        assert_eq!(one.len(), 1, "a second one would take another's only place");
        let mut left: Vec<_> = pods.iter().map(|pod| kept(pod)).collect();
        left.sort_unstable();
        assert_eq!(left, [1, 2, 2, 2]);
    }

    #[test]
    fn where_every_pod_has_one_place_the_newest_is_sent_away() {
        let places = WaitSlots::new(2);
        let first = enter(&places, "a", 1);
        let second = enter(&places, "b", 1);
        assert!(places.enter("c").is_none());
        assert_eq!((kept(&first), kept(&second)), (1, 1));
        drop(first);
        assert!(places.enter("c").is_some());
    }

    #[tokio::test]
    async fn a_place_that_was_lost_is_given_back_once() {
        let places = WaitSlots::new(2);
        let mut flood = enter(&places, "flood", 2);
        let other = places.enter("other").unwrap();
        let lost = flood.pop().unwrap();
        lost.lost().await;
        drop(lost);
        assert_eq!(places.lock().count, 2);
        drop((flood, other));
        assert_eq!(places.lock().count, 0);
        assert!(places.lock().pods.is_empty());
    }
}
