//! The cluster's keys, certificates and kubeconfigs.
//!
//! Invariant: made once, all together; there until the cluster is taken down.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use rcgen::{DnType, Issuer, KeyPair};

use super::authority::{Authority, authority_params, leaf_params};
use super::encoding::base64;
use super::place::{self, API_PORT, NODE_NAME, Place, SERVICE_ADDRESS, WEBHOOK, WEBHOOK_ADDRESS};

/// The folder of keys, complete.
#[derive(Clone, Debug)]
pub(super) struct Pki {
    folder: PathBuf,
}

impl Pki {
    /// What is in the place, made where it is missing.
    pub(super) fn in_place(place: &Place) -> Result<Self> {
        let pki = Self {
            folder: place.state.join("pki"),
        };
        // Written last.
        if !pki.path("complete").exists() {
            pki.make().context("making the cluster's keys")?;
        }
        Ok(pki)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn make(&self) -> Result<()> {
        let (authority, pem) = authority("cluster")?;
        self.write("ca.crt", &pem)?;
        let service_accounts = KeyPair::generate()?;
        self.write("service-accounts.key", &service_accounts.serialize_pem())?;
        self.write("service-accounts.pub", &service_accounts.public_key_pem())?;
        let names = [
            "kubernetes",
            "kubernetes.default.svc",
            "localhost",
            SERVICE_ADDRESS,
            "127.0.0.1",
        ];
        self.leaf(&authority, "apiserver", ("kube-apiserver", ""), &names)?;
        self.leaf(&authority, "kubelet", (NODE_NAME, ""), &[NODE_NAME])?;
        self.leaf(&authority, WEBHOOK, (WEBHOOK, ""), &[WEBHOOK_ADDRESS])?;
        let node = format!("system:node:{NODE_NAME}");
        for (name, user, group) in [
            ("administrator", "administrator", "system:masters"),
            ("controllers", "system:kube-controller-manager", ""),
            ("scheduler", "system:kube-scheduler", ""),
            ("node", node.as_str(), "system:nodes"),
        ] {
            let (certificate, key) = self.leaf(&authority, name, (user, group), &[])?;
            let user = format!(
                r#"{{"client-certificate-data": "{}", "client-key-data": "{}"}}"#,
                base64(&certificate),
                base64(&key)
            );
            self.write(&format!("{name}.kubeconfig"), &kubeconfig(&pem, &user))?;
        }
        let spiffe = Authority::new("SPIFFE roots")?;
        self.write("spiffe-ca.crt", &spiffe.certificate)?;
        self.write("spiffe-ca.key", &spiffe.key)?;
        self.write("complete", "")
    }

    /// What cert-manager's ClusterIssuer signs with.
    pub(crate) fn spiffe_authority(&self) -> Result<Authority> {
        Ok(Authority {
            certificate: place::read(&self.path("spiffe-ca.crt"))?,
            key: place::read(&self.path("spiffe-ca.key"))?,
        })
    }

    /// A kubeconfig with nothing but this token.
    pub(super) fn token_kubeconfig(&self, token: &str) -> Result<String> {
        let authority = place::read(&self.path("ca.crt"))?;
        Ok(kubeconfig(
            &authority,
            &format!(r#"{{"token": "{token}"}}"#),
        ))
    }

    fn leaf(
        &self,
        authority: &Issuer<'_, KeyPair>,
        name: &str,
        (user, group): (&str, &str),
        names: &[&str],
    ) -> Result<(String, String)> {
        let mut params = leaf_params(names)?;
        params.distinguished_name.push(DnType::CommonName, user);
        if !group.is_empty() {
            params
                .distinguished_name
                .push(DnType::OrganizationName, group);
        }
        let key = KeyPair::generate()?;
        let (certificate, key) = (
            params.signed_by(&key, authority)?.pem(),
            key.serialize_pem(),
        );
        self.write(&format!("{name}.crt"), &certificate)?;
        self.write(&format!("{name}.key"), &key)?;
        Ok((certificate, key))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        place::write(&self.path(name), text)
    }
}

fn authority(name: &str) -> Result<(Issuer<'static, KeyPair>, String)> {
    let key = KeyPair::generate()?;
    let params = authority_params(name);
    let pem = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), pem))
}

/// JSON, which is YAML.
fn kubeconfig(authority: &str, user: &str) -> String {
    format!(
        r#"{{"apiVersion": "v1", "kind": "Config", "current-context": "cluster",
"clusters": [{{"name": "cluster", "cluster": {{"server": "https://{SERVICE_ADDRESS}:{API_PORT}", "certificate-authority-data": "{}"}}}}],
"users": [{{"name": "user", "user": {user}}}],
"contexts": [{{"name": "cluster", "context": {{"cluster": "cluster", "user": "user"}}}}]}}
"#,
        base64(authority)
    )
}
