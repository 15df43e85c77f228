//! The versions of the entries of one kind, and which of them holds when.

use rustc_hash::FxHashMap;

/// One version of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version<T> {
    /// What it says; of a retired entry what it last said.
    pub entry: T,
    /// From when on it holds; since always when there is no date.
    pub effective_from: Option<i64>,
    /// True when the entry is not on the canvas from then on.
    pub retired: bool,
    /// Counts what was applied of this entry, from 1; 0 is what files say.
    pub version: i32,
    /// When it was applied; none of what files say.
    pub applied_at: Option<i64>,
}

/// The versions of all entries of one kind by id; those of one entry in order of their dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Versions<T> {
    by_id: FxHashMap<String, Vec<Version<T>>>,
}

// Derived it would ask for a default of T.
impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self { by_id: FxHashMap::default() }
    }
}

impl<T> Versions<T> {
    /// Adds a version, or replaces the one with its date.
    pub(super) fn put(&mut self, id: &str, version: Version<T>) {
        let versions = self.by_id.entry(id.to_owned()).or_default();
        match versions.binary_search_by_key(&version.effective_from, |known| known.effective_from) {
            Ok(place) => versions[place] = version,
            Err(place) => versions.insert(place, version),
        }
    }

    /// Removes the version with this date.
    pub(super) fn remove(&mut self, id: &str, effective_from: Option<i64>) {
        let Some(versions) = self.by_id.get_mut(id) else { return };
        versions.retain(|version| version.effective_from != effective_from);
        if versions.is_empty() {
            self.by_id.remove(id);
        }
    }

    /// What holds of `id` at `at`.
    pub(super) fn at(&self, id: &str, at: i64) -> Option<&T> {
        self.by_id.get(id).and_then(|versions| in_force(versions, at)).map(|version| &version.entry)
    }

    /// All that holds at `at`, in no order.
    pub(super) fn all_at(&self, at: i64) -> impl Iterator<Item = &Version<T>> {
        self.by_id.values().filter_map(move |versions| in_force(versions, at))
    }

    /// The versions of `id` in order of their dates.
    pub(super) fn of(&self, id: &str) -> &[Version<T>] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }

    /// The versions of all entries, those of one entry together and in order of their dates.
    pub(super) fn every(&self) -> impl Iterator<Item = &Version<T>> {
        self.by_id.values().flatten()
    }
}

/// The last version that has begun at `at`, if it is not a retirement.
fn in_force<T>(versions: &[Version<T>], at: i64) -> Option<&Version<T>> {
    let begun = versions.partition_point(|version| version.effective_from.is_none_or(|from| from <= at));
    versions[..begun].last().filter(|version| !version.retired)
}
