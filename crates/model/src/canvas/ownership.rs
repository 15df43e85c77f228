//! Which team answers for a channel, and when.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::Team;
use super::versions::{Version, Versions};

/// The owners of each channel, with the instants at which they change. It is made anew whenever a team changes, which is
/// seldom, so that looking an owner up is one look into a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ownership {
    by_channel: FxHashMap<String, Vec<Period>>,
}

/// From when on who owns the channel; it is nobody's before the first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Period {
    from: i64,
    team_id: Option<String>,
}

impl Ownership {
    pub(super) fn of(teams: &Versions<Team>) -> Self {
        let channels: BTreeSet<&str> =
            teams.every().flat_map(|version| &version.entry.channels).map(String::as_str).collect();
        let begins: BTreeSet<i64> = teams.every().map(|version| version.effective_from.unwrap_or(i64::MIN)).collect();
        let mut by_channel: FxHashMap<String, Vec<Period>> = FxHashMap::default();
        for from in begins {
            // Each channel's claim that comes last is the one that counts.
            let mut claims: Vec<&Version<Team>> = teams.all_at(from).collect();
            claims.sort_by(|a, b| claim(a).cmp(&claim(b)));
            let mut owners: FxHashMap<&str, &str> = FxHashMap::default();
            for version in claims {
                owners.extend(version.entry.channels.iter().map(|channel| (channel.as_str(), &*version.entry.team_id)));
            }
            for channel in &channels {
                let team_id = owners.get(channel).copied();
                let periods = by_channel.entry((*channel).to_owned()).or_default();
                if periods.last().map(|period| period.team_id.as_deref()) != Some(team_id) {
                    periods.push(Period { from, team_id: team_id.map(str::to_owned) });
                }
            }
        }
        Self { by_channel }
    }

    pub(super) fn owner(&self, channel: &str, at: i64) -> Option<&str> {
        let periods = self.by_channel.get(channel)?;
        let begun = periods.partition_point(|period| period.from <= at);
        periods[..begun].last().and_then(|period| period.team_id.as_deref())
    }
}

/// No two teams should claim one channel; when they do, the newer claim counts, and the name decides between equals, so that
/// every reader of the topic comes to the same.
fn claim(version: &Version<Team>) -> (Option<i64>, Option<i64>, &str) {
    (version.effective_from, version.applied_at, &version.entry.team_id)
}
