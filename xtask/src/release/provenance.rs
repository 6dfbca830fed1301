//! How a release was made: an in-toto statement with SLSA's provenance, version 1.
//!
//! It is what the build says of itself. What a build service says of it, such as GitHub's
//! attestations, is worth more, since the build cannot change that.

use serde_json::{Value, json};

use super::checksums::Sum;

/// One run of the release.
pub(super) struct Run<'a> {
    /// Where the sources are, if that is decided.
    pub(super) home: Option<&'a str>,
    /// What names of whoever releases begin with; a URI.
    pub(super) namespace: &'a str,
    pub(super) commit: &'a str,
    pub(super) version: &'a str,
    /// SHA-256 of Cargo.lock.
    pub(super) lock: &'a str,
    /// What compiled it: what `rustc -vV` and the first line of what `cc --version` says. None if it
    /// was built elsewhere.
    pub(super) compilers: Option<[String; 2]>,
    /// Who ran it; a URI. None for a person.
    pub(super) builder: Option<String>,
}

/// The statement about these files and the image. It has no time: the same sources give the same.
pub(super) fn statement(run: &Run<'_>, image: &str, digest: &str, files: &[Sum]) -> Value {
    let hash = digest.trim_start_matches("sha256:");
    let image = json!({"name": image, "digest": {"sha256": hash}});
    let file = |sum: &Sum| json!({"name": sum.name, "digest": {"sha256": sum.hash}});
    let subject: Vec<_> = std::iter::once(image)
        .chain(files.iter().map(file))
        .collect();
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": predicate(run),
    })
}

/// What the statement says of its subjects.
pub(super) fn predicate(run: &Run<'_>) -> Value {
    let compilers = run.compilers.as_ref();
    let compilers =
        compilers.map_or_else(|| json!({}), |[rust, c]| json!({"rustc": rust, "cc": c}));
    let by_hand = || format!("{}#by-hand", run.namespace);
    let mut sources = json!({"name": "sources", "digest": {"gitCommit": run.commit}});
    if let (Some(sources), Some(home)) = (sources.as_object_mut(), run.home) {
        sources.insert("uri".to_owned(), format!("git+{home}").into());
    }
    json!({
        "buildDefinition": {
            "buildType": format!("{}#cargo-xtask-release", run.namespace),
            "externalParameters": {"version": run.version, "profile": "image"},
            "internalParameters": compilers,
            "resolvedDependencies": [
                sources,
                {"name": "Cargo.lock", "digest": {"sha256": run.lock}},
            ],
        },
        "runDetails": {"builder": {"id": run.builder.clone().unwrap_or_else(by_hand)}},
    })
}

/// The workflow that runs this, as GitHub's runners say it.
pub(super) fn builder(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let server = variable("GITHUB_SERVER_URL")?;
    Some(format!("{server}/{}", variable("GITHUB_WORKFLOW_REF")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(home: Option<&str>) -> Run<'_> {
        Run {
            home,
            namespace: "https://example.org/x",
            commit: "0a1b",
            version: "1.2.3",
            lock: "cc",
            compilers: Some(["rustc 1.95.0".to_owned(), "gcc 12".to_owned()]),
            builder: None,
        }
    }

    #[test]
    fn the_statement_ties_image_and_files_to_the_commit() {
        let files = [Sum {
            name: "x.tgz".to_owned(),
            hash: "bb".to_owned(),
        }];
        let run = run(Some("https://example.org/x"));
        let statement = statement(&run, "registry.example.com/x", "sha256:aa", &files);
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(statement["subject"][0]["digest"]["sha256"], "aa");
        assert_eq!(statement["subject"][1]["name"], "x.tgz");
        let definition = &statement["predicate"]["buildDefinition"];
        let sources = &definition["resolvedDependencies"][0];
        assert_eq!(sources["uri"], "git+https://example.org/x");
        assert_eq!(sources["digest"]["gitCommit"], "0a1b");
        assert_eq!(
            statement["predicate"]["runDetails"]["builder"]["id"],
            "https://example.org/x#by-hand"
        );
    }

    #[test]
    fn sources_without_a_home_have_their_commit_alone() {
        let sources = predicate(&run(None))["buildDefinition"]["resolvedDependencies"][0].take();
        assert_eq!(
            sources,
            json!({"name": "sources", "digest": {"gitCommit": "0a1b"}})
        );
    }

    #[test]
    fn the_builder_is_the_workflow_where_there_is_one() {
        let github = |name: &str| match name {
            "GITHUB_SERVER_URL" => Some("https://github.example".to_owned()),
            "GITHUB_WORKFLOW_REF" => {
                Some("o/r/.github/workflows/release.yml@refs/tags/v1".to_owned())
            }
            _ => None,
        };
        assert_eq!(
            builder(github).unwrap(),
            "https://github.example/o/r/.github/workflows/release.yml@refs/tags/v1"
        );
        assert_eq!(builder(|_| None), None);
    }
}
