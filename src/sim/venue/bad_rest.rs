//! Purpose: REST requests answered wrongly (faults.md, F33–F35). Owns: nothing. Thread: the connection's.
//! Takes and gives: the true answer in, bytes to the line. Never: goes on past the request's time limit, or after the
//! client has gone.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::bad_handshake::{header_flood, slowly};
use super::http::Answer;
use super::line::Line;
use super::shared::{Shared, nanos};
use super::ways::RestFault;

const ELSEWHERE: &str = "http://127.0.0.1:1/stolen";
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nConnection: close\r\n";
/// Zeros of a bomb, and how many are packed at a time.
const BOMB_BYTES: usize = 64 << 20;
const PIECE_BYTES: usize = 64 << 10;

/// The true answer, changed where the fault only changes it; else the fault that must be played.
pub(super) fn change(fault: RestFault, answer: Answer) -> Result<Answer, Answer> {
    let told = |name: &str| name.starts_with("x-mbx-used-weight");
    let error = |status, code, message| Answer::error(status, code, message);
    Ok(match fault {
        RestFault::Redirect => Answer::page(302).with("Location", ELSEWHERE),
        RestFault::Page => Answer::page(200),
        RestFault::Empty => Answer { body: Vec::new(), ..answer },
        RestFault::Busy => {
            error(503, -1008, "Server is currently overloaded with other requests. Please try again in a few minutes.")
        }
        RestFault::Banned => error(418, -1003, "Way too much request weight used; IP banned.").with("Retry-After", 2),
        RestFault::NoWeight => {
            let headers = answer.headers.iter().filter(|(name, _)| !told(name)).cloned().collect();
            Answer { headers, ..answer }
        }
        RestFault::ForeignWeight => {
            let mut answer = answer;
            answer.headers.iter_mut().filter(|(name, _)| told(name)).for_each(|(_, used)| *used = "5900".to_owned());
            answer
        }
        RestFault::Gzip => packed(answer.status, &answer.body, answer.body.len()),
        RestFault::GzipBomb => packed(200, &[0; PIECE_BYTES], BOMB_BYTES),
        _ => return Err(answer),
    })
}

/// `piece` again and again until so many bytes are in, compressed.
fn packed(status: u16, piece: &[u8], total: usize) -> Answer {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    let mut left = total;
    while left > 0 && !piece.is_empty() {
        let part = &piece[..piece.len().min(left)];
        // Writing to a vector cannot fail.
        let _ = packer.write_all(part);
        left -= part.len();
    }
    let body = packer.finish().unwrap_or_default();
    Answer::json(status, body).with("Content-Encoding", "gzip")
}

/// Writes what no [`Answer`] can say, and ends the connection.
pub(super) fn play(shared: &Shared, line: &mut Line, fault: RestFault, answer: &Answer) -> io::Result<()> {
    let deadline = shared.clock.now_ns() + nanos(shared.limits.request_within);
    let body = &answer.body;
    let with = |more: &str, body: &[u8]| [format!("{HEAD}{more}\r\n").as_bytes(), body].concat();
    let bytes = match fault {
        RestFault::LongLength => with(&format!("Content-Length: {}\r\n", body.len() + 100), body),
        RestFault::ShortLength => with(&format!("Content-Length: {}\r\n", body.len() / 2), body),
        RestFault::BadChunks => {
            with("Transfer-Encoding: chunked\r\n", b"zz\r\n{\"symbols\":[\r\n-4\r\n]}\r\n0\r\n\r\n")
        }
        RestFault::Chunked => {
            let chunks = body.iter().flat_map(|byte| [b'1', b'\r', b'\n', *byte, b'\r', b'\n']);
            let chunks: Vec<u8> = chunks.chain(*b"0\r\n\r\n").collect();
            with("Transfer-Encoding: chunked\r\n", &chunks)
        }
        RestFault::NotHttp => b"hello\r\n\r\n".to_vec(),
        RestFault::HeaderFlood => return header_flood(shared, line, HEAD, deadline),
        RestFault::SlowBody => {
            line.write_all(shared, &with(&format!("Content-Length: {}\r\n", body.len()), b""), deadline)?;
            return slowly(shared, line, body, deadline);
        }
        RestFault::Endless => {
            line.write_all(shared, &with("", b"{\"symbols\":["), deadline)?;
            let piece = b"{\"symbol\":\"X\"},".repeat(1_000);
            while shared.clock.now_ns() < deadline {
                line.write_all(shared, &piece, deadline)?;
            }
            return Ok(());
        }
        RestFault::Reset => {
            let half = with(&format!("Content-Length: {}\r\n", body.len()), &body[..body.len() / 2]);
            line.write_all(shared, &half, deadline)?;
            line.transport.reset_at_end();
            return Ok(());
        }
        // The others are answers, see `change`.
        _ => answer.bytes(false, false),
    };
    line.write_all(shared, &bytes, deadline)?;
    line.hang_up(shared);
    Ok(())
}
