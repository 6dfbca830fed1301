//! Values that only the owner can decide: while undecided, they appear in only one place, so that
//! nothing is published under a name that somebody else could own.

use crate::project::Project;

use super::Pages;

/// Names every file that repeats an undecided value of `project`.
pub(super) fn repeated(project: &Project, others: &Pages) -> Vec<String> {
    let mut violations = Vec::new();
    for (_, value) in project.undecided() {
        for (path, text) in others {
            if text.contains(value) {
                let path = path.display();
                violations.push(format!(
                    "{path} repeats {value:?}, which is not decided yet: refer to project.toml"
                ));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const PROJECT: &str =
        "# \"x.invalid\"\nhome = \"https://home.invalid/x\"\nimage = \"quay.example/x\"\n";

    fn found(text: &str) -> Vec<String> {
        let others = [(PathBuf::from("README.md"), text.to_owned())];
        let project = Project::parse(PROJECT).unwrap();
        repeated(&project, &others.into_iter().collect())
    }

    #[test]
    fn an_undecided_value_may_stand_in_no_other_file() {
        let found = found("see https://home.invalid/x/issues");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("README.md repeats"), "{found:?}");
    }

    #[test]
    fn what_is_decided_may_stand_anywhere() {
        assert_eq!(found("quay.example/x x.invalid"), Vec::<String>::new());
    }
}
