//! Owns one connection over loopback: handshake, a greeting each way, and each side's outcome.
//!
//! Must not know the expected outcome. Invariant: neither side waits forever.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, Stream};
use svid_core::identity::SpiffeId;

use super::Party;
use super::verifier::spiffe_id;

/// Both sides' outcomes of a connection.
#[derive(Debug)]
pub(in crate::demo) struct Meeting {
    pub(in crate::demo) address: SocketAddr,
    /// The version and cipher suite, as the client saw them.
    pub(in crate::demo) protocol: String,
    pub(in crate::demo) server: End,
    pub(in crate::demo) client: End,
}

/// One side's outcome.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::demo) enum End {
    /// It met this peer, and both greetings arrived.
    Met(SpiffeId),
    /// It refused or was refused, for this reason.
    Failed(String),
}

/// Connects two parties to each other.
///
/// # Errors
/// There is no connection, or a party's key does not belong to its certificate.
pub(in crate::demo) async fn meet(server: Party, client: Party) -> anyhow::Result<Meeting> {
    let (server, client) = (server.server()?, client.client()?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening on loopback")?;
    let address = listener.local_addr().context("listening on loopback")?;
    // The kernel completes a connection before it is accepted.
    let connection = TcpStream::connect(address).context("connecting over loopback")?;
    let (accepted, _) = listener.accept().context("accepting a connection")?;
    let serving = tokio::task::spawn_blocking(move || serve(server, accepted));
    let calling = tokio::task::spawn_blocking(move || call(client, connection));
    let (server, client) = tokio::join!(serving, calling);
    let (client, protocol) = client??;
    Ok(Meeting {
        address,
        protocol,
        server: server??,
        client,
    })
}

fn serve(config: Arc<ServerConfig>, mut connection: TcpStream) -> anyhow::Result<End> {
    limit(&connection)?;
    let mut tls = ServerConnection::new(config)?;
    let greeted = greet(&mut Stream::new(&mut tls, &mut connection), Turn::Second);
    Ok(end(greeted, tls.peer_certificates()))
}

fn call(config: Arc<ClientConfig>, mut connection: TcpStream) -> anyhow::Result<(End, String)> {
    limit(&connection)?;
    // An IP address is not sent in the handshake, and our verifier does not look at it.
    let address = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
    let mut tls = ClientConnection::new(config, address)?;
    let greeted = greet(&mut Stream::new(&mut tls, &mut connection), Turn::First);
    let suite = tls.negotiated_cipher_suite().map(|suite| suite.suite());
    let protocol = match (tls.protocol_version(), suite) {
        (Some(version), Some(suite)) => format!("{version:?}, {suite:?}"),
        _ => "no common protocol".to_owned(),
    };
    Ok((end(greeted, tls.peer_certificates()), protocol))
}

/// Who speaks first.
#[derive(Clone, Copy)]
enum Turn {
    First,
    Second,
}

/// Completes the handshake, and sends and receives a greeting. In TLS 1.3 a client learns that it
/// was refused only from the answer to its greeting.
fn greet(stream: &mut (impl io::Read + io::Write), turn: Turn) -> io::Result<()> {
    let mut heard = [0; GREETING.len()];
    match turn {
        Turn::First => {
            stream.write_all(GREETING)?;
            stream.flush()?;
            stream.read_exact(&mut heard)?;
        }
        Turn::Second => {
            stream.read_exact(&mut heard)?;
            stream.write_all(GREETING)?;
            stream.flush()?;
        }
    }
    if heard == *GREETING {
        Ok(())
    } else {
        Err(io::Error::other("the greeting was garbled"))
    }
}

fn end(greeted: io::Result<()>, peer: Option<&[CertificateDer<'_>]>) -> End {
    match greeted {
        Err(error) => End::Failed(error.to_string()),
        Ok(()) => match peer.and_then(<[_]>::first).and_then(spiffe_id) {
            Some(id) => End::Met(id),
            None => End::Failed("the peer has no SPIFFE ID".to_owned()),
        },
    }
}

fn limit(connection: &TcpStream) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))
}

const GREETING: &[u8; 6] = b"hello\n";

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(10);
