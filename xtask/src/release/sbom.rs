//! What is in the binary: an SPDX 2.3 document.
//!
//! Owns what counts: the crates that are linked in, as cargo resolves them for the image, and the
//! standard library. Not what only builds or tests it. Invariant: the same sources give the same
//! document; its time is that of the commit.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::repository;

/// Something that is linked in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    name: String,
    version: String,
    /// An SPDX expression; empty where its manifest has none.
    license: String,
}

/// What a document says beside its parts.
pub(super) struct About<'a> {
    pub(super) version: &'a str,
    /// Where the image is, without digest.
    pub(super) image: &'a str,
    /// Of the image, as in `sha256:...`.
    pub(super) digest: &'a str,
    /// What the document's name begins with: a URI of whoever makes it.
    pub(super) namespace: &'a str,
    /// RFC 3339.
    pub(super) time: &'a str,
    /// Of the compiler, whose standard library is linked in.
    pub(super) rust: &'a str,
}

/// The crates in the binary, for any of these targets.
///
/// # Errors
/// When cargo does not say them.
pub(super) fn parts(targets: &[&str]) -> Result<BTreeSet<Part>> {
    let mut parts = BTreeSet::new();
    for target in targets {
        let arguments = [
            "--package=csi-driver-spiffe",
            "--no-default-features",
            "--edges=normal,no-proc-macro",
            "--target",
            target,
        ];
        let text = repository::tree("{p}|{l}", &arguments)?;
        parts.extend(text.lines().filter_map(part));
    }
    ensure!(parts.len() > 1, "cargo tree shows nothing");
    Ok(parts)
}

/// Reads `NAME vVERSION [(PLACE)]|LICENCE [(*)]`.
fn part(line: &str) -> Option<Part> {
    let (package, license) = line.trim_end_matches(" (*)").split_once('|')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?);
    Some(Part {
        name: name.to_owned(),
        version: version.trim_start_matches('v').to_owned(),
        // As crates wrote it before cargo took SPDX expressions.
        license: license
            .split('/')
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" OR "),
    })
}

/// The hashes of crates that come from a registry, by name and version.
pub(super) fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let package = |text: &str| {
        let value = |key: &str| {
            let start = format!("{key} = \"");
            let mut lines = text.lines();
            let line = lines.find_map(|line| line.strip_prefix(&start))?;
            Some(line.trim_end_matches('"').to_owned())
        };
        Some(((value("name")?, value("version")?), value("checksum")?))
    };
    lock.split("[[package]]").filter_map(package).collect()
}

/// The document.
///
/// # Errors
/// When nothing says where a crate came from: it is neither ours nor in `checksums`.
pub(super) fn document(
    about: &About<'_>,
    parts: &BTreeSet<Part>,
    checksums: &BTreeMap<(String, String), String>,
) -> Result<Value> {
    let mut packages = vec![image(about), standard_library(about)];
    for part in parts {
        let key = (part.name.clone(), part.version.clone());
        let checksum = checksums.get(&key);
        ensure!(
            checksum.is_some() || part.version == about.version,
            "Cargo.lock has no hash of {}",
            part.name
        );
        packages.push(package(part, checksum));
    }
    let contained = packages.iter().skip(1).map(|package| {
        json!({
            "spdxElementId": IMAGE, "relationshipType": "CONTAINS",
            "relatedSpdxElement": package.get("SPDXID"),
        })
    });
    let described = json!({
        "spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
        "relatedSpdxElement": IMAGE,
    });
    let relationships: Vec<_> = std::iter::once(described).chain(contained).collect();
    Ok(json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("csi-driver-spiffe-{}", about.version),
        "documentNamespace": format!("{}/spdx/{}/{}", about.namespace, about.version, about.digest),
        "creationInfo": {"created": about.time, "creators": ["Tool: csi-driver-spiffe-xtask"]},
        "packages": packages,
        "relationships": relationships,
    }))
}

fn image(about: &About<'_>) -> Value {
    let digest = about.digest.replace(':', "%3A");
    let purl = format!(
        "pkg:oci/csi-driver-spiffe@{digest}?repository_url={}&tag=v{}",
        about.image, about.version
    );
    json!({
        "SPDXID": IMAGE,
        "name": "csi-driver-spiffe",
        "versionInfo": about.version,
        "primaryPackagePurpose": "CONTAINER",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "externalRefs": [reference(&purl)],
    })
}

/// Rust's, with the C library that comes with it for these targets.
fn standard_library(about: &About<'_>) -> Value {
    let part = Part {
        name: "rust-std".to_owned(),
        version: about.rust.to_owned(),
        license: "MIT OR Apache-2.0".to_owned(),
    };
    package(&part, None)
}

