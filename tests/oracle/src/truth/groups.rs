//! What the buying group of each account heard, and the sales that name it.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::account::{AccountStory, HeardNarrative};
use tributary_model::{AccountId, JourneyEvent, Touchpoint};

use crate::truth::companies::{Companies, named, owners};
use crate::truth::kinds::{is_conversion, is_exposure, is_sale};
use crate::truth::people::People;
use crate::truth::story::said;

const WINDOW_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// The most narratives and teams that are named.
const MAX_NAMED: usize = 100;

/// One account that stands for itself, with all who belong to it.
#[derive(Debug, Default)]
pub(crate) struct Group<'a> {
    members: BTreeSet<usize>,
    /// Exposures of its members, whether they name it or not, in order.
    pub(crate) heard: Vec<&'a JourneyEvent>,
    /// Sales that name it.
    pub(crate) sales: Vec<&'a JourneyEvent>,
    /// Conversions that name it before any other account.
    pub(crate) conversions: Vec<&'a JourneyEvent>,
}

/// All of them.
pub(crate) fn groups<'a>(people: &'a People, companies: &Companies) -> BTreeMap<AccountId, Group<'a>> {
    let mut groups: BTreeMap<AccountId, Group<'a>> = BTreeMap::new();
    for (index, event) in people.journeys() {
        let touch = &event.touchpoint;
        let ends: BTreeSet<AccountId> = owners(touch).into_iter().map(|(.., id)| companies.end(id)).collect();
        for end in ends {
            let group = groups.entry(end).or_default();
            group.members.insert(index);
            group.sales.extend(is_sale(touch).then_some(event));
        }
        if let Some((.., first)) = named(touch).first().filter(|_| is_conversion(touch)) {
            groups.entry(companies.end(*first)).or_default().conversions.push(event);
        }
    }
    for group in groups.values_mut() {
        let journeys = group.members.iter().flat_map(|index| &people.all[*index].journey);
        group.heard = journeys.filter(|event| is_exposure(&event.touchpoint)).collect();
        group.heard.sort_by_key(|event| place(&event.touchpoint));
    }
    groups
}

/// A touch's place in time.
pub(crate) fn place(touch: &Touchpoint) -> (i64, &str) {
    (touch.occurred_at, &touch.touchpoint_id)
}

/// One story or several, as of an instant.
pub(crate) fn story(heard: &[&JourneyEvent], as_of: i64) -> AccountStory {
    let age = |event: &JourneyEvent| as_of - event.touchpoint.occurred_at;
    let recent = heard.iter().filter(|event| (0..=WINDOW_MS).contains(&age(event)));
    let told: Vec<_> = recent.filter_map(|event| Some((said(&event.touchpoint)?, &event.team_id))).collect();
    let mut by_narrative: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for (said, team) in &told {
        if let Some(narrative) = said.narrative {
            by_narrative.entry(narrative).or_default().push(team);
        }
    }
    let mut narratives: Vec<HeardNarrative> = by_narrative
        .iter()
        .map(|(narrative, teams)| HeardNarrative {
            narrative_id: (*narrative).to_owned(),
            exposure_count: teams.len() as i64,
            team_ids: teams.iter().map(|team| (*team).clone()).collect::<BTreeSet<_>>().into_iter().collect(),
        })
        .collect();
    narratives.sort_by(|a, b| (b.exposure_count, &a.narrative_id).cmp(&(a.exposure_count, &b.narrative_id)));
    narratives.truncate(MAX_NAMED);
    AccountStory {
        narrative_count: by_narrative.len() as i64,
        exposure_count: told.len() as i64,
        approved_count: told.iter().filter(|(said, _)| said.is_approved).count() as i64,
        narratives,
    }
}
