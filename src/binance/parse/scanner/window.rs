//! Purpose: sixteen bytes of a frame at once: what they are, and where a quote stands.
//! Owns: nothing. Thread: the io thread. Takes and gives: bytes in, marks out.
//! Never: branches on a byte. Marks have a bit for each byte, the first the lowest; without one, `trailing_zeros` is 32.

use wide::u8x16;

/// Bytes that one window shows.
pub(super) const WINDOW: usize = 16;

/// Sixteen bytes, the first the lowest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window(pub(super) u8x16);

impl Window {
    /// These bytes.
    #[inline(always)]
    pub(super) fn of(bytes: &[u8; WINDOW]) -> Window {
        Window(u8x16::new(*bytes))
    }

    /// Marks the bytes that are as these.
    #[inline(always)]
    pub(super) fn equal(self, bytes: &[u8; WINDOW]) -> u32 {
        self.0.simd_eq(u8x16::new(*bytes)).to_bitmask()
    }

    /// Marks quotes.
    #[inline]
    pub(super) fn quotes(self) -> u32 {
        equal(self.0, b'"')
    }

    /// The length of the text up to a quote, if all of it is printable ASCII without escapes.
    #[inline]
    pub(super) fn plain_text(self) -> Option<usize> {
        let quote = self.quotes();
        // From a space to `~` is 0 to 0x5e once a space is taken off; what was below one is far above then.
        let odd = above(self.0 - u8x16::splat(b' '), 0x5e) | equal(self.0, b'\\');
        let before = quote.wrapping_sub(1) & !quote;
        (quote != 0 && odd & before == 0).then_some(quote.trailing_zeros() as usize)
    }
}

/// Marks the bytes that are this one.
#[inline(always)]
pub(super) fn equal(bytes: u8x16, byte: u8) -> u32 {
    bytes.simd_eq(u8x16::splat(byte)).to_bitmask()
}

/// Marks the bytes above this one, which is not the highest.
#[inline(always)]
pub(super) fn above(bytes: u8x16, byte: u8) -> u32 {
    bytes.max(u8x16::splat(byte + 1)).simd_eq(bytes).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &[u8]) -> Window {
        let mut bytes = [b'~'; WINDOW];
        bytes[..text.len()].copy_from_slice(text);
        Window::of(&bytes)
    }

    #[test]
    fn every_byte_is_marked_for_what_it_is_in_every_place() {
        for at in 0..WINDOW {
            for byte in 0..=u8::MAX {
                for others in [0, b'"', b'5', 0x7f, 0x80, 0xff] {
                    let mut bytes = [others; WINDOW];
                    bytes[at] = byte;
                    let vector = u8x16::new(bytes);
                    let marked = |rule: &dyn Fn(u8) -> bool| {
                        bytes.iter().enumerate().fold(0, |marks, (bit, byte)| marks | u32::from(rule(*byte)) << bit)
                    };
                    for than in [0, 9, 0x5e, 0x7f] {
                        let expected = marked(&|byte| byte > than);
                        assert_eq!(above(vector, than), expected, "{bytes:?}");
                    }
                    for one in [0, b'"', b'.', 0x80, 0xff] {
                        let expected = marked(&|byte| byte == one);
                        assert_eq!(equal(vector, one), expected, "{bytes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_text_is_plain_when_each_byte_of_it_is_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for at in 0..4 {
                let mut text = *b"abcd\"\\\x00";
                text[at] = byte;
                let expected = match byte {
                    b'"' => Some(at),
                    b'\\' => None,
                    b' '..=b'~' => Some(4),
                    _ => None,
                };
                assert_eq!(window(&text).plain_text(), expected, "{text:?}");
            }
        }
        assert_eq!(window(b"0123456789abcdef").plain_text(), None, "no quote in sight");
        assert_eq!(window(b"0123456789abcde\"").plain_text(), Some(15));
    }
}
