//! Which crate of the workspace may depend on which.

use super::facts::Package;

/// Compares the manifests with [`ROOMS`].
pub(super) fn violations(packages: &[Package]) -> Vec<String> {
    let mut violations = Vec::new();
    for package in packages {
        let Some(room) = ROOMS.iter().find(|room| room.name == package.name) else {
            violations.push(format!(
                "{} is a room nobody planned: say in xtask/src/walls/rooms.rs what it may know",
                package.name
            ));
            continue;
        };
        let may_test = [room.may_know, room.tests_may_know].concat();
        for (kind, dependencies, allowed) in [
            ("depends on", &package.dependencies, room.may_know),
            (
                "depends for its tests on",
                &package.dev_dependencies,
                may_test.as_slice(),
            ),
        ] {
            let ours = dependencies
                .iter()
                .map(|dependency| dependency.package.as_str());
            let forbidden = ours
                .filter(|name| packages.iter().any(|package| package.name == *name))
                // A crate opens itself to its own tests by a feature.
                .filter(|name| *name != package.name)
                .filter(|name| !allowed.contains(name));
            violations.extend(
                forbidden.map(|name| format!("{} {kind} {name}, which it must not", package.name)),
            );
        }
    }
    violations
}

struct Room {
    name: &'static str,
    may_know: &'static [&'static str],
    tests_may_know: &'static [&'static str],
}

