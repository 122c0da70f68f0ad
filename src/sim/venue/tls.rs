//! Purpose: the venue's own certificate authority, and the certificates that it serves under. Owns: the keys.
//! Thread: any (cold). Takes and gives: names in, a rustls configuration out. Never: writes a key anywhere.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Keys or certificates cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the venue's certificates cannot be made: {0}")]
pub struct TlsError(String);

fn failed(cause: impl std::fmt::Display) -> TlsError {
    TlsError(cause.to_string())
}

/// A certificate authority made for one run, or shared by several venues so that clients trust them all.
#[derive(Clone, Debug)]
pub struct Authority {
    params: CertificateParams,
    key: Arc<KeyPair>,
    pem: String,
}

impl Authority {
    /// A new one, with keys that nobody else has.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate() -> Result<Authority, TlsError> {
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "Meltica simulated venue");
        let key = KeyPair::generate().map_err(failed)?;
        let pem = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Authority { params, key: Arc::new(key), pem })
    }

    /// Its certificate, for clients to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }
}

/// How a venue serves under TLS 1.2 and 1.3.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// Who signs its certificate.
    pub authority: Authority,
    /// Host names and addresses that the certificate is for.
    pub names: Vec<String>,
    /// Whether the certificate ran out long ago (F44).
    pub expired: bool,
}

impl TlsOptions {
    /// A certificate for this machine by a new authority.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn loopback() -> Result<TlsOptions, TlsError> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        Ok(TlsOptions { authority: Authority::generate()?, names, expired: false })
    }
}

/// The configuration that connections are served with.
pub(super) fn configure(options: &TlsOptions) -> Result<Arc<ServerConfig>, TlsError> {
    let mut params = CertificateParams::new(options.names.clone()).map_err(failed)?;
    let name = options.names.first().map_or("venue", String::as_str);
    params.distinguished_name.push(DnType::CommonName, name);
    // Strict verifiers, Python's since 3.13 among them, ask for it.
    params.use_authority_key_identifier_extension = true;
    if options.expired {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().map_err(failed)?;
    let issuer = Issuer::from_params(&options.authority.params, &*options.authority.key);
    let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(failed)?;
    Ok(Arc::new(config))
}
