//! The metrics that docs/operations.md lists, compared with a scrape in the text format.

use std::collections::BTreeSet;

/// What a scrape of `Driver` or `Approver` has and the page does not, and the other way round.
pub(crate) fn differences(scrape: &str, role: &str) -> Vec<String> {
    let described = scrape
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let scraped: BTreeSet<String> = described
        .filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
        .collect();
    let prefix = format!("csi_driver_spiffe_{}_", role.to_lowercase());
    let mut known = BTreeSet::new();
    let mut differences = Vec::new();
    for (section, prefix) in [("Both", ""), (role, &prefix)] {
        for row in rows(section) {
            for name in names(row).map(|name| format!("{prefix}{name}")) {
                if !scraped.contains(&name) && !row.contains("absent") {
                    differences.push(format!("{name} is listed and not scraped"));
                }
                known.insert(name);
            }
        }
    }
    assert!(known.len() > 10, "the page lists {known:?}");
    let unknown = scraped.difference(&known);
    differences.extend(unknown.map(|name| format!("{name} is scraped and not listed")));
    differences
}

/// The rows of the table below a role's name.
fn rows(section: &str) -> impl Iterator<Item = &str> {
    let heading = format!("\n**{section}**");
    let (_, below) = PAGE.split_once(&heading).expect("a section of the page");
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let table = lines.take_while(|line| line.starts_with('|'));
    table.filter(|line| line.starts_with("| `"))
}

/// The names in the first cell of a row, without their labels.
fn names(row: &str) -> impl Iterator<Item = &str> {
    let cell = row.split(" | ").next().unwrap_or(row);
    let code = cell.split('`').skip(1).step_by(2);
    code.map(|name| name.split('{').next().unwrap_or(name))
}

const PAGE: &str = include_str!("../../../../docs/operations.md");
