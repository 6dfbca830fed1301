use jiff::Timestamp;
use prometheus_client::registry::Registry;
use serde_json::json;
use svid_client::retry::chance;
use svid_devcluster::{Answer, Key, resource};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::world::{ENVIRONMENT, World};

fn lease() -> Key {
    Key::new(&resource::LEASES, "cert-manager", "driver")
}

struct Replica {
    leadership: LeadershipReceiver,
    step_down: CancellationToken,
    task: JoinHandle<()>,
}

impl Replica {
    fn start(world: &World, name: &'static str) -> Self {
        let (election, leadership) = Election::new(
            world.client(name),
            "cert-manager",
            "driver".to_owned(),
            name.to_owned(),
            Timing::DEFAULT,
            // A wall clock that is wrong by decades: nothing may depend on it.
            if name == "b" {
                let now = || Timestamp::UNIX_EPOCH;
                Environment { now, chance }
            } else {
                ENVIRONMENT
            },
            Metrics::register(&mut Registry::default()),
        );
        let step_down = CancellationToken::new();
        let task = tokio::spawn(election.run(step_down.clone()));
        Self {
            leadership,
            step_down,
            task,
        }
    }

    fn leads(&self) -> bool {
        is_leading(&self.leadership.borrow())
    }

    async fn until_leading(&mut self) {
        let leading = self.leadership.wait_for(is_leading);
        let _term = timeout(Duration::from_secs(120), leading)
            .await
            .unwrap()
            .unwrap();
    }

    async fn stop(self) {
        self.step_down.cancel();
        timeout(Duration::from_secs(30), self.task)
            .await
            .unwrap()
            .unwrap();
    }
}

fn is_leading(leadership: &Leadership) -> bool {
    let term = leadership.term();
    term.is_some_and(|term| term.holds(Instant::now()))
}

