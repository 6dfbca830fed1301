//! Owns the act in which the two pods connect, and a stranger is refused.

use anyhow::Context as _;
use svid_core::identity::{ServiceAccount, SpiffeId, TrustDomain};
use svid_core::svid::{CertificateSigningRequest, PrivateKey};
use svid_devcluster::{Cluster, Signer};

use crate::demo::actor::{Actor, FileSet};
use crate::demo::stage::{LIFETIME, LIMIT, NAMESPACE};
use crate::demo::timeline::Timeline;
use crate::demo::tls::{End, Meeting, Party, meet};
use crate::demo::unmet::Unexpected;

/// Connects both pods with mutual TLS, then each of them with a stranger.
///
/// # Errors
/// The pods do not see each other's SPIFFE ID, or the stranger is accepted.
pub(in crate::demo) async fn play(
    [client, server]: &[Actor; 2],
    cluster: &Cluster,
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    timeline.act(
        "The pods prove their identities to each other",
        &[
            "A TCP connection with mutual TLS: each side presents its certificate and verifies the other's",
            "against the roots in its own volume. No password, no address, no shared secret.",
        ],
    )?;
    let meeting = pods_meet(client, server, timeline).await?;
    timeline.seen(&format!(
        "handshake on {}: {}",
        meeting.address, meeting.protocol
    ))?;
    timeline.seen(&format!("server sees {}", client.identity))?;
    timeline.seen(&format!("client sees {}", server.identity))?;
    timeline.proved("mutual TLS: each side knows its peer by its SPIFFE ID")?;
    strangers_are_refused(client, server, cluster, timeline).await
}

/// A connection in which each sees the other's SPIFFE ID.
///
/// # Errors
/// They do not.
pub(in crate::demo) async fn pods_meet(
    client: &Actor,
    server: &Actor,
    timeline: &mut Timeline,
) -> anyhow::Result<Meeting> {
    let meeting = meet_within(
        Party::new(&files(server)?, &client.identity)?,
        Party::new(&files(client)?, &server.identity)?,
        timeline,
    )
    .await?;
    let wanted = (
        End::Met(client.identity.clone()),
        End::Met(server.identity.clone()),
    );
    if (&meeting.server, &meeting.client) == (&wanted.0, &wanted.1) {
        return Ok(meeting);
    }
    let seen = format!("server {:?}, client {:?}", meeting.server, meeting.client);
    Err(Unexpected::new("each to see the other's SPIFFE ID", seen).into())
}

async fn strangers_are_refused(
    client: &Actor,
    server: &Actor,
    cluster: &Cluster,
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    let stranger = stranger_named_like(client)?;
    timeline.note(&format!(
        "a stranger connects: {stranger}, signed by its own trust domain's CA"
    ))?;
    let impostor = || -> anyhow::Result<Party> {
        let forged = foreign(&stranger, &files(client)?.roots, cluster)?;
        Party::new(&forged, &server.identity)
    };
    // The server would accept the stranger by its name, so it is the chain that is refused.
    let meeting = meet_within(
        Party::new(&files(server)?, &stranger)?,
        impostor()?,
        timeline,
    )
    .await?;
    let (reason, told) = refused(&meeting.server, &meeting.client)?;
    timeline.seen(&format!(
        "as a client it is refused by the server: {reason}"
    ))?;
    timeline.note(&format!("what the stranger is told: {told}"))?;

    let forged = foreign(&stranger, &files(server)?.roots, cluster)?;
    let meeting = meet_within(
        Party::new(&forged, &client.identity)?,
        Party::new(&files(client)?, &stranger)?,
        timeline,
    )
    .await?;
    let (reason, _) = refused(&meeting.client, &meeting.server)?;
    timeline.seen(&format!(
        "as a server it is refused by the client: {reason}"
    ))?;
    timeline.proved("a certificate of another trust domain is refused, by server and client")
}

/// The reason of the side that refused and of the side that was refused.
fn refused<'a>(by: &'a End, whom: &'a End) -> anyhow::Result<(&'a str, &'a str)> {
    match (by, whom) {
        (End::Failed(reason), End::Failed(told)) if reason.contains("UnknownIssuer") => {
            Ok((reason, told))
        }
        _ => {
            let seen = format!("{by:?}, and the stranger {whom:?}");
            Err(Unexpected::new("the stranger to be refused for its issuer", seen).into())
        }
    }
}

async fn meet_within(
    server: Party,
    client: Party,
    timeline: &mut Timeline,
) -> anyhow::Result<Meeting> {
    let meeting = meet(server, client);
    timeline
        .wait("shaking hands", LIMIT, String::new, meeting)
        .await
}

fn files(actor: &Actor) -> anyhow::Result<FileSet> {
    let files = actor.volume.read();
    files.with_context(|| format!("reading the volume of {}", actor.name))
}

/// The same service account in another trust domain.
fn stranger_named_like(actor: &Actor) -> anyhow::Result<SpiffeId> {
    let domain = TrustDomain::parse("elsewhere.example")?;
    let account = ServiceAccount::new(NAMESPACE, actor.name)?;
    Ok(SpiffeId::for_service_account(&domain, &account))
}

/// A key and a valid certificate for it, from a CA that the pods do not know.
fn foreign(identity: &SpiffeId, roots: &[u8], cluster: &Cluster) -> anyhow::Result<FileSet> {
    let key = PrivateKey::generate()?;
    let request = CertificateSigningRequest::build(&key, identity)?;
    let chain =
        cluster
            .issuer()
            .sign_directly(request.to_pem().as_bytes(), LIFETIME, Signer::Foreign)?;
    Ok(FileSet {
        chain: chain.into_bytes(),
        key: key.to_pkcs8_pem().as_bytes().to_vec().into(),
        roots: roots.to_vec(),
    })
}
