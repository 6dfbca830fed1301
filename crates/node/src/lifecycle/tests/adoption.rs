//! Volumes that another driver made.

use std::time::Duration;

use svid_core::identity::ServiceAccount;
use tokio::time::Instant;

use super::fake::Verb;
use super::recovery::good_set;
use super::world::{World, spec};
use crate::lifecycle::Lifecycle as _;

#[tokio::test(start_paused = true)]
async fn a_set_of_another_driver_is_taken_over_without_a_request() {
    let (world, spec) = (World::new(), spec(1));
    let set = good_set(&spec, &world).await;
    world.volumes.leave_set(&spec.target, set.clone());
    let counts = world.api.counts();
    assert!(world.tasks.is_known(&spec.volume, Some(&spec.target)).await);
    let asked = Instant::now();
    world.publish(&spec).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    world.settle().await;
    assert_eq!(world.set(&spec), set);
    assert_eq!(world.api.counts(), counts);
    assert_eq!(*world.record(&spec).spec(), spec);
    // And it is renewed from now on.
    world
        .until("a renewal", |world| world.phase(&spec) == "awaiting-token")
        .await;
    world.publish(&spec).await.unwrap();
    world.settle().await;
    assert_ne!(world.set(&spec).key, set.key);
}

#[tokio::test(start_paused = true)]
async fn a_set_of_somebody_else_is_replaced() {
    let (world, one, mut two) = (World::new(), spec(1), spec(2));
    let set = good_set(&one, &world).await;
    two.service_account = ServiceAccount::new("sandbox", "other").unwrap();
    world.volumes.leave_set(&two.target, set);
    world.publish(&two).await.unwrap();
    world.svid(&two);
    assert_eq!(world.api.count(Verb::Create), 2);
}
