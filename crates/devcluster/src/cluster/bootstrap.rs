//! The objects that exist from the start, and those that an administrator adds.

use serde_json::{Value, json};

use super::objects::{Objects, Refused};
use super::options::{Options, TokenDelivery};
use crate::api::Shared;
use crate::auth::{Roles, ServiceAccountName};
use crate::clock;
use crate::issuer::IssuerReference;
use crate::resource::{
    CLUSTER_ISSUERS, CSI_DRIVERS, ISSUERS, NAMESPACES, NODES, PODS, Resource, SERVICE_ACCOUNTS,
};
use crate::store::meta;

/// Namespaces, the node, the CSIDriver, and the two processes with their rights.
pub(super) fn create(shared: &Shared, options: &Options) -> Result<(), Refused> {
    let objects = Objects::new(shared.clone());
    for namespace in ["default", "kube-system", "cert-manager"] {
        ensure(
            &objects,
            &NAMESPACES,
            "",
            json!({"metadata": {"name": namespace}}),
        )?;
    }
    let node = json!({
        "metadata": {
            "name": options.node_name,
            "labels": {"kubernetes.io/hostname": options.node_name, "kubernetes.io/os": "linux"},
        },
        "spec": {},
    });
    ensure(&objects, &NODES, "", node)?;
    ensure(&objects, &CSI_DRIVERS, "", csi_driver(options))?;
    let issuance = options.runtime_issuance.as_ref();
    let issuance = issuance.map(|(namespace, name)| (namespace.as_str(), name.as_str()));
    for account in [&options.driver, &options.approver] {
        create_service_account(&objects, account)?;
        ensure(
            &objects,
            &PODS,
            &account.namespace,
            own_pod(account, &options.node_name),
        )?;
    }
    let driver = Roles::driver(&options.driver, issuance);
    let approver = Roles::approver(&options.approver, &options.approver.namespace, issuance);
    for grant in driver.into_iter().chain(approver) {
        shared.permissions.grant(grant);
    }
    Ok(())
}

/// The object of an issuer of cert-manager's own kinds, Ready.
pub(super) fn create_issuer(
    shared: &Shared,
    reference: &IssuerReference,
    namespace: &str,
) -> Result<(), Refused> {
    let objects = Objects::new(shared.clone());
    let resource = match reference.kind.as_str() {
        _ if reference.group != "cert-manager.io" => return Ok(()),
        "ClusterIssuer" => &CLUSTER_ISSUERS,
        "Issuer" => &ISSUERS,
        _ => return Ok(()),
    };
    let body = json!({
        "metadata": {"name": reference.name},
        "spec": {"ca": {"secretName": reference.name}},
    });
    objects.create(resource, namespace, body)?;
    let ready = json!({"status": {"conditions": [{
        "type": "Ready",
        "status": "True",
        "reason": "KeyPairVerified",
        "message": "Signing CA verified",
        "lastTransitionTime": clock::seconds(shared.clock.now()),
    }]}});
    objects.merge_status(resource, namespace, &reference.name, &ready)?;
    Ok(())
}

/// Namespace and service account, if they do not exist.
pub(super) fn create_service_account(
    objects: &Objects,
    account: &ServiceAccountName,
) -> Result<(), Refused> {
    ensure(
        objects,
        &NAMESPACES,
        "",
        json!({"metadata": {"name": account.namespace}}),
    )?;
    let body = json!({"metadata": {"name": account.name}});
    ensure(objects, &SERVICE_ACCOUNTS, &account.namespace, body)
}

fn own_pod(account: &ServiceAccountName, node: &str) -> Value {
    json!({
        "metadata": {"name": account.own_pod()},
        "spec": {
            "serviceAccountName": account.name,
            "nodeName": node,
            "containers": [{"name": "main", "image": "csi-driver-spiffe"}],
        },
    })
}

fn csi_driver(options: &Options) -> Value {
    let mut driver = json!({
        "metadata": {"name": options.driver_name},
        "spec": {
            "podInfoOnMount": true,
            "volumeLifecycleModes": ["Ephemeral"],
            "requiresRepublish": true,
            "fsGroupPolicy": "ReadWriteOnceWithFSType",
        },
    });
    let tokens = json!([{"audience": "", "expirationSeconds": 3600}]);
    let in_secrets = match options.token_delivery {
        TokenDelivery::Context => false,
        TokenDelivery::Secrets => true,
        TokenDelivery::None => return driver,
    };
    meta::field(&mut driver, "spec").extend([
        ("tokenRequests".to_owned(), tokens),
        ("serviceAccountTokenInSecrets".to_owned(), in_secrets.into()),
    ]);
    driver
}

fn ensure(
    objects: &Objects,
    resource: &'static Resource,
    namespace: &str,
    body: Value,
) -> Result<(), Refused> {
    match objects.create(resource, namespace, body) {
        Ok(_) => Ok(()),
        Err(refused) if refused.reason() == "AlreadyExists" => Ok(()),
        Err(refused) => Err(refused),
    }
}
