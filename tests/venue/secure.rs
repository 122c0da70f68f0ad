//! A client's end of TLS that trusts one authority.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Connects from any address, or from this one: the venue's limits are an address's own.
pub(crate) fn socket(to: SocketAddr, from: Option<Ipv4Addr>, patience: Duration) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    if let Some(from) = from {
        socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    }
    socket.connect(&to.into()).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.into()
}

pub(crate) fn secure(socket: TcpStream, ca_pem: &str) -> Stream {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket)
}
