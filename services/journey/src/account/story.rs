//! Whether an account hears one story or several.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::AccountId;
use tributary_model::account::{AccountStory, HeardNarrative};

use super::ways::{Ways, heard};
use crate::heard::{Passed, PassedEvent};

impl Ways {
    /// What an account heard in the `window_ms` up to `as_of`; the first `max_named` narratives are named.
    pub(crate) fn story(&self, account_id: AccountId, as_of: i64, window_ms: i64, max_named: usize) -> AccountStory {
        let begins_at = as_of.saturating_sub(window_ms);
        let newest_first = self.passed.list(&account_id).rev().skip_while(|(passed, _)| passed.occurred_at > as_of);
        let in_time = newest_first.take_while(|(passed, _)| passed.occurred_at >= begins_at);
        let entries: Vec<(&Passed, i64)> = in_time.map(|(passed, count)| (passed, *count)).collect();
        let mut story = AccountStory::default();
        let mut narratives: BTreeMap<&str, (i64, BTreeSet<&str>)> = BTreeMap::new();
        for passed in heard(&entries) {
            let PassedEvent::Heard { waypoint, line: Some(line) } = &passed.event else { continue };
            story.exposure_count += 1;
            story.approved_count += i64::from(line.is_approved);
            if let Some(narrative_id) = &line.narrative_id {
                let (count, teams) = narratives.entry(narrative_id).or_default();
                *count += 1;
                teams.insert(&waypoint.team_id);
            }
        }
        story.narrative_count = i64::try_from(narratives.len()).unwrap_or(i64::MAX);
        let mut narratives: Vec<_> = narratives.into_iter().collect();
        narratives.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        let named = narratives.into_iter().take(max_named).map(|(narrative_id, (exposure_count, teams))| {
            let team_ids = teams.into_iter().take(max_named).map(str::to_owned).collect();
            HeardNarrative { narrative_id: narrative_id.to_owned(), exposure_count, team_ids }
        });
        story.narratives = named.collect();
        story
    }
}
