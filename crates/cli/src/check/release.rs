//! Owns finding the release: which DaemonSet and which Deployment run the roles, and with what
//! flags, as the roles themselves read them.
//!
//! Must not read the cluster. Invariant: a role whose flags cannot be read is found all the same.

use std::ffi::OsString;

use svid_approver::Configuration as ApproverConfiguration;
use svid_node::driver::Configuration as DriverConfiguration;

use super::account::Account;
use super::look::objects::{Container, DaemonSet, Deployment, Object, RunsPods};
use crate::args::{self, Command, DEFAULT_DRIVER, NoFlags};

/// What runs for one CSI driver name.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) driver: Found<Role<DaemonSet, DriverConfiguration>>,
    pub(crate) approver: Found<Role<Deployment, ApproverConfiguration>>,
    /// Places of DaemonSets of the Go driver with the same name.
    pub(crate) go_drivers: Vec<String>,
}

/// One, none or too many.
#[derive(Clone, Debug)]
pub(crate) enum Found<T> {
    Nothing,
    One(Box<T>),
    Several(Vec<String>),
}

impl<T> Found<T> {
    pub(crate) fn one(&self) -> Option<&T> {
        match self {
            Self::One(one) => Some(one),
            Self::Nothing | Self::Several(_) => None,
        }
    }
}

/// A role that was found.
#[derive(Clone, Debug)]
pub(crate) struct Role<O, C> {
    pub(crate) object: O,
    /// The container that runs it.
    pub(crate) container: Container,
    pub(crate) account: Account,
    /// What its flags say, or what is wrong with them.
    pub(crate) configuration: Result<C, Vec<String>>,
}

impl Release {
    /// Finds what runs for a driver, in one namespace or anywhere.
    pub(crate) fn find(
        daemon_sets: &[DaemonSet],
        deployments: &[Deployment],
        driver: &str,
        namespace: Option<&str>,
    ) -> Self {
        Self {
            driver: found(daemon_sets, "driver", driver, namespace, |command| {
                let Command::Driver(role) = command else {
                    return None;
                };
                Some(role.configuration)
            }),
            approver: found(deployments, "approver", driver, namespace, |command| {
                let Command::Approver(role) = command else {
                    return None;
                };
                Some(role.configuration)
            }),
            go_drivers: daemon_sets
                .iter()
                .filter(|object| is_go_driver(object, driver))
                .map(|object| object.metadata.place())
                .collect(),
        }
    }

    /// The DaemonSet's or the Deployment's.
    pub(crate) fn namespace(&self) -> Option<&str> {
        let driver = self.driver.one().map(|role| &role.object.metadata);
        let approver = self.approver.one().map(|role| &role.object.metadata);
        Some(&driver.or(approver)?.namespace)
    }

    /// The driver's configuration, if it is found and its flags can be read.
    pub(crate) fn driver(&self) -> Option<&DriverConfiguration> {
        self.driver.one()?.configuration.as_ref().ok()
    }

    /// The approver's configuration, if it is found and its flags can be read.
    pub(crate) fn approver(&self) -> Option<&ApproverConfiguration> {
        self.approver.one()?.configuration.as_ref().ok()
    }
}

/// Whether a DaemonSet has anything to do with a driver of this name; the others need not be kept.
pub(crate) fn may_be_driver(object: &DaemonSet, driver: &str) -> bool {
    let containers = &object.spec.template.spec.containers.kept;
    let mut words = containers.iter().filter_map(Container::words);
    words.any(|words| is_role(&words, "driver") || names(&words, driver))
}

/// Whether a Deployment runs an approver, of whatever name.
pub(crate) fn may_be_approver(object: &Deployment) -> bool {
    let containers = &object.spec.template.spec.containers.kept;
    let mut words = containers.iter().filter_map(Container::words);
    words.any(|words| is_role(&words, "approver"))
}

/// The objects that run a command for this driver; `take` is given what its flags say.
fn found<Status: Clone, C>(
    objects: &[Object<RunsPods, Status>],
    command: &str,
    driver: &str,
    namespace: Option<&str>,
    take: impl Fn(Command) -> Option<C>,
) -> Found<Role<Object<RunsPods, Status>, C>> {
    let roles = objects.iter().filter_map(|object| {
        let (container, words) = role(object, command, driver, namespace)?;
        Some(Role {
            account: account(object),
            configuration: read(&container, words, &take),
            object: object.clone(),
            container,
        })
    });
    let mut roles: Vec<_> = roles.collect();
    match (roles.pop(), roles.is_empty()) {
        (None, _) => Found::Nothing,
        (Some(role), true) => Found::One(Box::new(role)),
        (Some(role), false) => {
            let all = roles.iter().chain([&role]);
            Found::Several(all.map(|role| role.object.metadata.place()).collect())
        }
    }
}

fn account<Status>(object: &Object<RunsPods, Status>) -> Account {
    let name = &object.spec.template.spec.service_account_name;
    Account::new(&object.metadata.namespace, name)
}

/// The container of an object that runs a role for this driver, and its words.
fn role<Status>(
    object: &Object<RunsPods, Status>,
    role: &str,
    driver: &str,
    namespace: Option<&str>,
) -> Option<(Container, Vec<String>)> {
    if namespace.is_some_and(|namespace| namespace != object.metadata.namespace) {
        return None;
    }
    let containers = &object.spec.template.spec.containers.kept;
    containers.iter().find_map(|container| {
        let words = container.words()?;
        (is_role(&words, role) && names(&words, driver)).then(|| (container.clone(), words))
    })
}

fn is_role(words: &[String], role: &str) -> bool {
    words.first().is_some_and(|word| word == role)
}

/// Whether the last flag with the driver's name has this one; without the flag it is the default.
fn names(words: &[String], driver: &str) -> bool {
    let mut named = None;
    for (index, word) in words.iter().enumerate() {
        if let Some(value) = word.strip_prefix("--csi-driver-name=") {
            named = Some(value);
        } else if word == "--csi-driver-name" {
            named = words.get(index + 1).map(String::as_str);
        }
    }
    let is_ours = words
        .first()
        .is_some_and(|word| word == "driver" || word == "approver");
    match named {
        Some(named) => named == driver,
        None => is_ours && driver == DEFAULT_DRIVER,
    }
}

/// The Go driver takes the same flag, and no command before it.
fn is_go_driver(object: &DaemonSet, driver: &str) -> bool {
    let containers = &object.spec.template.spec.containers.kept;
    let mut words = containers.iter().filter_map(Container::words);
    words.any(|words| {
        let is_flag = words.first().is_some_and(|word| word.starts_with('-'));
        is_flag && names(&words, driver)
    })
}

/// Reads words as the role would.
fn read<C>(
    container: &Container,
    words: Vec<String>,
    take: impl FnOnce(Command) -> Option<C>,
) -> Result<C, Vec<String>> {
    if let Some(name) = container.taken_from_elsewhere() {
        return Err(vec![format!(
            "not looked at: the value of ${name} is in another object"
        )]);
    }
    let program = std::iter::once(OsString::from("csi-driver-spiffe"));
    let arguments = program.chain(words.into_iter().map(OsString::from));
    match args::parse(arguments.collect()) {
        Ok(command) => take(command).ok_or_else(|| vec!["it runs another command".to_owned()]),
        Err(NoFlags::Wrong(problems)) => Err(problems.iter().map(ToString::to_string).collect()),
        Err(NoFlags::Shown(_) | NoFlags::Missing(_)) => {
            Err(vec!["it only prints its help".to_owned()])
        }
    }
}
