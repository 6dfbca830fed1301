//! Signatures, by cosign: on image and chart, with what is known of the image beside it, and on the
//! list of checksums.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::names::Names;

/// How a release is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// Not at all.
    No,
    /// By whoever runs it, as the identity provider of the build says; it is written into the
    /// public log.
    Keyless,
    /// With a private key of cosign's, whose password is in COSIGN_PASSWORD. Nothing is written
    /// into a public log.
    Key(PathBuf),
}

/// What is signed.
pub(super) struct Signed<'a> {
    pub(super) names: &'a Names,
    pub(super) image_digest: &'a str,
    pub(super) chart_digest: &'a str,
    pub(super) sbom: &'a Path,
    pub(super) predicate: &'a Value,
    pub(super) checksums: &'a Path,
}

/// Signs everything. Image and chart must have been pushed.
pub(super) fn sign(signing: &Signing, signed: &Signed<'_>) -> Result<()> {
    if *signing == Signing::No {
        return Ok(());
    }
    let predicate = tempfile::NamedTempFile::new().context("making a file for the provenance")?;
    fs::write(predicate.path(), signed.predicate.to_string()).context("writing the provenance")?;
    for words in commands(signing, signed, predicate.path()) {
        let status = Command::new("cosign").args(&words).status();
        let status = status.context("starting cosign, which must be installed to sign")?;
        let what = words.first().map(|word| word.to_string_lossy());
        ensure!(
            status.success(),
            "cosign {}: {status}",
            what.unwrap_or_default()
        );
    }
    Ok(())
}

/// The arguments of each call.
fn commands(signing: &Signing, signed: &Signed<'_>, predicate: &Path) -> Vec<Vec<OsString>> {
    let mut key: Vec<OsString> = vec!["--yes".into()];
    if let Signing::Key(path) = signing {
        key.extend(["--key".into(), path.into(), "--tlog-upload=false".into()]);
    }
    let mut registry = key.clone();
    if signed.names.is_on_this_machine() {
        registry.push("--allow-http-registry".into());
    }
    let image: OsString = format!("{}@{}", signed.names.image, signed.image_digest).into();
    let chart: OsString = format!("{}@{}", signed.names.chart(), signed.chart_digest).into();
    let attest = |kind: &str, predicate: &Path| {
        let mut words: Vec<OsString> = vec!["attest".into()];
        words.extend(registry.clone());
        words.extend(["--type".into(), kind.into()]);
        words.extend(["--predicate".into(), predicate.into(), image.clone()]);
        words
    };
    let sign = |what: &OsString| {
        let mut words: Vec<OsString> = vec!["sign".into()];
        words.extend(registry.clone());
        words.push(what.clone());
        words
    };
    let mut blob: Vec<OsString> = vec!["sign-blob".into()];
    blob.extend(key);
    blob.extend(["--bundle".into(), bundle(signed.checksums).into()]);
    blob.push(signed.checksums.into());
    vec![
        sign(&image),
        sign(&chart),
        attest("spdxjson", signed.sbom),
        attest("slsaprovenance1", predicate),
        blob,
    ]
}

/// The file with the signature of another file.
fn bundle(of: &Path) -> PathBuf {
    let mut name = of.as_os_str().to_owned();
    name.push(".bundle");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    fn lines(signing: &Signing, registry: &str) -> Vec<String> {
        let names = Names::in_registry(registry, &Project::parse("").unwrap());
        let signed = Signed {
            names: &names,
            image_digest: "sha256:aa",
            chart_digest: "sha256:bb",
            sbom: Path::new("out/x.spdx.json"),
            predicate: &Value::Null,
            checksums: Path::new("out/SHA256SUMS"),
        };
        let commands = commands(signing, &signed, Path::new("predicate"));
        let line = |words: &Vec<OsString>| {
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            words.join(" ")
        };
        commands.iter().map(line).collect()
    }

    #[test]
    fn everything_is_signed_by_its_digest() {
        assert_eq!(
            lines(&Signing::Keyless, "registry.example.com"),
            [
                "sign --yes registry.example.com/csi-driver-spiffe@sha256:aa",
                "sign --yes registry.example.com/charts/cert-manager-csi-driver-spiffe@sha256:bb",
                "attest --yes --type spdxjson --predicate out/x.spdx.json registry.example.com/csi-driver-spiffe@sha256:aa",
                "attest --yes --type slsaprovenance1 --predicate predicate registry.example.com/csi-driver-spiffe@sha256:aa",
                "sign-blob --yes --bundle out/SHA256SUMS.bundle out/SHA256SUMS",
            ]
        );
    }

    #[test]
    fn with_a_key_nothing_goes_into_a_public_log() {
        let lines = lines(&Signing::Key("a.key".into()), "127.0.0.1:5000");
        for line in &lines {
            assert!(line.contains("--key a.key --tlog-upload=false"), "{line}");
            assert_eq!(
                line.contains("--allow-http-registry"),
                !line.starts_with("sign-blob"),
                "{line}"
            );
        }
        assert_eq!(lines.len(), 5);
    }
}
