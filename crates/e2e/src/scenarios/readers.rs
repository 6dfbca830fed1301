//! What other parsers read in requests and certificates: Go's crypto/x509 and OpenSSL.
//!
//! Each looks at objects with the fields `name`, `id`, `pem` (the signing request) and
//! `certificate`, which may be null.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::world::World;
use crate::command;

/// Go reads each approved request as one for exactly the one name.
pub(super) fn go_agrees(world: &World, approved: &[Value]) -> Result<()> {
    let mut child = Command::new(world.tools.peer.join("peer"))
        .arg("requests")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting peer")?;
    let mut input = child.stdin.take().context("writing to peer")?;
    for request in approved {
        writeln!(input, "{request}")?;
    }
    drop(input);
    let output = child.wait_with_output()?;
    let (read, said) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "Go disagrees: {said}");
    let count = String::from_utf8(read)?;
    ensure!(
        count.trim() == approved.len().to_string(),
        "Go has read {count}"
    );
    Ok(())
}

/// OpenSSL reads one URI and no subject, in the request and in the certificate.
pub(super) fn openssl_agrees(request: &Value) -> Result<()> {
    let id = request["id"].as_str().unwrap_or_default();
    for (kind, words) in [
        ("pem", ["req", "-noout", "-verify", "-text"]),
        ("certificate", ["x509", "-noout", "-subject", "-text"]),
    ] {
        let Some(text) = request[kind].as_str() else {
            continue;
        };
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("in.pem");
        fs::write(&file, text)?;
        let mut command = Command::new("openssl");
        command
            .args(words)
            .args(["-nameopt", "RFC2253", "-in"])
            .arg(&file);
        let text = command::text(&mut command)?;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let names: Vec<_> = following(&lines, "X509v3 Subject Alternative Name").collect();
        ensure!(
            names == [format!("URI:{id}")],
            "{}: {names:?}",
            request["name"]
        );
        let subject = lines.iter().find_map(|line| line.strip_prefix("Subject:"));
        ensure!(
            subject.is_some_and(|one| one.trim().is_empty()),
            "{}: {subject:?}",
            request["name"]
        );
        ensure!(!text.contains("CA:TRUE"), "{}: a CA", request["name"]);
    }
    Ok(())
}

/// The lines after those that begin so.
fn following<'a>(lines: &'a [&'a str], start: &'a str) -> impl Iterator<Item = &'a str> {
    let pairs = lines.windows(2);
    pairs
        .filter(move |pair| pair[0].starts_with(start))
        .map(|pair| pair[1])
}
