//! An OCI image layout as one file (OCI Image Format Specification 1.1).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
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

    /// Names images of several platforms as one.
    pub(super) fn name(&mut self, name: &str, images: &[Value]) -> Result<()> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images});
        let mut descriptor = self.blob(INDEX, serde_json::to_vec(&index)?);
        if let Some(descriptor) = descriptor.as_object_mut() {
            let tag = name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
            let names = json!({
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": tag,
            });
            descriptor.insert("annotations".to_owned(), names);
        }
        self.index.push(descriptor);
        Ok(())
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

fn name_of(content: &[u8]) -> String {
    format!("sha256:{}", sha256(content))
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
