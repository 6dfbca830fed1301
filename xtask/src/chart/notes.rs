//! What Helm says after an installation: what is left to do, where it applies and nowhere else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::manifests::{Manifests, text};
use super::template;
use crate::repository;

/// The promises that are broken.
///
/// # Errors
/// When the chart cannot be prepared: `helm template` leaves the notes out.
pub(super) fn broken(helm: &Path, chart: &Path) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for (values, enforced, said) in CASES {
        let notes = notes(helm, chart, values, enforced)?;
        for (advice, sentence) in ADVICE {
            let is_said = notes.contains(sentence);
            if is_said != said.contains(advice) {
                let fault = if is_said { "is said" } else { "is not said" };
                broken.push(format!(
                    "notes for {values:?}, {enforced:?} enforced: {sentence:?} {fault}"
                ));
            }
        }
    }
    Ok(broken)
}

/// How many renderings [`broken`] looks at.
pub(super) const COUNT: usize = CASES.len();

/// The notes in a namespace that enforces a Pod Security Standard.
fn notes(helm: &Path, chart: &Path, values: &[&str], enforced: &str) -> Result<String> {
    let folder = tempfile::tempdir().context("making a folder")?;
    let templates = folder.path().join(TEMPLATES);
    fs::create_dir(&templates).context("making the folder of templates")?;
    for (from, to) in [
        (chart.to_owned(), folder.path()),
        (chart.join(TEMPLATES), &templates),
    ] {
        for file in repository::files(&from)? {
            let name = file.file_name().unwrap_or_default();
            if name != TEMPLATES && name != NOTES {
                symlink(&file, to.join(name)).with_context(|| format!("linking {file:?}"))?;
            }
        }
    }
    let notes =
        fs::read_to_string(chart.join(TEMPLATES).join(NOTES)).context("reading the notes")?;
    // Without a cluster there is no namespace to look at.
    ensure!(
        notes.contains(ENFORCED),
        "the notes do not look at {ENFORCED:?}"
    );
    let notes = notes.replace(ENFORCED, &format!("{enforced:?}"));
    let object = format!(
        "{{{{- define \"notes\" -}}}}\n{notes}\n{{{{- end -}}}}\n\
         kind: Notes\nmetadata: {{name: notes}}\nnotes: {{{{ include \"notes\" . | toJson }}}}\n"
    );
    fs::write(templates.join("notes.yaml"), object).context("writing the notes")?;
    let rendered = template(helm, folder.path(), values)?;
    let manifests = Manifests::parse(&rendered)?;
    Ok(text(manifests.find("Notes", "notes")?, "/notes").to_owned())
}

/// What may be left to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Advice {
    TrustDomain,
    Roots,
    PodSecurity,
}

/// Each by words of its own.
const ADVICE: &[(Advice, &str)] = &[
    (Advice::TrustDomain, "Set app.trustDomain to a name"),
    (Advice::Roots, "Pods get no ca.crt"),
    (
        Advice::PodSecurity,
        "kubectl label namespace default pod-security.kubernetes.io/enforce=privileged --overwrite",
    ),
];

/// Values, the Pod Security Standard of the namespace, and what is said of the above.
const CASES: &[(&[&str], &str, &[Advice])] = &[
    (&[IMAGE], "", &[Advice::TrustDomain, Advice::Roots]),
    (&[IMAGE, ROOTS], "", &[Advice::TrustDomain]),
    (&[IMAGE, DOMAIN], "privileged", &[Advice::Roots]),
    (&[IMAGE, DOMAIN, ROOTS], "", &[]),
    (&[IMAGE, DOMAIN, ROOTS], "baseline", &[Advice::PodSecurity]),
    (
        &[IMAGE, DOMAIN, ROOTS],
        "restricted",
        &[Advice::PodSecurity],
    ),
];

const IMAGE: &str = "imageRegistry=registry.example.com";
const DOMAIN: &str = "app.trustDomain=example.org";
const ROOTS: &str = "app.driver.sourceCABundle=/roots/ca.crt";
const TEMPLATES: &str = "templates";
const NOTES: &str = "NOTES.txt";

/// How the notes ask for the standard.
const ENFORCED: &str = "include \"spiffe.podSecurity\" .";
