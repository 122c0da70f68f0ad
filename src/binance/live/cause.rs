//! Purpose: why a connection failed or ended, in words that a status event can carry. Owns: the words.
//! Thread: the io thread. Takes and gives: plain data. Never: more than 32 ASCII bytes.

use std::fmt;

/// Why a connection is not, or no longer, there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The name has no address, or none was told in time.
    Unresolved,
    /// Nobody listens at the port.
    Refused,
    /// The address cannot be reached.
    Unreachable,
    /// The process or the system has no descriptor left.
    NoDescriptor,
    /// TCP took too long.
    ConnectTimeout,
    /// TLS took too long.
    TlsTimeout,
    /// The upgrade to WebSocket took too long.
    UpgradeTimeout,
    /// The certificate is signed by nobody we trust.
    UnknownIssuer,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is for another name.
    WrongName,
    /// The peer speaks no TLS.
    NotTls,
    /// The peer speaks no version of TLS that we do.
    TlsVersion,
    /// TLS failed otherwise.
    Tls,
    /// The peer answered the upgrade with this status.
    Http(u16),
    /// The headers of the answer are longer than 16 KiB.
    LongHeaders,
    /// The answer is no upgrade: a missing or wrong header, or no HTTP.
    BadUpgrade,
    /// The peer closed with this code; 1005 when it gave none.
    Closed(u16),
    /// The peer reset the connection, or ended it without a close frame.
    Reset,
    /// A frame or message longer than allowed, or too many bytes without a whole message.
    TooLong,
    /// The peer broke the WebSocket protocol.
    Protocol,
    /// Nothing was heard for too long.
    Stalled,
    /// Control messages are not answered.
    NoAnswer,
    /// Another connection has taken its place.
    Replaced,
    /// Nobody wants its stream any more.
    Unwanted,
    /// We end.
    Stopped,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Cause::Unresolved => "name not resolved",
            Cause::Refused => "connection refused",
            Cause::Unreachable => "unreachable",
            Cause::NoDescriptor => "no file descriptor left",
            Cause::ConnectTimeout => "connect timed out",
            Cause::TlsTimeout => "tls timed out",
            Cause::UpgradeTimeout => "upgrade timed out",
            Cause::UnknownIssuer => "certificate of unknown issuer",
            Cause::Expired => "certificate expired",
            Cause::NotYetValid => "certificate not yet valid",
            Cause::WrongName => "certificate for another name",
            Cause::NotTls => "peer speaks no tls",
            Cause::TlsVersion => "tls version not supported",
            Cause::Tls => "tls failed",
            Cause::Http(status) => return write!(f, "upgrade refused: http {status}"),
            Cause::LongHeaders => "headers too long",
            Cause::BadUpgrade => "answer is no upgrade",
            Cause::Closed(code) => return write!(f, "closed {code}"),
            Cause::Reset => "reset",
            Cause::TooLong => "message too long",
            Cause::Protocol => "protocol broken",
            Cause::Stalled => "stalled",
            Cause::NoAnswer => "control not answered",
            // The conductor takes "ended" for an end that loses nothing.
            Cause::Replaced => "ended: replaced",
            Cause::Unwanted => "ended: not wanted",
            Cause::Stopped => "ended",
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_fits_a_status_event() {
        use Cause::*;
        let all = [
            Unresolved,
            Refused,
            Unreachable,
            NoDescriptor,
            ConnectTimeout,
            TlsTimeout,
            UpgradeTimeout,
            UnknownIssuer,
            Expired,
            NotYetValid,
            WrongName,
            NotTls,
            TlsVersion,
            Tls,
            Http(u16::MAX),
            LongHeaders,
            BadUpgrade,
            Closed(u16::MAX),
            Reset,
            TooLong,
            Protocol,
            Stalled,
            NoAnswer,
            Replaced,
            Unwanted,
            Stopped,
        ];
        let mut seen = std::collections::HashSet::new();
        for cause in all {
            let text = cause.to_string();
            assert!(text.len() <= 32 && text.is_ascii(), "{text}");
            assert_eq!(text.starts_with("ended"), matches!(cause, Replaced | Unwanted | Stopped), "{text}");
            assert!(seen.insert(text));
        }
    }
}
