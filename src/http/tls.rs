//! Purpose: what the server speaks TLS with. Owns: nothing. Thread: any (cold).
//! Takes and gives: files of a certificate and its key in, a rustls configuration out. Never: reads a key that others may read.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::private_file::{FileFault, read_private};
use super::secret::no_core_dumps;

const KEY_BYTES_MAX: usize = 64 << 10;

/// TLS 1.2 and 1.3 with the certificate (a chain, the server's first) and its key, both PEM. From then on this process writes
/// no core dumps.
///
/// # Errors
/// [`FileFault`].
pub fn tls_from_files(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, FileFault> {
    let bad = |path: &Path, reason: String| FileFault::new(path, reason);
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| bad(certificate, format!("holds no certificate in PEM form: {error}")))?;
    if chain.is_empty() {
        return Err(bad(certificate, "holds no certificate in PEM form".to_owned()));
    }
    let pem = read_private(key, KEY_BYTES_MAX)?;
    no_core_dumps();
    let secret = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| bad(key, "holds no key in PEM form".to_owned()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(certificate, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| bad(certificate, format!("does not fit the key in {}: {error}", key.display())))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
