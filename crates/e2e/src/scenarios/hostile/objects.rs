//! The worst that the API server takes, kind by kind: large, long, numerous, deep and odd.
//!
//! etcd takes 1.5 MiB per object. What is named in the API server's own `managedFields`, as each
//! label is, takes its room twice.

use serde_json::{Map, Value, json};

use super::super::requests::ANNOTATION;
use super::super::world::spiffe_id;

/// An object to create, and perhaps a JSON patch of it afterwards.
pub(super) struct Worst {
    pub(super) object: Value,
    pub(super) patch: Option<Value>,
}

/// Names of those that finalizers keep.
pub(super) const FINALIZERS: [&str; 3] = [
    "finalizers-ours-0",
    "finalizers-others-0",
    "finalizers-plain-0",
];

/// Each kind of request: to our issuer, to another one, and without our annotation. All kinds come
/// in turn, those that cost the API server little more often.
pub(super) fn requests(namespace: &str, account: &str) -> Vec<Worst> {
    let mut all = Vec::new();
    for copy in 0..CHEAP {
        for whose in ["ours", "others", "plain"] {
            for (kind, _, make) in KINDS.iter().filter(|(_, copies, _)| copy < *copies) {
                let mut object = request(namespace, account, whose);
                object["metadata"]["name"] = json!(format!("{kind}-{whose}-{copy}"));
                let patch = make(&mut object);
                all.push(Worst { object, patch });
            }
        }
    }
    all
}

/// Copies of a kind that costs the API server a quarter of a second, and of one that costs a whole.
const CHEAP: usize = 4;
const DEAR: usize = 1;

fn request(namespace: &str, account: &str, whose: &str) -> Value {
    let annotations = if whose == "plain" {
        json!({})
    } else {
        json!({ANNOTATION: spiffe_id(namespace, account)})
    };
    let issuer = if whose == "others" {
        "nobody"
    } else {
        "spiffe-ca"
    };
    json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {"namespace": namespace, "annotations": annotations},
        "spec": {
            "request": "LS0tLS0=",
            "issuerRef": {"name": issuer, "kind": "ClusterIssuer", "group": "cert-manager.io"},
        },
    })
}

type Make = fn(&mut Value) -> Option<Value>;

/// What makes a request one of the worst, and how; whether it is taken is up to the API server.
const KINDS: &[(&str, usize, Make)] = &[
    // A time that Go can write and few others can read, as in the name of another manager.
    ("time", CHEAP, |_| Some(time_patch())),
    ("usages", DEAR, |request| {
        request["spec"]["usages"] = json!(vec!["any"; 230_000]);
        None
    }),
    // Go reads an hour in it.
    ("duration", CHEAP, |request| {
        request["spec"]["duration"] = json!(format!("1h{}", "0s".repeat(650_000)));
        None
    }),
    // Each of these letters takes six bytes of JSON.
    ("annotation", CHEAP, |request| {
        request["metadata"]["annotations"]["example.com/note"] = json!("\u{1}".repeat(230_000));
        None
    }),
    ("annotations", DEAR, |request| {
        for index in 0..40_000 {
            request["metadata"]["annotations"][format!("{index:x}")] = json!("");
        }
        None
    }),
    ("labels", CHEAP, |request| {
        let long = "x".repeat(56);
        let labels: Map<String, Value> = (0..6_500)
            .map(|index| (format!("{long}-{index:05}"), json!(long)))
            .collect();
        request["metadata"]["labels"] = labels.into();
        None
    }),
    // Of a kind that nobody knows, or the garbage collector would delete the request.
    ("owners", DEAR, |request| {
        let owner = |index| json!({"apiVersion": "x/v1", "kind": "X", "name": "x", "uid": format!("{index:05}")});
        request["metadata"]["ownerReferences"] = (0..14_000).map(owner).collect();
        None
    }),
    ("finalizers", DEAR, |request| {
        let finalizer = |index: usize| json!(format!("example.com/{index:05}"));
        request["metadata"]["finalizers"] = (0..25_000).map(finalizer).collect();
        None
    }),
    ("csr", CHEAP, |request| {
        let lines = format!("{}\n", "QUFB".repeat(16)).repeat(15_000);
        let pem = format!(
            "-----BEGIN CERTIFICATE REQUEST-----\n{lines}-----END CERTIFICATE REQUEST-----\n"
        );
        request["spec"]["request"] = json!(crate::cluster::base64(&pem));
        None
    }),
    ("issuer", CHEAP, |request| {
        // Each of these letters is written as six.
        request["spec"]["issuerRef"]["kind"] = json!("<".repeat(230_000));
        None
    }),
    // Fields of another manager, which the API server keeps though the object has none of them.
    ("fields", DEAR, |request| {
        let labels: Map<String, Value> = (0..80_000)
            .map(|index| (format!("f:{index:05}"), json!({})))
            .collect();
        manage(request, &[json!({"f:metadata": {"f:labels": labels}})]);
        None
    }),
    ("depth", CHEAP, |request| {
        let deep = (0..4_000).fold(json!({}), |inner, _| json!({"f:a": inner}));
        manage(request, &[json!({"f:spec": deep})]);
        None
    }),
    ("managers", DEAR, |request| {
        let fields = json!({"f:metadata": {"f:labels": {"f:a": {}}}});
        manage(request, &vec![fields; 8_000]);
        None
    }),
    // A user who may patch a request without our annotation writes what cert-manager writes first.
    ("requester", DEAR, |request| {
        let values = vec!["x"; 200_000];
        if request["metadata"]["annotations"][ANNOTATION].is_string() {
            return None;
        }
        Some(json!([
            {"op": "add", "path": "/spec/extra", "value": {"authentication.kubernetes.io/pod-name": values}},
            {"op": "add", "path": "/spec/username", "value": "x".repeat(300_000)},
        ]))
    }),
];

/// Entries of managers that are not there.
fn manage(object: &mut Value, fields: &[Value]) {
    let entry = |(index, fields): (usize, &Value)| {
        json!({
            "manager": format!("m{index}"),
            "operation": "Apply",
            "apiVersion": object["apiVersion"],
            "time": "9999-12-31T23:59:59Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        })
    };
    let entries: Value = fields.iter().enumerate().map(entry).collect();
    object["metadata"]["managedFields"] = entries;
}

/// The API server resets the time of an entry unless it is another manager's, and the entries count
/// where something else changes as well.
fn time_patch() -> Value {
    json!([
        {"op": "replace", "path": "/metadata/managedFields/0/manager", "value": "another"},
        {"op": "replace", "path": "/metadata/managedFields/0/time", "value": "9999-12-31T23:59:59Z"},
        {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}},
    ])
}

/// Pods that mount the volume.
pub(super) fn pods(namespace: &str, account: &str) -> Vec<Worst> {
    let kinds: [(&str, Make); 3] = [
        ("time", |pod| {
            manage(
                pod,
                &[json!({"f:metadata": {"f:labels": {"f:absent": {}}}})],
            );
            None
        }),
        ("annotation", |pod| {
            pod["metadata"]["annotations"] = json!({"example.com/note": "\u{1}".repeat(250_000)});
            None
        }),
        ("fields", |pod| {
            let labels: Map<String, Value> = (0..60_000)
                .map(|index| (format!("f:{index:05}"), json!({})))
                .collect();
            manage(pod, &[json!({"f:metadata": {"f:labels": labels}})]);
            None
        }),
    ];
    let make = |(kind, make): (&str, Make)| {
        let mut object = super::super::pods::object(namespace, kind, account);
        let patch = make(&mut object);
        Worst { object, patch }
    };
    kinds.into_iter().map(make).collect()
}
