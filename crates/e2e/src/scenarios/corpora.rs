//! The corpora of valid and hostile requests against the real API server, approver and issuer.
//!
//! Each is created as its requester, by impersonation, with the admission policies disabled and in
//! namespaces that cert-manager does not validate: otherwise most would be refused before they
//! reach the approver, which is what is tested here. What it approved, and what cert-manager made
//! of it, is then read by Go and by OpenSSL. Before that, a dry run shows what cert-manager's
//! webhooks say about each.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::pods::OURS;
use super::requests::{decision_on, disable_validation};
use super::world::{LIMIT, World};
use super::{Scenario, installation, readers, scenario};
use crate::{cluster, command, repository};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![scenario(
        "every right request is approved and no hostile one, and others read in it what we read",
        corpora,
    )]
}

/// The corpora's own, since signing requests that others have made cannot be moved to another.
const DOMAIN: &str = "cluster.local";

fn corpora(world: &World) -> Result<()> {
    let domain = format!("app.trustDomain={DOMAIN}");
    installation::install(world, &["admissionPolicies.enabled=false", &domain])?;
    let cases = cases()?;
    prepare(world, &cases)?;
    // With cert-manager's webhooks, and without effect.
    let valid = create(world, &cases, &["--dry-run=server"])?;
    for namespace in namespaces(&cases) {
        disable_validation(world, namespace)?;
    }
    // Some are refused by the API server itself; which, is seen below.
    create(world, &cases, &[])?;
    let objects = decided(world, &cases)?;
    let tally = judge(&cases, &objects)?;
    let approved = signed(world, &cases)?;
    let certificates = approved.iter().filter(|one| one["certificate"].is_string());
    eprintln!("{tally}, {} signed", certificates.count());
    agree(&cases, &valid, &approved)?;
    readers::go_agrees(world, &approved)?;
    for request in &approved {
        readers::openssl_agrees(request)?;
    }
    super::clear(world)
}

/// One line of the corpora's own program each.
fn cases() -> Result<Vec<Value>> {
    let words = [
        "run",
        "--quiet",
        "--locked",
        "--package=svid-corpus",
        "--bin=corpus",
        "--",
    ];
    let ours = ["--trust-domain", DOMAIN];
    let text = command::text(&mut repository::cargo(&[&words[..], &ours].concat()))?;
    let cases: Vec<Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let creatable = cases.into_iter().filter(|case| case["creatable"] == true);
    Ok(creatable.collect())
}

/// Every namespace, and the right to create requests in all of them for every requester.
fn prepare(world: &World, cases: &[Value]) -> Result<()> {
    let users: BTreeSet<_> = cases
        .iter()
        .filter_map(|case| case["username"].as_str())
        .collect();
    let mut objects: Vec<Value> = namespaces(cases)
        .into_iter()
        .map(|name| {
            let metadata = json!({"name": name, "labels": {OURS: "scenario"}});
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        })
        .collect();
    let users: Vec<Value> = users
        .into_iter()
        .map(|user| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}))
        .collect();
    let create = cluster::rule("cert-manager.io", &["certificaterequests"], &["create"]);
    objects.extend(cluster::role("", "corpus", &[create], &users));
    world.kubectl.apply(&cluster::list(&objects))?;
    // One object binds them all.
    let user = users.first().and_then(|user| user["name"].as_str());
    let user = user.context("nobody makes requests")?;
    world.wait_allowed(user, "create", "certificaterequests", "default")
}

/// Creates each as its requester, with more words of kubectl's, and gives the names of those that
/// were taken.
fn create(world: &World, cases: &[Value], more: &[&str]) -> Result<BTreeSet<String>> {
    let mut taken = BTreeSet::new();
    for (words, objects) in by_requester(cases) {
        let list = cluster::list(&objects);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (created, _) = world.kubectl.create_each(&list, &[&words, more].concat())?;
        let name = |line: &str| Some(line.split_once('/')?.1.split_once(' ')?.0.to_owned());
        taken.extend(created.lines().filter_map(name));
    }
    Ok(taken)
}

/// Of the right requests, cert-manager's webhooks refuse those that cert-manager would not sign.
fn agree(cases: &[Value], valid: &BTreeSet<String>, approved: &[Value]) -> Result<()> {
    let of = |what| {
        let wanted = cases.iter().filter(move |case| case["expect"] == what);
        wanted.filter(|case| !valid.contains(name(case)))
    };
    eprintln!(
        "cert-manager's webhooks refuse {} right ones, {} hostile ones and {} for other issuers",
        of("approve").count(),
        of("deny").count(),
        of("leave").count()
    );
    let refused: BTreeSet<_> = of("approve")
        .map(|case| &case["name"])
        .map(Value::as_str)
        .collect();
    let unsigned = approved.iter().filter(|one| one["certificate"].is_null());
    let unsigned: BTreeSet<_> = unsigned.map(|one| one["name"].as_str()).collect();
    ensure!(
        refused == unsigned,
        "the webhooks refuse {refused:?}, and cert-manager does not sign {unsigned:?}"
    );
    Ok(())
}

