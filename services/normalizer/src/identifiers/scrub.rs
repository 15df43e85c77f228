//! Properties that repeat an identifier of their event would carry it past the pseudonyms.

use std::borrow::Cow;

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
        let repeats = |value: &str| {
            // In ASCII nothing gets longer by being put in lower case.
            (value.len() >= shortest || !value.is_ascii()) && {
                let plain = plain(value);
                self.0.iter().any(|needle| plain.contains(needle.as_str()))
            }
        };
        // Hardly an event has such a property.
        if draft.properties.values().any(|value| repeats(value)) {
            draft.properties.retain(|_, value| !repeats(value));
        }
    }
}

/// The text in lower case and with its @ as such; most texts are like that.
fn plain(text: &str) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    let lower = if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) };
    if lower.contains("%40") { Cow::Owned(lower.replace("%40", "@")) } else { lower }
}
