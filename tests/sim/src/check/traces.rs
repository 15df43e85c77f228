//! Nothing that is kept names those who were erased.

use std::collections::BTreeMap;

use tributary_model::topics;

use crate::log::{SimLog, Stored};

/// Where one of `unnamed` stands among what counts on changelogs and compacted topics: the last record of each key.
#[must_use]
pub fn traces(log: &SimLog, unnamed: &[Vec<u8>]) -> Vec<String> {
    let metrics = topics::metrics("");
    let is_kept = |topic: &String| {
        topic.ends_with(".changelog")
            || topic.starts_with(&metrics)
            || [topics::ALIASES, topics::ACCOUNTS].contains(&topic.as_str())
    };
    let mut found = Vec::new();
    if unnamed.is_empty() {
        return found;
    }
    for topic in log.topics().into_iter().filter(is_kept) {
        let mut last: BTreeMap<(i32, Vec<u8>), Stored> = BTreeMap::new();
        for (partition, _, stored) in log.committed(&topic) {
            last.insert((partition, stored.key.clone()), stored);
        }
        for stored in last.into_values() {
            let Some(value) = &stored.value else { continue };
            let is_in = |name: &&Vec<u8>| [&stored.key, value].into_iter().any(|bytes| contains(bytes, name));
            found.extend(unnamed.iter().filter(is_in).map(|name| {
                let name = String::from_utf8_lossy(name);
                format!("{topic}: {name} was erased and stands in {}", String::from_utf8_lossy(value))
            }));
        }
    }
    found
}

fn contains(bytes: &[u8], name: &[u8]) -> bool {
    bytes.windows(name.len()).any(|window| window == name)
}
