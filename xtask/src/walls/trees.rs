//! What must not be in a build.

use std::collections::BTreeSet;

/// One build and what must not be in it.
pub(super) struct Tree {
    /// What the wall protects.
    pub(super) purpose: &'static str,
    /// The build, as arguments of `cargo tree`.
    pub(super) arguments: &'static [&'static str],
    /// Names of crates, or `CRATE/FEATURE`.
    pub(super) forbidden: &'static [&'static str],
}

/// Compares the crates of a build with what must not be in it.
pub(super) fn violations(tree: &Tree, crates: &BTreeSet<String>) -> Vec<String> {
    let mut violations: Vec<_> = tree
        .forbidden
        .iter()
        .filter(|name| crates.contains(**name))
        .map(|name| format!("{}, but {name} is in it", tree.purpose))
        .collect();
    if crates.is_empty() {
        violations.push(format!("{}, but cargo tree shows nothing", tree.purpose));
    }
    violations
}

pub(super) const TREES: &[Tree] = &[
    Tree {
        purpose: "svid-core is pure: no network, no tasks, no files, no Kubernetes",
        arguments: &["-p", "svid-core", "--edges", "normal", "--all-features"],
        forbidden: &[
            "async-trait",
            "futures",
            "h2",
            "hyper",
            "k8s-openapi",
            "kube",
            "mio",
            "notify",
            "prost",
            "reqwest",
            "rustix",
            "rustls",
            "socket2",
            "tempfile",
            "tokio",
            "tonic",
            "tower",
        ],
    },
    Tree {
        purpose: "svid-api without the feature csi has no gRPC",
        arguments: &[
            "-p",
            "svid-api",
            "--edges",
            "normal",
            "--no-default-features",
        ],
        forbidden: &["prost", "tonic", "tonic-prost"],
    },
    Tree {
        purpose: "svid-approver serves no gRPC and touches no mount",
        arguments: &["-p", "svid-approver", "--edges", "normal"],
        forbidden: &["notify", "prost", "rustix", "tonic"],
    },
    Tree {
        purpose: "the image holds no embedded cluster, no corpora and no second X.509 library",
        arguments: &[
            "-p",
            "csi-driver-spiffe",
            "--edges",
            "normal",
            "--no-default-features",
        ],
        forbidden: &[
            "p256",
            "svid-approver/testing",
            "svid-client/testing",
            "svid-contract",
            "svid-corpus",
            "svid-costs",
            "svid-devcluster",
            "svid-fuzz-targets",
            "svid-node/testing",
            "svid-unshare",
            "tempfile",
            "x509-cert",
        ],
    },
    Tree {
        purpose: "the program holds no hostile requests, in the demo neither",
        arguments: &[
            "-p",
            "csi-driver-spiffe",
            "--edges",
            "normal",
            "--all-features",
        ],
        forbidden: &[
            "svid-approver/testing",
            "svid-client/testing",
            "svid-corpus",
            "svid-costs",
            "svid-fuzz-targets",
            "svid-node/testing",
        ],
    },
    Tree {
        purpose: "the tests of svid-approver build no driver",
        arguments: &["-p", "svid-approver", "--edges", "normal,dev"],
        forbidden: &["notify", "svid-fuzz-targets", "svid-node"],
    },
    Tree {
        purpose: "the tests of svid-node build no approver, no hostile requests and no cluster",
        arguments: &["-p", "svid-node", "--edges", "normal,dev"],
        forbidden: &["p256", "svid-approver", "svid-corpus", "svid-devcluster"],
    },
    Tree {
        purpose: "cryptography is aws-lc-rs everywhere",
        arguments: &["--workspace", "--all-features", "--target", "all"],
        forbidden: &["native-tls", "openssl", "openssl-sys", "ring"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_each_crate_that_should_not_be_there() {
        let tree = Tree {
            purpose: "it is quiet",
            arguments: &[],
            forbidden: &["bell", "drum"],
        };
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            violations(&tree, &of(&["felt", "bells"])),
            Vec::<String>::new()
        );
        assert_eq!(
            violations(&tree, &of(&["felt", "drum"])),
            ["it is quiet, but drum is in it"]
        );
        assert_eq!(violations(&tree, &of(&["bell", "drum"])).len(), 2);
    }

    #[test]
    fn a_build_without_any_crate_is_a_mistake() {
        let tree = Tree {
            purpose: "it is quiet",
            arguments: &[],
            forbidden: &[],
        };
        assert_eq!(violations(&tree, &BTreeSet::new()).len(), 1);
    }
}
