//! What goes wrong on the way to a certificate, and how a publish is answered.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::fake::{Answering, Creating, Fault, Operation, Verb};
use super::world::{LIMIT, World, asking, named, published, spec};
use crate::events::EventReason;
use crate::issuance::Calls;
use crate::lifecycle::PublishError;
use svid_client::ApiError;
use svid_client::issuer::IssuerState;

/// Whole seconds between the creates.
fn waits(world: &World) -> Vec<u64> {
    let times = world.api.times(Verb::Create);
    times
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn failures_back_off_and_a_kubelet_that_tries_again_makes_no_request() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::Fail("out of order"));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1000) {
        let publishes: Vec<_> = (0..5).map(|_| world.publish_aside(&spec)).collect();
        for publish in publishes {
            publish.await.unwrap().unwrap_err();
        }
        sleep(Duration::from_millis(700)).await;
    }
    assert_eq!(waits(&world)[..9], [1, 2, 4, 8, 16, 32, 64, 120, 120]);
    assert_eq!(published(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_told_reported_and_deleted_before_the_next_request() {
    let (world, spec) = (World::new(), spec(1));
    world
        .api
        .always_answer(Answering::Deny("wrong trust domain"));
    let told = world.publish(&spec).await.unwrap_err().to_string();
    assert!(told.contains("wrong trust domain"), "{told}");
    // The next attempt is in two minutes.
    world
        .until("the ninth denial", |world| {
            world.api.count(Verb::Create) == 9
        })
        .await;
    let asked = Instant::now();
    let told = world.publish(&spec).await;
    assert!(
        matches!(&told, Err(PublishError::AttemptFailed(why)) if why.contains("wrong trust domain")),
        "{told:?}"
    );
    assert_eq!(asked.elapsed(), Duration::ZERO, "waiting cannot help");
    assert!(world.api.names().len() <= 1);
    assert!(world.reports.reasons().contains(&EventReason::Denied));
    let mut open = None;
    for (verb, name, _) in world.api.calls() {
        match verb {
            Verb::Create => {
                assert_eq!(open.replace(name), None, "deleted before the next create");
            }
            Verb::Delete => assert_eq!(open.take(), Some(name)),
            Verb::Follow | Verb::Read => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_lasts_costs_a_request_in_a_quarter_of_an_hour_while_nobody_waits() {
    let forbidden = ApiError::Forbidden("no RBAC".to_owned());
    for creating in [Creating::Take, Creating::Refuse(forbidden)] {
        let (world, spec) = (World::new(), spec(1));
        world.api.always_create(creating);
        world.api.always_answer(Answering::Deny("no"));
        let token = world.token(&spec, "1", LIMIT * 1000);
        world.publish_with(&spec, token).await.unwrap_err();
        sleep(Duration::from_secs(6 * 3600)).await;
        let asked = waits(&world);
        assert_eq!(asked[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
        assert!(asked[10..].iter().all(|wait| *wait == 900), "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_publish_that_waits_has_a_lasting_refusal_tried_every_two_minutes() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::Deny("no"));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3600) {
        world.publish(&spec).await.unwrap_err();
        sleep(Duration::from_secs(90)).await;
    }
    let asked = waits(&world);
    assert!(asked.len() > 30, "{asked:?}");
    assert!(asked[7..].iter().all(|wait| *wait == 120), "{asked:?}");
    world.api.always_answer(Answering::Issue(Fault::None));
    let mended = Instant::now();
    world.publish(&spec).await.unwrap();
    assert!(mended.elapsed() <= Duration::from_secs(120));
}

#[tokio::test(start_paused = true)]
async fn a_publish_waits_for_the_next_attempt_where_that_is_in_time() {
    let (world, spec) = (World::new(), spec(1));
    world.api.then_answer(Answering::Fail("once"));
    world.api.then_answer(Answering::Invalid("twice"));
    world
        .api
        .then_answer(Answering::DeleteAfter(Duration::from_secs(1)));
    let asked = Instant::now();
    world.publish(&spec).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::from_secs(1 + 2 + 1 + 4));
    assert_eq!(
        world.reports.reasons(),
        [EventReason::Failed, EventReason::Failed]
    );
    assert_eq!(world.told(&spec, "lastFailure"), "");
    assert_eq!(world.api.names().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_asked_for_again_with_the_same_request() {
    let unreachable = ApiError::Unreachable("reset".to_owned());
    let failed = ApiError::Failed {
        code: 500,
        message: "etcd".to_owned(),
        retry_after: None,
    };
    for error in [ApiError::TimedOut(LIMIT), unreachable, failed] {
        let (world, spec) = (World::new(), spec(1));
        world.api.then_create(Creating::Lose(error.clone()));
        world.publish(&spec).await.unwrap();
        world.settle().await;
        assert_eq!(world.api.sent().len(), 1, "{error}");
        assert_eq!(
            world.api.counts(),
            [2, 1, 0, 0],
            "{error}: no need to watch"
        );
        world.svid(&spec);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_not_written_is_asked_for_again_with_the_same_request() {
    let (world, spec) = (World::new(), spec(1));
    let failed = ApiError::Failed {
        code: 503,
        message: "busy".to_owned(),
        retry_after: Some(Duration::from_secs(7)),
    };
    world.api.then_create(Creating::Refuse(failed));
    let asked = Instant::now();
    world.publish(&spec).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::from_secs(7));
    assert_eq!(world.api.counts(), [2, 0, 1, 0]);
    let calls = world.api.calls();
    assert_eq!(calls[0].1, calls[1].1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_may_have_been_written_is_deleted_whatever_the_second_answer_is() {
    let throttled = ApiError::Throttled { retry_after: None };
    let forbidden = ApiError::Forbidden("quota".to_owned());
    let unauthorized = ApiError::Unauthorized("expired".to_owned());
    for second in [throttled, forbidden, unauthorized] {
        let (world, spec) = (World::new(), spec(1));
        let lost = ApiError::TimedOut(Duration::from_secs(20));
        world.api.then_create(Creating::Lose(lost));
        world.api.then_create(Creating::Refuse(second.clone()));
        world.publish(&spec).await.unwrap();
        world.settle().await;
        let left = world.api.names();
        assert_eq!(left, [world.record(&spec).issued().unwrap()], "{second}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_carried_out_after_it_was_given_up_is_found_and_deleted() {
    let (world, spec) = (World::new(), spec(1));
    let lost = ApiError::TimedOut(Duration::from_secs(35));
    for _ in 0..3 {
        let late = Creating::LoseAfter(Duration::from_secs(40), lost.clone());
        world.api.then_create(late);
    }
    let asked = Instant::now();
    world.publish(&spec).await.unwrap();
    assert_eq!(
        asked.elapsed(),
        Duration::from_secs(1 + 2 + 1),
        "no waiting"
    );
    sleep(Duration::from_secs(50)).await;
    assert_eq!(world.api.names().len(), 2, "it is there by now");
    sleep(Duration::from_secs(50)).await;
    assert_eq!(world.api.names(), [world.record(&spec).issued().unwrap()]);
    assert_eq!(world.record(&spec).obsolete(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_object_of_our_name_is_neither_taken_nor_deleted() {
    let (world, spec) = (World::new(), spec(1));
    world.api.then_create(Creating::Squat);
    world.publish(&spec).await.unwrap();
    world.settle().await;
    let (_, squatted, _) = world.api.calls()[0].clone();
    let issued = world.record(&spec).issued().unwrap().to_owned();
    assert_ne!(issued, squatted);
    assert!(world.api.names().contains(&squatted), "it is not ours");
    assert_eq!(world.api.count(Verb::Delete), 0);
}

#[tokio::test(start_paused = true)]
async fn missing_rights_are_told_and_reported_and_leave_nothing_to_delete() {
    let (world, spec) = (World::new(), spec(1));
    let forbidden = ApiError::Forbidden("no RBAC".to_owned());
    world.api.always_create(Creating::Refuse(forbidden));
    let told = world.publish(&spec).await.unwrap_err().to_string();
    assert!(told.contains("no RBAC") && told.contains("Role"), "{told}");
    assert!(world.reports.reasons().contains(&EventReason::Forbidden));
    assert_eq!(world.api.count(Verb::Delete), 0);
    assert_eq!(world.record(&spec).in_flight(), None);
}

#[tokio::test(start_paused = true)]
async fn a_busy_api_server_is_left_alone_for_as_long_as_it_wants() {
    let (world, spec) = (World::new(), spec(1));
    let retry_after = Some(Duration::from_secs(33));
    world
        .api
        .then_create(Creating::Refuse(ApiError::Throttled { retry_after }));
    let asked = Instant::now();
    world.publish(&spec).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::from_secs(33));
    assert_eq!(world.api.counts(), [2, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_certificate_gives_an_undecided_request_five_to_ten_minutes() {
    for (lifetime, patience) in [(600, 300), (1500, 500), (3600, 600)] {
        let lifetime = Duration::from_secs(lifetime);
        let world = World::with(crate::lifecycle::AnchoringPolicy::Warn, lifetime);
        let spec = spec(1);
        world.api.then_answer(Answering::Nothing);
        let publish = world.publish_aside_with(&spec, world.token(&spec, "1", lifetime * 9));
        sleep(Duration::from_secs(patience - 1)).await;
        // A watch lasts 30.1 s including the pause after it, and is opened again after a read.
        let watched = usize::try_from((patience - 1) * 10 / 301).unwrap();
        assert_eq!(world.api.counts(), [1, watched, watched + 1, 0]);
        sleep(Duration::from_secs(1)).await;
        world.settle().await;
        let reasons = [EventReason::Pending, EventReason::TimedOut];
        assert_eq!(world.reports.reasons(), reasons);
        sleep(Duration::from_secs(1)).await;
        // It is read a last time, then a new attempt begins.
        assert_eq!(world.api.counts(), [2, watched + 1, watched + 2, 1]);
        publish.await.unwrap().unwrap_err();
        world.svid(&spec);
    }
}

#[tokio::test(start_paused = true)]
async fn another_issuer_is_asked_at_once_when_it_is_named() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::Approve);
    let publish = world.publish_aside(&spec);
    sleep(Duration::from_secs(20)).await;
    world.api.always_answer(Answering::Issue(Fault::None));
    let changed = Instant::now();
    let other = IssuerState::Known(named("other-ca").into());
    world.issuer.send_replace(asking(other));
    publish.await.unwrap().unwrap();
    assert_eq!(changed.elapsed(), Duration::ZERO);
    let sent = world.api.sent();
    let asked: Vec<_> = sent
        .iter()
        .map(|request| request.spec.issuer_ref.name.as_str())
        .collect();
    assert_eq!(asked, ["spiffe-ca", "other-ca"]);
    assert_eq!(world.api.names().len(), 1);
    assert!(world.reports.all().is_empty(), "that is no failure");
}

#[tokio::test(start_paused = true)]
async fn without_an_issuer_nothing_is_sent_until_one_is_named() {
    let (world, spec) = (World::new(), spec(1));
    let missing = IssuerState::Missing("name an issuer".to_owned());
    world.issuer.send_replace(asking(missing));
    let told = world.publish(&spec).await.unwrap_err().to_string();
    assert!(told.contains("name an issuer"), "{told}");
    assert_eq!(world.api.counts(), [0; 4]);
    assert!(world.reports.reasons().contains(&EventReason::NoIssuer));
    let named = IssuerState::Known(named("spiffe-ca").into());
    world.issuer.send_replace(asking(named));
    world.settle().await;
    world.svid(&spec);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_has_only_not_been_read_yet_is_waited_for_and_not_reported() {
    let (world, spec) = (World::new(), spec(1));
    let unread = IssuerState::NotYetRead("it has not been read yet".to_owned());
    world.issuer.send_replace(asking(unread));
    let publish = world.publish_aside(&spec);
    sleep(Duration::from_secs(2)).await;
    let named = IssuerState::Known(named("spiffe-ca").into());
    let read = Instant::now();
    world.issuer.send_replace(asking(named));
    publish.await.unwrap().unwrap();
    assert_eq!(read.elapsed(), Duration::ZERO);
    assert!(world.reports.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_cannot_be_read_is_reported_after_ten_seconds() {
    let (world, spec) = (World::new(), spec(1));
    let unread = IssuerState::NotYetRead("no rights on the ConfigMap".to_owned());
    world.issuer.send_replace(asking(unread));
    let publish = world.publish_aside(&spec);
    sleep(Duration::from_millis(9900)).await;
    assert!(world.reports.all().is_empty());
    sleep(Duration::from_millis(200)).await;
    assert_eq!(world.reports.reasons(), [EventReason::NoIssuer]);
    let told = publish.await.unwrap().unwrap_err().to_string();
    assert!(told.contains("no rights"), "{told}");
    assert_eq!(world.api.counts(), [0; 4]);
}

#[tokio::test(start_paused = true)]
async fn the_api_server_being_back_is_a_reason_to_try_soon() {
    let (world, spec) = (World::new(), spec(1));
    world.line.cut(true).await;
    let gone = ApiError::Unreachable("no route to host".to_owned());
    world.api.set_outage(Some(gone));
    let token = world.token(&spec, "1", LIMIT * 100);
    let told = world.publish_with(&spec, token).await.unwrap_err();
    assert!(told.to_string().contains("no route to host"), "{told}");
    sleep(Duration::from_secs(1000)).await;
    world.api.set_outage(None);
    let back = Instant::now();
    world.line.cut(false).await;
    world.publish(&spec).await.unwrap();
    assert!(back.elapsed() <= Duration::from_secs(50));
    world.settle().await;
    assert_eq!(world.api.names().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn backoff_stays_in_force_while_the_api_server_half_works() {
    let (world, spec) = (World::new(), spec(1));
    let gone = ApiError::Unreachable("no route to host".to_owned());
    world.api.always_create(Creating::Refuse(gone));
    let token = world.token(&spec, "1", LIMIT * 100);
    let publish = world.publish_aside_with(&spec, token);
    for _ in 0..500 {
        world.line.cut(true).await;
        sleep(Duration::from_secs(1)).await;
        world.line.cut(false).await;
        sleep(Duration::from_secs(1)).await;
    }
    publish.abort();
    let asked = world.api.count(Verb::Create);
    // Three tries each, after 1, 2, 4, .. 120 s.
    assert!(asked <= 3 * 17, "{asked} creates in 1000 s");
}

#[tokio::test(start_paused = true)]
async fn deletes_that_are_answered_do_not_shorten_the_backoff_of_creates() {
    let (world, spec) = (World::new(), spec(1));
    let gone = ApiError::Unreachable("no route to host".to_owned());
    world.api.always_create(Creating::Refuse(gone));
    let token = world.token(&spec, "1", LIMIT * 100);
    let publish = world.publish_aside_with(&spec, token);
    for _ in 0..100 {
        world.line.report(Calls::Creates, true).await;
        sleep(Duration::from_secs(35)).await;
        world.line.report(Calls::Deletes, false).await;
        sleep(Duration::from_secs(1)).await;
    }
    publish.abort();
    let asked = world.api.count(Verb::Create);
    // Three tries each, after 1, 2, 4, .. 120 s.
    assert!(asked <= 3 * 38, "{asked} creates in an hour");
}

#[tokio::test(start_paused = true)]
async fn files_that_cannot_be_shown_are_told_and_tried_again() {
    let (world, spec) = (World::new(), spec(1));
    world.volumes.fail(Operation::Publish, 2);
    world.publish(&spec).await.unwrap();
    assert_eq!(published(&world), 3);
    assert_eq!(
        world.reports.reasons(),
        [EventReason::NotMounted, EventReason::NotMounted]
    );
    world.settle().await;
    assert_eq!(world.api.names().len(), 1);
    world.svid(&spec);
}
