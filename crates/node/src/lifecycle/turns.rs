//! Whose create is sent next.
//!
//! Owns how many creates are sent to the API server at once, and their order: pods take turns, so
//! that a pod waits for at most one create of each other pod, however many those have. No pod has
//! more than a quarter of all at once, so that hanging creates of one pod do not block the others.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The creates that may be sent at once. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct CreateQueue(Arc<Mutex<QueueState>>);

#[derive(Debug)]
struct QueueState {
    free: usize,
    per_pod: usize,
    next: u64,
    pods: HashMap<String, PodQueue>,
    /// The pods that wait and have fewer turns than they may, in the order of their next one.
    order: VecDeque<String>,
}

/// One pod's creates.
#[derive(Debug, Default)]
struct PodQueue {
    sent: usize,
    waiting: BTreeMap<u64, Arc<Notify>>,
}

/// The right to send one create, until this is dropped.
#[derive(Debug)]
pub(super) struct CreatePermit {
    of: CreateQueue,
    pod: String,
    ticket: u64,
}

impl Default for CreateQueue {
    fn default() -> Self {
        Self::new(CREATES_AT_ONCE, CREATES_PER_POD)
    }
}

impl CreateQueue {
    fn new(at_once: usize, per_pod: usize) -> Self {
        Self(Arc::new(Mutex::new(QueueState {
            free: at_once,
            per_pod,
            next: 0,
            pods: HashMap::new(),
            order: VecDeque::new(),
        })))
    }

    /// Waits for a turn of this pod. Dropping the future leaves the line.
    pub(super) async fn take(&self, pod: &str) -> CreatePermit {
        let (turn, come) = self.line_up(pod);
        come.notified().await;
        turn
    }

    /// A turn that has come once it is notified.
    fn line_up(&self, pod: &str) -> (CreatePermit, Arc<Notify>) {
        let mut state = self.lock();
        let ticket = state.next;
        state.next += 1;
        let come = Arc::new(Notify::new());
        let line = state.pods.entry(pod.to_owned()).or_default();
        line.waiting.insert(ticket, Arc::clone(&come));
        if line.waiting.len() == 1 {
            state.enqueue(pod);
        }
        state.hand_out();
        let turn = CreatePermit {
            of: self.clone(),
            pod: pod.to_owned(),
            ticket,
        };
        (turn, come)
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        // A panic elsewhere leaves the turns consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueState {
    /// Puts a pod at the end of the order, if it waits and may have one more turn.
    fn enqueue(&mut self, pod: &str) {
        let waits = |line: &PodQueue| !line.waiting.is_empty() && line.sent < self.per_pod;
        if self.pods.get(pod).is_some_and(waits) {
            self.order.push_back(pod.to_owned());
        }
    }

    fn hand_out(&mut self) {
        while self.free > 0
            && let Some(pod) = self.order.pop_front()
        {
            if let Some(line) = self.pods.get_mut(&pod)
                && let Some((_, come)) = line.waiting.pop_first()
            {
                line.sent += 1;
                self.free -= 1;
                come.notify_one();
            }
            self.enqueue(&pod);
        }
    }

    /// Takes back a turn, or the place in the line of one that has not come.
    fn give_back(&mut self, pod: &str, ticket: u64) {
        let Some(line) = self.pods.get_mut(pod) else {
            return;
        };
        let was_full = line.sent == self.per_pod;
        if line.waiting.remove(&ticket).is_none() {
            line.sent -= 1;
            self.free += 1;
            if was_full {
                self.enqueue(pod);
            }
        } else if line.waiting.is_empty() {
            self.order.retain(|waiting| waiting != pod);
        }
        let is_idle = |line: &PodQueue| line.sent == 0 && line.waiting.is_empty();
        if self.pods.get(pod).is_some_and(is_idle) {
            self.pods.remove(pod);
        }
        self.hand_out();
    }
}

impl Drop for CreatePermit {
    fn drop(&mut self) {
        self.of.lock().give_back(&self.pod, self.ticket);
    }
}

/// Doubled, a node full of pods takes twice as many of the API server's seats at once.
const CREATES_AT_ONCE: usize = 32;
/// Doubled, two pods whose creates hang keep everybody else waiting for 35 s; halved, a pod of 16
/// volumes takes four rounds.
const CREATES_PER_POD: usize = CREATES_AT_ONCE / 4;

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    /// A create of a pod that lines up.
    struct Lined {
        turn: Option<CreatePermit>,
        come: Arc<Notify>,
        has_come: bool,
    }

