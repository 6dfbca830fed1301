//! The search for a path, shortest first.
//!
//! Paths grow from the leaf by whoever signed their last certificate, with no name and key twice.
//! Invariant: the work is bounded. Each certificate ends at most [`MOST_PATHS`] paths, so paths
//! that share their beginning do not multiply; the first that reach a certificate are the shortest,
//! which have the least that could be wrong with them.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::error::{ChainError, PathPosition};
use super::path;
use super::pool::{Pool, PoolRole};
use super::signers::Signers;

/// Which paths are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// Those without a fault.
    Valid,
    /// Every one that is joined.
    Joined,
}

/// What a search saw. Paths are indices into the pool, the leaf first.
#[derive(Debug, Default)]
pub(super) struct Explored {
    /// Every path that was followed, the shortest first.
    pub(super) paths: Vec<Vec<usize>>,
    /// Paths, each with the anchors that signed its last certificate and have no fault.
    pub(super) anchored: Vec<(Vec<usize>, Vec<usize>)>,
    /// What was wrong with the next certificate above a path, so that it was not followed.
    pub(super) refused: Vec<(Vec<usize>, ChainError)>,
    /// The same of anchors.
    pub(super) refused_anchors: Vec<(Vec<usize>, ChainError)>,
    /// Paths that end below a root that came with the chain.
    pub(super) below_sent_root: Vec<(Vec<usize>, usize)>,
}

pub(super) fn explore(
    pool: &Pool<'_>,
    signers: &mut Signers<'_, '_>,
    follow: Follow,
    now: Timestamp,
) -> Explored {
    let mut explored = Explored::default();
    let mut ends = vec![0_usize; pool.len()];
    let mut queue = VecDeque::from([vec![0]]);
    while let Some(path) = queue.pop_front() {
        let last = path.last().copied().unwrap_or_default();
        let mut anchors = Vec::new();
        for index in signers.issuers(last) {
            let Some(member) = pool.get(index) else {
                continue;
            };
            let longer = [path.as_slice(), &[index]].concat();
            let certificates = pool.certificates(&longer);
            let faults = match member.part {
                PoolRole::Anchor => path::faults_of_root(&certificates, now),
                PoolRole::Link | PoolRole::SentRoot => path::faults_of_link(&certificates, now),
            };
            let fault = faults.into_iter().next();
            match (member.part, fault) {
                (PoolRole::SentRoot, _) => explored.below_sent_root.push((path.clone(), index)),
                (PoolRole::Anchor, _) if now < member.certificate.not_before => {
                    let fault = ChainError::NotYetValid {
                        place: PathPosition::of(path.len(), member.certificate),
                        not_before: member.certificate.not_before,
                    };
                    explored.refused_anchors.push((path.clone(), fault));
                }
                (PoolRole::Anchor, None) => anchors.push(index),
                (PoolRole::Anchor, Some(fault)) => {
                    explored.refused_anchors.push((path.clone(), fault));
                }
                (PoolRole::Link, _) if passes_twice(pool, &path, index) => {}
                (PoolRole::Link, Some(fault)) if follow == Follow::Valid => {
                    explored.refused.push((path.clone(), fault));
                }
                (PoolRole::Link, _) => {
                    if let Some(count) = ends.get_mut(index).filter(|count| **count < MOST_PATHS) {
                        *count += 1;
                        queue.push_back(longer);
                    }
                }
            }
        }
        if !anchors.is_empty() {
            explored.anchored.push((path.clone(), anchors));
        }
        explored.paths.push(path);
    }
    explored
}

/// Whether an authority is on the path already, with whatever certificate.
fn passes_twice(pool: &Pool<'_>, path: &[usize], index: usize) -> bool {
    let Some(next) = pool.get(index) else {
        return true;
    };
    pool.certificates(path).into_iter().any(|known| {
        known.subject == next.certificate.subject && known.public_key == next.certificate.public_key
    })
}

/// Doubled, twice the work; with one alone, a path that its certificate policies rule out would
/// hide another through the same certificate.
const MOST_PATHS: usize = 4;