/// A crate; the hash is of one that comes from a registry.
fn package(part: &Part, hash: Option<&String>) -> Value {
    let license = Some(&part.license).filter(|license| !license.is_empty());
    let mut package = json!({
        "SPDXID": format!("SPDXRef-{}-{}", plain(&part.name), plain(&part.version)),
        "name": part.name,
        "versionInfo": part.version,
        "primaryPackagePurpose": "LIBRARY",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": license.map_or("NOASSERTION", String::as_str),
        "copyrightText": "NOASSERTION",
    });
    if let (Some(package), Some(hash)) = (package.as_object_mut(), hash) {
        let hash = json!([{"algorithm": "SHA256", "checksumValue": hash}]);
        package.insert("checksums".to_owned(), hash);
        package.insert("externalRefs".to_owned(), json!([reference(&purl(part))]));
    }
    package
}

fn purl(part: &Part) -> String {
    format!(
        "pkg:cargo/{}@{}",
        part.name,
        part.version.replace('+', "%2B")
    )
}

fn reference(purl: &str) -> Value {
    json!({
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl,
    })
}

/// As much of a name as an SPDX identifier may have.
fn plain(name: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    name.chars().map(letter).collect()
}

const IMAGE: &str = "SPDXRef-image";

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'_> = About {
        version: "1.2.3",
        image: "registry.example.com/csi-driver-spiffe",
        digest: "sha256:0123",
        namespace: "https://example.org",
        time: "2026-12-01T00:00:00Z",
        rust: "1.95.0",
    };

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"der\"\nversion = \"0.8.0+x\"\nsource = \"registry\"\nchecksum = \"aabb\"\ndependencies = [\n \"svid-core\",\n]\n\n[[package]]\nname = \"svid-core\"\nversion = \"1.2.3\"\n";

    fn made(tree: &str) -> Result<Value> {
        let parts = tree.lines().filter_map(part).collect();
        document(&ABOUT, &parts, &checksums(LOCK))
    }

    #[test]
    fn a_crate_has_its_licence_hash_and_name_for_scanners() {
        let document =
            made("der v0.8.0+x|MIT / Apache-2.0 (*)\nder v0.8.0+x|MIT/Apache-2.0").unwrap();
        let packages = document["packages"].as_array().unwrap();
        assert_eq!(packages.len(), 3);
        let der = &packages[2];
        assert_eq!(der["SPDXID"], "SPDXRef-der-0.8.0-x");
        assert_eq!(der["licenseDeclared"], "MIT OR Apache-2.0");
        assert_eq!(der["checksums"][0]["checksumValue"], "aabb");
        assert_eq!(
            der["externalRefs"][0]["referenceLocator"],
            "pkg:cargo/der@0.8.0%2Bx"
        );
        let relationships = document["relationships"].as_array().unwrap();
        let contained = relationships.iter().any(|one| {
            one["relationshipType"] == "CONTAINS" && one["relatedSpdxElement"] == der["SPDXID"]
        });
        assert!(contained, "{relationships:?}");
    }

    #[test]
    fn our_own_crates_come_from_no_registry() {
        let document = made("svid-core v1.2.3 (/src/crates/core)|Apache-2.0").unwrap();
        let core = &document["packages"][2];
        assert_eq!(core["name"], "svid-core");
        assert!(core["externalRefs"].is_null(), "{core}");
    }

    #[test]
    fn a_crate_that_nothing_vouches_for_is_an_error() {
        let error = made("der v0.9.0|MIT").unwrap_err().to_string();
        assert_eq!(error, "Cargo.lock has no hash of der");
    }

    #[test]
    fn the_document_names_the_image_by_its_digest() {
        let document = made("svid-core v1.2.3|Apache-2.0").unwrap();
        let purl = &document["packages"][0]["externalRefs"][0]["referenceLocator"];
        assert_eq!(
            purl,
            "pkg:oci/csi-driver-spiffe@sha256%3A0123?repository_url=registry.example.com/csi-driver-spiffe&tag=v1.2.3"
        );
        assert_eq!(
            document["documentNamespace"],
            "https://example.org/spdx/1.2.3/sha256:0123"
        );
    }

    #[test]
    fn what_ships_holds_our_core_and_no_build_tool_and_no_demo() {
        let parts = parts(&["x86_64-unknown-linux-musl"]).unwrap();
        let has = |name: &str| parts.iter().any(|part| part.name == name);
        assert!(has("svid-core") && has("aws-lc-sys"), "{parts:?}");
        for name in ["svid-devcluster", "cc", "syn", "tempfile"] {
            assert!(!has(name), "{name} is in it");
        }
        let without: Vec<_> = parts.iter().filter(|one| one.license.is_empty()).collect();
        assert!(without.is_empty(), "no licence: {without:?}");
    }
}
