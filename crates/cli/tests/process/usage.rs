use crate::program::run;

#[test]
fn help_lists_the_commands_on_standard_output() {
    for words in [&["help"][..], &["--help"], &["-h"]] {
        let ran = run(words);
        assert_eq!(ran.code, 0, "{words:?}");
        for command in [
            "driver", "approver", "status", "inspect", "check", "version",
        ] {
            assert!(
                ran.stdout.contains(&format!("\n  {command} ")),
                "{}",
                ran.stdout
            );
        }
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn help_of_a_command_lists_its_flags_with_their_defaults() {
    for words in [
        &["help", "driver"][..],
        &["driver", "--help"],
        &["driver", "--node-id=x", "-h"],
    ] {
        let ran = run(words);
        assert_eq!(ran.code, 0, "{words:?}");
        for text in [
            "--node-id",
            "--data-root",
            "[default: cluster.local]",
            "--kubeconfig",
            "-v, --log-level",
        ] {
            assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
        }
    }
    let ran = run(&["help", "approver"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("[default: :6060]"), "{}", ran.stdout);
}

#[test]
fn nothing_at_all_shows_help_as_an_error() {
    let ran = run(&[]);

    assert_eq!(ran.code, 64);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("Usage:"), "{}", ran.stderr);
}

#[test]
fn the_version_is_the_packages() {
    let expected = format!("csi-driver-spiffe {}\n", env!("CARGO_PKG_VERSION"));
    let ran = run(&["--version"]);
    assert_eq!((ran.code, &ran.stdout), (0, &expected));

    let ran = run(&["version"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.starts_with(&expected), "{}", ran.stdout);
    let commit = option_env!("CSI_DRIVER_SPIFFE_COMMIT").unwrap_or("unknown");
    let ran = run(&["version", "-o", "json"]);
    let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(said["commit"], commit);
    let target = said["target"].as_str().unwrap();
    assert!(target.starts_with(std::env::consts::ARCH), "{target}");
    assert_eq!(run(&["version", "-o", "xml"]).code, 64);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_nothing_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let output = crate::program::program(&[
        "driver",
        "--endpoint=unix://csi.sock",
        "--data-root=data",
        "--trust-domain=UPPER",
        "--file-mode=0777",
        "--certificate-request-duration=0",
        "--bogus",
        "--metrics-bind-address=127.0.0.1:0",
    ])
    .current_dir(folder.path())
    .output()
    .unwrap();
    let ran = crate::program::Ran::from(output);

    assert_eq!(ran.code, 64);
    assert_eq!(ran.stdout, "");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(
        lines[0],
        "csi-driver-spiffe: 5 flags or arguments are invalid, nothing was started:"
    );
    let subjects: Vec<&str> = lines[1..]
        .iter()
        .filter_map(|line| line.trim().split(['=', ':']).next())
        .collect();
    assert_eq!(
        subjects,
        [
            "--bogus",
            "--node-id",
            "--trust-domain",
            "--certificate-request-duration",
            "--file-mode"
        ]
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_name_that_no_volume_can_have_is_told_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let output = crate::program::program(&[
        "driver",
        "--node-id=n",
        "--endpoint=unix://csi.sock",
        "--data-root=data",
        "--server=http://127.0.0.1:1",
        r"--file-name-key=a\b",
    ])
    .current_dir(folder.path())
    .output()
    .unwrap();
    let ran = crate::program::Ran::from(output);

    assert_eq!(ran.code, 64, "{}", ran.stderr);
    let told = r#"--file-name-key="a\\b": has a path separator; allowed: "#;
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_approver_that_is_not_told_who_the_driver_is_does_not_start() {
    let ran = run(&["approver", "--use-own-service-account"]);
    assert_eq!(ran.code, 64);
    let told = "--driver-service-account: is missing: with --use-own-service-account it names the one account";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn a_token_is_never_repeated() {
    for words in [
        &["driver", "--token=abc def"][..],
        &["driver", "--tokens=abc"],
        &["approver", "--token", "abc", "def"],
    ] {
        let ran = run(words);
        assert_eq!(ran.code, 64, "{words:?}");
        assert!(!ran.stderr.contains("abc"), "{}", ran.stderr);
    }
}

#[test]
fn completions_know_every_command_and_flag() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = run(&["completions", shell]);
        assert_eq!(ran.code, 0, "{shell}: {}", ran.stderr);
        for word in ["approver", "inspect", "expect-id", "trust-domain"] {
            assert!(ran.stdout.contains(word), "{shell}: {word}");
        }
    }
    let ran = run(&["completions", "tcsh"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (64, ""));
    assert!(ran.stderr.contains("SHELL=\"tcsh\""), "{}", ran.stderr);
    assert_eq!(run(&["completions"]).code, 64);
}

#[test]
fn bash_reads_its_completions() {
    let script = run(&["completions", "bash"]).stdout;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("completions");
    std::fs::write(&path, script).unwrap();
    let complete = "source \"$0\" && COMP_WORDS=(csi-driver-spiffe ins) && COMP_CWORD=1 && \
        [[ $(complete -p csi-driver-spiffe) =~ -F\\ ([^ ]+) ]] && \
        \"${BASH_REMATCH[1]}\" csi-driver-spiffe ins csi-driver-spiffe && echo \"${COMPREPLY[@]}\"";
    let shell = std::process::Command::new("bash")
        .args(["-c", complete])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8(shell.stdout).unwrap();
    assert_eq!(
        said,
        "inspect\n",
        "{}",
        String::from_utf8_lossy(&shell.stderr)
    );
}
