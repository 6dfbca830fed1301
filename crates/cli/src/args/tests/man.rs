//! The manual pages in docs/man, which are made from the command line's own definition.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, io};

use clap_mangen::Man;

use super::definition;

/// Pages by the names of their files: one for the program, and one for each command.
fn pages() -> BTreeMap<String, String> {
    let mut program = definition().disable_help_subcommand(true);
    // Names the commands after the program, as in `csi-driver-spiffe-driver`.
    program.build();
    let commands = program.get_subcommands().chain([&program]);
    let page = |command: &clap::Command| {
        let name = command.get_display_name().unwrap_or(command.get_name());
        (format!("{name}.1"), page(command).unwrap())
    };
    commands.map(page).collect()
}

/// As [`Man::render`], but for the version: a page is about what is there, and stays as it is when
/// nothing but the number changes.
fn page(command: &clap::Command) -> io::Result<String> {
    let man = Man::new(command.clone())
        .source("csi-driver-spiffe")
        .manual("csi-driver-spiffe");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    if command.get_after_help().is_some() {
        man.render_extra_section(&mut page)?;
    }
    String::from_utf8(page).map_err(io::Error::other)
}

#[test]
fn the_manual_pages_are_what_the_command_line_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/man");
    let pages = pages();
    if env::var_os("CSI_DRIVER_SPIFFE_WRITE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, page) in &pages {
            fs::write(folder.join(name), page).unwrap();
        }
    }

    let files = fs::read_dir(&folder).unwrap().map(|file| {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    let files: BTreeMap<String, String> = files.collect();

    let advice = "make them anew: CSI_DRIVER_SPIFFE_WRITE=1 cargo test -p csi-driver-spiffe manual";
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        pages.keys().collect::<Vec<_>>(),
        "{advice}"
    );
    for (name, page) in &pages {
        assert_eq!(files.get(name), Some(page), "{name}: {advice}");
    }
}
