//! Owns what is read for one release: what its flags name, what its pods name, and who may do what.

use std::collections::BTreeSet;

use svid_api::runtime_issuer::RuntimeIssuer;
use svid_core::policy::IssuerReference;

use super::Look;
use super::follow::{self, Source};
use super::objects::{
    BINDINGS, CLUSTER_ISSUERS, CONFIG_MAPS, CertificateRequest, ConfigMap, Deployment, EVENTS,
    Event, ISSUERS, LEASES, Lease, PODS, POLICIES, Pod, REQUESTS,
};
use crate::args::Stage;
use crate::check::account::Account;
use crate::check::release::Release;
use crate::check::rights;
use crate::check::snapshot::{CertManager, Deciders, Issuance, Rights, Roots, Seen};

/// A release, and where it is.
pub(super) struct Locator<'a> {
    pub(super) look: &'a Look,
    pub(super) driver: &'a str,
    pub(super) namespace: &'a str,
    /// `None`: it could not be read, or was not looked for.
    pub(super) release: Option<&'a Release>,
}

impl Locator<'_> {
    /// The UID of the DaemonSet; of no object where there is none.
    fn set(&self) -> &str {
        let role = self.release.and_then(|release| release.driver.one());
        role.map_or("none", |role| &role.object.metadata.uid)
    }

    pub(super) async fn pods(&self) -> Seen<Vec<Pod>> {
        let is_ours = |pod: &Pod| {
            pod.metadata.is_owned_by(self.set())
                || pod.uses(self.driver)
                || pod.may_use(self.driver)
        };
        self.look.all(&PODS, None, is_ours).await
    }

    pub(super) async fn issuance(&self, stage: &Stage) -> Issuance {
        let named = match stage {
            Stage::Before(issuer) => issuer.clone(),
            Stage::After => self.release.and_then(|release| {
                let of_driver = release.driver().map(|driver| &driver.issuer);
                let of_approver = release.approver().map(|approver| &approver.issuer);
                of_driver.or(of_approver)?.clone()
            }),
        };
        let runtime = self.release.and_then(|release| {
            let of_driver = release.driver().map(|driver| &driver.runtime_issuance);
            let of_approver = release
                .approver()
                .map(|approver| &approver.runtime_issuance);
            of_driver.or(of_approver)?.as_ref()
        });
        let read = async {
            let runtime = runtime?;
            let namespace = Some(runtime.namespace.as_str());
            let found = self.look.one(&CONFIG_MAPS, namespace, &runtime.name).await;
            Some((runtime.to_string(), found))
        };
        let (config_map, cluster_issuers, issuers) = tokio::join!(
            read,
            self.look.all(&CLUSTER_ISSUERS, None, |_| true),
            self.look.all(&ISSUERS, None, |_| true),
        );
        let issuer = in_effect(named, config_map.as_ref().map(|(_, found)| found));
        Issuance {
            config_map,
            issuer,
            cluster_issuers,
            issuers,
        }
    }

    pub(super) async fn lease(&self) -> Seen<Option<Lease>> {
        match self.release.and_then(Release::approver) {
            Some(approver) => {
                let namespace = Some(approver.leader_election_namespace.as_str());
                self.look.one(&LEASES, namespace, self.driver).await
            }
            None => Ok(None),
        }
    }

    pub(super) async fn roots(&self) -> Option<Roots> {
        let role = self.release?.driver.one()?;
        let configuration = role.configuration.as_ref().ok()?;
        let file = configuration.source_ca_bundle.as_ref()?;
        let source = follow::source(&role.object, &role.container, file);
        let found = if let Source::ConfigMap { name, .. } = &source {
            let namespace = Some(role.object.metadata.namespace.as_str());
            self.look.one(&CONFIG_MAPS, namespace, name).await
        } else {
            Ok(None)
        };
        Some(Roots {
            file: file.display().to_string(),
            source,
            found,
        })
    }

    pub(super) async fn deciders(
        &self,
        certmanager: &CertManager,
        issuance: &Issuance,
        pods: &Seen<Vec<Pod>>,
    ) -> Deciders {
        let mut asked = Vec::new();
        let mut others_left_out = 0;
        if let (Some(issuer), Ok(controllers)) = (&issuance.issuer, &certmanager.controllers) {
            let namespaces = self.namespaces(pods);
            let approving = || controllers.iter().filter(|one| !is_approver_off(one));
            others_left_out = approving().count().saturating_sub(MOST_CONTROLLERS);
            for controller in approving().take(MOST_CONTROLLERS) {
                let name = &controller.spec.template.spec.service_account_name;
                let account = Account::new(&controller.metadata.namespace, name);
                asked.extend(rights::of_signer(&account, issuer, &namespaces));
            }
        }
        let (others, policies, bindings) = tokio::join!(
            self.look.reviews(asked),
            self.look.all(&POLICIES, None, |_| true),
            self.look.all(&BINDINGS, None, |_| true),
        );
        Deciders {
            others,
            others_left_out,
            policies,
            bindings,
        }
    }

    fn namespaces<'a>(&self, pods: &'a Seen<Vec<Pod>>) -> BTreeSet<&'a str> {
        match pods {
            Ok(pods) => rights::using(pods, self.driver),
            Err(_unseen) => BTreeSet::new(),
        }
    }

    pub(super) async fn rights(&self, issuance: &Issuance, pods: &Seen<Vec<Pod>>) -> Rights {
        let Some(release) = self.release else {
            let installer = rights::of_installer(self.namespace);
            let installer = self.look.reviews(installer).await;
            return Rights {
                installer,
                ..Rights::default()
            };
        };
        let mut driver = Vec::new();
        if let (Some(role), Some(configuration)) = (release.driver.one(), release.driver()) {
            driver = rights::of_driver(&role.account, configuration);
        }
        let (mut approver, mut signer) = (Vec::new(), Vec::new());
        if let (Some(role), Some(configuration)) = (release.approver.one(), release.approver()) {
            approver = rights::of_approver(&role.account, configuration);
            if let Some(issuer) = &issuance.issuer {
                signer = rights::of_signer(&role.account, issuer, &self.namespaces(pods));
            }
        }
        let (workloads, workloads_left_out) = match pods {
            Ok(pods) => rights::of_workloads(pods, self.driver),
            Err(_unseen) => (Vec::new(), 0),
        };
        let (driver, approver, signer, workloads) = tokio::join!(
            self.look.reviews(driver),
            self.look.reviews(approver),
            self.look.reviews(signer),
            self.look.reviews(workloads),
        );
        Rights {
            driver,
            approver,
            signer,
            workloads,
            workloads_left_out,
            installer: Vec::new(),
        }
    }

    /// What happened to the DaemonSet, and to pods that wait. Without a release nothing judges it.
    pub(super) async fn events(&self, pods: &Seen<Vec<Pod>>) -> Seen<Vec<Event>> {
        if self.release.is_none() {
            return Ok(Vec::new());
        }
        let mut about = BTreeSet::from([self.set()]);
        let mut namespaces = BTreeSet::from([self.namespace]);
        let waiting = pods.iter().flatten().filter(|pod| pod.is_pending());
        for pod in waiting.take(MOST_WAITING) {
            about.insert(&pod.metadata.uid);
            namespaces.insert(&pod.metadata.namespace);
        }
        let mut events = Vec::new();
        for namespace in namespaces {
            let is_wanted = |event: &Event| about.contains(event.regarding.uid.beginning());
            let found = self.look.all(&EVENTS, Some(namespace), is_wanted).await?;
            events.extend(found);
        }
        Ok(events)
    }

    /// Requests for our issuer. Without a release nothing judges them.
    pub(super) async fn requests(
        &self,
        issuer: Option<&IssuerReference>,
    ) -> Seen<Vec<CertificateRequest>> {
        if self.release.is_none() {
            return Ok(Vec::new());
        }
        let mut signed = 0;
        let is_wanted = |request: &CertificateRequest| {
            if issuer != Some(&request.issuer()) {
                return false;
            }
            if request.status.certificate.is_some() {
                signed += 1;
                return signed <= MOST_SIGNED;
            }
            !request.is_decided()
        };
        self.look.all(&REQUESTS, None, is_wanted).await
    }
}

/// The ConfigMap's issuer if it names one, else that of the flags.
fn in_effect(
    named: Option<IssuerReference>,
    config_map: Option<&Seen<Option<ConfigMap>>>,
) -> Option<IssuerReference> {
    match config_map {
        // What was not read may name another.
        Some(Err(_unseen)) => None,
        Some(Ok(Some(found))) => match RuntimeIssuer::from_config_map_data(&found.data) {
            Ok(RuntimeIssuer { name, kind, group }) => {
                Some(IssuerReference::new(&name, &kind, &group))
            }
            Err(_incomplete) => named,
        },
        Some(Ok(None)) | None => named,
    }
}

/// Whether a cert-manager has no approver of its own.
fn is_approver_off(controller: &Deployment) -> bool {
    let containers = &controller.spec.template.spec.containers.kept;
    let mut words = containers.iter().flat_map(|one| &one.args.kept);
    words.any(|word| word.beginning().contains("-certificaterequests-approver"))
}

/// Pods whose Events are read.
const MOST_WAITING: usize = 20;
/// Signed requests that are kept; one would do, but it may have expired.
const MOST_SIGNED: usize = 20;
/// Installations of cert-manager that are asked about.
const MOST_CONTROLLERS: usize = 4;
