//! Purpose: a secret of ours: a token. Owns: its bytes, until they are wiped. Thread: any.
//! Takes and gives: bytes in, yes or no out. Never: is shown: it has neither `Debug` nor `Display`, nor a copy; tells by its
//! time how much of a guess was right.

use rustix::process::{Resource, Rlimit, setrlimit};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// The longest secret, in bytes.
pub const SECRET_BYTES_MAX: usize = 128;

/// A secret text of 1 to [`SECRET_BYTES_MAX`] visible ASCII characters.
pub struct Secret {
    /// Filled with zeroes: every comparison is as long as any other.
    bytes: Zeroizing<[u8; SECRET_BYTES_MAX]>,
    length: u8,
}

impl Secret {
    /// `None` for what is empty, too long, or not visible ASCII.
    pub fn new(text: &[u8]) -> Option<Secret> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES_MAX]);
        let visible = !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
        bytes.get_mut(..text.len()).filter(|_| visible)?.copy_from_slice(text);
        Some(Secret { bytes, length: u8::try_from(text.len()).ok()? })
    }

    /// Whether it is the same secret; the time does not hang on where they differ.
    pub(super) fn is(&self, other: &Secret) -> Choice {
        self.bytes[..].ct_eq(&other.bytes[..]) & self.length.ct_eq(&other.length)
    }

    /// The text itself, for the one header that carries it.
    pub fn expose(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

/// Sees to it that no core dump of this process is written: it would hold the secrets. Where the system refuses, dumps stay
/// as they are.
pub(super) fn no_core_dumps() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_only_whole() {
        let secret = |text: &str| Secret::new(text.as_bytes()).unwrap();
        let known = secret("abcdef");
        assert!(bool::from(known.is(&secret("abcdef"))));
        for other in ["abcdeF", "abcde", "abcdefg", "a", &"a".repeat(SECRET_BYTES_MAX)] {
            assert!(!bool::from(known.is(&secret(other))), "{other}");
        }
        assert_eq!(known.expose(), "abcdef");
    }

    #[test]
    fn what_is_no_token_is_no_secret() {
        for text in ["", "a b", "a\n", "\0", "ä", &"a".repeat(SECRET_BYTES_MAX + 1)] {
            assert!(Secret::new(text.as_bytes()).is_none(), "{text:?}");
        }
    }
}
