use prometheus_client::registry::Registry;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::fake::{Effect, Fake};

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/cert-manager/leases/driver";

/// A wall clock that is wrong by decades: nothing may depend on it.
fn wrong_clock() -> jiff::Timestamp {
    jiff::Timestamp::UNIX_EPOCH
}

struct Replica {
    leadership: LeadershipReceiver,
    step_down: CancellationToken,
    task: JoinHandle<()>,
}

impl Replica {
    fn start(fake: &Fake, name: &'static str) -> Self {
        let (election, leadership) = Election::new(
            fake.client(name),
            "cert-manager",
            "driver".to_owned(),
            name.to_owned(),
            Timing::DEFAULT,
            if name == "b" {
                wrong_clock
            } else {
                jiff::Timestamp::now
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
        self.leadership.borrow().term(Instant::now()).is_some()
    }

    async fn until_leading(&mut self) {
        let leading = self
            .leadership
            .wait_for(|it| it.term(Instant::now()).is_some());
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

fn holder(fake: &Fake) -> String {
    let lease = fake.object(LEASE).unwrap();
    lease["spec"]["holderIdentity"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_first_leads_and_the_second_stands_by() {
    let fake = Fake::default();
    let mut a = Replica::start(&fake, "a");
    a.until_leading().await;
    let b = Replica::start(&fake, "b");
    for _ in 0..300 {
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::task::yield_now().await;
        assert!(!b.leads());
    }
    assert!(a.leads());
    assert_eq!(holder(&fake), "a");
    assert_eq!(
        fake.object(LEASE).unwrap()["spec"]["leaseTransitions"],
        json!(0)
    );
    a.stop().await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_steps_down_gives_the_lease_away_at_once() {
    let fake = Fake::default();
    let mut a = Replica::start(&fake, "a");
    a.until_leading().await;
    let mut b = Replica::start(&fake, "b");
    sleep(Duration::from_secs(30)).await;
    let leadership = a.leadership.clone();
    a.stop().await;
    assert!(leadership.borrow().term(Instant::now()).is_none());
    assert_eq!(holder(&fake), "");
    let given_away = Instant::now();
    b.until_leading().await;
    assert!(
        given_away.elapsed() <= Duration::from_secs(3),
        "{:?}",
        given_away.elapsed()
    );
    assert_eq!(
        fake.object(LEASE).unwrap()["spec"]["leaseTransitions"],
        json!(1)
    );
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_stops_before_another_begins() {
    let fake = Fake::default();
    let mut a = Replica::start(&fake, "a");
    a.until_leading().await;
    let mut b = Replica::start(&fake, "b");
    sleep(Duration::from_secs(5)).await;
    fake.partition("a", true);
    let cut = Instant::now();
    let term = a.leadership.borrow().term(Instant::now()).unwrap().clone();
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

    fake.partition("a", false);
    sleep(Duration::from_secs(60)).await;
    assert!(b.leads() && !a.leads(), "the old leader stands by");
    a.stop().await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn short_trouble_does_not_cost_the_lease() {
    let fake = Fake::default();
    let mut a = Replica::start(&fake, "a");
    a.until_leading().await;
    let term = a.leadership.borrow().term(Instant::now()).unwrap().clone();
    for effect in [
        Effect::Status(500, None),
        Effect::Status(429, Some(1)),
        Effect::Hang,
        Effect::LoseAnswer,
        Effect::ChangeFirst(json!({ "metadata": { "labels": { "a": "b" } } })),
    ] {
        fake.inject("PUT", effect.clone());
        sleep(Duration::from_secs(20)).await;
        assert!(a.leads(), "{effect:?}");
    }
    let ended = timeout(Duration::from_secs(1), term.ended()).await;
    assert!(ended.is_err(), "it was one term all the time");
    a.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_taken_ends_the_term_at_the_next_renewal() {
    let fake = Fake::default();
    let mut a = Replica::start(&fake, "a");
    a.until_leading().await;
    let term = a.leadership.borrow().term(Instant::now()).unwrap().clone();
    fake.inject(
        "PUT",
        Effect::ChangeFirst(json!({ "spec": { "holderIdentity": "c" } })),
    );
    let taken = Instant::now();
    term.ended().await;
    assert!(
        taken.elapsed() <= Duration::from_secs(3),
        "{:?}",
        taken.elapsed()
    );
    assert_eq!(holder(&fake), "c");
    a.stop().await;
    assert_eq!(holder(&fake), "c", "another's lease is not given away");
}

#[tokio::test(start_paused = true)]
async fn two_that_create_it_at_once_do_not_both_lead() {
    let fake = Fake::default();
    let a = Replica::start(&fake, "a");
    let b = Replica::start(&fake, "b");
    sleep(Duration::from_secs(30)).await;
    assert!(a.leads() ^ b.leads());
    a.stop().await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_is_found_again() {
    let fake = Fake::default();
    fake.inject("POST", Effect::LoseAnswer);
    let mut a = Replica::start(&fake, "a");
    let started = Instant::now();
    a.until_leading().await;
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    a.stop().await;
    assert_eq!(holder(&fake), "");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_process_knows_that_its_term_is_over_before_its_timers_do() {
    let start = Instant::now();
    let term = Term::new(start + Duration::from_secs(10));
    assert!(term.holds(start + Duration::from_secs(9)));
    assert!(!term.holds(start + Duration::from_secs(10)));
    assert!(
        Leadership::Leading(term)
            .term(start + Duration::from_secs(30))
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn a_standby_ends_at_once_when_told() {
    let fake = Fake::default();
    let mut a = Replica::start(&fake, "a");
    a.until_leading().await;
    let b = Replica::start(&fake, "b");
    sleep(Duration::from_secs(5)).await;
    fake.partition("b", true);
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
