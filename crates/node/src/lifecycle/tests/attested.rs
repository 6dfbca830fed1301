//! The driver makes the requests itself: no pod token is needed, not even after a restart.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::fake::{Creating, Verb};
use super::world::{LIFETIME, World, wish};
use crate::credential::Credential;
use svid_client::ApiError;

#[tokio::test(start_paused = true)]
async fn a_volume_gets_its_certificate_and_renews_it_without_any_token() {
    let (world, wish) = (World::node_attested(), wish(1));
    world.publish_with(&wish, Credential::Driver).await.unwrap();
    world
        .until("the third renewal", |world| {
            world.api.count(Verb::Create) == 4
        })
        .await;
    assert!(world.api.tokens().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_restarted_process_renews_without_waiting_for_a_publish() {
    let (mut world, wish) = (World::node_attested(), wish(1));
    world.publish_with(&wish, Credential::Driver).await.unwrap();
    world.stop().await;
    sleep(LIFETIME * 3 / 4).await;
    world.restart().await;
    let begun = Instant::now();
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 2)
        .await;
    world.settle().await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(world.phase(&wish), "resting");
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_found_by_its_key() {
    let (world, wish) = (World::node_attested(), wish(1));
    let lost = ApiError::Unreachable("cut".to_owned());
    world.api.then_create(Creating::Lose(lost));
    world.publish_with(&wish, Credential::Driver).await.unwrap();
    assert_eq!(world.api.count(Verb::Create), 2, "the same request twice");
    assert_eq!(world.api.count(Verb::Read), 1);
    assert_eq!(world.api.names().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn missing_rights_are_the_drivers_and_told_so() {
    let (world, wish) = (World::node_attested(), wish(1));
    let forbidden = ApiError::Forbidden("no rights".to_owned());
    world.api.always_create(Creating::Refuse(forbidden));
    let error = world
        .publish_with(&wish, Credential::Driver)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("to the driver's service account"), "{error}");
    assert!(!error.contains("sandbox:web"), "{error}");
}
