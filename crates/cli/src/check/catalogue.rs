//! Owns the list of checks: what each says when all is well, what to do when not, and where the
//! documents go on.
//!
//! Must not judge. Invariant: no check is without advice and a place in the documents;
//! `docs/check.md` lists them all (a test), and `cargo xtask docs` looks that every place exists.

/// What is known of a check before it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// Never changes.
    pub(crate) id: &'static str,
    pub(crate) group: &'static str,
    /// What holds when all is well.
    pub(crate) title: &'static str,
    /// What to do when not.
    pub(crate) advice: &'static str,
    /// The page and the heading, from the root of the repository.
    pub(crate) see: &'static str,
}

macro_rules! checks {
    ($($group:literal { $($check:ident $id:literal $title:literal $advice:literal $see:literal)+ })+) => {
        /// A check.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Check { $($($check,)+)+ }

        impl Check {
            /// All of them, in the order in which they are printed.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$($(Self::$check,)+)+];

            /// What is known of it.
            pub(crate) fn about(self) -> About {
                match self {
                    $($(Self::$check => About {
                        id: $id, group: $group, title: $title, advice: $advice, see: $see,
                    },)+)+
                }
            }
        }
    };
}

checks! {
    "Kubernetes" {
        ApiReachable "api-reachable"
            "the API server answers"
            "look at the connection flags and the kubeconfig; the error says what is in the way"
            "docs/troubleshooting.md#the-api-server-cannot-be-reached"
        KubernetesVersion "kubernetes-version"
            "Kubernetes is recent enough"
            "upgrade, or use pod-token mode and take cert-manager's right over the issuer away"
            "docs/compatibility.md#kubernetes"
        MayInstall "may-install"
            "you may create what the chart installs"
            "ask an administrator for these rights, or to install it"
            "docs/install.md#what-the-chart-installs"
    }
    "cert-manager" {
        CertManagerKinds "certmanager-kinds"
            "cert-manager's API is served"
            "install cert-manager with its CRDs"
            "docs/install.md#1-cert-manager-must-leave-the-issuer-alone"
        CertManagerRunning "certmanager-running"
            "cert-manager's controller runs"
            "kubectl describe the Deployment: without it nothing is signed"
            "docs/compatibility.md#cert-manager"
        CertManagerWebhook "certmanager-webhook"
            "cert-manager's webhook writes into requests who made them"
            "restore the webhook configurations of cert-manager's chart; without them no requester can be believed"
            "docs/troubleshooting.md#refused-at-admission"
    }
    "Release" {
        Installed "installed"
            "driver and approver are installed"
            "install the chart, or name the driver with --driver and the namespace with -n"
            "docs/install.md#2-the-chart"
        FlagsUnderstood "flags-understood"
            "the flags of driver and approver are good"
            "correct extraArgs and the values behind these flags; the role ends at once with them"
            "docs/troubleshooting.md#it-ends-at-once"
        RolesAgree "roles-agree"
            "driver and approver agree"
            "give both the same, and look into extraArgs: what differs is denied"
            "docs/troubleshooting.md#driver-and-approver-disagree"
        GoDriverGone "go-driver-gone"
            "no Go driver of the same name is left"
            "upgrade its release, or uninstall it: two drivers of one name take each other's volumes"
            "docs/install.md#coming-from-the-go-drivers-chart"
        PodSecurity "pod-security"
            "the namespace of the release lets the driver be privileged"
            "kubectl label namespace NAMESPACE pod-security.kubernetes.io/enforce=privileged --overwrite"
            "docs/troubleshooting.md#the-daemonset-has-no-pods"
        LimitRange "limit-range"
            "no LimitRange limits the driver's memory"
            "exempt the namespace, or set app.driver.resources: all volumes of a node are in the driver's memory"
            "docs/troubleshooting.md#the-driver-is-killed-for-its-memory"
        Quota "quota"
            "no ResourceQuota keeps the driver's pods out"
            "raise the quota, or set app.driver.priorityClassQuota.enabled"
            "docs/install.md#nodes"
    }
    "Issuer" {
        IssuerNamed "issuer-named"
            "an issuer is named"
            "give the ConfigMap its three keys, or the flags an issuer"
            "docs/troubleshooting.md#certificateissuerunknown"
        IssuerThere "issuer-there"
            "the issuer exists"
            "create it; an Issuer must be in each namespace with pods"
            "docs/troubleshooting.md#certificaterequestpending"
        IssuerReady "issuer-ready"
            "the issuer is Ready"
            "do what its message says; a ClusterIssuer's Secret is in cert-manager's namespace"
            "docs/troubleshooting.md#certificaterequestpending"
        IssuerCanSign "issuer-can-sign"
            "the issuer is of a kind that can sign SVIDs"
            "use CA, Vault, or an issuer that takes URI names and signs at once"
            "docs/faq.md#which-cert-manager-issuers-can-sign"
        IssuerSecretShared "issuer-secret-shared"
            "no other issuer signs with the same CA"
            "give the other issuer a CA of its own: anyone who may use it can get any identity"
            "docs/troubleshooting.md#another-issuer-has-the-same-ca"
        OthersApprove "others-approve"
            "nobody but our approver decides for the issuer"
            "turn admissionPolicies.exclusiveApproval on, or take the right from cert-manager with approveSignerNames"
            "docs/install.md#who-decides-for-our-issuer"
        RequestsUndecided "requests-undecided"
            "no request for the issuer waits for a decision"
            "look at the approver's log; delete what our driver did not make before the policies go"
            "docs/install.md#before-the-policies-go"
    }
    "Driver" {
        CsiDriverFields "csidriver-fields"
            "the CSIDriver is as the driver needs it"
            "helm upgrade, or write it as the page says"
            "docs/operations.md#what-the-cluster-needs"
        DriverCreated "driver-created"
            "the driver's pods can be created"
            "the text says which quota, limit or policy refuses them"
            "docs/troubleshooting.md#the-daemonset-has-no-pods"
        DriverRolledOut "driver-rolled-out"
            "the driver runs wherever it should"
            "kubectl describe one of its pods, and read its log"
            "docs/troubleshooting.md#the-driver-does-not-come-up"
        NodesRegistered "nodes-registered"
            "the driver is registered on every node"
            "a taint, or app.driver.tolerations; with a pod there, app.driver.kubeletRootDir"
            "docs/troubleshooting.md#driver-name--not-found-in-the-list-of-registered-csi-drivers"
        DriverRights "driver-rights"
            "the driver has its rights"
            "helm upgrade, or give its ClusterRole what is missing"
            "docs/operations.md#what-the-cluster-needs"
    }
    "Approver" {
        ApproverAvailable "approver-available"
            "the approver runs, more than once"
            "kubectl describe the Deployment; set app.approver.replicaCount to 2 or more"
            "docs/troubleshooting.md#certificaterequestpending"
        ApproverLeads "approver-leads"
            "one approver leads"
            "read the approver's log: without a leader nothing is decided"
            "docs/alerts.md#spiffeapproverwithoutleader"
        ApproverRights "approver-rights"
            "the approver has its rights, and the one over the signer"
            "helm upgrade, or set app.approver.signerName for an issuer of another project"
            "docs/install.md#which-signers"
    }
    "Roots" {
        RootsThere "roots-there"
            "the driver has a file of roots"
            "create the ConfigMap with the key that the flag names, and mount it as a folder"
            "docs/troubleshooting.md#there-is-no-cacrt"
        RootsGood "roots-good"
            "the roots are good, and for a while"
            "begin to rotate: pods must trust the new root before anything is signed with it"
            "docs/ca-rotation.md#rotate-the-ca"
        RootsLead "roots-lead"
            "what the issuer signs leads to a root"
            "add the root of the issuer to the ConfigMap"
            "docs/troubleshooting.md#certificate-signed-by-unknown-authority"
    }
    "Workloads" {
        WorkloadRights "workload-rights"
            "the accounts of pods with our volumes may make requests"
            "bind the Role, set app.workloads.namespaces, or use node-attested mode"
            "docs/use.md#pod-token-mode-the-role"
        WorkloadVolumes "workload-volumes"
            "the volumes of pods are mounted as they should be"
            "set readOnly: true on the volume, and mount it without subPath, which never changes"
            "docs/troubleshooting.md#readonly-is-false"
        WebhookExempt "webhook-exempt"
            "cert-manager looks at the requests of all namespaces with our volumes"
            "take the label cert-manager.io/disable-validation from the namespace"
            "docs/security.md#who-can-do-what"
        PodsWaiting "pods-waiting"
            "no pod waits for its volume"
            "the Event says what it waits for, and what to do"
            "docs/troubleshooting.md#events-of-the-driver"
        PodsEnding "pods-ending"
            "no pod hangs in Terminating"
            "bring the driver of that node back: the kubelet needs it to unmount"
            "docs/troubleshooting.md#a-pod-stays-in-terminating"
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_has_an_id_of_its_own_and_is_in_the_page() {
        let page = include_str!("../../../../docs/check.md");
        let (_, page) = page.split_once("## What is checked").unwrap();
        let mut ids = BTreeSet::new();
        for check in Check::ALL {
            let About { id, title, .. } = check.about();
            assert!(ids.insert(id), "{id} twice");
            let row = format!("| `{id}` | {title} |");
            assert!(page.contains(&row), "docs/check.md lacks {row}");
        }
        assert_eq!(page.matches("\n| `").count(), ids.len(), "a row too many");
    }
}
