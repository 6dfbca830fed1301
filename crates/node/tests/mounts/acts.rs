//! What a test has another process do: this program, told by an environment variable.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use svid_node::volume::{LinuxVolumes, Volumes};

use crate::node;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Publish a set that says the given word, then end without tidying up, as if killed.
    PublishAndDie,
    /// Say so when started; when told to go on, print the names in the target's folder. Keeps a
    /// file of the target open meanwhile, as a workload may.
    Watch,
}

const ACT: &str = "SVID_NODE_MOUNT_TESTS_ACT";
const ROOT: &str = "SVID_NODE_MOUNT_TESTS_ROOT";
const VOLUME: &str = "SVID_NODE_MOUNT_TESTS_VOLUME";
const WORD: &str = "SVID_NODE_MOUNT_TESTS_WORD";

/// Where the act is performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The mount namespace of the test.
    Here,
    /// A new one, in which shared mounts stay shared and the others private.
    Elsewhere,
}

/// Starts an act.
pub(crate) fn start(stage: Stage, act: Act, root: &Path, volume: &str, word: &str) -> Child {
    let own = std::env::current_exe().unwrap();
    let mut command = match stage {
        Stage::Here => Command::new(own),
        Stage::Elsewhere => {
            let mut command = Command::new("unshare");
            command
                .args(["--mount", "--propagation", "unchanged"])
                .arg(own);
            command
        }
    };
    command
        .env(ACT, format!("{act:?}"))
        .env(ROOT, root)
        .env(VOLUME, volume)
        .env(WORD, word);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Performs an act to its end.
pub(crate) fn perform(stage: Stage, act: Act, root: &Path, volume: &str, word: &str) {
    let status = start(stage, act, root, volume, word).wait().unwrap();
    assert!(status.success(), "{act:?} {word} failed: {status}");
}

/// Waits until a watcher sees the target.
pub(crate) fn await_watcher(watcher: &mut Child) {
    let mut line = String::new();
    let output = watcher.stdout.as_mut().unwrap();
    // Byte by byte, so that nothing of what follows is lost with the reader.
    BufReader::with_capacity(1, output)
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "watching\n");
}

/// Tells a watcher to look, and says what names it saw.
pub(crate) fn ask_watcher(mut watcher: Child) -> Vec<String> {
    drop(watcher.stdin.take());
    let mut text = String::new();
    watcher
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(watcher.wait().unwrap().success());
    text.lines().map(str::to_owned).collect()
}

/// Performs the act that this process was started for, if it was.
pub(crate) fn perform_if_told() -> Option<ExitCode> {
    let act = std::env::var(ACT).ok()?;
    let root = PathBuf::from(std::env::var_os(ROOT).unwrap());
    let spec = node::spec(&root, &std::env::var(VOLUME).unwrap());
    if act == format!("{:?}", Act::PublishAndDie) {
        let volumes = LinuxVolumes::open(node::options(&root)).unwrap();
        volumes
            .publish(&spec, &node::set(&std::env::var(WORD).unwrap()))
            .unwrap();
        // Runs no destructors.
        std::process::exit(0);
    }
    assert_eq!(act, format!("{:?}", Act::Watch));
    let target = spec.target.as_path();
    let _open = File::open(target.join("tls.crt")).unwrap();
    // Removing the target's folder takes the mount on it away in every namespace (since Linux
    // 3.19), so look at it the way a container does, whose mount is elsewhere.
    let folder = File::open(target).unwrap();
    let seen = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    println!("watching");
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    for entry in std::fs::read_dir(seen).unwrap() {
        println!("{}", entry.unwrap().file_name().to_string_lossy());
    }
    Some(ExitCode::SUCCESS)
}
