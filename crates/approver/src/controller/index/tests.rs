use std::collections::HashMap;
use std::time::Duration;

use svid_core::policy::{IssuerReference, OrdinaryRequest};

use super::*;
use crate::controller::candidate::{Candidate, Requested};
use crate::status::Conditions;

fn candidate(name: &str, version: u64) -> Kept {
    Kept::from(request(name, version))
}

fn of(namespace: &str, name: &str) -> Kept {
    let key = NamespacedName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    Kept::from(Candidate {
        key,
        ..request(name, 1)
    })
}

fn request(name: &str, version: u64) -> Candidate {
    Candidate {
        key: key(name),
        uid: format!("uid of {name}"),
        resource_version: version.to_string(),
        conditions: Conditions::NoStatus,
        requested: Requested::Ordinary(Box::new(OrdinaryRequest {
            csr_pem: Vec::new(),
            issuer: issuer(),
        })),
    }
}

fn issuer() -> IssuerReference {
    IssuerReference::new("x", "", "")
}

fn key(name: &str) -> NamespacedName {
    NamespacedName {
        namespace: "a".to_owned(),
        name: name.to_owned(),
    }
}

fn written(version: u64) -> Ending {
    Ending::Written {
        resource_version: version.to_string(),
    }
}

fn take(index: &mut Index) -> Option<(String, String)> {
    let candidate = index.take()?;
    Some((
        candidate.key().name.clone(),
        candidate.resource_version().to_owned(),
    ))
}

fn taken(name: &str, version: u64) -> Option<(String, String)> {
    Some((name.to_owned(), version.to_string()))
}

#[test]
fn requests_are_handed_out_once_in_their_order_and_newest_version() {
    let mut index = Index::default();
    index.apply(candidate("first", 1));
    index.apply(candidate("second", 2));
    index.apply(candidate("first", 3));
    assert_eq!(take(&mut index), taken("first", 3));
    assert_eq!(take(&mut index), taken("second", 2));
    assert_eq!(take(&mut index), None);
    assert_eq!(index.pending(), 2);
}

#[test]
fn what_is_at_work_is_not_handed_out_again_before_it_ends() {
    let mut index = Index::default();
    index.apply(candidate("x", 1));
    assert!(take(&mut index).is_some());
    index.apply(candidate("x", 2));
    index.reconsider(Some(&issuer()));
    assert_eq!(take(&mut index), None);
    index.finish(&key("x"), Ending::LeftAlone);
    assert_eq!(take(&mut index), taken("x", 2), "it changed meanwhile");
}

#[test]
fn what_was_written_is_forgotten_once_the_watch_shows_it_in_either_order() {
    let mut index = Index::default();
    index.apply(candidate("x", 1));
    take(&mut index);
    index.finish(&key("x"), written(5));
    assert_eq!((index.pending(), index.entries.len()), (0, 1));
    index.apply(candidate("x", 4));
    assert_eq!(take(&mut index), None, "an event from before the decision");
    index.settle(&key("x"));
    assert_eq!(index.entries.len(), 0);

    index.apply(candidate("y", 1));
    take(&mut index);
    index.settle(&key("y"));
    index.finish(&key("y"), written(5));
    assert_eq!(index.entries.len(), 0);
}

#[test]
fn a_decision_that_was_taken_away_again_is_made_again() {
    let mut index = Index::default();
    index.apply(candidate("x", 1));
    take(&mut index);
    index.finish(&key("x"), written(5));
    index.apply(candidate("x", 6));
    assert_eq!(take(&mut index), taken("x", 6));
}

#[test]
fn the_next_object_of_the_same_name_is_another_request() {
    let mut index = Index::default();
    index.apply(candidate("x", 1));
    take(&mut index);
    index.finish(&key("x"), written(5));
    let mut next = request("x", 0);
    next.resource_version = "not a number".to_owned();
    index.apply(Kept::from(next.clone()));
    assert_eq!(take(&mut index), None, "the same object, of unknown age");
    next.uid = "another".to_owned();
    index.apply(Kept::from(next));
    assert!(take(&mut index).is_some());
}

#[test]
fn what_was_left_alone_is_looked_at_when_the_issuer_changes() {
    let mut index = Index::default();
    index.apply(candidate("x", 1));
    take(&mut index);
    index.finish(&key("x"), Ending::LeftAlone);
    assert_eq!(
        (take(&mut index), index.left_alone(), index.pending()),
        (None, 1, 0)
    );
    index.reconsider(Some(&issuer()));
    assert_eq!((index.left_alone(), index.pending()), (0, 1));
    assert_eq!(take(&mut index), taken("x", 1));
}

