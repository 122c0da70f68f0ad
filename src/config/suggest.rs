//! Purpose: "did you mean": the known word nearest to an unknown one.
//! Owns: how near is near. Thread: any (cold). Takes and gives: words. Never: takes more than a bounded look at a long word.

const WORD_CHARS_MAX: usize = 64;

/// The known word that was probably meant: the fewest edits away (one insertion, deletion, change, or swap of
/// neighbours each), at most a third of its length; in any case. `None` when none is near.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().take(WORD_CHARS_MAX).collect();
    let near = |candidate: &'a str| {
        let chars: Vec<char> = candidate.to_lowercase().chars().take(WORD_CHARS_MAX).collect();
        let edits = edits(&word, &chars);
        (edits <= chars.len().max(3) / 3).then_some((edits, candidate))
    };
    known.into_iter().filter_map(near).min_by_key(|(edits, _)| *edits).map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = core::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["topology", "shards", "idle", "fused", "lean"];
        for (word, expected) in [
            ("topolgy", Some("topology")),
            ("tpoology", Some("topology")),
            ("Shard", Some("shards")),
            ("fusd", Some("fused")),
            ("laen", Some("lean")),
            ("idel", Some("idle")),
            ("x", None),
            ("", None),
            ("network", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