/// Arrows point down only: the program knows the roles, the roles know the rules and the wire
/// types, and those two know nothing of each other. The two roles hold different rights, so neither
/// may reach the other's code. The corpora, what is fuzzed and the real cluster are for tests:
/// nothing that ships may depend on them, which the trees (`walls/trees`) verify.
/// docs/architecture.md lists the same rooms.
const ROOMS: &[Room] = &[
    Room {
        name: "svid-core",
        may_know: &[],
        tests_may_know: &["svid-corpus"],
    },
    Room {
        name: "svid-contract",
        may_know: &["svid-core"],
        tests_may_know: &[],
    },
    Room {
        name: "svid-corpus",
        may_know: &["svid-core"],
        tests_may_know: &[],
    },
    Room {
        name: "svid-costs",
        may_know: &["svid-core", "svid-api", "svid-approver", "svid-corpus"],
        tests_may_know: &[],
    },
    Room {
        name: "svid-fuzz-targets",
        may_know: &[
            "svid-core",
            "svid-api",
            "svid-client",
            "svid-node",
            "svid-approver",
            "svid-corpus",
        ],
        tests_may_know: &[],
    },
    Room {
        name: "svid-api",
        may_know: &[],
        tests_may_know: &[],
    },
    Room {
        name: "svid-client",
        may_know: &["svid-core", "svid-api"],
        tests_may_know: &[],
    },
    Room {
        name: "svid-node",
        may_know: &["svid-core", "svid-api", "svid-client"],
        tests_may_know: &["svid-unshare"],
    },
    Room {
        name: "svid-approver",
        may_know: &["svid-core", "svid-api", "svid-client"],
        tests_may_know: &["svid-corpus", "svid-devcluster"],
    },
    Room {
        name: "svid-devcluster",
        may_know: &["svid-api"],
        tests_may_know: &["svid-contract"],
    },
    Room {
        name: "svid-unshare",
        may_know: &[],
        tests_may_know: &[],
    },
    Room {
        name: "csi-driver-spiffe",
        may_know: &[
            "svid-core",
            "svid-api",
            "svid-client",
            "svid-node",
            "svid-approver",
            "svid-devcluster",
            "svid-unshare",
        ],
        tests_may_know: &[],
    },
    Room {
        name: "xtask",
        may_know: &[],
        tests_may_know: &[],
    },
    Room {
        name: "svid-bench",
        may_know: &["svid-api"],
        tests_may_know: &[],
    },
    Room {
        name: "svid-e2e",
        may_know: &["svid-contract", "xtask"],
        tests_may_know: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::super::facts::Dependency;
    use super::*;

    fn package(name: &str, dependencies: &[&str], dev_dependencies: &[&str]) -> Package {
        let named = |names: &[&str]| {
            let dependency = |name: &&str| Dependency {
                package: (*name).to_owned(),
                identifier: name.replace('-', "_"),
            };
            names.iter().map(dependency).collect()
        };
        Package {
            name: name.to_owned(),
            dependencies: named(dependencies),
            dev_dependencies: named(dev_dependencies),
            ..Package::default()
        }
    }

    #[test]
    fn planned_rooms_and_other_peoples_crates_pass() {
        let packages = [
            package("svid-core", &["rcgen"], &["spiffe", "svid-corpus"]),
            package("svid-corpus", &["svid-core"], &[]),
            package("svid-fuzz-targets", &["svid-corpus", "svid-node"], &[]),
            package("svid-api", &["kube"], &[]),
            package(
                "svid-node",
                &["svid-core", "svid-api", "tokio"],
                &["svid-unshare"],
            ),
            package("svid-devcluster", &["svid-api"], &[]),
        ];
        assert_eq!(violations(&packages), Vec::<String>::new());
    }

    #[test]
    fn the_architecture_page_lists_exactly_these_rooms() {
        let page = crate::repository::root().join("docs/architecture.md");
        let page = std::fs::read_to_string(page).unwrap();
        let (_, rooms) = page.split_once("\n## Rooms and walls\n").unwrap();
        let (table, _) = rooms.split_once("\n## ").unwrap();
        // The second cell of a row is the crate's name; what is not a crate leaves it empty, and
        // the programs of the fuzzer are in a workspace of their own.
        let mut listed: Vec<_> = table
            .lines()
            .filter_map(|row| row.split('|').nth(2)?.trim().strip_prefix('`'))
            .filter_map(|name| name.strip_suffix('`'))
            .filter(|name| *name != "svid-fuzz")
            .collect();
        let mut planned: Vec<_> = ROOMS.iter().map(|room| room.name).collect();
        listed.sort_unstable();
        planned.sort_unstable();
        assert_eq!(listed, planned);
    }

    #[test]
    fn every_forbidden_arrow_is_named() {
        for (name, dependencies, dev_dependencies, expected) in [
            (
                "svid-core",
                &["svid-api"][..],
                &[][..],
                "svid-core depends on svid-api",
            ),
            (
                "svid-api",
                &["svid-core"],
                &[],
                "svid-api depends on svid-core",
            ),
            (
                "svid-node",
                &["svid-approver"],
                &[],
                "svid-node depends on svid-approver",
            ),
            (
                "svid-approver",
                &["svid-node"],
                &[],
                "svid-approver depends on svid-node",
            ),
            (
                "svid-node",
                &["svid-unshare"],
                &[],
                "svid-node depends on svid-unshare",
            ),
            (
                "svid-node",
                &[],
                &["svid-devcluster"],
                "svid-node depends for its tests on svid-devcluster",
            ),
            (
                "svid-core",
                &[],
                &["svid-api"],
                "svid-core depends for its tests on svid-api",
            ),
            (
                "svid-approver",
                &["svid-corpus"],
                &[],
                "svid-approver depends on svid-corpus",
            ),
            (
                "svid-corpus",
                &["svid-node"],
                &[],
                "svid-corpus depends on svid-node",
            ),
            (
                "svid-cellar",
                &[],
                &[],
                "svid-cellar is a room nobody planned",
            ),
        ] {
            let mut packages: Vec<_> = ROOMS
                .iter()
                .map(|room| package(room.name, &[], &[]))
                .collect();
            packages.retain(|package| package.name != name);
            packages.push(package(name, dependencies, dev_dependencies));
            let violations = violations(&packages);
            assert_eq!(violations.len(), 1, "{violations:?}");
            assert!(violations[0].starts_with(expected), "{violations:?}");
        }
    }
}
