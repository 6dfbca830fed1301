//! Permissions as in RBAC: only granted, never denied, none by default.

use std::sync::{Arc, Mutex, PoisonError};

use super::user::{MASTERS, ServiceAccountName, User};

/// To whom something is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user by name.
    User(String),
    /// Everybody in a group.
    Group(String),
}

impl From<&ServiceAccountName> for Subject {
    fn from(name: &ServiceAccountName) -> Self {
        Self::User(name.username())
    }
}

/// Where a grant holds: what a ClusterRoleBinding or a RoleBinding says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In every namespace and for cluster-scoped types.
    Cluster,
    /// In one namespace.
    Namespace(String),
}

/// One rule of a role. `*` stands for anything in verbs, groups and resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    pub group: String,
    /// Plural, or `plural/subresource`.
    pub resource: String,
    pub verbs: Vec<String>,
    /// Object names; empty stands for all.
    pub names: Vec<String>,
}

impl Rule {
    pub fn new(group: &str, resource: &str, verbs: &[&str]) -> Self {
        Self {
            group: group.to_owned(),
            resource: resource.to_owned(),
            verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
            names: Vec::new(),
        }
    }

    /// The same for one object only.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.names.push(name.to_owned());
        self
    }

    fn allows(&self, question: &Question<'_>) -> bool {
        let is = |rule: &str, asked: &str| rule == "*" || rule == asked;
        let resource = match question.subresource {
            None => is(&self.resource, question.resource),
            Some(sub) => is(&self.resource, &format!("{}/{sub}", question.resource)),
        };
        resource
            && is(&self.group, question.group)
            && self.verbs.iter().any(|verb| is(verb, question.verb))
            && (self.names.is_empty()
                || question
                    .name
                    .is_some_and(|name| self.names.iter().any(|allowed| allowed == name)))
    }
}

/// A role bound to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub subject: Subject,
    pub reach: Reach,
    pub rules: Vec<Rule>,
}

/// What is to be authorised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: Option<&'a str>,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
}

/// The cluster's grants. Clones share them; a change holds from the next request on.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    grants: Arc<Mutex<Vec<Grant>>>,
}

impl Permissions {
    pub fn grant(&self, grant: Grant) {
        self.lock().push(grant);
    }

    pub(crate) fn allow(&self, user: &User, question: &Question<'_>) -> bool {
        if user.groups.iter().any(|group| group == MASTERS) {
            return true;
        }
        self.lock().iter().any(|grant| {
            let subject = match &grant.subject {
                Subject::User(name) => *name == user.username,
                Subject::Group(name) => user.groups.contains(name),
            };
            let reach = match &grant.reach {
                Reach::Cluster => true,
                Reach::Namespace(name) => question.namespace == Some(name),
            };
            subject && reach && grant.rules.iter().any(|rule| rule.allows(question))
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Grant>> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
