//! Purpose: why a request is refused: a status, a stable code, words for a person. Owns: the codes of this room.
//! Thread: any (cold). Takes and gives: plain data. Never: quotes a secret or a whole request.

/// A refusal. It says nothing of what was refused beyond the rule that it broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Whether what follows on the connection cannot be trusted to be a request.
    pub(super) closes: bool,
    /// Seconds after which the same may work.
    pub(super) retry_s: Option<u64>,
    /// What may be asked of the path instead.
    pub(super) allow: Option<&'static str>,
}

impl Refusal {
    /// A request that is whole and may be followed by another.
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into(), closes: false, retry_s: None, allow: None }
    }

    /// Bytes that are no HTTP as this server takes it: the connection ends.
    pub(super) fn malformed(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "http/malformed", message).closing()
    }

    pub(super) fn closing(self) -> Refusal {
        Refusal { closes: true, ..self }
    }

    pub(super) fn after(self, seconds: u64) -> Refusal {
        Refusal { retry_s: Some(seconds), ..self }
    }
}
