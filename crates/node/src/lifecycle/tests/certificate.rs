//! What an issuer returns is not trusted.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::fake::{Answering, Fault, Verb};
use super::world::{LIFETIME, World, bundle, published, spec};
use crate::events::EventReason;
use crate::lifecycle::AnchoringPolicy;

#[tokio::test(start_paused = true)]
async fn a_bad_certificate_is_never_shown_and_another_one_is_asked_for() {
    for fault in [
        Fault::WrongKey,
        Fault::OtherIdentity,
        Fault::NoIdentity,
        Fault::SecondName,
        Fault::Expired,
        Fault::Authority,
        Fault::BrokenLink,
        Fault::Garbage,
        Fault::NoCertificate,
        Fault::Begins(SignedDuration::from_hours(2)),
    ] {
        let (world, spec) = (World::new(), spec(1));
        world.api.always_answer(Answering::Issue(fault));
        let told = world.publish(&spec).await.unwrap_err().to_string();
        assert!(told.contains("is refused"), "{fault:?}: {told}");
        assert_eq!(published(&world), 0, "{fault:?}");
        assert_eq!(world.volumes.shown(&spec.target), None, "{fault:?}");
        let reasons = world.reports.reasons();
        assert!(
            reasons
                .iter()
                .all(|reason| *reason == EventReason::BadCertificate),
            "{fault:?}: {reasons:?}"
        );
        let asked = world.api.count(Verb::Create);
        assert!((6..=8).contains(&asked), "{fault:?}: {asked}");
        world.api.always_answer(Answering::Issue(Fault::None));
        world.publish(&spec).await.unwrap();
        world.settle().await;
        world.svid(&spec);
        assert_eq!(world.api.names().len(), 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_certificate_never_replaces_a_good_one() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    let shown = world.set(&spec);
    world.api.always_answer(Answering::Issue(Fault::WrongKey));
    world.publish(&spec).await.unwrap();
    world
        .until("renewals", |world| world.api.count(Verb::Create) == 5)
        .await;
    world.settle().await;
    assert_eq!(world.set(&spec), shown);
    world.publish(&spec).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_begins_soon_is_held_and_shown_when_it_does() {
    let (world, spec) = (World::new(), spec(1));
    let soon = Fault::Begins(SignedDuration::from_secs(60));
    world.api.always_answer(Answering::Issue(soon));
    let asked = Instant::now();
    let publish = world.publish_aside(&spec);
    sleep(Duration::from_secs(59)).await;
    assert_eq!(world.phase(&spec), "holding");
    assert_eq!(published(&world), 0);
    publish.await.unwrap().unwrap();
    assert_eq!(asked.elapsed(), Duration::from_secs(60));
    world.svid(&spec);
    assert_eq!(world.api.count(Verb::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_held_no_longer_when_the_clock_is_set_right() {
    let (world, spec) = (World::new(), spec(1));
    let soon = Fault::Begins(SignedDuration::from_secs(240));
    world.api.always_answer(Answering::Issue(soon));
    let publish = world.publish_aside(&spec);
    sleep(Duration::from_secs(10)).await;
    let stepped = Instant::now();
    world.clock.step(SignedDuration::from_secs(240));
    publish.await.unwrap().unwrap();
    assert_eq!(stepped.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_held_certificate_is_shown_in_time_although_the_clock_is_set_back() {
    let (world, spec) = (World::new(), spec(1));
    let soon = Fault::Begins(SignedDuration::from_secs(60));
    world.api.always_answer(Answering::Issue(soon));
    let asked = Instant::now();
    let publish = world.publish_aside(&spec);
    sleep(Duration::from_secs(10)).await;
    world.clock.step(SignedDuration::from_secs(-20));
    sleep(Duration::from_secs(51)).await;
    assert_eq!(published(&world), 1, "by the clock that nobody can set");
    publish.await.unwrap().unwrap();
    assert_eq!(asked.elapsed(), Duration::from_secs(80), "valid by both");
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_another_authority_is_shown_with_a_warning() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::IssueByStranger);
    world.publish(&spec).await.unwrap();
    assert_eq!(published(&world), 1);
    let told = world.reports.all();
    assert_eq!(world.reports.reasons(), [EventReason::NotAnchored]);
    assert!(format!("{told:?}").contains("CN=stranger"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_without_key_usage_is_shown_and_said_or_refused_on_demand() {
    let (world, one) = (World::new(), spec(1));
    world.api.always_answer(Answering::Issue(Fault::NoKeyUsage));
    world.publish(&one).await.unwrap();
    assert_eq!(published(&world), 1);
    assert_eq!(world.reports.reasons(), [EventReason::NoKeyUsage]);

    let (world, one) = (World::requiring_key_usage(), spec(1));
    world.api.always_answer(Answering::Issue(Fault::NoKeyUsage));
    let told = world.publish(&one).await.unwrap_err().to_string();
    assert!(told.contains("no key usage"), "{told}");
    assert_eq!(published(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn an_authority_that_stands_in_status_ca_alone_completes_the_chain() {
    let (world, spec) = (World::with(AnchoringPolicy::Require, LIFETIME), spec(1));
    world
        .api
        .always_answer(Answering::Issue(Fault::ByIntermediate));
    world.publish(&spec).await.unwrap();
    assert_eq!(world.reports.reasons(), []);
    let certificate = String::from_utf8(world.set(&spec).certificate).unwrap();
    assert_eq!(certificate.matches("BEGIN").count(), 2);
    world.svid(&spec);
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_another_authority_is_refused_where_it_must_be_anchored() {
    let (world, spec) = (World::with(AnchoringPolicy::Require, LIFETIME), spec(1));
    world.api.always_answer(Answering::IssueByStranger);
    let told = world.publish(&spec).await.unwrap_err().to_string();
    assert!(told.contains("trust bundle"), "{told}");
    assert_eq!(published(&world), 0);
    // A bundle that contains it helps at once.
    sleep(Duration::from_secs(300)).await;
    let both = bundle(&[&world.authority, &world.stranger]);
    world.trust.send_replace(both);
    world.settle().await;
    world.svid(&spec);
}

#[tokio::test(start_paused = true)]
async fn a_chain_is_held_against_the_bundle_that_is_shown_with_it() {
    // The bundle gains the issuer while the request waits.
    let (world, one) = (World::with(AnchoringPolicy::Require, LIFETIME), spec(1));
    world.api.always_answer(Answering::Nothing);
    let publish = world.publish_aside(&one);
    sleep(Duration::from_secs(10)).await;
    let both = bundle(&[&world.authority, &world.stranger]);
    world.trust.send_replace(both);
    world.settle().await;
    let name = world.api.names()[0].clone();
    world.api.answer(&name, &Answering::IssueByStranger);
    publish.await.unwrap().unwrap();
    assert_eq!(world.api.count(Verb::Create), 1);
    assert!(world.reports.all().is_empty());
    world.svid(&one);

    // The bundle loses the issuer while the certificate is held.
    let (world, one) = (World::with(AnchoringPolicy::Require, LIFETIME), spec(1));
    let soon = Fault::Begins(SignedDuration::from_secs(60));
    world.api.always_answer(Answering::Issue(soon));
    let publish = world.publish_aside(&one);
    sleep(Duration::from_secs(10)).await;
    world.trust.send_replace(bundle(&[&world.stranger]));
    world.api.always_answer(Answering::IssueByStranger);
    publish.await.unwrap().unwrap();
    world.svid(&one);
}
