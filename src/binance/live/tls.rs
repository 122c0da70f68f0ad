//! Purpose: whom we trust: the public roots, or those we were given. Owns: nothing. Thread: any (cold).
//! Takes and gives: a path or PEM in, settings for sockets and REST out. Never: trusts more than it was told to.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, PeerIncompatible, RootCertStore};

use super::cause::Cause;

/// What sockets and REST need to speak TLS.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    pub(super) client: Arc<ClientConfig>,
    pub(super) provider: Arc<CryptoProvider>,
    /// The roots that we were given; `None` for the public ones.
    pub(super) roots: Option<Vec<CertificateDer<'static>>>,
}

/// Roots that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin} cannot be used ({reason}): it must hold at least one certificate in PEM form")]
pub struct BadCaFile {
    origin: String,
    reason: String,
}

impl Trust {
    /// Trusts the roots of the file and those in memory, and no others; with neither, the public ones.
    pub(super) fn new(ca_file: Option<&Path>, ca_pem: Option<&str>) -> Result<Trust, BadCaFile> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let origin = || ca_file.map_or("the CA in memory".to_owned(), |path| format!("the CA file {}", path.display()));
        let bad = |reason: String| BadCaFile { origin: origin(), reason };
        let read =
            ca_file.map(|path| CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>));
        let given = ca_pem.map(|pem| CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>());
        let mut roots: Option<Vec<CertificateDer<'static>>> = None;
        for certificates in read.into_iter().chain(given) {
            let certificates: Vec<_> = certificates.map_err(|error| bad(error.to_string()))?;
            if certificates.is_empty() {
                return Err(bad("it holds no certificate".to_owned()));
            }
            roots.get_or_insert_default().extend(certificates);
        }
        let mut store = RootCertStore::empty();
        match &roots {
            Some(roots) => {
                store.add_parsable_certificates(roots.iter().cloned());
            }
            None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        if store.is_empty() {
            return Err(bad("none of its certificates can be a root".to_owned()));
        }
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(error.to_string()))?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Trust { client: Arc::new(client), provider, roots })
    }
}

/// Whether a file can be [`LiveOptions::ca_file`](super::LiveOptions::ca_file). Reads it. Any thread.
///
/// # Errors
/// When it cannot be read, or holds no certificate in PEM form that can be a root.
pub fn judge_ca_file(path: &Path) -> Result<(), BadCaFile> {
    Trust::new(Some(path), None).map(|_| ())
}

/// The name that a certificate must be for; an address is one too.
pub(super) fn server_name(host: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).ok()
}

/// Why TLS failed, when an I/O error says that it did.
pub(super) fn cause_of(error: &io::Error) -> Option<Cause> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Cause::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Cause::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Cause::NotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Cause::WrongName,
            _ => Cause::Tls,
        },
        rustls::Error::InvalidMessage(_) => Cause::NotTls,
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => Cause::TlsVersion,
        _ => Cause::Tls,
    })
}
