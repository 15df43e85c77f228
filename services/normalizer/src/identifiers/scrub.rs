//! Properties that repeat an identifier of their event would carry it past the pseudonyms.

use crate::draft::{Draft, RawIdentifier};

/// Shorter identifiers are found in too many texts that do not mean them.
const SHORTEST: usize = 6;

/// What properties of one event may not have in them, in lower case.
#[derive(Debug)]
pub(crate) struct Needles(Vec<String>);

impl Needles {
    /// The draft's identifiers as they came.
    pub(crate) fn of(draft: &Draft) -> Self {
        let mut needles = Self(Vec::new());
        if !draft.properties.is_empty() {
            needles.add(&draft.identifiers);
            needles.add(&draft.account_identifiers);
        }
        needles
    }

    fn add(&mut self, identifiers: &[RawIdentifier]) {
        let lower = identifiers.iter().map(|identifier| identifier.value.trim().to_lowercase());
        self.0.extend(lower.filter(|needle| needle.len() >= SHORTEST));
    }

    /// Takes out properties that carry an e-mail address, phone number or other long identifier of the same event, as it came
    /// or normalised.
    pub(crate) fn scrub_properties(mut self, draft: &mut Draft) {
        if draft.properties.is_empty() {
            return;
        }
        self.add(&draft.identifiers);
        self.0.sort_unstable();
        self.0.dedup();
        let Some(shortest) = self.0.iter().map(String::len).min() else { return };
        draft.properties.retain(|_, value| {
            // In ASCII nothing gets longer by being put in lower case.
            if value.is_ascii() && value.len() < shortest {
                return true;
            }
            let lower = value.to_lowercase().replace("%40", "@");
            !self.0.iter().any(|needle| lower.contains(needle.as_str()))
        });
    }
}
