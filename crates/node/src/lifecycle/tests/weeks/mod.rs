//! A week of a node in seconds, while the cluster around it has trouble of every kind.
//!
//! The seed decides which trouble there is, and when. Keys and serial numbers are new in each run,
//! and with them the moments at which certificates are renewed.

mod trouble;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::fake::{Happened, History};
use super::world::{LIFETIME, World, spec};
use crate::credential::{Credential, RequestMode};
use crate::spec::VolumeSpec;
use trouble::{SLOW, TROUBLES, Trouble};

#[tokio::test(start_paused = true)]
async fn a_week_of_troubles_costs_no_certificate_that_could_have_been_renewed() {
    let mut few = Week::new(RequestMode::Pod, 10, 1).await;
    few.live(DAY * 7).await;
    assert!(few.tally.troubles > 5 * TROUBLES.len() && few.tally.restarts > 10);
}

/// With so many, a certificate costs milliseconds, and a week minutes.
#[tokio::test(start_paused = true)]
async fn hours_of_troubles_cost_a_full_node_no_certificate() {
    let mut many = Week::new(RequestMode::Driver, 250, 2).await;
    many.live(LIFETIME * 6).await;
    assert!(many.tally.troubles > 3);
}

/// A node, its volumes and what happens to them.
struct Week {
    world: World,
    requester: RequestMode,
    seed: u64,
    dice: Dice,
    begun: Instant,
    volumes: Vec<Watched>,
    /// The requests of each pod that nobody has answered.
    undecided: BTreeMap<String, BTreeSet<String>>,
    /// The trouble that there is or was last, when it began, and when it ends or did.
    trouble: (Trouble, Instant, Instant),
    is_troubled: bool,
    /// When the next trouble begins.
    next_trouble: Instant,
    next_restart: Instant,
    tally: Tally,
}

/// One volume as its pod and its node see it.
struct Watched {
    spec: VolumeSpec,
    /// When the certificate that the pod sees was shown, and when it ends.
    shown: Option<(Instant, Timestamp)>,
    /// When the kubelet publishes the volume again.
    again: Instant,
}

/// What it came to.
#[derive(Debug, Default)]
struct Tally {
    certificates: usize,
    /// CertificateRequests that came to be.
    requests: usize,
    /// Creates that were sent.
    creates: usize,
    /// The least that a certificate had left when the next one was shown, of those that had not
    /// ended.
    least_left: Option<SignedDuration>,
    restarts: usize,
    troubles: usize,
}

impl Week {
    async fn new(requester: RequestMode, volumes: u32, seed: u64) -> Self {
        let (mut dice, begun) = (Dice(seed), Instant::now());
        let mut week = Self {
            world: World::by_chance(requester, chance),
            requester,
            seed,
            begun,
            volumes: Vec::new(),
            undecided: BTreeMap::new(),
            trouble: (Trouble::Away, begun, begun),
            is_troubled: false,
            next_trouble: begun + dice.within(LIFETIME),
            next_restart: begun + dice.within(LIFETIME * 6),
            dice,
            tally: Tally::default(),
        };
        for n in 1..=volumes {
            let spec = spec(n);
            let credential = week.credential(&spec);
            week.world.publish_with(&spec, credential).await.unwrap();
            let again = begun + week.dice.within(REPUBLISH);
            let shown = None;
            week.volumes.push(Watched { spec, shown, again });
        }
        week
    }

    async fn live(&mut self, length: Duration) {
        let mut minute = 0_u32;
        while self.begun.elapsed() < length {
            self.meddle().await;
            self.publish_again();
            sleep(MINUTE).await;
            self.look_at_volumes();
            minute += 1;
            // No request is waited for longer, so no watch needs what is forgotten.
            if minute.is_multiple_of(30) {
                let history = self.world.api.history();
                self.follow(history);
                self.world.reports.forget();
            }
        }
        self.judge();
    }

    /// Begins and ends troubles, and restarts the driver.
    async fn meddle(&mut self) {
        let now = Instant::now();
        let (trouble, begun, end) = self.trouble;
        if self.is_troubled && end <= now {
            trouble.end(&self.world).await;
            self.trouble = (trouble, begun, now);
            self.is_troubled = false;
            self.next_trouble = now + RECOVERY + self.dice.within(LIFETIME);
        } else if self.is_troubled {
            trouble.go_on(&self.world);
        } else if self.next_trouble <= now {
            // Each kind in its turn, so that a week sees all of them.
            let trouble = TROUBLES[self.tally.troubles % TROUBLES.len()];
            self.tally.troubles += 1;
            let is_slow = trouble == Trouble::Slow;
            let longest = LONGEST - if is_slow { SLOW } else { Duration::ZERO };
            let length = self.dice.within(longest);
            let is_long_one = self.tally.troubles == LONG_ONE;
            let length = if is_long_one { LIFETIME * 3 } else { length };
            trouble.begin(&self.world).await;
            self.trouble = (trouble, now, now + length);
            self.is_troubled = true;
        }
        if self.next_restart <= now {
            self.tally.restarts += 1;
            self.world.restart().await;
            self.next_restart = now + self.dice.within(LIFETIME * 12);
            // The new driver registers, and the kubelet publishes everything again.
            for volume in &mut self.volumes {
                volume.again = now + self.dice.within(2 * MINUTE);
            }
        }
    }