/// The objects of each requester, with kubectl's words for impersonating it.
fn by_requester(cases: &[Value]) -> BTreeMap<Vec<String>, Vec<Value>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for case in cases {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut words = vec![
            format!("--as={}", text(&case["username"])),
            format!("--as-uid={}", text(&case["uid"])),
        ];
        for group in case["groups"].as_array().into_iter().flatten() {
            words.push(format!("--as-group={}", text(group)));
        }
        for (key, values) in case["extra"].as_object().into_iter().flatten() {
            for value in values.as_array().into_iter().flatten() {
                words.push(format!("--as-user-extra={key}={}", text(value)));
            }
        }
        all.entry(words).or_default().push(case["object"].clone());
    }
    all
}

/// Every object by namespace and name, once each that is ours to decide was decided.
fn decided(world: &World, cases: &[Value]) -> Result<BTreeMap<String, Value>> {
    let mut objects = BTreeMap::new();
    cluster::wait("a decision on every request", 3 * LIMIT, || {
        let Ok(listed) = world.objects_everywhere("certificaterequests") else {
            return false;
        };
        objects = listed
            .into_iter()
            .map(|object| (key(&object), object))
            .collect();
        let mut ours = cases.iter().filter(|case| case["expect"] != "leave");
        ours.all(|case| {
            objects
                .get(&key(&case["object"]))
                .is_none_or(|one| decision_on(one).is_some())
        })
    })?;
    Ok(objects)
}

/// Compares what became of each with what must.
fn judge(cases: &[Value], objects: &BTreeMap<String, Value>) -> Result<String> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases {
        let object = objects.get(&key(&case["object"]));
        let decision = object.and_then(decision_on);
        let said = decision.map(|one| one["type"].as_str().unwrap_or_default());
        let became = match (object, said) {
            (None, _) => "refused by the API server",
            (_, None) => "left alone",
            (_, Some(said)) => said,
        };
        let is_right = match case["expect"].as_str().unwrap_or_default() {
            "approve" => became == "Approved",
            "leave" => became == "left alone",
            _ => became == "refused by the API server" || became == "Denied",
        };
        *count.entry(became).or_default() += 1;
        let is_told = became != "Denied"
            || decision.is_some_and(|decision| decision["message"] == case["message"]);
        if !is_right || !is_told {
            wrong.push(format!("{}: {became}: {decision:?}", case["name"]));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(format!("{count:?}"))
}

/// What was approved, with the certificate that cert-manager made of it.
fn signed(world: &World, cases: &[Value]) -> Result<Vec<Value>> {
    let right: BTreeMap<String, &Value> = cases
        .iter()
        .filter(|case| case["expect"] == "approve")
        .map(|case| (key(&case["object"]), &case["name"]))
        .collect();
    let approved = world.eventually("a certificate for every approved request", || {
        let objects = world.objects_everywhere("certificaterequests")?;
        let approved: Vec<Value> = objects
            .into_iter()
            .filter(|object| right.contains_key(&key(object)))
            .collect();
        for object in &approved {
            let (name, status) = (right.get(&key(object)), &object["status"]);
            // cert-manager wants the extensions for usages both or neither, and fails the request
            // otherwise, also when it was approved.
            let is_failed = status.to_string().contains("encoded CSR error");
            ensure!(
                status["certificate"].is_string() || is_failed,
                "{name:?}: {status}"
            );
        }
        Ok(approved)
    })?;
    approved
        .into_iter()
        .map(|object| {
            let text = |value: &Value| value.as_str().map(cluster::from_base64).transpose();
            Ok(json!({
                "name": right.get(&key(&object)),
                "id": object["metadata"]["annotations"][super::requests::ANNOTATION],
                "pem": text(&object["spec"]["request"])?,
                "certificate": text(&object["status"]["certificate"])?,
            }))
        })
        .collect()
}

/// Takes away the rights of this scenario. Its namespaces are labelled as others are.
pub(super) fn clear(world: &World) -> Result<()> {
    for kind in ["clusterrolebinding", "clusterrole"] {
        let words = ["delete", kind, "corpus", "--ignore-not-found"];
        world.kubectl.run(&words)?;
    }
    Ok(())
}

fn namespaces(cases: &[Value]) -> BTreeSet<&str> {
    cases.iter().map(namespace).collect()
}

fn name(case: &Value) -> &str {
    case["object"]["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
}

fn namespace(case: &Value) -> &str {
    case["object"]["metadata"]["namespace"]
        .as_str()
        .unwrap_or_default()
}

fn key(object: &Value) -> String {
    let metadata = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{}/{}",
        text(&metadata["namespace"]),
        text(&metadata["name"])
    )
}
