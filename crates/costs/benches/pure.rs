//! How long the pure steps of a certificate take: `cargo bench -p svid-costs`.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot begin must be loud"
)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use svid_costs::{Answer, Decisions};
use tokio::time::{Instant, sleep_until};

fn decisions(criterion: &mut Criterion) {
    let decisions = Decisions::default();
    criterion.bench_function("read a request", |bencher| {
        bencher.iter(|| black_box(decisions.read()));
    });
    criterion.bench_function("judge a request", |bencher| {
        bencher.iter(|| black_box(decisions.judge()));
    });
}

fn attempts(criterion: &mut Criterion) {
    let answer = Answer::default();
    criterion.bench_function("make a key and a signing request", |bencher| {
        bencher.iter(|| black_box(answer.make_request()));
    });
    criterion.bench_function("check a chain of two below a root", |bencher| {
        bencher.iter(|| black_box(answer.check_chain()));
    });
}

/// What waits for renewals costs: a task for each volume with one timer, as `lifecycle` has it.
fn timers(criterion: &mut Criterion) {
    criterion.bench_function("100,000 timers", |bencher| {
        bencher.iter(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(async {
                let start = Instant::now();
                let mut tasks = tokio::task::JoinSet::new();
                for index in 0..100_000_u64 {
                    // Renewals of an hour, spread as jitter spreads them.
                    let due = Duration::from_millis(index.wrapping_mul(7_919) % 3_600_000);
                    tasks.spawn(sleep_until(start + due));
                }
                while tasks.join_next().await.is_some() {}
            });
        });
    });
}

criterion_group!(pure, decisions, attempts, timers);
criterion_main!(pure);
