//! Leaves out of an interface what this project does not use.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

/// Keeps, of the files of one package, the named services and every message and enum that they
/// reach. Files of other packages are kept whole.
///
/// # Errors
/// The package has no service of that name.
pub(super) fn keep_services(
    mut files: FileDescriptorSet,
    package: &str,
    services: &[&str],
) -> Result<FileDescriptorSet> {
    for file in files
        .file
        .iter_mut()
        .filter(|file| file.package() == package)
    {
        file.service
            .retain(|service| services.contains(&service.name()));
        ensure!(
            file.service.len() == services.len(),
            "keeping services of {package}: not all of {} are there",
            services.join(", ")
        );
        let reached = reached(file);
        let prefix = format!(".{package}.");
        file.message_type
            .retain(|message| reached.contains(&format!("{prefix}{}", message.name())));
        file.enum_type
            .retain(|enumeration| reached.contains(&format!("{prefix}{}", enumeration.name())));
        // Our own options (`csi_secret`) mean nothing to the generator.
        file.extension.clear();
        // Comments are tied to positions that no longer hold. They stay in the .proto file: as
        // Rust documentation they would be broken links and examples that do not compile.
        file.source_code_info = None;
    }
    Ok(files)
}

/// Returns the full names of the top-level types that the services of a file reach.
fn reached(file: &FileDescriptorProto) -> BTreeSet<String> {
    let prefix = format!(".{}.", file.package());
    let methods = file.service.iter().flat_map(|service| &service.method);
    let mut waiting: Vec<String> = methods
        .flat_map(|method| {
            [
                method.input_type().to_owned(),
                method.output_type().to_owned(),
            ]
        })
        .collect();
    let mut reached = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        let Some(inside) = name.strip_prefix(&prefix) else {
            continue;
        };
        let outermost = inside.split('.').next().unwrap_or(inside);
        if !reached.insert(format!("{prefix}{outermost}")) {
            continue;
        }
        if let Some(message) = file
            .message_type
            .iter()
            .find(|known| known.name() == outermost)
        {
            used_types(message, &mut waiting);
        }
    }
    reached
}

/// Adds the types of all fields, those of nested messages included.
fn used_types(message: &DescriptorProto, names: &mut Vec<String>) {
    let named = message
        .field
        .iter()
        .filter_map(|field| field.type_name.clone());
    names.extend(named);
    for nested in &message.nested_type {
        used_types(nested, names);
    }
}
