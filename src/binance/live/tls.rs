//! Purpose: whom we trust: the public roots, or those of a file. Owns: nothing. Thread: any (cold).
//! Takes and gives: a path in, settings for sockets and REST out. Never: trusts more than it was told to.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::cause::Cause;

/// What sockets and REST need to speak TLS.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    pub(super) client: Arc<ClientConfig>,
    pub(super) provider: Arc<CryptoProvider>,
    /// The roots of the configured file; `None` for the public ones.
    pub(super) roots: Option<Vec<CertificateDer<'static>>>,
}

/// A file of roots that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the CA file {path} cannot be used ({reason}): it must hold at least one certificate in PEM form")]
pub struct BadCaFile {
    path: String,
    reason: String,
}

impl Trust {
    /// Trusts the roots of the file, and no others; without a file, the public ones.
    pub(super) fn new(ca_file: Option<&Path>) -> Result<Trust, BadCaFile> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = ca_file.map(read_roots).transpose()?;
        let mut store = RootCertStore::empty();
        match &roots {
            Some(roots) => {
                store.add_parsable_certificates(roots.iter().cloned());
            }
            None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let bad = |reason: String| {
            let path = ca_file.map(|p| p.display().to_string()).unwrap_or_default();
            BadCaFile { path, reason }
        };
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

fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadCaFile> {
    let bad = |reason: String| BadCaFile { path: path.display().to_string(), reason };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
    let roots = certificates.collect::<Result<Vec<_>, _>>().map_err(|error| bad(error.to_string()))?;
    if roots.is_empty() { Err(bad("it holds no certificate".to_owned())) } else { Ok(roots) }
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
        _ => Cause::Tls,
    })
}
