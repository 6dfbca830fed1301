//! cert-manager: its API, its controller, its webhook.

use super::judged;
use crate::check::catalogue::Check;
use crate::check::look::objects::{Deployment, Webhooks};
use crate::check::outcome::{Findings, Outcome};
use crate::check::snapshot::{Seen, Snapshot};

pub(super) fn judge(seen: &Snapshot) -> Vec<Outcome> {
    let certmanager = &seen.certmanager;
    let mut kinds = Findings::of(Check::CertManagerKinds);
    match &certmanager.kinds {
        Ok(Some(served)) => {
            for plural in ["certificaterequests", "issuers", "clusterissuers"] {
                let mut resources = served.resources.kept.iter();
                if !resources.any(|one| one.name.beginning() == plural) {
                    kinds.error(format!("{plural}.cert-manager.io are not served"));
                }
            }
        }
        Ok(None) => kinds.error("cert-manager.io/v1 is not served"),
        Err(unseen) => kinds.unseen(unseen),
    }
    let is_served = kinds.is_good();
    let mut outcomes = vec![kinds.done()];
    if is_served {
        outcomes.push(judged(
            Check::CertManagerRunning,
            |findings| match &certmanager.controllers {
                Ok(controllers) => judge_controllers(findings, controllers),
                Err(unseen) => findings.unseen(unseen),
            },
        ));
        outcomes.push(judged(Check::CertManagerWebhook, |findings| {
            judge_webhook(findings, "mutating", &certmanager.mutating);
            judge_webhook(findings, "validating", &certmanager.validating);
        }));
    }
    outcomes
}

fn judge_controllers(findings: &mut Findings, controllers: &[Deployment]) {
    if controllers.is_empty() {
        findings.warning(
            "no Deployment is labelled app.kubernetes.io/name=cert-manager, component=controller; \
             is it installed in another way?",
        );
    }
    for controller in controllers {
        let place = controller.metadata.place();
        if controller.status.available_replicas < 1 {
            let why = unavailable(controller);
            findings.error(format!("{place}: no replica is available: {why}"));
        }
        let version = controller.metadata.labels.version.beginning();
        if minor(version).is_some_and(|minor| minor < APPROVAL) {
            findings.error(format!(
                "{place}: {version} knows no approval, which came with 1.3"
            ));
        }
    }
}

/// What a Deployment says of its lack of pods.
pub(super) fn unavailable(object: &Deployment) -> &str {
    let mut conditions = object.status.conditions.kept.iter();
    let available = conditions.find(|condition| condition.kind.beginning() == "Available");
    available.map_or("its controller has not looked at it yet", |condition| {
        condition.message.beginning()
    })
}

fn judge_webhook(findings: &mut Findings, kind: &str, configurations: &Seen<Vec<Webhooks>>) {
    match configurations {
        Ok(configurations) if configurations.is_empty() => findings.error(format!(
            "no {kind} webhook configuration covers certificaterequests.cert-manager.io"
        )),
        Ok(_) => {}
        Err(unseen) => findings.unseen(unseen),
    }
}

/// Of `v1.21.0`: 21.
fn minor(version: &str) -> Option<u32> {
    let rest = version.trim_start_matches('v').strip_prefix("1.")?;
    rest.split('.').next()?.parse().ok()
}

/// Minor version of cert-manager.
const APPROVAL: u32 = 3;
