//! Shutdown, panics, and what must never be logged or reported.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::fake::{Answering, Creating, Fault, Log, Operation, SECRET, Verb};
use super::world::{LIFETIME, LIMIT, World, published, spec};
use crate::lifecycle::{PublishError, TaskPanicked};
use svid_client::ApiError;

#[tokio::test(start_paused = true)]
async fn a_shutdown_joins_every_task_and_tells_whoever_waits_to_call_again() {
    let world = World::new();
    let specs: Vec<_> = (1..=4).map(spec).collect();
    world.publish(&specs[0]).await.unwrap();
    world.publish(&specs[1]).await.unwrap();
    world.api.always_delete(Some(ApiError::TimedOut(LIMIT)));
    world.unpublish(&specs[1]).await.unwrap();
    world.api.always_answer(Answering::Nothing);
    let pending = world.publish_aside(&specs[2]);
    world.settle().await;
    world.api.set_outage(Some(ApiError::TimedOut(LIMIT)));
    let creating = world.publish_aside(&specs[3]);
    world.settle().await;
    let asked = Instant::now();
    world.stop().await;
    assert_eq!(asked.elapsed(), Duration::ZERO);
    for publish in [pending, creating] {
        let told = publish.await.unwrap();
        assert_eq!(told, Err(PublishError::ShuttingDown));
    }
    let told = world.publish(&spec(5)).await;
    assert_eq!(told, Err(PublishError::ShuttingDown));
    let counts = world.api.counts();
    sleep(LIFETIME).await;
    assert_eq!(world.api.counts(), counts, "nothing goes on");
    assert!(world.volumes.shown(&specs[0].target).is_some());
}

#[tokio::test(start_paused = true)]
async fn volumes_that_panic_are_survived() {
    for operation in [
        Operation::Read,
        Operation::Publish,
        Operation::ReplaceBundle,
    ] {
        let (world, spec) = (World::new(), spec(1));
        world.volumes.panic_at(operation);
        world.publish(&spec).await.unwrap();
        let both = super::world::bundle(&[&world.authority, &world.stranger]);
        world.trust.send_replace(both);
        sleep(Duration::from_secs(5)).await;
        let bundle = world.set(&spec).bundle.unwrap();
        assert_eq!(bundle.windows(5).filter(|text| text == b"BEGIN").count(), 2);
        world.svid(&spec);
        world.volumes.panic_at(Operation::Remove);
        world.unpublish(&spec).await.unwrap_err();
        world.unpublish(&spec).await.unwrap();
        world.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_ends_the_run_at_once_and_the_log_names_its_volume() {
    let log = Log::listen();
    let (world, one) = (World::new(), spec(1));
    world.publish(&spec(2)).await.unwrap();
    world.api.always_create(Creating::Panic);
    let tasks = world.tasks.clone();
    let begun = Instant::now();
    let run = tokio::spawn(async move { tasks.run(LIMIT).await });
    let told = world.publish(&one).await;
    told.unwrap_err();
    assert_eq!(run.await.unwrap(), Err(TaskPanicked));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let text = log.text();
    let line = text.lines().find(|line| line.contains("panicked")).unwrap();
    for word in [
        "volume=csi-1 ",
        "\"web-1\"",
        "\"sandbox\"",
        "delete the pod",
    ] {
        assert!(line.contains(word), "{word} in {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_token_and_no_pem_is_in_any_text() {
    let log = Log::listen();
    let (world, spec) = (World::new(), spec(1));
    let refused = ApiError::Unauthorized("not any more".to_owned());
    let lost = ApiError::TimedOut(Duration::from_secs(1));
    for creating in [
        Creating::Refuse(refused),
        Creating::Lose(lost),
        Creating::Squat,
    ] {
        world.api.then_create(creating);
    }
    for answering in [
        Answering::Deny("no"),
        Answering::Fail("no"),
        Answering::Issue(Fault::WrongKey),
        Answering::Issue(Fault::Garbage),
        Answering::IssueByStranger,
    ] {
        world.api.then_answer(answering);
    }
    world.volumes.fail(Operation::Publish, 1);
    world.volumes.fail(Operation::ReplaceBundle, 1);
    let mut texts = Vec::new();
    while published(&world) < 2 {
        let told = world.publish(&spec).await;
        texts.push(format!("{told:?} {:?}", world.tasks));
        let board = world.tasks.board();
        texts.push(format!("{board:?} {:?}", world.overview()));
    }
    let token = world.token(&spec, "1", LIFETIME);
    texts.push(format!("{token:?}"));
    world
        .trust
        .send_replace(super::world::bundle(&[&world.stranger]));
    sleep(LIFETIME * 3 / 4).await;
    world.unpublish(&spec).await.unwrap();
    world.settle().await;
    assert!(world.api.count(Verb::Create) >= 8);
    texts.push(log.text());
    texts.push(format!("{:?}", world.reports.all()));
    assert!(
        log.text().contains("the pod has a new certificate"),
        "{}",
        log.text()
    );
    for text in texts {
        for secret in [SECRET, "BEGIN", "PRIVATE", "MII"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
