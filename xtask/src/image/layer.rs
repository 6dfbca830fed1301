//! The files of an image.
//!
//! Invariant: the same content gives the same bytes: no times, no names of users.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

/// Files, in the order in which they were added.
pub(crate) struct Layer(Builder<Vec<u8>>);

/// A finished layer.
pub(crate) struct Packed {
    /// The tar archive, whose digest names it in the image's configuration.
    pub(crate) plain: Vec<u8>,
    /// The same, compressed, as it is kept.
    pub(crate) compressed: Vec<u8>,
}

impl Default for Layer {
    fn default() -> Self {
        Self(Builder::new(Vec::new()))
    }
}

impl Layer {
    pub(crate) fn folder(self, path: &str, mode: u32) -> Result<Self> {
        self.add(path, EntryType::Directory, mode, &[], None)
    }

    pub(crate) fn file(self, path: &str, content: &[u8], mode: u32) -> Result<Self> {
        self.add(path, EntryType::Regular, mode, content, None)
    }

    pub(crate) fn link(self, path: &str, to: &str) -> Result<Self> {
        self.add(path, EntryType::Symlink, 0o777, &[], Some(to))
    }

    /// The tar archive.
    pub(crate) fn plain(&self) -> Vec<u8> {
        let mut plain = self.0.get_ref().clone();
        // The end of a tar archive: two empty blocks.
        plain.extend([0; 1024]);
        plain
    }

    pub(crate) fn pack(&self) -> Result<Packed> {
        let plain = self.plain();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&plain).context("compressing a layer")?;
        let compressed = encoder.finish().context("compressing a layer")?;
        Ok(Packed { plain, compressed })
    }

    fn add(
        mut self,
        path: &str,
        kind: EntryType,
        mode: u32,
        content: &[u8],
        link: Option<&str>,
    ) -> Result<Self> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len().try_into()?);
        if let Some(link) = link {
            header.set_link_name(link)?;
        }
        self.0
            .append_data(&mut header, path, content)
            .with_context(|| format!("adding {path} to a layer"))?;
        Ok(self)
    }
}
