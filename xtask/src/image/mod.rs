//! Images without a container engine: `cargo xtask image [--twice] [FILE]`.
//!
//! Owns what is in the product's image and in the two that the test cluster runs. The product's
//! holds the one static binary, built without the demo, and nothing else: no shell, no
//! certificates, since the API server's authority comes with the pod.

mod archive;
mod build;
mod layer;
mod workshop;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::project::Project;
use crate::repository;
use archive::{Archive, Image};
use build::PLATFORMS;
use workshop::Workshop;

pub use build::binary;
pub(crate) use build::compiler;
pub(crate) use layer::Layer;

/// The product's image, until it gets a name in a registry.
pub const NAME: &str = "localhost/csi-driver-spiffe";

/// Writes the product's image for every platform whose Rust target is installed. With `--twice`
/// builds it a second time under other paths, too, and compares.
///
/// # Errors
/// When the target does not exist, the build fails, or two builds differ.
pub fn run(arguments: &[String]) -> Result<()> {
    let (flags, files): (Vec<_>, Vec<_>) =
        arguments.iter().partition(|word| word.starts_with("--"));
    let path = match files.as_slice() {
        [] => product(),
        [path] => env::current_dir()?.join(path),
        _ => bail!("say `image`, `image FILE` or `image --twice`"),
    };
    let is_twice = match flags.as_slice() {
        [] => false,
        [flag] if *flag == "--twice" => true,
        _ => bail!("say `image`, `image FILE` or `image --twice`"),
    };
    let digest = write(&path, &Workshop::here()?)?;
    let size = fs::metadata(&path)?.len();
    println!("{}: {:.1} MB, {digest}", path.display(), size as f64 / 1e6);
    if is_twice {
        let folder = tempfile::tempdir().context("making a folder for the second build")?;
        let other = Workshop::elsewhere(folder.path())?;
        let second = write(&folder.path().join("image.tar"), &other)?;
        if second != digest {
            bail!("a second build under other paths gave {second}");
        }
        println!("a second build under other paths gave the same");
    }
    Ok(())
}

/// Where the product's image is written if nothing else is said.
pub fn product() -> PathBuf {
    repository::root().join("target/image/csi-driver-spiffe.tar")
}

/// Builds the binary for each platform and writes them as one image.
///
/// # Errors
/// As [`run`].
pub fn write_product(path: &Path) -> Result<()> {
    write(path, &Workshop::here()?).map(drop)
}

/// The same, at a place to build; gives the image's digest.
fn write(path: &Path, workshop: &Workshop) -> Result<String> {
    let installed = build::installed_targets()?;
    let mut archive = Archive::default();
    let mut images = Vec::new();
    for platform in &PLATFORMS {
        if !installed.iter().any(|target| target == platform.target) {
            println!(
                "{} is left out: rustup target add {}",
                platform.architecture, platform.target
            );
            continue;
        }
        let binary = build::build(platform, workshop)?;
        let content = fs::read(&binary).with_context(|| format!("reading {}", binary.display()))?;
        images.push(archive.image(&Image {
            architecture: platform.architecture,
            layer: Layer::default().folder("tmp", 0o1777)?.file(
                "csi-driver-spiffe",
                &content,
                0o755,
            )?,
            config: configuration()?,
        })?);
    }
    if images.is_empty() {
        bail!(
            "no target for an image is installed: rustup target add {}",
            PLATFORMS[0].target
        );
    }
    let digest = archive.name(&format!("{NAME}:v{}", version()), &images)?;
    archive.write(path)?;
    let size = fs::metadata(path)?.len();
    let limit = MOST_PER_PLATFORM * images.len() as u64;
    ensure!(
        size <= limit,
        "{} has {size} bytes, more than {limit}: find out what made it grow, or raise \
         MOST_PER_PLATFORM and say why",
        path.display()
    );
    Ok(digest)
}

/// The most bytes that one platform may take, compressed: each node of a cluster pulls it. It was
/// 5.2 MB in November 2026; this is a tenth more.
const MOST_PER_PLATFORM: u64 = 5_700_000;

