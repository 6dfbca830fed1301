//! Owns which connections are open, and which of them makes room for another.
//!
//! Must not know what is sent on them. Invariant: at most [`MOST`] are open, [`MOST_PER_NETWORK`]
//! of one network, counted by what the kernel holds: one that makes room is closed before the next
//! one is served. Each is a task, and each task is joined.
//!
//! Anybody may connect, and most malicious clients send nothing. So the oldest connection without a
//! complete request makes room; a probe, which sends its request at once, gets its answer however
//! many are silent. If there is none, the oldest one whose client has not read its answer within
//! [`SLOW_READER`] makes room.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::Instant;

use super::network::Network;

/// The open connections, oldest first.
#[derive(Default)]
pub(super) struct Connections {
    open: Vec<Connection>,
    tasks: JoinSet<()>,
}

impl Connections {
    /// Serves a connection, closing a silent one for it if needed; if it cannot, the connection is
    /// closed.
    pub(super) async fn admit<Task>(
        &mut self,
        network: Network,
        serve: impl FnOnce(RequestMark) -> Task,
    ) where
        Task: Future<Output = ()> + Send + 'static,
    {
        self.forget_ended();
        match room(&self.open, network) {
            Capacity::Free => {}
            Capacity::InsteadOf(silent) => self.close(silent).await,
            Capacity::Full => return,
        }
        let request = RequestMark::default();
        let task = self.tasks.spawn(serve(request.clone()));
        self.open.push(Connection {
            network,
            request,
            task,
        });
    }

    /// Closes the oldest silent connection, if there is one.
    pub(super) async fn close_a_silent_one(&mut self) {
        self.forget_ended();
        if let Some(silent) = self.open.iter().position(Connection::is_silent) {
            self.close(silent).await;
        }
    }

    /// Closes silent connections at once and the others once they are answered, or after `limit`.
    pub(super) async fn end(mut self, limit: Duration) {
        for silent in self.open.iter().filter(|open| open.is_silent()) {
            silent.task.abort();
        }
        let answered = async {
            while let Some(ended) = self.tasks.join_next().await {
                judge(ended);
            }
        };
        if tokio::time::timeout(limit, answered).await.is_err() {
            self.tasks.shutdown().await;
        }
    }

    /// Closes one, and waits until its descriptor is free.
    async fn close(&mut self, index: usize) {
        let closed = self.open.remove(index);
        closed.task.abort();
        while !closed.task.is_finished() {
            let Some(ended) = self.tasks.join_next().await else {
                return;
            };
            judge(ended);
        }
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            judge(ended);
        }
        self.open.retain(|open| !open.task.is_finished());
    }
}

fn judge(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a request handler panicked");
    }
}

struct Connection {
    network: Network,
    request: RequestMark,
    task: AbortHandle,
}

impl Connection {
    fn is_silent(&self) -> bool {
        self.request.0.asked.get().is_none()
    }

    fn is_slow_reader(&self) -> bool {
        let answered = self.request.0.answered.get();
        answered.is_some_and(|since| since.elapsed() > SLOW_READER)
    }
}

/// Shows how far the request of a connection has come. Set by the task that serves it.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestMark(Arc<RequestStage>);

#[derive(Debug, Default)]
struct RequestStage {
    asked: OnceLock<()>,
    answered: OnceLock<Instant>,
}

impl RequestMark {
    /// The request is complete: until it is answered, the connection is not closed for another.
    pub(super) fn asked(&self) {
        self.0.asked.get_or_init(|| ());
    }

    /// The answer is ready, and only has to be read.
    pub(super) fn answered(&self) {
        self.0.answered.get_or_init(Instant::now);
    }
}

/// Whether another connection fits.
#[derive(Debug, PartialEq, Eq)]
enum Capacity {
    Free,
    /// Once the one with this index is closed.
    InsteadOf(usize),
    /// Every one that could make room is waiting for its answer.
    Full,
}

fn room(open: &[Connection], network: Network) -> Capacity {
    let neighbours = open.iter().filter(|open| open.network == network).count();
    let among = |open: &Connection| neighbours < MOST_PER_NETWORK || open.network == network;
    if neighbours < MOST_PER_NETWORK && open.len() < MOST {
        return Capacity::Free;
    }
    open.iter()
        .position(|open| among(open) && open.is_silent())
        .or_else(|| {
            open.iter()
                .position(|open| among(open) && open.is_slow_reader())
        })
        .map_or(Capacity::Full, Capacity::InsteadOf)
}

/// Connections per port. Doubled, strangers hold 128 more descriptors of the process; halved, they
/// need half as many addresses to block each other, and Prometheus.
pub(super) const MOST: usize = 64;

/// Connections per network. The kubelet's probes and Prometheus need one or two each. Doubled, four
/// pods fill a port with requests; halved, clients behind one address get in each other's way.
pub(super) const MOST_PER_NETWORK: usize = 8;

