//! What is served beside the objects, and what is not.

use svid_devcluster::Identity;

use crate::fixture::{cluster, token};
use crate::raw;

#[tokio::test]
async fn server_side_apply_is_refused() {
    let cluster = cluster().await;
    let admin = token(&cluster, &Identity::Administrator);
    let path = "/api/v1/namespaces/default/configmaps/x";
    let kind = "application/apply-patch+yaml";
    let apply = raw::send_as(&cluster, "PATCH", path, Some(&admin), kind, "{}");
    assert_eq!(apply.await.expect("answer").code, 415);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_probe_needs_no_token() {
    let cluster = cluster().await;
    for path in ["/healthz", "/readyz", "/livez"] {
        let answer = raw::send(&cluster, "GET", path, None, "").await;
        assert_eq!(answer.expect("answer").code, 200, "{path}");
    }
    cluster.shutdown().await;
}
