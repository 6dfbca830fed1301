//! Which image runs: one that the values name, for both roles, and never the Go driver's.

use std::path::Path;

use anyhow::Result;

use super::manifests::{Manifests, list, text};
use super::template;

/// The promises that are broken: values that must be refused and are not, and the other way round.
pub(super) fn broken(helm: &Path, chart: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    for values in REFUSED {
        match template(helm, chart, values) {
            Ok(_) => broken.push(format!("{values:?}: another program's image is rendered")),
            Err(error) if is_advice(&format!("{error:#}")) => {}
            Err(error) => broken.push(format!("{values:?}: it is not said what to set: {error:#}")),
        }
    }
    for (values, driver, approver) in RENDERED {
        match template(helm, chart, values).and_then(|rendered| images(&rendered)) {
            Ok(found) if found == [*driver, *approver] => {}
            Ok(found) => broken.push(format!("{values:?}: the images are {found:?}")),
            Err(error) => broken.push(format!("{values:?}: {error:#}")),
        }
    }
    broken
}

/// How many renderings [`broken`] looks at.
pub(super) const COUNT: usize = REFUSED.len() + RENDERED.len();

/// Whether an error is one sentence that names the values to set.
fn is_advice(error: &str) -> bool {
    let sentence = error.split_once("templates/").map(|(_, rest)| rest);
    let sentence = sentence.and_then(|rest| rest.split_once("): "));
    sentence.is_some_and(|(_, sentence)| {
        let sentence = sentence.lines().next().unwrap_or_default();
        let values = ["imageRegistry", "driverImage.repository"];
        values.iter().all(|value| sentence.contains(value)) && !sentence.contains(". ")
    })
}

/// The images of the driver and of the approver.
fn images(rendered: &str) -> Result<[String; 2]> {
    let manifests = Manifests::parse(rendered)?;
    let image = |kind, role| -> Result<String> {
        let object = manifests.find(kind, &format!("cert-manager-csi-driver-spiffe-{role}"))?;
        let containers = list(object, "/spec/template/spec/containers").iter();
        Ok(containers.map(|one| text(one, "/image")).collect())
    };
    Ok([
        image("DaemonSet", "driver")?,
        image("Deployment", "approver")?,
    ])
}

/// Values with which nothing is rendered, in every way that the Go driver's image can be named.
const REFUSED: &[&[&str]] = &[
    &[],
    // A name alone is another's image at the default registry.
    &["driverImage.name=spiffe", "approverImage.name=spiffe"],
    &["driverImage.tag=v9.9.9", "approverImage.tag=v9.9.9"],
    &["driverImage.repository=registry.example.com/spiffe"],
    &["approverImage.repository=registry.example.com/spiffe"],
    &["imageRegistry=quay.io", "imageNamespace=jetstack"],
    &[
        "imageRegistry=quay.io",
        "imageNamespace=jetstack",
        "driverImage.name=cert-manager-csi-driver-spiffe",
        "approverImage.name=cert-manager-csi-driver-spiffe-approver",
    ],
    &[
        "driverImage.repository=quay.io/jetstack/cert-manager-csi-driver-spiffe",
        "driverImage.tag=v0.1.0",
        "approverImage.repository=quay.io/jetstack/cert-manager-csi-driver-spiffe-approver",
        "approverImage.tag=v0.15.0",
    ],
    // One of the two is enough.
    &[
        "imageRegistry=registry.example.com",
        "approverImage.repository=quay.io/jetstack/cert-manager-csi-driver-spiffe-approver",
    ],
    &[
        "driverImage.registry=quay.io",
        "driverImage.repository=jetstack/cert-manager-csi-driver-spiffe",
        "driverImage.digest=sha256:0123",
        "approverImage.repository=registry.example.com/spiffe",
    ],
    &[
        "image.registry=quay.io",
        "image.repository.driver=jetstack/cert-manager-csi-driver-spiffe",
        "image.repository.approver=jetstack/cert-manager-csi-driver-spiffe-approver",
        "image.tag=v0.15.0",
    ],
    &[
        "image.repository.driver=quay.io/jetstack/cert-manager-csi-driver-spiffe",
        "image.repository.approver=quay.io/jetstack/cert-manager-csi-driver-spiffe-approver",
        "image.digest.driver=sha256:0123",
        "image.digest.approver=sha256:0123",
    ],
    // With its tag or digest in it.
    &[
        "driverImage.repository=quay.io/jetstack/cert-manager-csi-driver-spiffe:v0.15.0",
        "approverImage.repository=registry.example.com/spiffe",
    ],
    &[
        "driverImage.repository=quay.io/jetstack/cert-manager-csi-driver-spiffe@sha256:0123",
        "approverImage.repository=registry.example.com/spiffe",
    ],
    // Mirrored.
    &[
        "imageRegistry=registry.example.com/quay.io",
        "imageNamespace=jetstack",
        "driverImage.name=cert-manager-csi-driver-spiffe",
    ],
    // What --reuse-values gives on a release of the Go driver: its chart's defaults, and nothing
    // new.
    &[
        "imageRegistry=quay.io",
        "imageNamespace=jetstack",
        "driverImage.name=cert-manager-csi-driver-spiffe",
        "approverImage.name=cert-manager-csi-driver-spiffe-approver",
        "app.driver.csiDataDir=/tmp/cert-manager-csi-driver",
        "app.driver.kubeletRootDir=null",
    ],
];

/// Values, and the images of driver and approver. By default the tag is the version, as `cargo
/// xtask image` writes it.
const RENDERED: &[(&[&str], &str, &str)] = &[
    (
        &["imageRegistry=registry.example.com:5000"],
        concat!(
            "registry.example.com:5000/csi-driver-spiffe:v",
            env!("CARGO_PKG_VERSION")
        ),
        concat!(
            "registry.example.com:5000/csi-driver-spiffe:v",
            env!("CARGO_PKG_VERSION")
        ),
    ),
    (
        &[
            "imageRegistry=registry.example.com",
            "imageNamespace=identity/spiffe",
            "driverImage.name=driver",
            "approverImage.name=approver",
            "approverImage.digest=sha256:0123",
        ],
        concat!(
            "registry.example.com/identity/spiffe/driver:v",
            env!("CARGO_PKG_VERSION")
        ),
        "registry.example.com/identity/spiffe/approver@sha256:0123",
    ),
    (
        &[
            "driverImage.repository=registry.example.com/spiffe",
            "driverImage.tag=v2",
            "approverImage.registry=other.example.com",
            "approverImage.repository=spiffe",
        ],
        "registry.example.com/spiffe:v2",
        concat!("other.example.com/spiffe:v", env!("CARGO_PKG_VERSION")),
    ),
    (
        &[
            "image.registry=registry.example.com",
            "image.repository.driver=one",
            "image.repository.approver=two",
            "image.tag=v3",
        ],
        "registry.example.com/one:v3",
        "registry.example.com/two:v3",
    ),
];
