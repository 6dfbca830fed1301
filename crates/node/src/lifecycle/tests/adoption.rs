//! Volumes that another driver made.

use std::time::Duration;

use svid_core::identity::ServiceAccount;
use tokio::time::Instant;

use super::fake::Verb;
use super::recovery::good_set;
use super::world::{World, wish};
use crate::lifecycle::Lifecycle as _;

#[tokio::test(start_paused = true)]
async fn a_set_of_another_driver_is_taken_over_without_a_request() {
    let (world, wish) = (World::new(), wish(1));
    let set = good_set(&wish, &world).await;
    world.volumes.leave_set(&wish.target, set.clone());
    let counts = world.api.counts();
    assert!(world.tasks.is_known(&wish.volume, Some(&wish.target)).await);
    let asked = Instant::now();
    world.publish(&wish).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    world.settle().await;
    assert_eq!(world.set(&wish), set);
    assert_eq!(world.api.counts(), counts);
    assert_eq!(*world.record(&wish).wish(), wish);
    // And it is renewed from now on.
    world
        .until("a renewal", |world| world.phase(&wish) == "awaiting-token")
        .await;
    world.publish(&wish).await.unwrap();
    world.settle().await;
    assert_ne!(world.set(&wish).key, set.key);
}

#[tokio::test(start_paused = true)]
async fn a_set_of_somebody_else_is_replaced() {
    let (world, one, mut two) = (World::new(), wish(1), wish(2));
    let set = good_set(&one, &world).await;
    two.service_account = ServiceAccount::new("sandbox", "other").unwrap();
    world.volumes.leave_set(&two.target, set);
    world.publish(&two).await.unwrap();
    world.svid(&two);
    assert_eq!(world.api.count(Verb::Create), 2);
}