/// How long a client may take to read its answer while others wait for a place. Answers to probes
/// are read in milliseconds and metrics within a node's network in tens of them. Doubled, clients
/// that do not read keep the others out for twice as long; halved, a scrape over a bad network may
/// be cut off on a full port.
const SLOW_READER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use super::*;

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    /// Connects, and returns what lives as long as the connection is served.
    async fn connect(connections: &mut Connections, address: &str, has: Has) -> Weak<()> {
        let held = Arc::new(());
        let life = Arc::downgrade(&held);
        let serve = |mark: RequestMark| {
            if has == Has::WholeRequest {
                mark.asked();
            }
            async move {
                std::future::pending::<()>().await;
                drop(held);
            }
        };
        connections.admit(network(address), serve).await;
        life
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Has {
        Nothing,
        WholeRequest,
    }

    fn is_open(life: &Weak<()>) -> bool {
        life.strong_count() > 0
    }

    /// Fills all places, each from a different address.
    async fn full(connections: &mut Connections, has: Has) -> Vec<Weak<()>> {
        let mut lives = Vec::new();
        for host in 1..=MOST {
            lives.push(connect(connections, &format!("192.0.2.{host}"), has).await);
        }
        assert!(lives.iter().all(is_open));
        lives
    }

    #[tokio::test]
    async fn the_oldest_silent_connection_makes_room_and_is_closed_by_then() {
        let mut connections = Connections::default();
        let lives = full(&mut connections, Has::Nothing).await;

        for next in 0..MOST {
            let newest = connect(&mut connections, "198.51.100.1", Has::WholeRequest).await;

            let expected = next < MOST_PER_NETWORK;
            assert_eq!(is_open(&newest), expected, "{next}");
            assert_eq!(!lives.get(next).is_some_and(is_open), expected, "{next}");
        }
    }

    #[tokio::test]
    async fn whole_requests_keep_their_places_and_the_newest_is_refused() {
        let mut connections = Connections::default();
        let lives = full(&mut connections, Has::WholeRequest).await;

        for has in [Has::Nothing, Has::WholeRequest] {
            let newest = connect(&mut connections, "198.51.100.1", has).await;
            assert!(!is_open(&newest));
        }

        assert!(lives.iter().all(is_open));
    }

    #[tokio::test]
    async fn a_silent_connection_younger_than_whole_requests_makes_room() {
        let mut connections = Connections::default();
        let lives = full(&mut connections, Has::WholeRequest).await;
        connections.open[MOST / 2].request = RequestMark::default();

        let newest = connect(&mut connections, "198.51.100.1", Has::Nothing).await;

        assert!(is_open(&newest));
        let closed: Vec<_> = (0..MOST).filter(|index| !is_open(&lives[*index])).collect();
        assert_eq!(closed, [MOST / 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_one_that_does_not_read_its_answer_makes_room_after_a_second() {
        let mut connections = Connections::default();
        let lives = full(&mut connections, Has::WholeRequest).await;
        for index in [3, 5] {
            connections.open[index].request.answered();
        }

        let early = connect(&mut connections, "198.51.100.1", Has::WholeRequest).await;
        assert!(!is_open(&early));
        tokio::time::advance(SLOW_READER * 2).await;
        let late = connect(&mut connections, "198.51.100.1", Has::WholeRequest).await;

        assert!(is_open(&late) && !is_open(&lives[3]) && is_open(&lives[5]));
    }

    #[tokio::test]
    async fn one_network_makes_room_for_itself_alone() {
        let mut connections = Connections::default();
        let stranger = connect(&mut connections, "2001:db8:0:1::1", Has::Nothing).await;
        let mut lives = Vec::new();
        for host in 1..=MOST_PER_NETWORK + 3 {
            let address = format!("2001:db8::{host}");
            lives.push(connect(&mut connections, &address, Has::Nothing).await);
        }

        let closed = lives.iter().take_while(|life| !is_open(life)).count();
        let open = lives.iter().filter(|life| is_open(life)).count();
        assert_eq!((closed, open), (3, MOST_PER_NETWORK));
        assert!(is_open(&stranger));
    }

    #[tokio::test]
    async fn a_network_full_of_whole_requests_is_refused_though_others_are_silent() {
        let mut connections = Connections::default();
        let silent = connect(&mut connections, "192.0.2.8", Has::Nothing).await;
        for _ in 0..MOST_PER_NETWORK {
            connect(&mut connections, "192.0.2.7", Has::WholeRequest).await;
        }

        let newest = connect(&mut connections, "192.0.2.7", Has::WholeRequest).await;

        assert!(!is_open(&newest) && is_open(&silent));
    }

    #[tokio::test]
    async fn a_connection_that_ended_or_panicked_leaves_its_place() {
        let mut connections = Connections::default();
        let network = network("192.0.2.7");
        for _ in 0..MOST_PER_NETWORK {
            connections
                .admit(network, |mark| async move { mark.asked() })
                .await;
        }
        connections
            .admit(network, |mark| async move {
                mark.asked();
                panic!("oh");
            })
            .await;
        while !connections.open.iter().all(|open| open.task.is_finished()) {
            tokio::task::yield_now().await;
        }

        let newest = connect(&mut connections, "192.0.2.7", Has::Nothing).await;

        assert!(is_open(&newest));
        assert_eq!(connections.open.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_joins_all_whether_they_finish_or_not() {
        let mut connections = Connections::default();
        let silent = connect(&mut connections, "192.0.2.7", Has::Nothing).await;
        let stuck = connect(&mut connections, "192.0.2.7", Has::WholeRequest).await;

        connections.end(Duration::from_secs(2)).await;

        assert!(!is_open(&silent) && !is_open(&stuck));
    }
}