/// How the program is started, and what registries and scanners show of the image.
fn configuration() -> Result<Value> {
    let mut labels = json!({
        "org.opencontainers.image.title": "csi-driver-spiffe",
        "org.opencontainers.image.description": "X.509-SVIDs for pods, by cert-manager",
        "org.opencontainers.image.version": version(),
        "org.opencontainers.image.licenses": "Apache-2.0",
    });
    if let Some(labels) = labels.as_object_mut() {
        if let Some(commit) = build::commit() {
            labels.insert(REVISION.to_owned(), commit.into());
        }
        if let Some(home) = Project::of_this_repository()?.decided("home") {
            labels.insert("org.opencontainers.image.source".to_owned(), home.into());
        }
    }
    Ok(json!({
        "Entrypoint": ["/csi-driver-spiffe"],
        // The approver needs nobody's rights; the driver's pod says that it is root.
        "User": "65532:65532",
        "WorkingDir": "/",
        "Labels": labels,
    }))
}

/// An image that was put together from archives.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Of the index of all its platforms, as in `sha256:...`.
    pub digest: String,
    /// As Go names them, sorted.
    pub architectures: Vec<String>,
    /// That its images say they were built from.
    pub commits: BTreeSet<String>,
}

/// Puts the images of several archives, each for other platforms, into one under a name. So each
/// platform can be built on a machine of its own.
///
/// # Errors
/// When an archive cannot be read or is damaged, or two have the same platform.
pub fn join(archives: &[PathBuf], name: &str, path: &Path) -> Result<Joined> {
    let mut joined = Archive::default();
    let mut images = Vec::new();
    for archive in archives {
        images.extend(joined.take(archive)?);
    }
    images.sort_by_key(archive::architecture);
    let architectures: Vec<_> = images.iter().map(archive::architecture).collect();
    for (one, next) in architectures.iter().zip(architectures.iter().skip(1)) {
        ensure!(one != next, "{one} is in the archives more than once");
    }
    let commits = images
        .iter()
        .map(|image| joined.label(image, REVISION).unwrap_or_default());
    let commits = commits.collect();
    let digest = joined.name(name, &images)?;
    joined.write(path)?;
    Ok(Joined {
        digest,
        architectures,
        commits,
    })
}

/// What a whole image is for, as Go names it, sorted.
pub(crate) fn architectures() -> [&'static str; PLATFORMS.len()] {
    PLATFORMS.map(|platform| platform.architecture)
}

/// As `rustc` names the platforms of these architectures.
pub(crate) fn targets(architectures: &[String]) -> Vec<&'static str> {
    let ours = |platform: &&build::Platform| {
        let mut names = architectures.iter();
        names.any(|name| name == platform.architecture)
    };
    let platforms = PLATFORMS.iter().filter(ours);
    platforms.map(|platform| platform.target).collect()
}

/// The label with the commit that an image was built from.
const REVISION: &str = "org.opencontainers.image.revision";

/// Images named `localhost/busybox:1` and `localhost/pause:1`, both of a static busybox and the
/// tests' own peer.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_busybox(busybox: &Path, peer: &Path, path: &Path) -> Result<()> {
    let content = fs::read(busybox).with_context(|| format!("reading {}", busybox.display()))?;
    let peer = fs::read(peer).with_context(|| format!("reading {}", peer.display()))?;
    let mut archive = Archive::default();
    for (name, command) in [
        ("busybox", ["/bin/sh"].as_slice()),
        ("pause", &["/bin/sleep", "2147483647"]),
    ] {
        let mut layer = Layer::default()
            .folder("tmp", 0o1777)?
            .file("bin/busybox", &content, 0o755)?
            .file("bin/peer", &peer, 0o755)?;
        for applet in [
            "sh", "sleep", "cat", "ls", "stat", "wget", "nc", "httpd", "true", "id", "readlink",
            "md5sum", "date", "touch",
        ] {
            layer = layer.link(&format!("bin/{applet}"), "busybox")?;
        }
        let image = archive.image(&Image {
            architecture: env::consts::ARCH
                .replace("x86_64", "amd64")
                .replace("aarch64", "arm64")
                .leak(),
            layer,
            config: json!({"Entrypoint": command, "Env": ["PATH=/bin"]}),
        })?;
        archive.name(&format!("localhost/{name}:1"), &[image])?;
    }
    archive.write(path)
}

/// The version that everything of this repository has.
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[cfg(test)]
mod tests;
