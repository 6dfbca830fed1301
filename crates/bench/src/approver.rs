//! How fast decisions are made.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::floor::Floor;
use crate::place::Place;
use crate::report::{Report, Unit};
use crate::roles::Role;
use crate::sample::{Sample, figure};
use crate::watch::{Expected, Stage, Watch};

/// Decisions per second on requests that are there already, compared with a client that writes the
/// same condition to each; then the latency while requests are being created. No approver may be
/// running yet.
pub(crate) async fn measure(
    report: &mut Report,
    floor: &Floor,
    count: usize,
    rounds: usize,
    (binary, place, folder): (&Path, &Place, &Path),
) -> Result<()> {
    for round in 0..rounds {
        let names = names(&format!("writes-{round}"), count);
        create(floor, &names).await?;
        let start = Instant::now();
        let written = stream::iter(&names).map(|name| floor.approve(name));
        written
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        report.floor(STORED, Unit::PerSecond, rate(count, start.elapsed()));
        floor.delete(&names).await?;

        let names = self::names(&format!("decisions-{round}"), count);
        create(floor, &names).await?;
        let watch = Watch::open(floor.requests(), Stage::Approved).await?;
        let mut expected = Vec::new();
        for name in &names {
            expected.push(watch.expect(name).await);
        }
        let approver = Role::approver(binary, place, folder, "1h")?;
        let seen = all(expected).await?;
        if let (Some(first), Some(last)) = (seen.iter().min(), seen.iter().max()) {
            report.product(
                STORED,
                Unit::PerSecond,
                rate(count, last.duration_since(*first)),
            );
        }
        floor.delete(&names).await?;

        live(report, floor, count, round, &watch).await?;
        let usage = approver.usage()?;
        report.product(
            "approver: memory after those",
            Unit::Mebibytes,
            usage.memory,
        );
        report.product("approver: most memory", Unit::Mebibytes, usage.peak);
        approver.end().await?;
    }
    Ok(())
}

async fn live(
    report: &mut Report,
    floor: &Floor,
    count: usize,
    round: usize,
    watch: &Watch,
) -> Result<()> {
    let names = names(&format!("live-{round}"), count);
    let start = Instant::now();
    let decided = stream::iter(&names).map(|name| async move {
        let expected = watch.expect(name).await;
        let start = Instant::now();
        floor.create(name).await?;
        let created = Instant::now();
        // It may be decided before its creator has the answer.
        let seen = expected.seen().await?.max(created);
        anyhow::Ok((created.duration_since(start), seen.duration_since(start)))
    });
    let times: Vec<(Duration, Duration)> = decided.buffer_unordered(CREATORS).try_collect().await?;
    let all = start.elapsed();
    let each = Sample::new(times.iter().map(|(_, decided)| *decided).collect());
    let created = Sample::new(times.iter().map(|(created, _)| *created).collect());
    let (p50, p99) = (
        "approver: create to decision, p50",
        "approver: create to decision, p99",
    );
    report.floor(p50, Unit::Milliseconds, created.percentile(50));
    report.floor(p99, Unit::Milliseconds, created.percentile(99));
    report.product(p50, Unit::Milliseconds, each.percentile(50));
    report.product(p99, Unit::Milliseconds, each.percentile(99));
    report.product(
        "approver: created and decided",
        Unit::PerSecond,
        rate(count, all),
    );
    floor.delete(&names).await
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|index| format!("{prefix}-{index}"))
        .collect()
}

async fn create(floor: &Floor, names: &[String]) -> Result<()> {
    let created = stream::iter(names).map(|name| floor.create(name));
    created.buffer_unordered(CREATORS).try_collect().await
}

async fn all(expected: Vec<Expected>) -> Result<Vec<Instant>> {
    let mut seen = Vec::new();
    for one in expected {
        seen.push(one.seen().await?);
    }
    Ok(seen)
}

fn rate(count: usize, length: Duration) -> f64 {
    figure(count) / length.as_secs_f64()
}

const STORED: &str = "approver: decisions on what is stored";
/// With this many writes at once they are fastest. cert-manager's webhook remembers for a second
/// whether somebody may approve, and then asks the API server for each write under way, five times
/// per second at most: 16 at once were slower than two.
const AT_ONCE: usize = 4;
const CREATORS: usize = 50;
