//! Image and chart into a registry, by skopeo and Helm, with the credentials that those have.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::names::Names;
use crate::{command, programs};

/// Pushes an image's archive under its version. What arrives has the same digest.
pub(super) fn image(names: &Names, version: &str, archive: &Path, digest: &str) -> Result<()> {
    let said = tempfile::NamedTempFile::new().context("making a file for the digest")?;
    let mut skopeo = Command::new("skopeo");
    // Whose images to take is no question here: it is our own file.
    skopeo.args(["--insecure-policy", "copy", "--all", "--preserve-digests"]);
    skopeo.arg("--digestfile").arg(said.path());
    if names.is_on_this_machine() {
        skopeo.arg("--dest-tls-verify=false");
    }
    skopeo.arg(format!("oci-archive:{}", archive.display()));
    skopeo.arg(format!("docker://{}:v{version}", names.image));
    command::text(&mut skopeo).context("pushing the image needs skopeo")?;
    let pushed = fs::read_to_string(said.path()).context("reading skopeo's digest")?;
    ensure!(
        pushed.trim() == digest,
        "the registry has the image as {pushed}, and it was built as {digest}"
    );
    Ok(())
}

/// Pushes the chart and gives its digest there.
pub(super) fn chart(names: &Names, archive: &Path) -> Result<String> {
    let mut helm = Command::new(programs::helm()?);
    helm.arg("push").arg(archive);
    helm.arg(format!("oci://{}", names.charts));
    if names.is_on_this_machine() {
        helm.arg("--plain-http");
    }
    let output = helm.output().context("starting helm")?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(output.status.success(), "helm push: {}", said.trim());
    digest(&said).with_context(|| format!("helm push said no digest: {said}"))
}

fn digest(said: &str) -> Option<String> {
    let line = said.lines().find_map(|line| line.strip_prefix("Digest: "));
    line.map(|digest| digest.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charts_digest_is_in_what_helm_says() {
        let said = "Pushed: 127.0.0.1:5000/charts/x:1.0.0\nDigest: sha256:b97b\n";
        assert_eq!(digest(said).unwrap(), "sha256:b97b");
        assert_eq!(digest("Pushed: 127.0.0.1:5000/charts/x:1.0.0\n"), None);
    }
}
