//! What must hold of the workflow files, which nothing here can run.

use std::fs;

use serde_json::Value;

use crate::repository;

/// The workflows by file name, as text and as YAML.
fn workflows() -> Vec<(String, String, Value)> {
    let folder = repository::root().join(".github/workflows");
    let files = repository::files(&folder).unwrap().into_iter();
    files
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let value = serde_saphyr::from_str(&text).unwrap();
            (name, text, value)
        })
        .collect()
}

#[test]
fn actions_of_others_are_named_by_commit_and_readable_version() {
    let mut count = 0;
    for (name, text, _) in workflows() {
        for line in text.lines() {
            let Some((_, action)) = line.split_once("uses: ") else {
                continue;
            };
            if action.starts_with("./") {
                continue;
            }
            count += 1;
            let (_, reference) = action.split_once('@').unwrap();
            let (commit, version) = reference.split_once(" # v").unwrap();
            let is_hash = commit.len() == 40 && commit.bytes().all(|c| c.is_ascii_hexdigit());
            assert!(is_hash && !version.is_empty(), "{name}: {line}");
        }
    }
    assert!(count > 5, "{count} actions were found");
}

#[test]
fn a_workflow_may_write_only_where_its_job_says_so() {
    for (name, _, workflow) in workflows() {
        let permissions = &workflow["permissions"];
        assert_eq!(permissions["contents"], "read", "{name}");
        assert_eq!(permissions.as_object().unwrap().len(), 1, "{name}");
    }
}

#[test]
fn a_release_waits_for_the_gate_and_takes_both_platforms() {
    let all = workflows();
    let (_, _, workflow) = all.iter().find(|(name, ..)| name == "release.yml").unwrap();
    let jobs = &workflow["jobs"];
    assert_eq!(jobs["gate"]["uses"], "./.github/workflows/ci.yml");
    assert_eq!(jobs["release"]["needs"][0], "gate");
    let steps = jobs["release"]["steps"].as_array().unwrap();
    let runs: Vec<_> = steps
        .iter()
        .filter_map(|step| step["run"].as_str())
        .collect();
    let release =
        "cargo xtask release --push --sign --image images/amd64.tar --image images/arm64.tar";
    assert!(runs.contains(&release), "{runs:?}");
    let words: Vec<_> = release.split(' ').skip(3).map(str::to_owned).collect();
    super::Options::parse(&words, repository::root(), repository::root()).unwrap();
}
