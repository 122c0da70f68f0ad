//! Purpose: the ways in which the venue's frames, answers, handshakes and REST replies are wrong (faults.md, F29, F31–F35,
//! F43, S08). Owns: their words. Thread: any. Takes and gives: plain data. Never: acts; `bad_frames`, `bad_handshake` and
//! `bad_rest` do.

use crate::sim::ways::ways;

ways! {
    /// A frame that RFC 6455 does not allow, or that claims too much. The connection is left as it is: to end it is the
    /// client's part.
    pub enum FrameFault {
        /// All three reserved bits and a reserved opcode.
        Reserved = "reserved",
        /// Text with the bit of a compressed message, though no compression was agreed.
        Compressed = "compressed",
        /// A reserved opcode.
        Opcode = "opcode",
        /// Text with a mask, which only clients use.
        Masked = "masked",
        /// A continuation of nothing.
        Continuation = "continuation",
        /// Text that claims 2^62 bytes.
        Huge = "huge",
        /// Text that claims 2^63 bytes, whose highest bit must not be set.
        Huger = "huger",
        /// A ping of 126 bytes.
        LongPing = "long_ping",
        /// A ping in two fragments.
        SplitPing = "split_ping",
        /// A message that begins within another.
        Interrupted = "interrupted",
        /// Text that is no UTF-8.
        NotUtf8 = "not_utf8",
        /// A close frame of one byte.
        BadClose = "bad_close",
    }
}

ways! {
    /// What becomes of the answer to a control message (F29).
    pub enum AnswerFault {
        /// It never comes; what was asked for is done.
        Missing = "missing",
        /// It comes later, behind the data that it should go before.
        Late = "late",
        /// It comes twice.
        Twice = "twice",
        /// It has another id.
        WrongId = "wrong_id",
        /// It is an error; nothing is done.
        Error = "error",
        /// It is an error without an id; nothing is done.
        ErrorWithoutId = "error_without_id",
        /// It is no JSON.
        Garbage = "garbage",
    }
}

ways! {
    /// How a WebSocket handshake is answered (F31).
    pub enum HandshakeFault {
        /// 403 and a page, as a firewall does.
        Forbidden = "forbidden",
        /// 429 with `Retry-After: 1`.
        TooMany = "too_many",
        /// 451 and a page.
        Legal = "legal",
        /// 503 and a page.
        Unavailable = "unavailable",
        /// 301 to another host.
        Redirect = "redirect",
        /// 101 with the accept key of another request.
        WrongAccept = "wrong_accept",
        /// 101 without an accept key.
        NoAccept = "no_accept",
        /// 200 and a page.
        NoUpgrade = "no_upgrade",
        /// 101 with an extension that nobody asked for.
        Extension = "extension",
        /// 101 with a header of 64 KiB.
        LongHeader = "long_header",
        /// Headers without end, until the client has enough.
        HeaderFlood = "header_flood",
        /// A byte each 200 ms.
        Slow = "slow",
        /// Nothing, on an open connection.
        Silent = "silent",
        /// Something that is not HTTP.
        NotHttp = "not_http",
        /// The end of the connection, with an RST.
        Reset = "reset",
    }
}

ways! {
    /// How a REST request is answered (F33–F35).
    pub enum RestFault {
        /// 302 to another host.
        Redirect = "redirect",
        /// 200 and a page.
        Page = "page",
        /// 200 and no body.
        Empty = "empty",
        /// A `Content-Length` longer than the body, then the end of the connection.
        LongLength = "long_length",
        /// A `Content-Length` shorter than the body.
        ShortLength = "short_length",
        /// `Transfer-Encoding: chunked` and chunks that are none.
        BadChunks = "bad_chunks",
        /// The true body in sound chunks of one byte: a client must survive it.
        Chunked = "chunked",
        /// The body compressed, though nobody asked for it.
        Gzip = "gzip",
        /// 64 MiB of zeros, compressed.
        GzipBomb = "gzip_bomb",
        /// A body without end and without length, until the client has enough.
        Endless = "endless",
        /// Headers without end, until the client has enough.
        HeaderFlood = "header_flood",
        /// The body, a byte each 200 ms.
        SlowBody = "slow_body",
        /// Half the body, then an RST.
        Reset = "reset",
        /// Something that is not HTTP.
        NotHttp = "not_http",
        /// 503 with the code -1008.
        Busy = "busy",
        /// 418 with `Retry-After: 2`.
        Banned = "banned",
        /// The true answer without the headers that tell the weight used.
        NoWeight = "no_weight",
        /// The true answer, but another program on this address has used nearly all of its weight.
        ForeignWeight = "foreign_weight",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_ways_are_one_to_one() {
        assert!(FrameFault::ALL.iter().all(|way| FrameFault::of(way.word()) == Some(*way)));
        assert!(AnswerFault::ALL.iter().all(|way| AnswerFault::of(way.word()) == Some(*way)));
        assert!(HandshakeFault::ALL.iter().all(|way| HandshakeFault::of(way.word()) == Some(*way)));
        assert!(RestFault::ALL.iter().all(|way| RestFault::of(way.word()) == Some(*way)));
        assert_eq!(RestFault::of("Redirect"), None);
    }
}
