//! Purpose: settings for both ends of TLS on this machine. Owns: a certificate made for the run. Thread: any (setup).
//! Takes and gives: settings. Never: a key that outlives the run.

use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The name that the certificate is for; it is for 127.0.0.1 too.
pub(crate) const NAME: &str = "localhost";

/// Both ends' settings.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) client: Arc<ClientConfig>,
    pub(crate) server: Arc<ServerConfig>,
    /// The root that a client must trust, in PEM form.
    pub(crate) pem: String,
}

impl Ends {
    pub(crate) fn new() -> Ends {
        let names = vec![NAME.to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let (certificate, pem) = (made.cert.der().clone(), made.cert.pem());
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Ends {
            client: Arc::new(client.unwrap().with_root_certificates(roots).with_no_client_auth()),
            server: Arc::new(server.unwrap().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()),
            pem,
        }
    }
}
