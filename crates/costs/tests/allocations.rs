//! The pure steps of a certificate ask for no more memory than their limits allow.
//!
//! Counts, not times: they are the same on every machine. A limit is what was counted and about a
//! fifth more. Whoever makes a step cheaper lowers its limit; whoever has to raise one says why.

use std::hint::black_box;

use svid_costs::{Answer, Decisions};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// What a step may ask for: allocations, and bytes in all of them.
#[derive(Clone, Copy)]
struct Limit {
    allocations: u64,
    bytes: u64,
}

/// One test, since the counters are those of the whole process.
#[test]
fn no_pure_step_asks_for_more_memory_than_its_limit() {
    let decisions = Decisions::default();
    let answer = Answer::default();
    let _counters = dhat::Profiler::builder().testing().build();
    let limit = |allocations, bytes| Limit { allocations, bytes };
    let over: Vec<String> = [
        check("read a request", limit(40, 2_800), || {
            drop(black_box(decisions.read()));
        }),
        check("judge a request", limit(110, 7_000), || {
            drop(black_box(decisions.judge()));
        }),
        check("make a key and a signing request", limit(68, 7_000), || {
            drop(black_box(answer.make_request()));
        }),
        check(
            "check a chain of two below a root",
            limit(175, 30_000),
            || {
                drop(black_box(answer.check_chain()));
            },
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(over.is_empty(), "{}", over.join("\n"));
}

/// What is over the limit, in words. Counts the second run: the first may fill caches.
fn check(step: &str, limit: Limit, run: impl Fn()) -> Option<String> {
    run();
    let before = dhat::HeapStats::get();
    run();
    let after = dhat::HeapStats::get();
    let allocations = after.total_blocks - before.total_blocks;
    let bytes = after.total_bytes - before.total_bytes;
    (allocations > limit.allocations || bytes > limit.bytes).then(|| {
        format!(
            "{step}: {allocations} allocations of {bytes} bytes; the limit is {} of {}",
            limit.allocations, limit.bytes
        )
    })
}
