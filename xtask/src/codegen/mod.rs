//! Owns the generated gRPC code of `crates/api`: reads the vendored `.proto` files, without
//! `protoc`, and writes one Rust file for each.
//!
//! Invariant: what is committed is what this makes; a test compares the two.

mod prune;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use prost_types::FileDescriptorSet;

use crate::repository;

/// Writes the generated files into the repository.
pub(crate) fn write() -> Result<()> {
    for file in generate()? {
        let path = repository::root().join(file.path);
        fs::write(&path, &file.text).with_context(|| format!("writing {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// One generated file.
struct Generated {
    /// Where it belongs, from the root of the repository.
    path: PathBuf,
    text: String,
}

fn generate() -> Result<Vec<Generated>> {
    INTERFACES.iter().map(generate_one).collect()
}

fn generate_one(interface: &Interface) -> Result<Generated> {
    let protos = repository::root().join(PROTOS);
    let descriptors = protox::compile([interface.proto], [&protos])
        .with_context(|| format!("compiling {PROTOS}/{}", interface.proto))?;
    let pruned = prune::keep_services(descriptors, interface.package, interface.services)?;
    let text = rust_of(pruned, interface)
        .with_context(|| format!("generating the code of {PROTOS}/{}", interface.proto))?;
    let header = format!(
        "// Made by `cargo xtask codegen` from {PROTOS}/{}; changes here are lost.\n\n",
        interface.proto
    );
    Ok(Generated {
        path: Path::new(SOURCES).join(interface.rust),
        text: header + &text,
    })
}

fn rust_of(descriptors: FileDescriptorSet, interface: &Interface) -> Result<String> {
    let folder = tempfile::tempdir().context("making a folder for generated code")?;
    tonic_prost_build::configure()
        .out_dir(folder.path())
        .emit_rerun_if_changed(false)
        .btree_map(".")
        .skip_debug(interface.secret.iter().copied())
        .compile_fds(descriptors)
        .context("running the generator")?;
    let path = folder.path().join(format!("{}.rs", interface.package));
    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

/// One `.proto` file and what is made of it.
struct Interface {
    /// File name in [`PROTOS`].
    proto: &'static str,
    /// Its protobuf package.
    package: &'static str,
    /// The services that this project serves or calls; the others are left out, with every
    /// message that only they use.
    services: &'static [&'static str],
    /// Messages that hold secrets or tokens: no `Debug` is made for them, and the crate writes one
    /// that redacts.
    secret: &'static [&'static str],
    /// The file made of it, in [`SOURCES`].
    rust: &'static str,
}

const INTERFACES: &[Interface] = &[
    Interface {
        proto: "csi.proto",
        package: "csi.v1",
        services: &["Identity", "Node"],
        secret: &[
            "csi.v1.NodeStageVolumeRequest",
            "csi.v1.NodePublishVolumeRequest",
            "csi.v1.NodeExpandVolumeRequest",
            "csi.v1.NodeGetStorageHealthRequest",
        ],
        rust: "csi/v1/generated.rs",
    },
    Interface {
        proto: "pluginregistration.proto",
        package: "pluginregistration",
        services: &["Registration"],
        secret: &[],
        rust: "registration/v1/generated.rs",
    },
];

const PROTOS: &str = "crates/api/proto";
const SOURCES: &str = "crates/api/src";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_code_is_what_the_generator_makes() {
        for file in generate().unwrap() {
            let committed = fs::read_to_string(repository::root().join(&file.path)).unwrap();
            let name = file.path.display();
            assert!(
                committed == file.text,
                "{name} is out of date: run `cargo xtask codegen`"
            );
        }
    }

    #[test]
    fn every_message_with_a_secret_field_is_redacted() {
        for interface in INTERFACES {
            let files = protox::compile([interface.proto], [repository::root().join(PROTOS)]);
            let pruned =
                prune::keep_services(files.unwrap(), interface.package, interface.services);
            for message in pruned
                .unwrap()
                .file
                .into_iter()
                .flat_map(|file| file.message_type)
            {
                let name = format!("{}.{}", interface.package, message.name());
                let secret = message.field.iter().any(|field| field.name() == "secrets");
                assert_eq!(secret, interface.secret.contains(&name.as_str()), "{name}");
            }
        }
    }
}
