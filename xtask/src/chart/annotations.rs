//! Annotations of requests: both roles get the same ones, and a policy forbids others.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::manifests::{Manifests, list, text};
use super::template;

/// What must be true of a rendering, by whether it is.
pub(super) fn promises(name: &str, manifests: &Manifests) -> Result<Vec<(bool, &'static str)>> {
    let driver = values_of(
        EXTRA,
        manifests.find("DaemonSet", &format!("{name}-driver"))?,
    );
    let approver = values_of(
        EXTRA,
        manifests.find("Deployment", &format!("{name}-approver"))?,
    );
    let has = |suffix: &str| {
        let name = format!("{name}-{suffix}");
        [
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
        ]
        .map(|kind| manifests.find(kind, &name).is_ok())
    };
    Ok(vec![
        (
            approver.len() == 1 && driver == approver,
            "the approver is always given the annotations that the driver writes",
        ),
        (
            has("annotations") == has("identities"),
            "annotations are kept from change wherever identities are",
        ),
    ])
}

/// The promises that are broken by values of which other renderings have none.
pub(super) fn broken(helm: &Path, chart: &Path) -> Vec<String> {
    let found = [
        check(
            "the approver is given what drivers wrote before, each value by itself",
            former(helm, chart),
        ),
        check(
            "a key that the administrator lists is one that new requests may have",
            listed(helm, chart),
        ),
    ];
    let mut broken: Vec<String> = found.into_iter().flatten().collect();
    match render(
        helm,
        chart,
        &["app.driver.extraArgs[0]=--extra-certificate-request-annotations=a=b"],
    ) {
        Err(error) if format!("{error:#}").contains("app.extraCertificateRequestAnnotations") => {}
        other => broken.push(format!(
            "annotations for the driver alone: {:?}",
            other.map(|_| ())
        )),
    }
    broken
}

/// How many renderings [`broken`] looks at.
pub(super) const COUNT: usize = 3;

fn check(promise: &str, is_kept: Result<bool>) -> Option<String> {
    match is_kept {
        Ok(true) => None,
        Ok(false) => Some(format!("it is not so that {promise}")),
        Err(error) => Some(format!("{promise}: {error:#}")),
    }
}

fn former(helm: &Path, chart: &Path) -> Result<bool> {
    let values = "app.formerCertificateRequestAnnotations={,example.com/a=b}";
    let manifests = Manifests::parse(&render(helm, chart, &[values])?)?;
    let approver = manifests.find("Deployment", "cert-manager-csi-driver-spiffe-approver")?;
    Ok(
        values_of(FORMER, approver) == ["", "example.com/a=b"]
            && values_of(EXTRA, approver) == [""],
    )
}

fn listed(helm: &Path, chart: &Path) -> Result<bool> {
    let refuses = |annotation: &str| -> Result<bool> {
        let listed = format!("app.extraCertificateRequestAnnotations={annotation}");
        let text = render(helm, chart, &["admissionPolicies.enabled=true", &listed])?;
        let manifests = Manifests::parse(&text)?;
        let name = "cert-manager-csi-driver-spiffe-annotations";
        let policy = manifests.find("ValidatingAdmissionPolicy", name)?;
        let spec = policy.pointer("/spec/variables").map(Value::to_string);
        Ok(spec.is_some_and(|spec| spec.contains(PICKUP)))
    };
    Ok(refuses("example.com/a=b")? && !refuses(&format!("{PICKUP}=x"))?)
}

fn render(helm: &Path, chart: &Path, values: &[&str]) -> Result<String> {
    template(
        helm,
        chart,
        &[&["imageRegistry=registry.example.com"], values].concat(),
    )
}

/// The values that a container is given for a flag.
fn values_of<'a>(flag: &str, object: &'a Value) -> Vec<&'a str> {
    let arguments = list(object, "/spec/template/spec/containers/0/args").iter();
    let arguments = arguments.map(|argument| text(argument, ""));
    arguments
        .filter_map(|argument| argument.strip_prefix(flag)?.strip_prefix('='))
        .collect()
}

const EXTRA: &str = "--extra-certificate-request-annotations";
const FORMER: &str = "--former-certificate-request-annotations";
const PICKUP: &str = "venafi.cert-manager.io/pickup-id";
