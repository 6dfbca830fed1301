//! The order in which everything is measured.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kube::config::AuthInfo;
use tokio::time::{sleep, sleep_until};

use crate::approver;
use crate::arguments::Arguments;
use crate::csi::Kubelet;
use crate::floor::{self, Floor};
use crate::place::{self, Place};
use crate::report::{self, Report, Unit};
use crate::roles::Role;
use crate::sample::figure;
use crate::workloads::{self, Workload};

/// Measures everything, prints the table and writes it where that is asked for.
pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let baseline = arguments.baseline.as_deref().map(report::baseline);
    let baseline = baseline.transpose()?;
    let place = Place::read()?;
    let configuration = place.configuration("KUBECONFIG").await?;
    let administrator = place::client(&configuration)?;
    let approver = place::client(&place.configuration("APPROVER_KUBECONFIG").await?)?;
    let most = arguments.most.max(arguments.volumes).max(arguments.single);
    progress(&format!("creating {most} pods and their tokens"));
    let workloads = workloads::create(&administrator, most).await?;
    let first = workloads.first().context("--most must be at least 1")?;
    let mut pod = configuration.clone();
    pod.auth_info = AuthInfo {
        token: Some(first.token.clone().into()),
        ..AuthInfo::default()
    };
    floor::create_issuer(&administrator).await?;
    let floor = Floor::new(&administrator, &approver, &place::client(&pod)?, first)?;
    let mut bench = Bench {
        arguments,
        place,
        binary: &arguments.binary,
        floor,
        workloads,
        report: Report::default(),
    };
    let measured = bench.measure().await;
    bench.report.print(baseline.as_ref());
    workloads::delete(&administrator).await?;
    measured?;
    if let Some(path) = &arguments.json {
        bench.report.write(path)?;
    }
    Ok(())
}

struct Bench<'a> {
    arguments: &'a Arguments,
    place: Place,
    binary: &'a Path,
    floor: Floor,
    workloads: Vec<Workload>,
    report: Report,
}

