//! Owns `check`: what is wrong with an installation, and what to do about each thing.
//!
//! Must not write anything, nor read a Secret. Reading ([`look`]) is apart from judging
//! ([`judge`]), which is pure. Invariant: what could not be looked at is said, and is never good.
//!
//! | file | what it owns |
//! | --- | --- |
//! | `account` | a service account, as RBAC knows it |
//! | `catalogue` | the checks: id, sentence, advice, place in the documents |
//! | `look` | reading the cluster, with limits |
//! | `release` | which objects run the roles, and their flags |
//! | `rights` | what is asked about rights |
//! | `snapshot` | all that was read |
//! | `judge` | from what was read to what is wrong |
//! | `outcome`, `report`, `text` | what came of it, and how it is printed |

mod account;
mod catalogue;
mod judge;
mod look;
mod outcome;
mod release;
mod report;
mod rights;
mod snapshot;
#[cfg(test)]
mod tests;
mod text;

use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use svid_client::ApiError;
use tokio::time::{Instant, sleep};

use crate::args::CheckArgs;
use crate::output::{self, Verdict};
use crate::{kubernetes, process};
use catalogue::Check;
use look::Look;
use outcome::Findings;
use report::Report;
use snapshot::Unseen;

/// Looks at the cluster and prints what is wrong with it.
///
/// # Errors
/// The flags or the kubeconfig name no API server, or standard output is closed.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let report = process::run_to_end(async {
        let clients = kubernetes::connect(&args.connection).await?;
        Ok(repeat(&Look::new(clients.own), args).await)
    })?;
    output::print(&report, args.output, text::write)?;
    Ok(report.verdict().into())
}

/// Looks until all is well or the time is over.
async fn repeat(look: &Look, args: &CheckArgs) -> Report {
    let end = Instant::now() + args.wait;
    loop {
        let report = once(look, args).await;
        if report.verdict() == Verdict::Good || Instant::now() + PAUSE > end {
            return report;
        }
        sleep(PAUSE).await;
    }
}

async fn once(look: &Look, args: &CheckArgs) -> Report {
    let driver = args.driver.as_str();
    match look::gather(look, args, Timestamp::now()).await {
        Ok(snapshot) => Report::new(driver, &snapshot.namespace, judge::judge(&snapshot)),
        Err(error) => {
            let namespace = args.namespace.as_deref().unwrap_or("any namespace");
            Report::new(driver, namespace, vec![unreachable(&error)])
        }
    }
}

fn unreachable(error: &ApiError) -> outcome::Outcome {
    let mut findings = Findings::of(Check::ApiReachable);
    findings.unseen(&Unseen::new("get /version".to_owned(), error));
    findings.done()
}

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);