    impl Lined {
        fn up(turns: &CreateQueue, pod: &str) -> Self {
            let (turn, come) = turns.line_up(pod);
            Self {
                turn: Some(turn),
                come,
                has_come: false,
            }
        }

        fn has_come(&mut self) -> bool {
            self.has_come |= self.come.notified().now_or_never().is_some();
            self.has_come
        }
    }

    fn come(lined: &mut [Lined]) -> Vec<usize> {
        let come = lined.iter_mut().enumerate();
        come.filter_map(|(n, one)| (one.turn.is_some() && one.has_come()).then_some(n))
            .collect()
    }

    #[test]
    fn pods_take_turns_however_many_creates_each_has() {
        let turns = CreateQueue::new(1, 1);
        let pods = ["a", "a", "a", "a", "b", "b", "c"];
        let mut lined: Vec<_> = pods.iter().map(|pod| Lined::up(&turns, pod)).collect();
        let mut order = Vec::new();
        while let [n] = *come(&mut lined) {
            order.push(pods[n]);
            lined[n].turn = None;
        }
        assert_eq!(order, ["a", "b", "c", "a", "b", "a", "a"]);
        assert!(turns.lock().pods.is_empty());
    }

    #[test]
    fn one_pod_leaves_room_for_others() {
        let turns = CreateQueue::new(8, 2);
        let mut flood: Vec<_> = (0..100).map(|_| Lined::up(&turns, "flood")).collect();
        assert_eq!(come(&mut flood), [0, 1]);
        let mut other = Lined::up(&turns, "other");
        assert!(other.has_come());
        flood[0].turn = None;
        assert_eq!(come(&mut flood), [1, 2]);
    }

    #[test]
    fn a_pod_that_comes_waits_for_one_create_of_each_pod_before_it() {
        let turns = CreateQueue::new(2, 2);
        let pods = ["a", "b", "c"];
        let mut flood: Vec<_> = (0..300).map(|n| Lined::up(&turns, pods[n % 3])).collect();
        let mut last = Lined::up(&turns, "last");
        let mut ended = 0;
        while !last.has_come() {
            let first = come(&mut flood)[0];
            flood[first].turn = None;
            ended += 1;
        }
        assert!(ended <= 4, "{ended}");
    }

    #[test]
    fn whoever_leaves_the_line_makes_room_and_loses_nothing() {
        let turns = CreateQueue::new(1, 1);
        let mut first = Lined::up(&turns, "a");
        assert!(first.has_come());
        let left = Lined::up(&turns, "b");
        let mut last = Lined::up(&turns, "c");
        drop(left);
        assert!(!turns.lock().order.contains(&"b".to_owned()));
        drop(first);
        assert!(last.has_come());
        // One whose turn had come, unnoticed.
        drop(last);
        assert_eq!(turns.lock().free, 1);
        assert!(turns.lock().pods.is_empty() && turns.lock().order.is_empty());
    }

    #[tokio::test]
    async fn a_cancelled_wait_takes_no_turn() {
        let turns = CreateQueue::new(1, 1);
        let first = turns.take("a").await;
        let mut second = Box::pin(turns.take("b"));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        drop(second);
        drop(turns.take("c").await);
        assert_eq!(turns.lock().free, 1);
    }
}
