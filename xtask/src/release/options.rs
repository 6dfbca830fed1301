//! What `cargo xtask release` was told.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::sign::Signing;

/// One release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Archives that `cargo xtask image` wrote; without one, images are built here.
    pub images: Vec<PathBuf>,
    /// Where the files go.
    pub out: PathBuf,
    /// Where it is published.
    pub destination: Destination,
    /// How it is signed.
    pub signing: Signing,
}

/// Where a release is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Nowhere: the files of the project's release, to look at.
    Files,
    /// Under the names in project.toml.
    Project,
    /// In somebody's own registry, as in `registry.example.com/identity`.
    Registry(String),
}

impl Options {
    /// Reads the arguments; files are taken from `folder`.
    pub(super) fn parse(words: &[String], folder: &Path, default: &Path) -> Result<Self> {
        let mut options = Self {
            images: Vec::new(),
            out: default.to_owned(),
            destination: Destination::Files,
            signing: Signing::No,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                let value = words.next().map(String::as_str);
                value.with_context(|| format!("{word} needs a value"))
            };
            match word.as_str() {
                "--image" => options.images.push(folder.join(value()?)),
                "--out" => options.out = folder.join(value()?),
                "--push" => options.destination = Destination::Project,
                "--registry" => options.destination = Destination::Registry(registry(value()?)?),
                "--sign" => options.signing = Signing::Keyless,
                "--key" => options.signing = Signing::Key(folder.join(value()?)),
                _ => bail!("{word:?} is not expected here; {USAGE}"),
            }
        }
        if options.signing != Signing::No && options.destination == Destination::Files {
            bail!("what is signed is in a registry: say `--push` or `--registry`");
        }
        Ok(options)
    }
}

fn registry(value: &str) -> Result<String> {
    if value.is_empty() || value.contains("://") || value.contains('@') {
        bail!("--registry is a host and a path, as in registry.example.com/identity: {value:?}");
    }
    Ok(value.to_owned())
}

const USAGE: &str = "say `release [--push | --registry HOST/PATH] [--sign | --key FILE] [--image FILE].. [--out FOLDER]`";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options> {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words, Path::new("/here"), Path::new("/out"))
    }

    #[test]
    fn nothing_is_pushed_or_signed_unless_it_is_said() {
        let options = parsed("").unwrap();
        assert_eq!(options.destination, Destination::Files);
        assert_eq!(options.signing, Signing::No);
        assert_eq!(options.out, Path::new("/out"));
    }

    #[test]
    fn everything_can_be_said() {
        let options =
            parsed("--image a.tar --image /b.tar --out o --registry r.example/i --key k").unwrap();
        assert_eq!(
            options.images,
            [Path::new("/here/a.tar"), Path::new("/b.tar")]
        );
        assert_eq!(options.out, Path::new("/here/o"));
        assert_eq!(
            options.destination,
            Destination::Registry("r.example/i".to_owned())
        );
        assert_eq!(options.signing, Signing::Key("/here/k".into()));
        let options = parsed("--push --sign").unwrap();
        assert_eq!(options.destination, Destination::Project);
        assert_eq!(options.signing, Signing::Keyless);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "--sign",
            "--image",
            "--registry oci://r.example",
            "--rush",
            "x",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
