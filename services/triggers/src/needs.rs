//! Which fields of the context a condition or a payload reads, so that the others are not built for every touch.

use std::collections::BTreeMap;

/// What is read of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Needs {
    /// All of it.
    All,
    /// These fields of it, and of each what is said of it.
    Fields(BTreeMap<String, Needs>),
}

impl Default for Needs {
    fn default() -> Self {
        Self::Fields(BTreeMap::new())
    }
}

impl Needs {
    /// What a condition reads, judged by its text: only the plain form `.person.totals.order_count` narrows it down.
    pub(crate) fn of_source(source: &str) -> Self {
        let names_the_root = source.char_indices().any(|(index, c)| {
            let next = source[index + c.len_utf8()..].chars().next();
            c == '.' && !next.is_some_and(is_word)
        });
        if names_the_root {
            return Self::All;
        }
        let mut needs = Self::default();
        for section in ["touchpoint", "person"] {
            for (start, _) in source.match_indices(section) {
                let (before, after) = (&source[..start], &source[start + section.len()..]);
                if !before.ends_with(is_word) && !after.starts_with(is_word) {
                    needs.add(&mut [section].into_iter().chain(plain_names(after)));
                }
            }
        }
        needs
    }

    /// What is at these paths.
    pub(crate) fn of_paths<'p>(paths: impl IntoIterator<Item = &'p [String]>) -> Self {
        let mut needs = Self::default();
        paths.into_iter().for_each(|path| needs.add(&mut path.iter().map(String::as_str)));
        needs
    }

    /// What is read of a field; nothing when it is not read.
    pub(crate) fn of_field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::All => Some(self),
            Self::Fields(fields) => fields.get(name),
        }
    }

    /// The names of the fields that are read, unless that is all of them.
    pub(crate) fn names(&self) -> Option<impl Iterator<Item = &str>> {
        match self {
            Self::All => None,
            Self::Fields(fields) => Some(fields.keys().map(String::as_str)),
        }
    }

    fn add(&mut self, path: &mut dyn Iterator<Item = &str>) {
        match (path.next(), &mut *self) {
            (None, _) => *self = Self::All,
            (Some(_), Self::All) => {}
            (Some(name), Self::Fields(fields)) => fields.entry(name.to_owned()).or_default().add(path),
        }
    }
}

/// What VRL takes for a part of an unquoted name.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '@')
}

/// The names at the beginning of `tail`, each behind a dot; they end where something else is written.
fn plain_names(tail: &str) -> impl Iterator<Item = &str> {
    let mut rest = tail;
    std::iter::from_fn(move || {
        let after = rest.strip_prefix('.')?;
        let end = after.find(|c| !is_word(c)).unwrap_or(after.len());
        let (name, left) = after.split_at(end);
        rest = left;
        (!name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(source: &str, path: &[&str]) -> bool {
        let needs = Needs::of_source(source);
        path.iter().try_fold(&needs, |needs, name| needs.of_field(name)).is_some()
    }

    #[test]
    fn only_the_fields_a_condition_names_are_built() {
        let source = ".person.totals.order_count >= 3 && .touchpoint.channel == \"email\"";
        assert!(
            reads(source, &["person", "totals", "order_count"]) && !reads(source, &["person", "totals", "first_at"])
        );
        assert!(!reads(source, &["person", "story"]));
        assert!(reads(source, &["touchpoint", "channel"]) && !reads(source, &["touchpoint", "items"]));
        assert!(!reads(".touchpoint.touchpoint_id == .person.person_id", &["touchpoint", "items"]));
    }

    #[test]
    fn what_is_named_whole_is_built_whole() {
        assert!(reads("exists(.person)", &["person", "totals", "first_at"]));
        assert!(reads(
            ".person.totals.order_count > 1 && is_object(.person.totals)",
            &["person", "totals", "first_at"]
        ));
        assert!(reads(
            "is_object(.person.totals) && .person.totals.order_count > 1",
            &["person", "totals", "first_at"]
        ));
        assert!(reads(".person[\"stage\"] == \"loyal\"", &["person", "story"]));
        assert!(reads(".touchpoint.properties.\"a b\" == \"c\"", &["touchpoint", "properties", "a b"]));
        assert!(reads(".touchpoint.properties.utm@source == \"c\"", &["touchpoint", "properties", "utm@source"]));
        assert!(reads(".touchpoint.items[0].sku == \"c\"", &["touchpoint", "items"]));
        assert_eq!(Needs::of_source("keys(.) != []"), Needs::All);
    }

    #[test]
    fn paths_name_what_they_lead_to() {
        let paths = [["person", "totals"], ["touchpoint", "order_id"]].map(|path| path.map(str::to_owned));
        let needs = Needs::of_paths(paths.iter().map(<[String; 2]>::as_slice));
        assert!(needs.of_field("person").and_then(|person| person.of_field("totals")) == Some(&Needs::All));
        let names = needs.of_field("touchpoint").and_then(Needs::names).map(Iterator::collect::<Vec<_>>);
        assert_eq!(names, Some(vec!["order_id"]));
    }
}
