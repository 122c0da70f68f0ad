//! Purpose: histograms as logs and feeds carry them: HdrHistogram V2 in base64. Owns: how large one may be. Thread: main.
//! Takes and gives: text in, histograms out. Never: takes memory because a text promises much.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

/// How the form with compression begins (HdrHistogram, V2).
const COMPRESSED: u32 = 0x1c84_9314;
/// And the form without.
const PLAIN: u32 = 0x1c84_9313;
/// Bytes of a histogram without compression: ours of three digits and 60 s have some 200 KB at the very most.
const PLAIN_BYTES_MAX: u64 = 4 << 20;
/// Five would take 50 MB for each series.
const DIGITS_MAX: u32 = 4;

/// A histogram from base64, as logs and feeds have it.
pub(in crate::cli::control) fn decode(text: &str) -> Result<Histogram<u64>, String> {
    let bytes = STANDARD.decode(text.trim()).map_err(|error| format!("no base64: {error}"))?;
    let plain = inflated(&bytes)?;
    let histogram = Deserializer::new().deserialize(&mut &plain[..]);
    histogram.map_err(|error| format!("no HdrHistogram (V2): {error}"))
}

/// The form without compression, once its head promises nothing that would take memory which no histogram needs: the
/// deserializer believes every number in it.
fn inflated(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let word = |bytes: &[u8], at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk::<4>()?));
    let mut plain = Vec::new();
    if word(bytes, 0) == Some(COMPRESSED) {
        let packed = bytes.get(8..).unwrap_or_default();
        let unpacked = ZlibDecoder::new(packed).take(PLAIN_BYTES_MAX + 1).read_to_end(&mut plain);
        unpacked.map_err(|error| format!("no HdrHistogram (V2): {error}"))?;
    } else {
        plain.extend_from_slice(bytes);
    }
    if word(&plain, 0) != Some(PLAIN) {
        return Err("no HdrHistogram (V2): it begins otherwise".to_owned());
    }
    let (Some(length), Some(digits)) = (word(&plain, 4), word(&plain, 12)) else {
        return Err("no HdrHistogram (V2): it ends in its head".to_owned());
    };
    if plain.len() as u64 > PLAIN_BYTES_MAX || length as usize > plain.len() {
        return Err("no HdrHistogram (V2): it is not as long as it says, or longer than any".to_owned());
    }
    if digits > DIGITS_MAX {
        return Err(format!("{digits} digits; {DIGITS_MAX} at most are told apart"));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::histogram_text;

    /// A head without compression: its payload's length, and its digits.
    fn head(length: u32, digits: u32) -> Vec<u8> {
        let words = [PLAIN, length, 0, digits, 0, 1, 0, 1000, 0x3ff0_0000, 0];
        words.iter().flat_map(|word| u32::to_be_bytes(*word)).collect()
    }

    fn packed(plain: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        let packed = encoder.finish().unwrap();
        [&COMPRESSED.to_be_bytes(), &(packed.len() as u32).to_be_bytes(), &packed[..]].concat()
    }

    #[test]
    fn a_histogram_comes_back_and_what_promises_too_much_is_refused() {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        for value in [0, 1, 999, 60_000_000_000] {
            histogram.record(value).unwrap();
        }
        assert_eq!(decode(&histogram_text(&histogram)).unwrap(), histogram);
        let plain = head(0, 2);
        assert!(decode(&STANDARD.encode(&plain)).is_ok() && decode(&STANDARD.encode(packed(&plain))).is_ok());
        for (bytes, words) in [
            (head(u32::MAX, 2), "not as long"),
            (packed(&head(u32::MAX, 2)), "not as long"),
            (packed(&[&head(0, 2)[..], &vec![0; 8 << 20]].concat()), "longer than any"),
            (packed(&head(0, 5)), "5 digits"),
            (head(0, 2)[..10].to_vec(), "ends in its head"),
            (Vec::new(), "begins otherwise"),
            (vec![0; 64], "begins otherwise"),
        ] {
            let error = decode(&STANDARD.encode(bytes)).unwrap_err();
            assert!(error.contains(words), "{words} is not in: {error}");
        }
    }
}
