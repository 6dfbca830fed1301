//! A release: `cargo xtask release`. RELEASE.md says what comes before and after.
//!
//! Owns the order of the steps and what must hold before the first. Knows nothing of who runs it:
//! a workflow on a tag, a person, or the end-to-end tests with a registry of their own.
//! Invariant: under the project's names nothing is released that the owner has not decided, that
//! is not tagged, or that lacks a platform.

mod chart;
mod checksums;
mod names;
mod notes;
mod options;
mod provenance;
mod push;
mod sbom;
mod sign;
#[cfg(test)]
mod workflows;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

pub use options::{Destination, Options};
pub use sign::Signing;

use crate::hash::sha256;
use crate::image::{self, Joined};
use crate::project::Project;
use crate::{command, repository};
use names::Names;
use provenance::Run;

/// What was released.
#[derive(Clone, Debug)]
pub struct Released {
    /// The image by its digest, as in `registry.example.com/csi-driver-spiffe@sha256:...`.
    pub image: String,
    /// Where Helm finds the chart, with `oci://`.
    pub chart: String,
    /// The folder with the files.
    pub out: PathBuf,
}

/// Makes the release that the arguments describe.
///
/// # Errors
/// As [`make`], or when the arguments make no sense.
pub fn run(words: &[String]) -> Result<()> {
    let default = repository::root().join("target/release-files");
    let options = Options::parse(words, &env::current_dir()?, &default)?;
    let released = make(&options)?;
    println!("{}\n{}", released.image, released.chart);
    println!("files: {}", released.out.display());
    if options.destination == Destination::Files {
        println!("nothing was pushed or signed");
    }
    Ok(())
}

/// Builds, describes, pushes and signs.
///
/// # Errors
/// When something must not be released as it is, or a step fails.
pub fn make(options: &Options) -> Result<Released> {
    let version = image::version();
    let project = Project::of_this_repository()?;
    let is_own = matches!(options.destination, Destination::Registry(_));
    let names = match &options.destination {
        Destination::Registry(registry) => Names::in_registry(registry, &project),
        Destination::Files | Destination::Project => Names::of_the_project(&project)?,
    };
    let sources = Sources::checked_out()?;
    if !is_own {
        sources.ensure_tagged(version)?;
    }
    let changelog = read("CHANGELOG.md")?;
    let notes = notes::section(&changelog, version, is_own)?;

    fs::create_dir_all(&options.out)
        .with_context(|| format!("making {}", options.out.display()))?;
    let archive = options
        .out
        .join(format!("csi-driver-spiffe-{version}.oci.tar"));
    let joined = joined(options, &names, &archive)?;
    ensure_of(&joined, &sources)?;
    if !is_own {
        ensure_whole(&joined)?;
    }
    let places = chart::Places {
        image: &names.image,
        digest: &joined.digest,
        home: names.home.as_deref(),
        version,
    };
    let chart = chart::package(&places, &options.out)?;
    // Whoever has no home yet begins names with what is theirs: the registry.
    let home = names.home.clone();
    let namespace = home.unwrap_or_else(|| format!("https://{}", names.image));
    let rust = image::compiler()?;
    let sbom = write_sbom(&names, &joined, &sources, &namespace, &rust, &options.out)?;

    let mut sums = checksums::sums(&[archive.clone(), chart.clone(), sbom.clone()])?;
    let run = Run {
        home: names.home.as_deref(),
        namespace: &namespace,
        commit: &sources.commit,
        version,
        lock: &sha256(read("Cargo.lock")?.as_bytes()),
        compilers: match options.images.as_slice() {
            [] => Some([rust.clone(), c_compiler()?]),
            _ => None,
        },
        builder: provenance::builder(|name| env::var(name).ok()),
    };
    let statement = provenance::statement(&run, &names.image, &joined.digest, &sums);
    let provenance = options
        .out
        .join(format!("csi-driver-spiffe-{version}.provenance.json"));
    write(&provenance, &format!("{statement:#}\n"))?;
    sums.extend(checksums::sums(&[provenance])?);
    sums.sort();
    let checksums = options.out.join("SHA256SUMS");
    write(&checksums, &checksums::text(&sums))?;
    let notes = chart::tree(&places).map_or(notes.clone(), |tree| notes::absolute(&notes, &tree));
    let released = Released {
        image: format!("{}@{}", names.image, joined.digest),
        chart: format!("oci://{}", names.chart()),
        out: options.out.clone(),
    };
    let where_from = format!(
        "Image: `{}`\nChart: `{}`, version {version}\n",
        released.image, released.chart
    );
    write(
        &options.out.join("NOTES.md"),
        &format!("{notes}\n\n{where_from}"),
    )?;

    if options.destination != Destination::Files {
        push::image(&names, version, &archive, &joined.digest)?;
        let signed = sign::Signed {
            names: &names,
            image_digest: &joined.digest,
            chart_digest: &push::chart(&names, &chart)?,
            sbom: &sbom,
            predicate: &provenance::predicate(&run),
            checksums: &checksums,
        };
        sign::sign(&options.signing, &signed)?;
    }
    Ok(released)
}

