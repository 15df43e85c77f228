//! Counted paths: how many took the same way and ended in a sale, with what value, and how many ended in none. This is all
//! that models which learn from every path need to know, and nobody can be found in it.
//!
//! Persons go paths, and so do accounts, whose members hear what they hear together. The two are counted apart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A place on a path: whose exposure it was, and on which channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Waypoint {
    /// The team.
    pub team_id: String,
    /// The channel.
    pub channel: String,
}

/// A path in a month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PathKey {
    /// First instant of the month, UTC: that of the sale, or of the first exposure of a path that came to none.
    pub month_start_at: i64,
    /// The way, oldest first.
    pub waypoints: Vec<Waypoint>,
    /// Whether accounts went it; persons otherwise.
    #[serde(default)]
    pub is_account: bool,
}

impl PathKey {
    /// The record key: the month and the way as one JSON array, `[1767225600000,"crm","email","social","paid_social"]`; that
    /// of accounts begins with `"account"`.
    #[must_use]
    pub fn to_key(&self) -> Vec<u8> {
        let names = self.waypoints.iter().flat_map(|waypoint| [&waypoint.team_id, &waypoint.channel]);
        let account = self.is_account.then(|| serde_json::Value::from("account"));
        let parts = account.into_iter().chain([serde_json::Value::from(self.month_start_at)]);
        let array: serde_json::Value = parts.chain(names.map(|name| name.as_str().into())).collect();
        array.to_string().into_bytes()
    }
}

/// How many went a way, and to which end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathCounts {
    /// Sales at the end of it.
    pub conversions: i64,
    /// Their net value in minor units, by currency.
    pub value_minor: BTreeMap<String, i64>,
    /// Persons, or accounts, who went it and bought nothing, so far.
    pub nulls: i64,
}

impl PathCounts {
    /// Adds `other`; currencies whose value becomes zero disappear.
    pub fn add(&mut self, other: &Self) {
        self.conversions += other.conversions;
        self.nulls += other.nulls;
        for (currency, value_minor) in &other.value_minor {
            *self.value_minor.entry(currency.clone()).or_default() += value_minor;
        }
        self.value_minor.retain(|_, value_minor| *value_minor != 0);
    }

    /// What takes these counts back.
    #[must_use]
    pub fn negated(&self) -> Self {
        let value_minor = self.value_minor.iter().map(|(currency, value)| (currency.clone(), -value)).collect();
        Self { conversions: -self.conversions, value_minor, nulls: -self.nulls }
    }

    /// True when adding it changes nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// A change to the counts of a path; the record of the internal `tributary.path-changes`, keyed by path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathDelta {
    /// Which path.
    pub key: PathKey,
    /// What to add.
    pub delta: PathCounts,
}

/// The record of the compacted `tributary.paths`, keyed by path; a tombstone when nobody has gone it any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStatistics {
    /// Which path.
    pub key: PathKey,
    /// Its counts now.
    pub counts: PathCounts,
}

/// How far a path reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// How far back, in milliseconds.
    pub lookback_ms: i64,
    /// The most exposures.
    pub max_steps: usize,
}

/// Exposures that came to no sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NullPath<E> {
    /// When the first of them was.
    pub begins_at: i64,
    /// All of them, oldest first.
    pub exposures: Vec<E>,
}

/// The exposures that no sale has followed within the look-back window, cut into paths. `passed` is what somebody passed, in
/// order of time: when, and the exposure; `None` for a sale.
///
/// The first exposure that is on no path yet begins one, which takes in what follows within the look-back window and within
/// the length of a path.
pub fn null_paths<E>(passed: impl DoubleEndedIterator<Item = (i64, Option<E>)>, reach: Reach) -> Vec<NullPath<E>> {
    let mut sold_at = None;
    let mut open = Vec::new();
    for (at, exposure) in passed.rev() {
        match exposure {
            None => sold_at = Some(at),
            Some(exposure) => {
                let is_sold = sold_at.is_some_and(|sold_at: i64| sold_at.saturating_sub(reach.lookback_ms) <= at);
                open.extend((!is_sold).then_some((at, exposure)));
            }
        }
    }
    let mut paths: Vec<NullPath<E>> = Vec::new();
    for (at, exposure) in open.into_iter().rev() {
        let last = paths.last_mut().filter(|path| {
            at <= path.begins_at.saturating_add(reach.lookback_ms) && path.exposures.len() < reach.max_steps
        });
        match last {
            Some(path) => path.exposures.push(exposure),
            None => paths.push(NullPath { begins_at: at, exposures: vec![exposure] }),
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waypoint(team_id: &str, channel: &str) -> Waypoint {
        Waypoint { team_id: team_id.to_owned(), channel: channel.to_owned() }
    }

    #[test]
    fn names_with_any_sign_in_them_make_different_keys() {
        let key = |waypoints: &[(&str, &str)]| {
            let waypoints = waypoints.iter().map(|(team_id, channel)| waypoint(team_id, channel)).collect();
            String::from_utf8(PathKey { month_start_at: 7, waypoints, is_account: false }.to_key()).unwrap()
        };
        assert_eq!(key(&[("crm", "email"), ("social", "paid")]), r#"[7,"crm","email","social","paid"]"#);
        assert_ne!(key(&[("a\",\"b", "c")]), key(&[("a", "b\",\"c")]));
        assert_eq!(key(&[]), "[7]");
    }

    #[test]
    fn paths_of_accounts_have_keys_that_no_person_can_have() {
        let key = PathKey { month_start_at: 7, waypoints: vec![waypoint("crm", "email")], is_account: true };
        assert_eq!(String::from_utf8(key.to_key()).unwrap(), r#"["account",7,"crm","email"]"#);
    }

    #[test]
    fn what_no_sale_follows_in_time_is_cut_by_time_and_length() {
        let (mail, ad) = (Some("mail"), Some("ad"));
        let passed = [(0, mail), (4, ad), (11, None), (12, mail), (15, ad), (16, ad)];
        let told = |reach: Reach| -> Vec<(i64, usize)> {
            let paths = null_paths(passed.into_iter(), reach);
            paths.into_iter().map(|path| (path.begins_at, path.exposures.len())).collect()
        };
        assert_eq!(told(Reach { lookback_ms: 10, max_steps: 50 }), [(0, 1), (12, 3)]);
        assert_eq!(told(Reach { lookback_ms: 3, max_steps: 50 }), [(0, 1), (4, 1), (12, 2), (16, 1)]);
        assert_eq!(told(Reach { lookback_ms: 10, max_steps: 2 }), [(0, 1), (12, 2), (16, 1)]);
    }

    #[test]
    fn counts_and_their_negation_cancel_out() {
        let counts = PathCounts { conversions: 2, value_minor: [("USD".to_owned(), -5)].into(), nulls: 3 };
        let mut sum = counts.clone();
        sum.add(&counts);
        assert_eq!((sum.conversions, sum.value_minor["USD"], sum.nulls), (4, -10, 6));
        sum.add(&counts.negated());
        assert_eq!(sum, counts);
        sum.add(&counts.negated());
        assert!(sum.is_zero(), "{sum:?}");
    }
}
