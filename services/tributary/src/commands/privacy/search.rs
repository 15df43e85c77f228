//! Looking for many texts at once in the bytes of records.

use rustc_hash::FxHashMap;

/// Shorter texts are not looked for: they would be found everywhere.
const SHORTEST: usize = 8;

/// What is looked for.
#[derive(Debug, Default)]
pub(super) struct Needles {
    /// By their first eight bytes.
    by_start: FxHashMap<[u8; SHORTEST], Vec<Vec<u8>>>,
    longest: usize,
}

impl Needles {
    /// Looks for this too; false when it is too short to be looked for.
    pub(super) fn add(&mut self, needle: impl Into<Vec<u8>>) -> bool {
        let needle = needle.into();
        let Some(start) = needle.first_chunk().copied() else { return false };
        self.longest = self.longest.max(needle.len());
        let same_start = self.by_start.entry(start).or_default();
        if !same_start.contains(&needle) {
            same_start.push(needle);
        }
        true
    }

    /// Bytes of the longest of them.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// True when any of them stands in `bytes`.
    pub(super) fn are_in(&self, bytes: &[u8]) -> bool {
        bytes.windows(SHORTEST).enumerate().any(|(at, window)| {
            let start: Option<&[u8; SHORTEST]> = window.first_chunk();
            let same_start = start.and_then(|start| self.by_start.get(start));
            same_start.is_some_and(|needles| needles.iter().any(|needle| bytes[at..].starts_with(needle)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_wherever_it_stands_and_nothing_else() {
        let mut needles = Needles::default();
        assert!(needles.add("pseudonym-1") && needles.add("pseudonym-2") && needles.add("12345678"));
        assert!(!needles.add("short"));
        for text in ["pseudonym-1", "a pseudonym-2 b", "..12345678"] {
            assert!(needles.are_in(text.as_bytes()), "{text}");
        }
        for text in ["", "pseudonym-", "pseudonym-3", "1234567", "short"] {
            assert!(!needles.are_in(text.as_bytes()), "{text}");
        }
    }
}
