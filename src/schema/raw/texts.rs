//! Purpose: the texts of a raw instance, one behind the other. Owns: their memory. Thread: the io thread.
//! Takes and gives: bytes. Never: allocates once it has grown.

/// Bytes at the start: texts of all but long names and unknown keys.
const BYTES: usize = 1 << 10;

/// Texts, one behind the other.
#[derive(Debug)]
pub(super) struct Texts {
    /// All of them are written at some time, so that a short text is two moves: no memory to ask for, none to be cleared.
    bytes: Vec<u8>,
    length: usize,
}

impl Default for Texts {
    fn default() -> Self {
        Texts { bytes: vec![0; BYTES], length: 0 }
    }
}

impl Texts {
    #[inline]
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if end > self.bytes.len() {
            self.grow(end);
        }
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    /// Appends the first `length` of these bytes, at most all.
    #[inline(always)]
    pub(super) fn push_padded(&mut self, bytes: &[u8; 16], length: usize) {
        if let Some(place) = self.bytes.get_mut(self.length..self.length + bytes.len()) {
            place.copy_from_slice(bytes);
            self.length += length.min(bytes.len());
        } else {
            self.push(&bytes[..length.min(bytes.len())]);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, bytes: usize) {
        self.bytes.resize(bytes.next_power_of_two(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_one_behind_the_other_also_where_memory_ends() {
        let (mut texts, mut expected) = (Texts::default(), Vec::new());
        for round in 0..3 * BYTES {
            let (short, length) = (*b"0123456789abcdef", round % 17);
            texts.push_padded(&short, length);
            expected.extend_from_slice(&short[..length]);
            texts.push(&short[..round % 3]);
            expected.extend_from_slice(&short[..round % 3]);
            assert_eq!((texts.len(), texts.bytes()), (expected.len(), expected.as_slice()));
        }
        texts.clear();
        assert_eq!((texts.len(), texts.bytes()), (0, [].as_slice()));
        texts.push(&[b'x'; 5 * BYTES]);
        assert_eq!(texts.bytes(), [b'x'; 5 * BYTES]);
    }
}