#[test]
fn of_what_is_left_alone_or_too_large_only_a_reference_is_kept() {
    let large = |name: &str| {
        let requested = OrdinaryRequest {
            csr_pem: vec![b'x'; 100_000],
            issuer: issuer(),
        };
        Candidate {
            requested: Requested::Ordinary(Box::new(requested)),
            ..request(name, 1)
        }
    };
    let mut index = Index::default();
    index.apply(Kept::from(large("large")));
    index.leave_alone(RequestReference::of(&large("other")));
    index.apply(candidate("small", 2));
    assert_eq!((index.left_alone(), index.pending()), (1, 2));
    assert!(matches!(index.take(), Some(Kept::Reference(_))));
    assert!(matches!(index.take(), Some(Kept::Whole(_))));
    index.finish(&key("small"), Ending::LeftAlone);
    for name in ["large", "other", "small"] {
        let kept = &index.entries[&key(name)].kept;
        assert!(matches!(kept, Some(Kept::Reference(_))), "{name}");
    }
    // The one that is at work has changed: it is for another issuer now.
    index.leave_alone(RequestReference::of(&large("large")));
    index.finish(&key("large"), Ending::LeftAlone);
    assert_eq!(take(&mut index), taken("large", 1), "it is looked at again");
    index.finish(&key("large"), Ending::LeftAlone);
    assert_eq!((index.left_alone(), index.pending()), (3, 0));
    index.settle(&key("other"));
    assert_eq!(index.left_alone(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_failed_rests_until_its_time() {
    let mut index = Index::default();
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    for (name, seconds) in [("late", 9), ("soon", 3)] {
        index.apply(candidate(name, 1));
        take(&mut index);
        index.rest(&key(name), after(seconds), RetryTrigger::OnTime);
    }
    assert_eq!(index.failures(&key("soon")), 1);
    index.apply(candidate("soon", 2));
    assert_eq!((take(&mut index), index.next_due()), (None, Some(after(3))));
    index.wake(after(3));
    assert_eq!(take(&mut index), taken("soon", 2));
    assert_eq!((take(&mut index), index.next_due()), (None, Some(after(9))));
    index.finish(&key("soon"), Ending::Settled);
    index.settle(&key("late"));
    assert_eq!((index.next_due(), index.entries.len()), (None, 0));
}

#[test]
fn what_a_list_does_not_hold_is_gone() {
    let mut index = Index::default();
    for name in ["queued", "running", "left", "stays"] {
        index.apply(candidate(name, 1));
    }
    let mut handed = Vec::new();
    for _ in 0..3 {
        handed.push(index.take().unwrap().key().clone());
    }
    index.finish(&handed[0], Ending::Interrupted);
    index.finish(&handed[2], Ending::LeftAlone);
    index.begin_list();
    index.apply(candidate("stays", 2));
    index.end_list();
    assert_eq!(index.pending(), 2, "the one that stays and the one at work");
    assert_eq!(index.left_alone(), 0);
    index.finish(&key("running"), Ending::Interrupted);
    assert_eq!(take(&mut index), taken("stays", 2));
    assert_eq!(take(&mut index), None);
}

#[test]
fn a_standby_does_not_grow() {
    let mut index = Index::default();
    for at in 0..1000 {
        let name = format!("r{at}");
        index.apply(candidate(&name, 1));
        index.apply(candidate(&name, 2));
        index.settle(&key(&name));
    }
    assert_eq!((index.entries.len(), index.resting.len()), (0, 0));
    assert!(index.turns.is_empty());
}

#[test]
fn what_a_list_shows_undecided_although_it_was_written_before_is_decided_again() {
    let mut index = Index::default();
    for listed in [3, 5] {
        index.apply(candidate("x", 5));
        take(&mut index);
        index.finish(&key("x"), written(5));
        // The watch lags behind.
        index.apply(candidate("x", 5));
        assert_eq!(take(&mut index), None);
        index.begin_list();
        assert_eq!(index.pending(), 0);
        index.apply(candidate("x", listed));
        index.end_list();
        assert_eq!(take(&mut index), taken("x", listed));
        index.finish(&key("x"), Ending::Settled);
    }
    // What is written while the list is read may not be in it yet.
    index.begin_list();
    index.apply(candidate("x", 5));
    take(&mut index);
    index.finish(&key("x"), written(5));
    index.apply(candidate("x", 5));
    assert_eq!(take(&mut index), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_each_time_rests_until_it_changes_and_is_reported_once() {
    let mut index = Index::default();
    let until = Instant::now() + Duration::from_secs(3600);
    index.apply(candidate("x", 1));
    for (version, first) in [(1, true), (1, false), (2, true)] {
        assert_eq!(take(&mut index), taken("x", version));
        assert_eq!(index.reports(&key("x")), first);
        index.rest(&key("x"), until, RetryTrigger::OnChange);
        assert_eq!((index.pending(), index.undecidable()), (0, 1));
        // A list shows it again.
        index.apply(candidate("x", version));
        assert_eq!(take(&mut index), None);
        if version == 1 && !first {
            index.apply(candidate("x", 2));
        } else {
            index.wake(until);
        }
        assert_eq!((index.pending(), index.undecidable()), (1, 0));
        assert_eq!(index.next_due(), None);
    }
    // It changed while the old version was refused.
    take(&mut index);
    index.apply(candidate("x", 3));
    index.rest(&key("x"), until, RetryTrigger::OnChange);
    assert_eq!(take(&mut index), taken("x", 3));
    index.settle(&key("x"));
    index.rest(&key("x"), until, RetryTrigger::OnChange);
    assert_eq!((index.entries.len(), index.undecidable()), (0, 0));
    assert!(index.turns.is_empty());
}

/// Takes one, which ends at once; of which namespace it is.
fn decide_one(index: &mut Index) -> Option<String> {
    let key = index.take()?.key().clone();
    index.finish(&key, Ending::Settled);
    Some(key.namespace)
}

/// How many are decided before the first of this namespace.
fn before(index: &mut Index, namespace: &str) -> usize {
    let mut count = 0;
    while decide_one(index).unwrap() != namespace {
        count += 1;
    }
    count
}

#[test]
fn a_flood_in_one_namespace_delays_another_by_one_decision() {
    let mut index = Index::default();
    for at in 0..20_000 {
        index.apply(of("evil", &format!("r{at:05}")));
    }
    assert!(decide_one(&mut index).is_some());
    index.apply(of("payments", "x"));
    assert!(before(&mut index, "payments") <= 1);
    index.apply(of("payments", "y"));
    assert!(before(&mut index, "payments") <= 1);
    // What is left is in its order.
    assert_eq!(index.take().unwrap().key().name, "r00003");
}

#[test]
fn a_thousand_namespaces_delay_another_by_one_decision_each() {
    let mut index = Index::default();
    for namespace in 0..1000 {
        for at in 0..20 {
            index.apply(of(&format!("evil-{namespace:03}"), &format!("r{at}")));
        }
    }
    for _ in 0..1500 {
        assert!(decide_one(&mut index).is_some());
    }
    index.apply(of("payments", "x"));
    assert!(before(&mut index, "payments") <= 1000);
}

#[tokio::test(start_paused = true)]
async fn what_wakes_or_was_interrupted_waits_for_its_turn_too() {
    let mut index = Index::default();
    let until = Instant::now() + Duration::from_secs(9);
    for at in 0..5000 {
        index.apply(of("evil", &format!("r{at:04}")));
        let key = index.take().unwrap().key().clone();
        match at % 3 {
            0 => index.rest(&key, until, RetryTrigger::OnTime),
            1 => index.rest(&key, until, RetryTrigger::OnChange),
            _ => index.finish(&key, Ending::LeftAlone),
        }
    }
    index.wake(until);
    index.reconsider(Some(&issuer()));
    index.apply(of("payments", "x"));
    let interrupted = index.take().unwrap().key().clone();
    index.finish(&interrupted, Ending::Interrupted);
    assert!(before(&mut index, "payments") <= 1);
    assert!(index.pending() >= 4999, "nothing was lost");
}

#[test]
fn slow_work_of_one_namespace_leaves_places_for_others() {
    let mut index = Index::default();
    let mut taken = HashMap::<String, usize>::new();
    let mut take_all = |index: &mut Index| {
        while let Some(kept) = index.take() {
            *taken.entry(kept.key().namespace.clone()).or_default() += 1;
        }
        taken.clone()
    };
    for at in 0..100 {
        index.apply(of("evil", &format!("r{at}")));
    }
    assert_eq!(take_all(&mut index)["evil"], 4, "half of all");
    for namespace in 0..20 {
        index.apply(of(&format!("n{namespace:02}"), "x"));
    }
    let taken = take_all(&mut index);
    assert_eq!(taken.values().sum::<usize>(), 8, "all places are used");
    assert_eq!(taken["evil"], 4);
    index.finish(
        &NamespacedName {
            namespace: "n00".to_owned(),
            name: "x".to_owned(),
        },
        Ending::Settled,
    );
    assert_eq!(index.take().unwrap().key().namespace, "n04");
}

#[test]
fn nothing_is_kept_of_a_namespace_without_requests() {
    let mut index = Index::default();
    let keys: Vec<NamespacedName> = (0..500)
        .map(|at| of(&format!("n{at}"), "x").key().clone())
        .collect();
    for key in &keys {
        index.apply(of(&key.namespace, &key.name));
    }
    while decide_one(&mut index).is_some() {}
    assert!(index.turns.is_empty() && index.entries.is_empty());
    for key in &keys {
        index.apply(of(&key.namespace, &key.name));
        index.settle(key);
    }
    assert!(index.turns.is_empty() && index.entries.is_empty());
}
