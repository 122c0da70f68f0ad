//! Purpose: WebSocket handshakes answered wrongly (faults.md, F31). Owns: nothing. Thread: the connection's.
//! Takes and gives: a way in, bytes to the line. Never: makes a session of it; goes on past the request's time limit.

use std::io;

use super::http::Answer;
use super::line::Line;
use super::shared::{Shared, nanos};
use super::ways::HandshakeFault;

/// Between two bytes of whoever is slow.
pub(super) const BYTE_PAUSE_NS: u64 = 200_000_000;
/// Where redirects lead: to a port at which nobody listens.
const ELSEWHERE: &str = "127.0.0.1:1/stolen";
const UPGRADE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

/// Answers a handshake whose true accept key is `accept`, and ends the connection.
pub(super) fn play(shared: &Shared, line: &mut Line, fault: HandshakeFault, accept: &str) -> io::Result<()> {
    let deadline = shared.clock.now_ns() + nanos(shared.limits.request_within);
    let page = |answer: Answer| answer.bytes(false, false);
    let upgraded = |more: &str| format!("{UPGRADE}{more}\r\n").into_bytes();
    let bytes = match fault {
        HandshakeFault::Forbidden => page(Answer::page(403)),
        HandshakeFault::TooMany => page(Answer::page(429).with("Retry-After", 1)),
        HandshakeFault::Legal => page(Answer::page(451)),
        HandshakeFault::Unavailable => page(Answer::page(503)),
        HandshakeFault::Redirect => page(Answer::page(301).with("Location", format!("ws://{ELSEWHERE}"))),
        HandshakeFault::NoUpgrade => page(Answer::page(200)),
        HandshakeFault::WrongAccept => upgraded("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        HandshakeFault::NoAccept => upgraded(""),
        HandshakeFault::Extension => upgraded(&format!(
            "Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: x\r\n"
        )),
        HandshakeFault::LongHeader => {
            upgraded(&format!("X-Long: {}\r\nSec-WebSocket-Accept: {accept}\r\n", "x".repeat(64 << 10)))
        }
        HandshakeFault::NotHttp => b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(),
        HandshakeFault::HeaderFlood => return header_flood(shared, line, UPGRADE, deadline),
        HandshakeFault::Slow => {
            let whole = upgraded(&format!("Sec-WebSocket-Accept: {accept}\r\n"));
            return slowly(shared, line, &whole, deadline);
        }
        HandshakeFault::Silent => return line.pause_until(shared, deadline),
        HandshakeFault::Reset => {
            line.transport.reset_at_end();
            return Ok(());
        }
    };
    line.write_all(shared, &bytes, deadline)?;
    line.hang_up(shared);
    Ok(())
}

/// A head whose headers never end.
pub(super) fn header_flood(shared: &Shared, line: &mut Line, head: &str, deadline_ns: u64) -> io::Result<()> {
    line.write_all(shared, head.as_bytes(), deadline_ns)?;
    let some: String = (0..64).map(|n| format!("X-{n}: {n}\r\n")).collect();
    // The client ends it, by what it does not read or by what it says.
    while shared.clock.now_ns() < deadline_ns {
        line.write_all(shared, some.as_bytes(), deadline_ns)?;
    }
    Ok(())
}

/// These bytes one by one.
pub(super) fn slowly(shared: &Shared, line: &mut Line, bytes: &[u8], deadline_ns: u64) -> io::Result<()> {
    for byte in bytes {
        let now = shared.clock.now_ns();
        if now >= deadline_ns {
            break;
        }
        line.write_all(shared, &[*byte], deadline_ns)?;
        line.pause_until(shared, now + BYTE_PAUSE_NS)?;
    }
    Ok(())
}
