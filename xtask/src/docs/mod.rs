//! Owns what must hold of the documents: every link leads somewhere, every sentence that a page
//! quotes of the product is one that the product prints, every place in them that the product names
//! exists, every value of the chart that is named is there, what is undecided stands in one place,
//! every test that is named as proof is there, and an image is named by the version that there is.
//!
//! In a page, a block quotation (lines that begin with `>`) is a sentence of ours, with `…` where
//! something varies; what other programs print stands in fenced blocks. Each check is a function
//! from pages to violations; only this file reads the repository.

mod links;
mod markdown;
mod owner;
mod proofs;
mod quotes;
mod sentences;
mod values;
mod version;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::project::Project;
use crate::{image, repository};
use sentences::Sentences;

/// Pages by their path from the root of the repository.
type Pages = BTreeMap<PathBuf, String>;

/// Checks all documents and prints every violation.
///
/// # Errors
/// There is a violation, or a file could not be read.
pub(crate) fn check() -> Result<()> {
    let (pages, violations) = violations()?;
    for violation in &violations {
        eprintln!("documents: {violation}");
    }
    if violations.is_empty() {
        println!("documents: {pages} pages, no problems");
        return Ok(());
    }
    bail!("{} problems in the documents", violations.len())
}

fn violations() -> Result<(usize, Vec<String>)> {
    let root = repository::root();
    let pages = read(root, Path::new(""), &|path| has_extension(path, "md"))?;
    let sources = read(root, Path::new("crates"), &|path| has_extension(path, "rs"))?;
    let chart = read(root, Path::new(CHART), &|_| true)?;
    let sentences = sentences(&sources, &chart);
    let mut violations = links::violations(&pages, &|path| root.join(path).exists());
    violations.extend(promised(root, &pages, &sources));
    violations.extend(quotes::unknown(&pages, &sentences));
    let symptoms = pages.get(Path::new(SYMPTOMS)).map_or("", String::as_str);
    let missing = quotes::missing(symptoms, &sentences);
    violations.extend(missing.iter().map(|what| format!("{SYMPTOMS}: {what}")));
    let proofs = pages.get(Path::new(PROOFS)).map_or("", String::as_str);
    let missing = proofs::missing(proofs, &sources).into_iter();
    violations.extend(missing.map(|what| format!("{PROOFS}: {what}")));
    let project = Project::of_this_repository()?;
    violations.extend(owner::repeated(&project, &pages));
    violations.extend(owner::repeated(&project, &chart));
    let schema = chart.get(Path::new(SCHEMA)).context(SCHEMA)?;
    let schema = serde_json::from_str(schema).context(SCHEMA)?;
    violations.extend(values::unknown(&pages, &schema));
    violations.extend(values::unknown(&chart, &schema));
    violations.extend(version::others(image::version(), &pages));
    Ok((pages.len(), violations))
}

/// Places in the documents to which the programs send their users.
fn promised(root: &Path, pages: &Pages, sources: &Pages) -> Vec<String> {
    let mut violations = Vec::new();
    let exists = |path: &Path| root.join(path).exists();
    for (path, text) in program(sources) {
        let literals = sentences::literals(text);
        violations.extend(links::promised(pages, &exists, path, &literals));
    }
    violations
}

/// The sources of the crates that ship, among all.
fn program(sources: &Pages) -> impl Iterator<Item = (&PathBuf, &String)> {
    let folders = PROGRAM.map(|room| Path::new("crates").join(room).join("src"));
    let ships = move |path: &Path| folders.iter().any(|folder| path.starts_with(folder));
    sources.iter().filter(move |(path, _)| ships(path))
}

/// What the programs and the chart print.
fn sentences(sources: &Pages, chart: &Pages) -> Sentences {
    let mut sentences = Sentences::default();
    for (path, text) in program(sources) {
        sentences.add_source(path, text);
    }
    for (path, text) in chart {
        if path.iter().any(|part| part == "templates") {
            sentences.add_template(text);
        }
    }
    sentences
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|is| is == extension)
}

/// The files below a folder, without what is built and what is not of this repository.
fn read(root: &Path, folder: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Result<Pages> {
    let is_ours = |path: &Path| !FOREIGN.iter().any(|foreign| path.ends_with(foreign));
    let mut pages = Pages::new();
    for path in repository::files_below(&root.join(folder), &is_ours)? {
        if is_wanted(&path) {
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("reading {}", path.display()))?;
            pages.insert(path.strip_prefix(root)?.to_owned(), text);
        }
    }
    Ok(pages)
}

/// The crates that ship.
const PROGRAM: [&str; 6] = ["api", "approver", "cli", "client", "core", "node"];

/// The page that goes by what is printed.
const SYMPTOMS: &str = "docs/troubleshooting.md";

/// The page that names tests for what is promised.
const PROOFS: &str = "docs/reliability.md";

const CHART: &str = "deploy/charts/csi-driver-spiffe";

/// The values of the chart.
const SCHEMA: &str = "deploy/charts/csi-driver-spiffe/values.schema.json";

/// What holds nothing of ours to read.
const FOREIGN: &[&str] = &[".git", "target", "kept"];

#[cfg(test)]
mod tests {
    #[test]
    fn the_documents_of_this_repository_are_sound() {
        let (pages, violations) = super::violations().unwrap();
        assert!(pages > 20, "{pages} pages were found");
        assert_eq!(violations, Vec::<String>::new());
    }
}
