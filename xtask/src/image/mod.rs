//! Images without a container engine: `cargo xtask image [FILE]`.
//!
//! Owns what is in the product's image and in the two that the test cluster runs. The product's
//! holds the one static binary, built without the demo, and nothing else: no shell, no
//! certificates, since the API server's authority comes with the pod.

mod archive;
mod layer;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use crate::repository;
use archive::{Archive, Image};
use layer::Layer;

/// The product's image, until it gets a name in a registry.
pub const NAME: &str = "localhost/csi-driver-spiffe";

/// Writes the product's image for every platform whose Rust target is installed.
///
/// # Errors
/// When the target does not exist, or the build fails.
pub fn run(arguments: &[String]) -> Result<()> {
    let path = match arguments {
        [] => repository::root().join("target/image/csi-driver-spiffe.tar"),
        [path] => env::current_dir()?.join(path),
        _ => bail!("say `image` or `image FILE`"),
    };
    let platforms = write_product(&path)?;
    let size = fs::metadata(&path)?.len();
    println!("{}: {:.1} MB", path.display(), size as f64 / 1e6);
    let limit = MOST_PER_PLATFORM * platforms as u64;
    ensure!(
        size <= limit,
        "the image is larger than {:.1} MB: find out what made it grow, or raise MOST_PER_PLATFORM \
         and say why",
        limit as f64 / 1e6
    );
    Ok(())
}

/// The most that one platform may take, compressed, in bytes: each node of a cluster pulls it. 4.5
/// MB in November 2026, and a quarter more.
const MOST_PER_PLATFORM: u64 = 5_700_000;

/// Builds the binary for each platform and writes them as one image. Returns for how many.
///
/// # Errors
/// As [`run`].
pub fn write_product(path: &Path) -> Result<usize> {
    let installed = installed_targets()?;
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
        let binary = build(platform)?;
        let content = fs::read(&binary).with_context(|| format!("reading {}", binary.display()))?;
        images.push(archive.image(&Image {
            architecture: platform.architecture,
            layer: Layer::default().folder("tmp", 0o1777)?.file(
                "csi-driver-spiffe",
                &content,
                0o755,
            )?,
            config: json!({
                "Entrypoint": ["/csi-driver-spiffe"],
                // The approver needs nobody's rights; the driver's pod says that it is root.
                "User": "65532:65532",
                "WorkingDir": "/",
                "Labels": {
                    "org.opencontainers.image.title": "csi-driver-spiffe",
                    "org.opencontainers.image.description": "X.509-SVIDs for pods, by cert-manager",
                    "org.opencontainers.image.version": version(),
                    "org.opencontainers.image.licenses": "Apache-2.0",
                },
            }),
        })?);
    }
    if images.is_empty() {
        bail!(
            "no target for an image is installed: rustup target add {}",
            PLATFORMS[0].target
        );
    }
    archive.name(&format!("{NAME}:v{}", version()), &images)?;
    archive.write(path)?;
    Ok(images.len())
}

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

struct Platform {
    architecture: &'static str,
    target: &'static str,
    /// Where the C parts are not compiled by the machine's own compiler: its name and package in
    /// Debian, and the variables that say so to cargo.
    cross: Cross,
}

struct Cross {
    compiler: &'static str,
    package: &'static str,
    variables: [&'static str; 2],
}

const PLATFORMS: [Platform; 2] = [
    Platform {
        architecture: "amd64",
        target: "x86_64-unknown-linux-musl",
        cross: Cross {
            compiler: "x86_64-linux-gnu-gcc",
            package: "gcc-x86-64-linux-gnu",
            variables: [
                "CC_x86_64_unknown_linux_musl",
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER",
            ],
        },
    },
    Platform {
        architecture: "arm64",
        target: "aarch64-unknown-linux-musl",
        cross: Cross {
            compiler: "aarch64-linux-gnu-gcc",
            package: "gcc-aarch64-linux-gnu and libc6-dev-arm64-cross",
            variables: [
                "CC_aarch64_unknown_linux_musl",
                "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER",
            ],
        },
    },
];

/// Builds the binary that ships for this machine, as the image holds it.
///
/// # Errors
/// When there is no target for it, or it cannot be built.
pub fn binary() -> Result<PathBuf> {
    let own = PLATFORMS
        .iter()
        .find(|platform| platform.target.starts_with(env::consts::ARCH));
    build(own.context("images are built for amd64 and arm64 only")?)
}

fn build(platform: &Platform) -> Result<PathBuf> {
    let arguments = [
        "build",
        "--profile=image",
        "--package=csi-driver-spiffe",
        "--no-default-features",
        "--target",
        platform.target,
    ];
    let mut command = repository::cargo(&arguments);
    // Whoever builds without git, from an archive, may say it in the environment.
    if env::var_os(COMMIT).is_none()
        && let Some(commit) = repository::commit()
    {
        command.env(COMMIT, commit);
    }
    let mut package = "musl-tools";
    if !platform.target.starts_with(env::consts::ARCH) {
        package = platform.cross.package;
        // If they are set, that is deliberate.
        for variable in platform.cross.variables {
            if env::var_os(variable).is_none() {
                command.env(variable, platform.cross.compiler);
            }
        }
    }
    let status = command.status().context("starting cargo")?;
    if !status.success() {
        bail!(
            "the static binary for {} was not built: {status}; it needs a C compiler for it (on Debian: {package})",
            platform.architecture
        );
    }
    Ok(repository::target()
        .join(platform.target)
        .join("image/csi-driver-spiffe"))
}

/// What the program says of its sources.
const COMMIT: &str = "CSI_DRIVER_SPIFFE_COMMIT";

/// Those whose standard library is beside the compiler's own.
fn installed_targets() -> Result<Vec<String>> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = std::process::Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .context("asking rustc")?;
    let root = PathBuf::from(String::from_utf8(output.stdout)?.trim()).join("lib/rustlib");
    let entries = fs::read_dir(&root).with_context(|| format!("reading {}", root.display()))?;
    Ok(entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect())
}