fn holder(world: &World) -> String {
    let lease = world.object(&lease()).unwrap();
    lease["spec"]["holderIdentity"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_first_leads_and_the_second_stands_by() {
    let world = World::new();
    let mut a = Replica::start(&world, "a");
    a.until_leading().await;
    let b = Replica::start(&world, "b");
    for _ in 0..300 {
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::task::yield_now().await;
        assert!(!b.leads());
    }
    assert!(a.leads());
    assert_eq!(holder(&world), "a");
    assert_eq!(
        world.object(&lease()).unwrap()["spec"]["leaseTransitions"],
        json!(0)
    );
    a.stop().await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_steps_down_gives_the_lease_away_at_once() {
    let world = World::new();
    let mut a = Replica::start(&world, "a");
    a.until_leading().await;
    let mut b = Replica::start(&world, "b");
    sleep(Duration::from_secs(30)).await;
    let leadership = a.leadership.clone();
    a.stop().await;
    assert!(!is_leading(&leadership.borrow()));
    assert_eq!(holder(&world), "");
    let given_away = Instant::now();
    b.until_leading().await;
    assert!(
        given_away.elapsed() <= Duration::from_secs(3),
        "{:?}",
        given_away.elapsed()
    );
    assert_eq!(
        world.object(&lease()).unwrap()["spec"]["leaseTransitions"],
        json!(1)
    );
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_stops_before_another_begins() {
    let world = World::new();
    let mut a = Replica::start(&world, "a");
    a.until_leading().await;
    let mut b = Replica::start(&world, "b");
    sleep(Duration::from_secs(5)).await;
    world.cut_off("a");
    let cut = Instant::now();
    let term = a.leadership.borrow().term().unwrap().clone();
    term.ended().await;
    let stopped = cut.elapsed();
    assert!(stopped <= Duration::from_secs(10), "{stopped:?}");
    assert!(!b.leads());
    b.until_leading().await;
    let taken = cut.elapsed();
    assert!(
        taken > stopped && taken <= Duration::from_secs(21),
        "{taken:?}"
    );

    world.reconnect("a");
    sleep(Duration::from_secs(60)).await;
    assert!(b.leads() && !a.leads(), "the old leader stands by");
    a.stop().await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn short_trouble_does_not_cost_the_lease() {
    let world = World::new();
    let mut a = Replica::start(&world, "a");
    a.until_leading().await;
    let term = a.leadership.borrow().term().unwrap().clone();
    for effect in [
        Answer::InternalError,
        Answer::TooManyRequests { retry_after: 1 },
        Answer::Hang,
        Answer::CloseAfterwards,
        Answer::ChangeFirst(json!({ "metadata": { "labels": { "a": "b" } } })),
    ] {
        world.inject("update", &resource::LEASES, effect.clone());
        sleep(Duration::from_secs(20)).await;
        assert!(a.leads(), "{effect:?}");
    }
    let ended = timeout(Duration::from_secs(1), term.ended()).await;
    assert!(ended.is_err(), "it was one term all the time");
    a.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_taken_ends_the_term_at_the_next_renewal() {
    let world = World::new();
    let mut a = Replica::start(&world, "a");
    a.until_leading().await;
    let term = a.leadership.borrow().term().unwrap().clone();
    world.inject(
        "update",
        &resource::LEASES,
        Answer::ChangeFirst(json!({ "spec": { "holderIdentity": "c" } })),
    );
    let taken = Instant::now();
    term.ended().await;
    assert!(
        taken.elapsed() <= Duration::from_secs(3),
        "{:?}",
        taken.elapsed()
    );
    assert_eq!(holder(&world), "c");
    a.stop().await;
    assert_eq!(holder(&world), "c", "another's lease is not given away");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_deleted_while_held_is_created_again_and_the_term_goes_on() {
    let world = World::new();
    let mut a = Replica::start(&world, "a");
    a.until_leading().await;
    let term = a.leadership.borrow().term().unwrap().clone();
    for _ in 0..3 {
        sleep(Duration::from_secs(5)).await;
        world.delete(&lease());
        sleep(Duration::from_secs(5)).await;
        assert_eq!(holder(&world), "a");
    }
    assert!(!term.has_ended() && term.holds(Instant::now()));
    world.delete(&lease());
    a.stop().await;
    assert!(world.object(&lease()).is_none(), "there is nothing to give");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_created_after_it_was_deleted_ends_the_term() {
    let world = World::new();
    let mut a = Replica::start(&world, "a");
    a.until_leading().await;
    let b = Replica::start(&world, "b");
    sleep(Duration::from_secs(5)).await;
    let mut another = serde_json::Value::clone(&world.object(&lease()).unwrap());
    another["spec"]["holderIdentity"] = json!("c");
    another["metadata"] = json!({ "name": "driver", "namespace": "cert-manager" });
    world.delete(&lease());
    world.put(&lease(), another);
    sleep(Duration::from_secs(5)).await;
    assert!(!a.leads() && !b.leads());
    assert_eq!(holder(&world), "c");
    a.stop().await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_that_create_it_at_once_do_not_both_lead() {
    let world = World::new();
    let a = Replica::start(&world, "a");
    let b = Replica::start(&world, "b");
    sleep(Duration::from_secs(30)).await;
    assert!(a.leads() ^ b.leads());
    a.stop().await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_is_found_again() {
    let world = World::new();
    world.inject("create", &resource::LEASES, Answer::CloseAfterwards);
    let mut a = Replica::start(&world, "a");
    let started = Instant::now();
    a.until_leading().await;
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    a.stop().await;
    assert_eq!(holder(&world), "");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_process_knows_that_its_term_is_over_before_its_timers_do() {
    let start = Instant::now();
    let term = Term::new(start + Duration::from_secs(10));
    assert!(term.holds(start + Duration::from_secs(9)));
    assert!(!term.holds(start + Duration::from_secs(10)));
}

#[tokio::test(start_paused = true)]
async fn whoever_was_handed_a_term_sees_that_it_was_extended() {
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let term = Term::new(after(10));
    let handed = term.clone();
    assert!(!handed.holds(after(11)));
    let resumed = timeout(Duration::from_secs(30), handed.resumed());
    let (resumed, ()) = tokio::join!(resumed, async {
        sleep(Duration::from_secs(12)).await;
        term.extend(after(20));
    });
    assert!(resumed.is_ok() && start.elapsed() == Duration::from_secs(12));
    assert!(handed.holds(after(19)) && !handed.has_ended());
    term.end();
    assert!(handed.has_ended() && !handed.holds(after(19)));
}

#[tokio::test(start_paused = true)]
async fn a_standby_ends_at_once_when_told() {
    let world = World::new();
    let mut a = Replica::start(&world, "a");
    a.until_leading().await;
    let b = Replica::start(&world, "b");
    sleep(Duration::from_secs(5)).await;
    world.cut_off("b");
    sleep(Duration::from_secs(3)).await;
    let told = Instant::now();
    b.stop().await;
    assert!(
        told.elapsed() < Duration::from_millis(10),
        "{:?}",
        told.elapsed()
    );
    a.stop().await;
}