impl Bench<'_> {
    async fn measure(&mut self) -> Result<()> {
        // Kept, with the logs, where something failed.
        let folder = tempfile::Builder::new().prefix("spiffe-bench-").tempdir()?;
        let path = folder.path().to_owned();
        self.approver(&path).await?;
        let approver = Role::approver(self.binary, &self.place, &path, "1h")?;
        let measured = self.volumes(&path).await;
        let measured = match measured {
            Ok(()) => self.memory(&path).await,
            failed => failed,
        };
        approver.end().await?;
        if measured.is_err() {
            let kept = folder.keep();
            progress(&format!("logs are in {}", kept.display()));
            return measured;
        }
        self.renewals(&path).await
    }

    async fn approver(&mut self, folder: &Path) -> Result<()> {
        progress("approver");
        let parts = (self.binary, &self.place, folder);
        let rounds = self.arguments.rounds.min(3);
        let count = self.arguments.requests;
        approver::measure(&mut self.report, &self.floor, count, rounds, parts).await
    }

    /// Latency and throughput of one driver, in rounds.
    async fn volumes(&mut self, folder: &Path) -> Result<()> {
        let kubelet = kubelet(folder)?;
        let driver = self.driver(folder, &kubelet, "1h").await?;
        let (single, volumes) = (self.arguments.single, self.arguments.volumes);
        let at_once = self.arguments.at_once;
        for round in 0..self.arguments.rounds {
            progress(&format!("round {} of {}", round + 1, self.arguments.rounds));
            let floor = self
                .floor
                .issue(&format!("single-{round}"), single, 1)
                .await?;
            let few = self.workloads.get(..single).context("too few volumes")?;
            let product = kubelet.publish(few, 1).await?;
            let report = &mut self.report;
            for (percent, name) in [
                (50, "publish, one at a time, p50"),
                (90, "publish, one at a time, p90"),
            ] {
                report.floor(name, Unit::Milliseconds, floor.each.percentile(percent));
                report.product(name, Unit::Milliseconds, product.each.percentile(percent));
            }
            let gone = kubelet.unpublish(few, 1).await?;
            report.product(
                "unpublish, one at a time, p50",
                Unit::Milliseconds,
                gone.each.percentile(50),
            );

            let floor = self
                .floor
                .issue(&format!("many-{round}"), volumes, at_once)
                .await?;
            let many = self.workloads.get(..volumes).context("too few volumes")?;
            let product = kubelet.publish(many, at_once).await?;
            let report = &mut self.report;
            report.floor(
                "publish, many at once",
                Unit::PerSecond,
                floor.per_second(volumes),
            );
            report.product(
                "publish, many at once",
                Unit::PerSecond,
                product.per_second(volumes),
            );
            for (percent, name) in [
                (50, "publish, many at once, p50"),
                (99, "publish, many at once, p99"),
            ] {
                report.floor(name, Unit::Milliseconds, floor.each.percentile(percent));
                report.product(name, Unit::Milliseconds, product.each.percentile(percent));
            }
            let gone = kubelet.unpublish(many, at_once).await?;
            report.product(
                "unpublish, many at once, p50",
                Unit::Milliseconds,
                gone.each.percentile(50),
            );
        }
        driver.end().await
    }

    /// Memory with no, some and many volumes, and the time of a restart with many.
    async fn memory(&mut self, folder: &Path) -> Result<()> {
        progress("memory and restart");
        let kubelet = kubelet(folder)?;
        let driver = self.driver(folder, &kubelet, "1h").await?;
        self.report.product(
            "driver: memory, idle",
            Unit::Mebibytes,
            driver.usage()?.memory,
        );
        let (some, rest) = self
            .workloads
            .split_at_checked(self.arguments.volumes)
            .context("too few volumes")?;
        kubelet.publish(some, self.arguments.at_once).await?;
        sleep(SETTLE).await;
        self.report.product(
            "driver: memory, --volumes",
            Unit::Mebibytes,
            driver.usage()?.memory,
        );
        kubelet.publish(rest, self.arguments.at_once).await?;
        sleep(SETTLE).await;
        let usage = driver.usage()?;
        self.report
            .product("driver: memory, --most", Unit::Mebibytes, usage.memory);
        self.report
            .product("driver: most memory", Unit::Mebibytes, usage.peak);
        driver.kill().await?;
        let start = Instant::now();
        let driver = Role::driver(self.binary, &self.place, folder, &kubelet, "1h")?;
        let restart = kubelet.answered(start).await?;
        let restart = restart.as_secs_f64() * 1000.0;
        self.report
            .product("driver: restart with --most", Unit::Milliseconds, restart);
        kubelet
            .unpublish(&self.workloads, self.arguments.at_once)
            .await?;
        driver.end().await
    }

    /// What renewals of one-minute certificates cost.
    async fn renewals(&mut self, folder: &Path) -> Result<()> {
        let minutes = self.arguments.renewal_minutes;
        if minutes == 0 {
            return Ok(());
        }
        progress(&format!("renewals for {minutes} minutes"));
        let approver = Role::approver(self.binary, &self.place, folder, "1m")?;
        let kubelet = kubelet(folder)?;
        let driver = self.driver(folder, &kubelet, "1m").await?;
        kubelet
            .publish(&self.workloads, self.arguments.at_once)
            .await?;
        let before = driver.usage()?;
        let start = Instant::now();
        for minute in 1..=minutes {
            let end = start + Duration::from_secs(60) * u32::try_from(minute)?;
            sleep_until(end.into()).await;
            kubelet
                .publish(&self.workloads, self.arguments.at_once)
                .await?;
        }
        let usage = driver.usage()?;
        // A certificate of a minute is renewed after 34 to 40 s.
        let spent = (usage.processor - before.processor).as_secs_f64() * 1000.0;
        let renewals = start.elapsed().as_secs_f64() / 37.0 * figure(self.workloads.len());
        ensure!(renewals > 0.0, "nothing was renewed");
        self.report.product(
            "driver: processor time per renewal",
            Unit::Milliseconds,
            spent / renewals,
        );
        kubelet
            .unpublish(&self.workloads, self.arguments.at_once)
            .await?;
        driver.end().await?;
        approver.end().await
    }

    async fn driver(&self, folder: &Path, kubelet: &Kubelet, lifetime: &str) -> Result<Role> {
        let start = Instant::now();
        let driver = Role::driver(self.binary, &self.place, folder, kubelet, lifetime)?;
        kubelet.answered(start).await?;
        Ok(driver)
    }
}

fn kubelet(folder: &Path) -> Result<Kubelet> {
    let kubelet: PathBuf = folder.join("kubelet");
    std::fs::create_dir_all(&kubelet)?;
    Ok(Kubelet {
        folder: kubelet,
        socket: folder.join("csi.sock"),
    })
}

fn progress(what: &str) {
    println!("bench: {what}");
}

/// After a burst, until connections are idle and memory is given back.
const SETTLE: Duration = Duration::from_secs(40);
