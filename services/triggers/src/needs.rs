//! Which fields of the context a condition reads, judged by its text.

use std::collections::BTreeSet;

/// The fields of the context that a source text needs, so that the others are not built for every touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) touchpoint: Wanted,
    pub(crate) person: Wanted,
}

/// Which fields of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    Named(BTreeSet<String>),
}

impl Wanted {
    pub(crate) fn includes(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(name),
        }
    }

    /// The fields read after every mention of a section; all when it is mentioned otherwise than by a plain field.
    fn of(source: &str, section: &str) -> Self {
        let mut names = BTreeSet::new();
        for (start, _) in source.match_indices(section) {
            let tail = &source[start + section.len()..];
            let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            let name: String = tail.strip_prefix('.').unwrap_or_default().chars().take_while(is_word).collect();
            if name.is_empty() {
                return Self::All;
            }
            names.insert(name);
        }
        Self::Named(names)
    }
}

impl Needs {
    pub(crate) fn everything() -> Self {
        Self { touchpoint: Wanted::All, person: Wanted::All }
    }

    /// What a condition reads, judged by its text: only the plain form `.person.totals…` narrows it down.
    pub(crate) fn of(source: &str) -> Self {
        let names_the_root = source.char_indices().any(|(index, c)| {
            let next = source[index + c.len_utf8()..].chars().next();
            c == '.' && !next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '_')
        });
        if names_the_root {
            return Self::everything();
        }
        Self { touchpoint: Wanted::of(source, "touchpoint"), person: Wanted::of(source, "person") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_a_condition_names_are_built() {
        let needs = Needs::of(".person.totals.order_count >= 3 && .touchpoint.channel == \"email\"");
        assert!(needs.person.includes("totals") && !needs.person.includes("story"));
        assert!(needs.touchpoint.includes("channel") && !needs.touchpoint.includes("items"));
        assert_eq!(Needs::of("exists(.person)").person, Wanted::All);
        assert_eq!(Needs::of("keys(.) != []"), Needs::everything());
        assert_eq!(Needs::of(".person[\"stage\"] == \"loyal\"").person, Wanted::All);
    }
}