    /// What the kubelet does all the time, without waiting for one volume before the next.
    fn publish_again(&mut self) {
        let now = Instant::now();
        let is_late = self.is_troubled && self.trouble.0 == Trouble::Late;
        if is_late || self.requester == RequestMode::Driver {
            return;
        }
        for volume in &mut self.volumes {
            if volume.again <= now {
                volume.again = now + REPUBLISH / 2 + self.dice.within(REPUBLISH / 2);
                drop(self.world.publish_aside(&volume.spec));
            }
        }
    }

    /// Checks what each pod sees.
    fn look_at_volumes(&mut self) {
        let now = self.world.now();
        for (target, at) in self.world.volumes.published() {
            let mut volumes = self.volumes.iter_mut();
            let volume = volumes.find(|volume| volume.spec.target == target).unwrap();
            let ends = self.world.svid(&volume.spec).window().end;
            let before = volume.shown.replace((at, ends));
            self.tally.certificates += 1;
            let Some((_, ended)) = before else {
                continue;
            };
            let left =
                (now - SignedDuration::try_from(at.elapsed()).unwrap()).duration_until(ended);
            if !left.is_negative() {
                let least = self.tally.least_left.get_or_insert(left);
                *least = left.min(*least);
            }
        }
        if self.is_excused() {
            return;
        }
        let has_ended = |volume: &&Watched| volume.shown.is_none_or(|(_, ends)| ends < now);
        let without: Vec<_> = self.volumes.iter().filter(has_ended).collect();
        assert!(
            without.is_empty(),
            "{}: {} volumes have no certificate, such as {} ({}: {})",
            self.place(),
            without.len(),
            without[0].spec.volume,
            self.world.phase(&without[0].spec),
            self.world.told(&without[0].spec, "lastFailure"),
        );
    }

    /// Whether certificates may have ended: the cluster gave none for about the last third of a
    /// lifetime, or has begun again only now.
    fn is_excused(&self) -> bool {
        let (_, begun, end) = self.trouble;
        let now = Instant::now();
        let end = if self.is_troubled { now } else { end };
        end - begun + RECOVERY >= LIFETIME / 3 && now <= end + RECOVERY
    }

    /// Counts requests, and checks that a pod has at most one that nobody has answered.
    fn follow(&mut self, history: History) {
        self.tally.creates += history.creates;
        for happened in history.happened {
            let (Happened::Asked(name) | Happened::Answered(name) | Happened::Deleted(name)) =
                &happened;
            let (pod, _) = name.rsplit_once('-').unwrap();
            let undecided = self.undecided.entry(pod.to_owned()).or_default();
            if let Happened::Asked(_) = happened {
                undecided.insert(name.clone());
                self.tally.requests += 1;
            } else {
                undecided.remove(name);
            }
            let count = undecided.len();
            assert!(
                count <= 1,
                "{}: {count} requests of {pod} at once",
                self.place()
            );
        }
    }

    /// Checks what it came to.
    fn judge(&self) {
        let (tally, place) = (&self.tally, self.place());
        let lifetimes = self.begun.elapsed().as_secs() / LIFETIME.as_secs();
        let lifetimes = usize::try_from(lifetimes).unwrap() * self.volumes.len();
        // A lifetime is longer than the time from one to the next, and not twice as long.
        let usual = lifetimes * 9 / 10..lifetimes * 19 / 10;
        assert!(usual.contains(&tally.certificates), "{place}: {tally:?}");
        let least = LIFETIME / 3 - LONGEST - RECOVERY;
        let is_late = |left| left < SignedDuration::try_from(least).unwrap();
        assert!(!tally.least_left.is_none_or(is_late), "{place}: {tally:?}");
        assert!(
            tally.requests < tally.certificates * 2,
            "{place}: {tally:?}"
        );
        assert!(tally.creates < tally.certificates * 3, "{place}: {tally:?}");
    }

    fn credential(&self, spec: &VolumeSpec) -> Credential {
        match self.requester {
            RequestMode::Pod => Credential::Pod(self.world.token(spec, "1", LIFETIME)),
            RequestMode::Driver => Credential::Driver,
        }
    }

    /// Where the week is, for whoever runs it again.
    fn place(&self) -> String {
        let minutes = self.begun.elapsed().as_secs() / 60;
        let (trouble, begun, _) = self.trouble;
        let since = begun.elapsed().as_secs() / 60;
        format!(
            "seed {}, {} h {} min after the start, {since} min after {trouble:?} began",
            self.seed,
            minutes / 60,
            minutes % 60
        )
    }
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let upper = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap();
        f64::from(upper) / f64::from(u32::MAX)
    }

    fn within(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.share())
    }
}

/// What the driver's pauses take. Other dice, so that those of the troubles fall as they did.
fn chance() -> f64 {
    thread_local! {
        static DICE: RefCell<Dice> = const { RefCell::new(Dice(0)) };
    }
    DICE.with_borrow_mut(Dice::share)
}

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86400);
/// Which trouble outlasts certificates: one in which the API server is away.
const LONG_ONE: usize = 2 * TROUBLES.len() + 1;
/// The longest trouble but for the one that is to outlast certificates. With what it takes to get
/// over it, it is shorter than the last third of a lifetime.
const LONGEST: Duration = Duration::from_secs(12 * 60);
/// The longest backoff, a slow issuer, and a little.
const RECOVERY: Duration = Duration::from_secs(5 * 60);
/// The longest between two publishes; a token lasts for longer.
const REPUBLISH: Duration = Duration::from_secs(30 * 60);
