//! Purpose: sets of cores as the kernel writes them: `0-3,8`. Owns: their form. Thread: any (cold).
//! Takes and gives: text in and out. Never: takes more cores than a machine can have.

use std::collections::BTreeSet;
use std::fmt;

/// More cores than a kernel can be built for.
const CORES_MAX: usize = 1 << 14;

/// Cores by the system's number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct CoreSet(BTreeSet<usize>);

impl CoreSet {
    /// Reads a list; an empty text is the empty set. `None` when it is no list.
    pub(super) fn parse(text: &str) -> Option<CoreSet> {
        let mut cores = BTreeSet::new();
        for part in text.trim().split(',').filter(|_| !text.trim().is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.trim().parse::<usize>().ok()?, last.trim().parse::<usize>().ok()?);
            if first > last || last >= CORES_MAX {
                return None;
            }
            cores.extend(first..=last);
        }
        Some(CoreSet(cores))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, core: usize) -> bool {
        self.0.contains(&core)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().copied()
    }

    /// Those of both.
    pub(super) fn and(&self, other: &CoreSet) -> CoreSet {
        CoreSet(self.0.intersection(&other.0).copied().collect())
    }

    /// Those of either.
    pub(super) fn or(&self, other: &CoreSet) -> CoreSet {
        CoreSet(self.0.union(&other.0).copied().collect())
    }

    /// Those that the other has not.
    pub(super) fn without(&self, other: &CoreSet) -> CoreSet {
        CoreSet(self.0.difference(&other.0).copied().collect())
    }
}

impl FromIterator<usize> for CoreSet {
    fn from_iter<I: IntoIterator<Item = usize>>(cores: I) -> CoreSet {
        CoreSet(cores.into_iter().collect())
    }
}

impl fmt::Display for CoreSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for core in self.iter() {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == core => *last = core,
                _ => runs.push((core, core)),
            }
        }
        let run = |(first, last): &(usize, usize)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        };
        f.write_str(&runs.iter().map(run).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_written_as_the_kernel_does() {
        for (text, shown) in [("", ""), ("0", "0"), ("0-3,8", "0-3,8"), ("1,0,2\n", "0-2"), ("5,7", "5,7")] {
            assert_eq!(CoreSet::parse(text).unwrap().to_string(), shown, "{text:?}");
        }
        for bad in ["a", "3-1", "-1", "1-", "0,,1", "0-99999999999", "0-20000", "0-31:2/8"] {
            assert_eq!(CoreSet::parse(bad), None, "{bad:?}");
        }
    }
}
