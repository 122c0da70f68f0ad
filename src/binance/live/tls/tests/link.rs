//! Purpose: a link in memory between a tunnel and a server, which cuts what it carries. Owns: both ends' settings, the server.
//! Thread: a test's. Takes and gives: bytes. Never: loses one; carries a byte beyond a cut without a "not now" between.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection};

use super::super::tunnel::Tunnel;

/// The name that the server's certificate is for.
pub(super) const NAME: &str = "venue.example";

/// Where bytes of one direction are cut.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cuts {
    Never,
    /// Behind each so many.
    Every(usize),
    /// Behind the first so many.
    At(usize),
}

impl Cuts {
    /// How many bytes there are to the next cut.
    fn ahead(self, at: usize) -> usize {
        match self {
            Cuts::Every(each) => each - at % each,
            Cuts::At(place) if at < place => place - at,
            Cuts::At(_) | Cuts::Never => usize::MAX,
        }
    }

    fn is_cut(self, at: usize) -> bool {
        match self {
            Cuts::Every(each) => at.is_multiple_of(each),
            Cuts::At(place) => at == place,
            Cuts::Never => false,
        }
    }
}

/// One direction.
#[derive(Debug)]
struct Way {
    cuts: Cuts,
    carried: usize,
    /// The place at which "not now" was told last.
    told: Option<usize>,
}

impl Way {
    const fn new(cuts: Cuts) -> Way {
        Way { cuts, carried: 0, told: None }
    }

