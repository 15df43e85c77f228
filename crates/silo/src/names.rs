//! Texts of events as small numbers, so that a person's memory holds no text twice.

use std::sync::Arc;

use rustc_hash::FxHashMap;

/// The most distinct texts that are told apart; what comes after them is [`OTHERS`].
const MAX_NAMES: usize = 65_536;
/// What stands for the texts beyond the most.
const OTHERS: &str = "(others)";

/// A text of [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u32);

/// The texts seen.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    known: FxHashMap<Arc<str>, Name>,
    texts: Vec<Arc<str>>,
    max: usize,
}

impl Default for Names {
    fn default() -> Self {
        Self::with_at_most(MAX_NAMES)
    }
}

impl Names {
    fn with_at_most(max: usize) -> Self {
        Self { known: FxHashMap::default(), texts: vec![Arc::from(OTHERS)], max }
    }

    /// The number of a text.
    pub(crate) fn of(&mut self, text: &str) -> Name {
        if let Some(name) = self.known.get(text) {
            return *name;
        }
        if self.texts.len() > self.max {
            return Name(0);
        }
        let (name, text) = (Name(u32::try_from(self.texts.len()).unwrap_or(0)), Arc::<str>::from(text));
        self.texts.push(Arc::clone(&text));
        self.known.insert(text, name);
        name
    }

    /// The text of a number.
    pub(crate) fn text(&self, name: Name) -> &str {
        self.texts.get(name.0 as usize).map_or(OTHERS, |text| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number_and_those_beyond_the_most_are_others() {
        let mut names = Names::with_at_most(2);
        let (one, two, three) = (names.of("till"), names.of("shop"), names.of("crm"));
        assert_eq!(names.of("till"), one);
        assert_ne!(one, two);
        assert_eq!([names.text(one), names.text(two), names.text(three)], ["till", "shop", OTHERS]);
        assert_eq!(names.of("mail"), three, "all others are one");
    }
}
