//! The driver makes the requests itself: no pod token is needed, not even after a restart.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::fake::{Answering, Creating, Fault, Operation, Verb};
use super::world::{LIFETIME, World, bundle, spec};
use crate::credential::Credential;
use svid_client::ApiError;

#[tokio::test(start_paused = true)]
async fn a_volume_gets_its_certificate_and_renews_it_without_any_token() {
    let (world, spec) = (World::node_attested(), spec(1));
    world.publish_with(&spec, Credential::Driver).await.unwrap();
    world
        .until("the third renewal", |world| {
            world.api.count(Verb::Create) == 4
        })
        .await;
    assert!(world.api.tokens().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_restarted_process_renews_without_waiting_for_a_publish() {
    let (mut world, spec) = (World::node_attested(), spec(1));
    world.publish_with(&spec, Credential::Driver).await.unwrap();
    world.stop().await;
    sleep(LIFETIME * 3 / 4).await;
    world.restart().await;
    let begun = Instant::now();
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 2)
        .await;
    world.settle().await;
    // What is overdue is spread over half a minute.
    assert!(begun.elapsed() < Duration::from_secs(31));
    assert_eq!(world.phase(&spec), "resting");
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_found_by_its_key() {
    let (world, spec) = (World::node_attested(), spec(1));
    let lost = ApiError::Unreachable("cut".to_owned());
    world.api.then_create(Creating::Lose(lost));
    world.publish_with(&spec, Credential::Driver).await.unwrap();
    assert_eq!(world.api.count(Verb::Create), 2, "the same request twice");
    assert_eq!(world.api.count(Verb::Read), 1);
    assert_eq!(world.api.names().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn missing_rights_are_the_drivers_and_told_so() {
    let (world, spec) = (World::node_attested(), spec(1));
    let forbidden = ApiError::Forbidden("no rights".to_owned());
    world.api.always_create(Creating::Refuse(forbidden));
    let error = world
        .publish_with(&spec, Credential::Driver)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("to the driver's service account"), "{error}");
    assert!(!error.contains("sandbox:web"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_renews_no_certificate_that_was_dated_back_and_is_not_due() {
    let (mut world, spec) = (World::node_attested(), spec(1));
    let hour = SignedDuration::from_hours(1);
    world
        .api
        .always_answer(Answering::Issue(Fault::DatedBack(hour)));
    world.publish_with(&spec, Credential::Driver).await.unwrap();
    for _ in 0..3 {
        sleep(LIFETIME / 10).await;
        world.stop().await;
        world.restart().await;
        world.settle().await;
    }
    assert_eq!(world.api.count(Verb::Create), 1);
    let begun = Instant::now();
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 2)
        .await;
    let waited = begun.elapsed() + LIFETIME * 3 / 10;
    assert!(
        (LIFETIME * 16 / 30..=LIFETIME * 20 / 30).contains(&waited),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_renews_nothing_early_where_an_issuer_dates_back_and_gives_less_than_requested() {
    let (mut world, spec) = (World::node_attested(), spec(1));
    let (hour, length) = (SignedDuration::from_hours(1), Duration::from_secs(600));
    let lasts = SignedDuration::try_from(length).unwrap();
    let fault = Fault::DatedBackAndLasts(hour, lasts);
    world.api.always_answer(Answering::Issue(fault));
    world.publish_with(&spec, Credential::Driver).await.unwrap();
    let begun = Instant::now();
    sleep(length / 10).await;
    // A new bundle is no new certificate.
    let both = bundle(&[&world.authority, &world.stranger]);
    world.trust.send_replace(both);
    world.settle().await;
    world.restart().await;
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 2)
        .await;
    let waited = begun.elapsed();
    assert!(
        (length * 16 / 30..=length * 21 / 30).contains(&waited),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn volumes_that_are_overdue_when_the_driver_starts_do_not_ask_all_at_once() {
    let mut world = World::node_attested();
    for number in 1..=100 {
        let spec = spec(number);
        world.publish_with(&spec, Credential::Driver).await.unwrap();
    }
    world.stop().await;
    sleep(LIFETIME * 3 / 4).await;
    world.restart().await;
    world
        .until("all renewals", |world| world.api.count(Verb::Create) == 200)
        .await;
    let times = world.api.times(Verb::Create).split_off(100);
    let busiest = times
        .iter()
        .map(|start| {
            let end = *start + Duration::from_secs(3);
            times.iter().filter(|at| (*start..end).contains(at)).count()
        })
        .max();
    assert!(busiest <= Some(25), "{busiest:?} within three seconds");
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_the_kubelet_forgot_is_removed_while_others_go_on() {
    let world = World::node_attested();
    let (forgotten, kept) = (spec(1), spec(2));
    for spec in [&forgotten, &kept] {
        world.publish(spec).await.unwrap();
    }
    world.volumes.end_pod(&forgotten.volume);
    world.volumes.fail(Operation::Remove, 1);

    tokio::select! {
        ended = world.tasks.run(Duration::ZERO) => panic!("{ended:?}"),
        () = sleep(Duration::from_secs(900)) => {
            assert_eq!(world.phase(&forgotten), "removing", "it failed, and is tried again");
            assert_eq!(world.tasks.board().without_certificate(world.now()), 0);
        }
    }
    tokio::select! {
        ended = world.tasks.run(Duration::ZERO) => panic!("{ended:?}"),
        () = sleep(Duration::from_secs(900)) => {}
    }

    assert_eq!(world.overview().len(), 1);
    assert!(world.volumes.record(&forgotten.volume).is_none());
    assert!(world.volumes.shown(&kept.target).is_some());
    world.settle().await;
    assert_eq!(world.api.names().len(), 1, "its request is deleted");
    // The same pod name may come back.
    world.publish(&forgotten).await.unwrap();
}
