//! Owns what is read, and in which order: what stands by itself, then what the release names, then
//! what its pods name.

use jiff::Timestamp;
use svid_client::ApiError;

use super::Look;
use super::objects::{
    CSI_DRIVERS, CSI_NODES, DAEMON_SETS, DEPLOYMENTS, Deployment, LIMIT_RANGES, MUTATING,
    NAMESPACES, NODES, RESOURCE_QUOTAS, VALIDATING, Webhooks,
};
use super::place::Locator;
use crate::args::{CheckArgs, Stage};
use crate::check::release::{self, Release};
use crate::check::snapshot::{CertManager, Seen, Snapshot, Unseen, Version};

/// Reads all that is judged.
///
/// # Errors
/// The API server cannot be reached, or does not know who asks.
pub(crate) async fn gather(
    look: &Look,
    args: &CheckArgs,
    now: Timestamp,
) -> Result<Snapshot, ApiError> {
    let version = match look.document::<Version>("/version").await {
        Ok(version) => Ok(version),
        Err(error @ ApiError::Forbidden(_)) => Err(Unseen::new("get /version".to_owned(), &error)),
        Err(error) => return Err(error),
    };
    let driver = args.driver.as_str();
    let (certmanager, approvers) = certmanager(look).await;
    let (daemon_sets, csi_driver, nodes, csi_nodes, namespaces) = tokio::join!(
        look.all(&DAEMON_SETS, None, |set| release::may_be_driver(
            set, driver
        )),
        look.one(&CSI_DRIVERS, None, driver),
        look.all(&NODES, None, |_| true),
        look.all(&CSI_NODES, None, |_| true),
        look.all(&NAMESPACES, None, |_| true),
    );
    let release = daemon_sets.and_then(|daemon_sets| {
        let approvers = approvers?;
        let namespace = args.namespace.as_deref();
        Ok(Release::find(&daemon_sets, &approvers, driver, namespace))
    });
    let (found, is_before) = match &args.stage {
        Stage::After => (release.as_ref().ok(), false),
        Stage::Before(_) => (None, true),
    };
    let namespace = args.namespace.as_deref();
    let namespace = namespace.or_else(|| found?.namespace());
    let namespace = namespace.unwrap_or(DEFAULT_NAMESPACE).to_owned();
    let place = Locator {
        look,
        driver,
        namespace: &namespace,
        release: found,
    };
    let (pods, issuance, lease, roots, limit_ranges, quotas) = tokio::join!(
        place.pods(),
        place.issuance(&args.stage),
        place.lease(),
        place.roots(),
        look.all(&LIMIT_RANGES, Some(&namespace), |_| true),
        look.all(&RESOURCE_QUOTAS, Some(&namespace), |_| true),
    );
    let (deciders, rights, events, requests) = tokio::join!(
        place.deciders(&certmanager, &issuance, &pods),
        place.rights(&issuance, &pods),
        place.events(&pods),
        place.requests(issuance.issuer.as_ref()),
    );
    Ok(Snapshot {
        now,
        driver: driver.to_owned(),
        namespace,
        is_before,
        version,
        certmanager,
        issuance,
        deciders,
        release,
        csi_driver,
        nodes,
        csi_nodes,
        pods,
        lease,
        rights,
        roots,
        namespaces,
        limit_ranges,
        quotas,
        events,
        requests,
    })
}

/// cert-manager's parts, and beside them the Deployments that run an approver.
async fn certmanager(look: &Look) -> (CertManager, Seen<Vec<Deployment>>) {
    let is_controller = |object: &Deployment| {
        let labels = &object.metadata.labels;
        labels.name.beginning() == "cert-manager" && labels.component.beginning() == "controller"
    };
    let is_for_requests = Webhooks::are_for_requests;
    let (kinds, deployments, mutating, validating) = tokio::join!(
        look.document("/apis/cert-manager.io/v1"),
        look.all(&DEPLOYMENTS, None, |object| {
            is_controller(object) || release::may_be_approver(object)
        }),
        look.all(&MUTATING, None, is_for_requests),
        look.all(&VALIDATING, None, is_for_requests),
    );
    let kinds = match kinds {
        Ok(kinds) => Ok(Some(kinds)),
        Err(ApiError::NotFound) => Ok(None),
        Err(error) => Err(Unseen::new(
            "get /apis/cert-manager.io/v1".to_owned(),
            &error,
        )),
    };
    let (controllers, approvers) = match deployments {
        Ok(found) => {
            let (ours, others) = found.into_iter().partition::<Vec<_>, _>(is_controller);
            (Ok(ours), Ok(others))
        }
        Err(unseen) => (Err(unseen.clone()), Err(unseen)),
    };
    let parts = CertManager {
        kinds,
        controllers,
        mutating,
        validating,
    };
    (parts, approvers)
}

/// Where the chart is installed if nobody says otherwise.
const DEFAULT_NAMESPACE: &str = "cert-manager";