/// One image of all archives, or of what can be built here.
fn joined(options: &Options, names: &Names, path: &Path) -> Result<Joined> {
    let name = format!("{}:v{}", names.image, image::version());
    if options.images.is_empty() {
        let built = image::product();
        image::write_product(&built)?;
        return image::join(&[built], &name, path);
    }
    image::join(&options.images, &name, path)
}

/// An image for every platform.
fn ensure_whole(joined: &Joined) -> Result<()> {
    ensure!(
        joined.architectures == image::architectures(),
        "the image is for {:?} only: build the other where it can be built, and name both with `--image`",
        joined.architectures
    );
    Ok(())
}

/// An image of the sources that are checked out, which its provenance names.
fn ensure_of(joined: &Joined, sources: &Sources) -> Result<()> {
    for commit in &joined.commits {
        ensure!(
            *commit == sources.commit,
            "an image was built from {commit}, and {} is checked out",
            sources.commit
        );
    }
    Ok(())
}

fn write_sbom(
    names: &Names,
    joined: &Joined,
    sources: &Sources,
    namespace: &str,
    rust: &str,
    out: &Path,
) -> Result<PathBuf> {
    let release = rust.lines().find_map(|line| line.strip_prefix("release: "));
    let about = sbom::About {
        version: image::version(),
        image: &names.image,
        digest: &joined.digest,
        namespace,
        time: &sources.time,
        rust: release.unwrap_or("unknown"),
    };
    let parts = sbom::parts(&image::targets(&joined.architectures))?;
    let document = sbom::document(&about, &parts, &sbom::checksums(&read("Cargo.lock")?))?;
    let path = out.join(format!("csi-driver-spiffe-{}.spdx.json", about.version));
    write(&path, &format!("{document:#}\n"))?;
    Ok(path)
}

/// The sources, as git has them.
struct Sources {
    /// With `-modified` if files differ from it.
    commit: String,
    /// Of the commit, RFC 3339.
    time: String,
}

impl Sources {
    fn checked_out() -> Result<Self> {
        let commit = repository::commit();
        let format = [
            "log",
            "-1",
            "--format=%cd",
            "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
        ];
        Ok(Self {
            commit: commit.context("a release is made from a checkout of git")?,
            time: git(&format)?.trim().to_owned(),
        })
    }

    fn ensure_tagged(&self, version: &str) -> Result<()> {
        ensure!(
            !self.commit.ends_with("-modified"),
            "files differ from the commit: a release is what is committed"
        );
        let tags = git(&["tag", "--points-at", "HEAD"])?;
        ensure!(
            tags.lines().any(|tag| tag == format!("v{version}")),
            "the commit has no tag v{version}, which is the version in Cargo.toml"
        );
        Ok(())
    }
}

fn git(words: &[&str]) -> Result<String> {
    let mut git = Command::new("git");
    git.args(words).current_dir(repository::root());
    command::text(git.env("TZ", "UTC"))
}

/// The first line of what the C compiler says of itself.
fn c_compiler() -> Result<String> {
    let said = command::text(Command::new("cc").arg("--version"))?;
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

fn read(name: &str) -> Result<String> {
    fs::read_to_string(repository::root().join(name)).with_context(|| format!("reading {name}"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