    /// How many bytes of so many may go now.
    fn most(&mut self, bytes: usize) -> io::Result<usize> {
        if self.cuts.is_cut(self.carried) && self.told != Some(self.carried) {
            self.told = Some(self.carried);
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = bytes.min(self.cuts.ahead(self.carried));
        self.carried += count;
        Ok(count)
    }
}

/// The tunnel's socket.
#[derive(Debug)]
pub(super) struct Link {
    /// What the server sent and was not read.
    pub(super) came: Vec<u8>,
    /// The server has ended TCP.
    pub(super) ended: bool,
    /// What was sent and the server has not heard.
    pub(super) sent: Vec<u8>,
    /// The socket takes nothing now.
    pub(super) full: bool,
    /// Reads that brought something.
    pub(super) reads: usize,
    down: Way,
    up: Way,
}

impl Link {
    pub(super) const fn new(down: Cuts, up: Cuts) -> Link {
        let (down, up) = (Way::new(down), Way::new(up));
        Link { came: Vec::new(), ended: false, sent: Vec::new(), full: false, reads: 0, down, up }
    }
}

impl Read for Link {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        assert!(!buf.is_empty(), "a read that cannot bring anything looks like an end");
        if self.came.is_empty() {
            return if self.ended { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let count = self.down.most(buf.len().min(self.came.len()))?;
        buf[..count].copy_from_slice(&self.came[..count]);
        self.came.drain(..count);
        self.reads += 1;
        Ok(count)
    }
}

impl Write for Link {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.full {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.up.most(buf.len())?;
        self.sent.extend_from_slice(&buf[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Both ends' settings.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) client: Arc<ClientConfig>,
    pub(super) server: ServerConfig,
}

impl Ends {
    pub(super) fn new() -> Ends {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ends::of(provider, |own| vec![own])
    }

    /// The server with this provider and what it shows in place of its certificate alone.
    pub(super) fn of(
        provider: Arc<CryptoProvider>,
        chain: impl FnOnce(CertificateDer<'static>) -> Vec<CertificateDer<'static>>,
    ) -> Ends {
        let made = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
        let (own, key) = (made.cert.der().clone(), PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into()));
        let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let server = server.with_no_client_auth().with_single_cert(chain(own.clone()), key).unwrap();
        Ends { client: trusting(&[own]), server }
    }

    /// With TLS 1.2 alone.
    pub(super) fn of_tls12() -> Ends {
        let Ends { client, server } = Ends::new();
        let versions = [&rustls::version::TLS12];
        let provider = Arc::clone(client.crypto_provider());
        let old = ServerConfig::builder_with_provider(provider).with_protocol_versions(&versions).unwrap();
        Ends { server: old.with_no_client_auth().with_cert_resolver(server.cert_resolver), client }
    }
}

/// A client that trusts these.
pub(super) fn trusting(certificates: &[CertificateDer<'static>]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    certificates.iter().for_each(|one| roots.add(one.clone()).unwrap());
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let client = client.with_safe_default_protocol_versions().unwrap();
    Arc::new(client.with_root_certificates(roots).with_no_client_auth())
}

/// A tunnel, a link and a server.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) tunnel: Tunnel,
    pub(super) link: Link,
    pub(super) server: ServerConnection,
    /// Plain bytes that the server has heard.
    pub(super) heard: Vec<u8>,
}

impl Pair {
    pub(super) fn new(ends: &Ends, down: Cuts, up: Cuts) -> Pair {
        let tunnel = Tunnel::new(&ends.client, ServerName::try_from(NAME).unwrap()).unwrap();
        let server = ServerConnection::new(Arc::new(ends.server.clone())).unwrap();
        Pair { tunnel, link: Link::new(down, up), server, heard: Vec::new() }
    }

    /// Behind its handshake.
    pub(super) fn shaken(ends: &Ends, down: Cuts, up: Cuts) -> Pair {
        let mut pair = Pair::new(ends, down, up);
        while !pair.tunnel.handshake(&mut pair.link).unwrap() || pair.server.is_handshaking() {
            pair.carry().unwrap();
        }
        pair
    }

    /// The server hears what was sent, and says what it has to say.
    pub(super) fn carry(&mut self) -> Result<(), rustls::Error> {
        let sent = core::mem::take(&mut self.link.sent);
        let mut rest = &sent[..];
        while !rest.is_empty() {
            self.server.read_tls(&mut rest).unwrap();
            let state = self.server.process_new_packets();
            // Where it failed too: it may have an alert to send.
            self.say();
            let mut plain = vec![0; state?.plaintext_bytes_to_read()];
            self.server.reader().read_exact(&mut plain).unwrap();
            self.heard.extend_from_slice(&plain);
        }
        self.say();
        Ok(())
    }

    fn say(&mut self) {
        while self.server.wants_write() {
            self.server.write_tls(&mut self.link.came).unwrap();
        }
    }

    /// The server sends these bytes, in as few records as they need; the records' bytes.
    pub(super) fn tell(&mut self, plain: &[u8]) -> core::ops::Range<usize> {
        let before = self.link.came.len();
        for part in plain.chunks(16 << 10) {
            self.server.writer().write_all(part).unwrap();
            self.say();
        }
        before..self.link.came.len()
    }

    /// Reads until nothing more can be read now, by so many bytes; what stopped it, `None` for a farewell.
    pub(super) fn read(&mut self, most: usize, into: &mut Vec<u8>) -> Option<io::Error> {
        let mut buf = vec![0; most];
        loop {
            match self.tunnel.read(&mut self.link, &mut buf) {
                Ok(0) => return None,
                Ok(count) => into.extend_from_slice(&buf[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock && !self.link.came.is_empty() => {}
                Err(error) => return Some(error),
            }
        }
    }

    /// Writes all of it, however often it must be tried.
    pub(super) fn write(&mut self, mut plain: &[u8]) {
        while !plain.is_empty() {
            match self.tunnel.write(&mut self.link, plain) {
                Ok(count) => plain = &plain[count..],
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
            }
        }
        while let Err(error) = self.tunnel.flush(&mut self.link) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
        }
    }
}

/// Bytes of which each tells its place.
pub(super) fn bytes(count: usize) -> Vec<u8> {
    (0..count as u32).flat_map(|at| (at.wrapping_mul(0x9e37_79b9)).to_be_bytes()).take(count).collect()
}

/// The records that lie in these bytes: types and lengths.
pub(super) fn records(mut bytes: &[u8]) -> Vec<(u8, usize)> {
    let mut found = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        found.push((*kind, length));
        bytes = &rest[length..];
    }
    found
}
