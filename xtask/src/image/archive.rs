//! An OCI image layout as one file (OCI Image Format Specification 1.1).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::layer::Layer;
use crate::hash::sha256;

/// What an image is made of.
pub(super) struct Image {
    /// As Go names it: `amd64`, `arm64`.
    pub(super) architecture: &'static str,
    pub(super) layer: Layer,
    /// The `config` object of the image's configuration.
    pub(super) config: Value,
}

/// Images on their way into one file.
#[derive(Default)]
pub(super) struct Archive {
    blobs: BTreeMap<String, Vec<u8>>,
    index: Vec<Value>,
}

impl Archive {
    /// Adds an image and gives its descriptor.
    pub(super) fn image(&mut self, image: &Image) -> Result<Value> {
        let layer = image.layer.pack()?;
        let configuration = json!({
            "architecture": image.architecture,
            "os": "linux",
            "config": image.config,
            "rootfs": {"type": "layers", "diff_ids": [name_of(&layer.plain)]},
        });
        let layer = self.blob(
            "application/vnd.oci.image.layer.v1.tar+gzip",
            layer.compressed,
        );
        let configuration = serde_json::to_vec(&configuration)?;
        let configuration = self.blob("application/vnd.oci.image.config.v1+json", configuration);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": configuration,
            "layers": [layer],
        });
        let mut descriptor = self.blob(MANIFEST, serde_json::to_vec(&manifest)?);
        if let Some(descriptor) = descriptor.as_object_mut() {
            let platform = json!({"os": "linux", "architecture": image.architecture});
            descriptor.insert("platform".to_owned(), platform);
        }
        Ok(descriptor)
    }

    /// Takes all images out of an archive that was written before, and gives their descriptors.
    pub(super) fn take(&mut self, path: &Path) -> Result<Vec<Value>> {
        let reading = || format!("reading {}", path.display());
        let mut files = tar::Archive::new(File::open(path).with_context(reading)?);
        let mut top = None;
        for entry in files.entries().with_context(reading)? {
            let mut entry = entry.with_context(reading)?;
            let name = entry.path()?.display().to_string();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).with_context(reading)?;
            if name == "index.json" {
                top = Some(content);
            } else if let Some(digest) = name.strip_prefix("blobs/sha256/") {
                ensure!(
                    sha256(&content) == digest,
                    "{}: {name} is not what its name says",
                    path.display()
                );
                self.blobs.insert(digest.to_owned(), content);
            }
        }
        let top = top.with_context(|| format!("{}: no index.json", path.display()))?;
        let mut images = Vec::new();
        for named in manifests(&top).with_context(reading)? {
            let digest = named.pointer("/digest").and_then(Value::as_str);
            let digest = digest.unwrap_or_default().trim_start_matches("sha256:");
            // It is made anew for all that come together.
            let index = self.blobs.remove(digest);
            let index = index.with_context(|| format!("{}: no {digest}", path.display()))?;
            images.extend(manifests(&index).with_context(reading)?);
        }
        Ok(images)
    }

    /// A label of an image in it.
    pub(super) fn label(&self, image: &Value, name: &str) -> Option<String> {
        let content = |descriptor: &Value| {
            let digest = descriptor.pointer("/digest")?.as_str()?;
            let content = self.blobs.get(digest.strip_prefix("sha256:")?)?;
            serde_json::from_slice::<Value>(content).ok()
        };
        let configuration = content(content(image)?.pointer("/config")?)?;
        let labels = configuration.pointer("/config/Labels")?;
        labels.get(name)?.as_str().map(str::to_owned)
    }

    /// Names images of several platforms as one, and gives its digest.
    pub(super) fn name(&mut self, name: &str, images: &[Value]) -> Result<String> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images});
        let index = serde_json::to_vec(&index)?;
        let digest = name_of(&index);
        let mut descriptor = self.blob(INDEX, index);
        if let Some(descriptor) = descriptor.as_object_mut() {
            let tag = name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
            let names = json!({
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": tag,
            });
            descriptor.insert("annotations".to_owned(), names);
        }
        self.index.push(descriptor);
        Ok(digest)
    }

    /// Writes the file, making its folder.
    pub(super) fn write(self, path: &Path) -> Result<()> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.index});
        let mut layout = Layer::default()
            .file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#, 0o644)?
            .file("index.json", &serde_json::to_vec(&index)?, 0o644)?;
        for (digest, content) in &self.blobs {
            layout = layout.file(&format!("blobs/sha256/{digest}"), content, 0o644)?;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        fs::write(path, layout.plain()).with_context(|| format!("writing {}", path.display()))
    }

    fn blob(&mut self, kind: &str, content: Vec<u8>) -> Value {
        let digest = sha256(&content);
        let descriptor = json!({
            "mediaType": kind,
            "digest": format!("sha256:{digest}"),
            "size": content.len(),
        });
        self.blobs.insert(digest, content);
        descriptor
    }
}

/// The descriptors in an index.
fn manifests(index: &[u8]) -> Result<Vec<Value>> {
    let index: Value = serde_json::from_slice(index)?;
    let manifests = index.pointer("/manifests").and_then(Value::as_array);
    Ok(manifests.context("an index without manifests")?.clone())
}

/// What an image runs on, as Go names it.
pub(super) fn architecture(descriptor: &Value) -> String {
    let architecture = descriptor.pointer("/platform/architecture");
    let architecture = architecture.and_then(Value::as_str);
    architecture.unwrap_or_default().to_owned()
}

fn name_of(content: &[u8]) -> String {
    format!("sha256:{}", sha256(content))
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
