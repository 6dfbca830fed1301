//! Bundles on a real file system, replaced in the ways that people and kubelets replace them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;

fn authority(name: &str) -> String {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap()
        .pem()
}

/// A running source.
struct Running {
    state: watch::Receiver<TrustState>,
    refusals: Refusals,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(path: &Path) -> Self {
        let (source, state) = TrustSource::watch(Some(path.to_owned()));
        let refusals = source.refusals();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(source.run(shutdown.clone()));
        Self {
            state,
            refusals,
            shutdown,
            task,
        }
    }

    /// Waits, within a limit far below the minute after which files are read anyway.
    async fn until(&mut self, what: &str, good: impl FnMut(&TrustState) -> bool) {
        let seen = tokio::time::timeout(LIMIT, self.state.wait_for(good)).await;
        drop(
            seen.unwrap_or_else(|_| panic!("not seen within {LIMIT:?}: {what}"))
                .unwrap(),
        );
    }

    async fn until_bundle(&mut self, pem: &str) {
        let wanted = TrustBundle::parse_pem(pem.as_bytes()).unwrap();
        self.until(
            "the bundle",
            |state| matches!(state, TrustState::Bundle(bundle) if **bundle == wanted),
        )
        .await;
    }

    async fn until_refused(&self, count: u64) {
        let refused = async {
            while self.refusals.count() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, refused)
            .await
            .expect("refused in time");
    }

    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(LIMIT, self.task)
            .await
            .expect("ends in time")
            .unwrap();
    }
}

fn scratch() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.crt");
    (folder, path)
}

/// Replaces the file atomically, as careful tools do.
fn replace(path: &Path, content: &str) {
    let aside = path.with_extension("new");
    fs::write(&aside, content).unwrap();
    fs::rename(&aside, path).unwrap();
}

#[tokio::test]
async fn without_a_path_there_is_no_source() {
    let (source, state) = TrustSource::watch(None);
    assert!(matches!(*state.borrow(), TrustState::NoSource));
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    source.run(shutdown).await;
}

#[tokio::test]
async fn a_file_written_in_place_or_replaced_is_read_again() {
    let (_folder, path) = scratch();
    let (first, second, third) = (authority("1"), authority("2"), authority("3"));
    fs::write(&path, &first).unwrap();
    let mut running = Running::start(&path);
    assert!(
        matches!(*running.state.borrow(), TrustState::Bundle(_)),
        "read before it runs"
    );
    running.until_bundle(&first).await;
    replace(&path, &second);
    running.until_bundle(&second).await;
    fs::write(&path, format!("{second}{third}")).unwrap();
    running.until_bundle(&format!("{second}{third}")).await;
    assert_eq!(running.refusals.current(), None);
    running.stop().await;
}

#[tokio::test]
async fn a_broken_or_empty_file_is_refused_and_the_last_good_bundle_stays() {
    let (_folder, path) = scratch();
    let (first, second) = (authority("1"), authority("2"));
    replace(&path, &first);
    let mut running = Running::start(&path);
    let broken = [
        "",
        "no certificate",
        &first[..first.len() / 2],
        "-----BEGIN CERTIFICATE-----\n",
    ];
    for (refused, content) in (1..).zip(broken) {
        replace(&path, content);
        running.until_refused(refused).await;
        running.until_bundle(&first).await;
        let reason = running.refusals.current().unwrap();
        assert!(reason.contains("ca.crt"), "{reason}");
    }
    fs::remove_file(&path).unwrap();
    running.until_refused(5).await;
    running.until_bundle(&first).await;
    replace(&path, &second);
    running.until_bundle(&second).await;
    assert_eq!(running.refusals.current(), None);
    running.stop().await;
}

#[tokio::test]
async fn a_config_map_that_is_swapped_through_its_data_link_is_seen() {
    let (folder, path) = scratch();
    let (first, second, third) = (authority("1"), authority("2"), authority("3"));
    let swap = |version: &str, content: &str| {
        fs::create_dir(folder.path().join(version)).unwrap();
        fs::write(folder.path().join(version).join("ca.crt"), content).unwrap();
        symlink(version, folder.path().join("..data_tmp")).unwrap();
        fs::rename(
            folder.path().join("..data_tmp"),
            folder.path().join("..data"),
        )
        .unwrap();
    };
    swap("..1", &first);
    symlink("..data/ca.crt", &path).unwrap();
    let mut running = Running::start(&path);
    running.until_bundle(&first).await;
    swap("..2", &second);
    running.until_bundle(&second).await;
    fs::remove_dir_all(folder.path().join("..1")).unwrap();
    swap("..3", &third);
    running.until_bundle(&third).await;
    running.stop().await;
}

#[tokio::test]
async fn a_bundle_that_appears_later_is_seen_also_with_its_folder() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("not/yet/there/ca.crt");
    let mut running = Running::start(&path);
    running
        .until("why there is none", |state| {
            matches!(state, TrustState::Unreadable(reason) if reason.contains("not/yet/there"))
        })
        .await;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let first = authority("1");
    replace(&path, &first);
    running.until_bundle(&first).await;
    running.stop().await;
}

#[tokio::test]
async fn a_folder_that_is_removed_and_made_again_is_watched_again() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("folder/ca.crt");
    let mut running = Running::start(&path);
    for round in 0..3 {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bundle = authority(&round.to_string());
        replace(&path, &bundle);
        running.until_bundle(&bundle).await;
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
    running.stop().await;
}

#[test]
fn what_is_no_file_of_a_bearable_size_is_refused_without_waiting() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("ca.crt");
    let reason = |path: &Path| {
        let state = TrustSource::watch(Some(path.to_owned())).1.borrow().clone();
        let TrustState::Unreadable(reason) = state else {
            panic!("{state:?}")
        };
        reason
    };
    assert!(reason(scratch.path()).contains("is not a regular file"));
    assert!(reason(&path).contains("failed"));
    let pipe = scratch.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    assert!(reason(&pipe).contains("is not a regular file"));
    fs::write(
        &path,
        format!("{}{}", " ".repeat(1024 * 1024), authority("1")),
    )
    .unwrap();
    assert!(reason(&path).contains("larger than 1024 KiB"));
    symlink("loop", scratch.path().join("loop")).unwrap();
    assert!(reason(&scratch.path().join("loop")).contains("failed"));
}

const LIMIT: Duration = Duration::from_secs(20);
