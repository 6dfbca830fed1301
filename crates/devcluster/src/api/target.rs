//! What a path names: a type, perhaps a namespace, an object, a subresource.

use crate::resource::{Resource, SERVICE_ACCOUNTS, Scope, StatusWrites};
use crate::store::Key;

/// A parsed path below `/api` or `/apis`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) resource: &'static Resource,
    /// `None` for cluster-scoped types and for a request across all namespaces.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<Subresource>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subresource {
    Status,
    Token,
}

impl Subresource {
    /// As it stands in a path and in RBAC.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Token => "token",
        }
    }
}

impl Target {
    /// The target of a path, or `None` if nothing is served there. Segments are percent-decoded.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let segments: Vec<String> = path
            .trim_start_matches('/')
            .split('/')
            .map(decode)
            .collect::<Option<_>>()?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["api", version, rest @ ..] => Self::within("", version, rest),
            ["apis", group, version, rest @ ..] => Self::within(group, version, rest),
            _ => None,
        }
    }

    fn within(group: &str, version: &str, rest: &[&str]) -> Option<Self> {
        let (namespace, rest) = match rest {
            // `/api/v1/namespaces/x` and `/api/v1/namespaces/x/status` name the namespace itself.
            ["namespaces", _] | ["namespaces", _, "status"] if group.is_empty() => (None, rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            _ => (None, rest),
        };
        let (plural, name, sub) = match rest {
            [plural] => (plural, None, None),
            [plural, name] => (plural, Some(*name), None),
            [plural, name, sub] => (plural, Some(*name), Some(*sub)),
            _ => return None,
        };
        let resource = Resource::find(group, version, plural)?;
        let subresource = match sub {
            None => None,
            Some("status") if resource.status == StatusWrites::Subresource => {
                Some(Subresource::Status)
            }
            Some("token") if resource == &SERVICE_ACCOUNTS => Some(Subresource::Token),
            Some(_) => return None,
        };
        let scoped = match (resource.scope, namespace, name) {
            (Scope::Cluster, Some(_), _) | (Scope::Namespaced, None, Some(_)) => return None,
            _ => namespace,
        };
        let legal = |part: Option<&str>| part.is_none_or(|part| !part.is_empty());
        if !legal(namespace) || !legal(name) {
            return None;
        }
        Some(Self {
            resource,
            namespace: scoped.map(str::to_owned),
            name: name.map(str::to_owned),
            subresource,
        })
    }

    /// The key of the one object named, if one is.
    pub(crate) fn key(&self) -> Option<Key> {
        let name = self.name.as_ref()?;
        let namespace = self.namespace.as_deref().unwrap_or_default();
        Some(Key::new(self.resource, namespace, name))
    }
}

fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{CERTIFICATE_REQUESTS, CLUSTER_ISSUERS, NAMESPACES, PODS};

    fn target(
        resource: &'static Resource,
        namespace: Option<&str>,
        name: Option<&str>,
        subresource: Option<Subresource>,
    ) -> Option<Target> {
        Some(Target {
            resource,
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            subresource,
        })
    }

    #[test]
    fn paths_name_types_namespaces_objects_and_subresources() {
        let status = Some(Subresource::Status);
        let table = [
            ("/api/v1/pods", target(&PODS, None, None, None)),
            (
                "/api/v1/namespaces/a/pods",
                target(&PODS, Some("a"), None, None),
            ),
            (
                "/api/v1/namespaces/a/pods/b",
                target(&PODS, Some("a"), Some("b"), None),
            ),
            (
                "/api/v1/namespaces/a/pods/b/status",
                target(&PODS, Some("a"), Some("b"), status),
            ),
            ("/api/v1/namespaces", target(&NAMESPACES, None, None, None)),
            (
                "/api/v1/namespaces/a",
                target(&NAMESPACES, None, Some("a"), None),
            ),
            (
                "/api/v1/namespaces/a/serviceaccounts/b/token",
                target(
                    &SERVICE_ACCOUNTS,
                    Some("a"),
                    Some("b"),
                    Some(Subresource::Token),
                ),
            ),
            (
                "/apis/cert-manager.io/v1/namespaces/a/certificaterequests/b%2Dc/status",
                target(&CERTIFICATE_REQUESTS, Some("a"), Some("b-c"), status),
            ),
            (
                "/apis/cert-manager.io/v1/clusterissuers/ca",
                target(&CLUSTER_ISSUERS, None, Some("ca"), None),
            ),
        ];
        for (path, expected) in table {
            assert_eq!(Target::parse(path), expected, "{path}");
        }
    }

    #[test]
    fn paths_that_name_nothing_served_are_refused() {
        for path in [
            "/",
            "/api/v1",
            "/api/v2/pods",
            "/api/v1/pods/b",
            "/api/v1/namespaces/a/pods/b/log",
            "/api/v1/namespaces/a/pods/b/status/c",
            "/api/v1/namespaces//pods",
            "/api/v1/namespaces/a/configmaps/b/status",
            "/api/v1/namespaces/a/nodes",
            "/apis/cert-manager.io/v1/namespaces/a/clusterissuers/ca",
            "/apis/cert-manager.io/v1/namespaces/a/certificaterequests/%zz",
            "/apis/cert-manager.io/v1/namespaces/a/certificaterequests/%ff",
            "/metrics",
        ] {
            assert_eq!(Target::parse(path), None, "{path}");
        }
    }
}
