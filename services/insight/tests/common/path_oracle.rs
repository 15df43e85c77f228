//! Paths as a batch over the statements that stand, every exposure held against every sale.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;

use tributary_model::JourneyEvent;
use tributary_model::path::{PathCounts, PathKey, Waypoint};
use tributary_model::time::month_start;

const LOOKBACK_MS: i64 = 30 * 86_400_000;
const MAX_STEPS: usize = 50;

/// The counts that are not all zero.
pub(crate) fn paths(standing: &[JourneyEvent]) -> BTreeMap<PathKey, PathCounts> {
    let mut counts: BTreeMap<PathKey, PathCounts> = BTreeMap::new();
    for event in standing {
        let Some(value) = &event.touchpoint.value else { continue };
        let mut ways: Vec<Waypoint> = event.path.iter().map(|step| waypoint(&step.team_id, &step.channel)).collect();
        if ways.is_empty() {
            ways.push(waypoint(&event.team_id, &event.touchpoint.channel));
        }
        let path = counts.entry(key(event.touchpoint.occurred_at, ways)).or_default();
        path.conversions += i64::from(event.touchpoint.event_type != "order.refunded");
        *path.value_minor.entry(value.currency.clone()).or_default() += value.amount_minor;
    }
    for (begins_at, ways) in nulls(standing) {
        counts.entry(key(begins_at, ways)).or_default().nulls += 1;
    }
    counts.values_mut().for_each(|counts| counts.value_minor.retain(|_, value| *value != 0));
    counts.retain(|_, counts| *counts != PathCounts::default());
    counts
}

fn nulls(standing: &[JourneyEvent]) -> Vec<(i64, Vec<Waypoint>)> {
    let is_exposure = |event: &&JourneyEvent| {
        let kind = &event.touchpoint.event_type;
        !event.touchpoint.identifiers.is_empty() && (kind.ends_with(".sent") || kind.ends_with(".shown"))
    };
    let mut exposures: Vec<&JourneyEvent> = standing.iter().filter(is_exposure).collect();
    exposures.sort_by_key(|event| (event.person_id, place(event)));
    // The same statement twice is one exposure.
    exposures
        .dedup_by_key(|event| (event.person_id, place(event), event.team_id.clone(), event.touchpoint.channel.clone()));
    let sold = |exposure: &JourneyEvent, sale: &JourneyEvent| {
        sale.person_id == exposure.person_id
            && sale.touchpoint.value.is_some()
            && sale.touchpoint.event_type != "order.refunded"
            && !sale.touchpoint.identifiers.is_empty()
            && place(sale) > place(exposure)
            && sale.touchpoint.occurred_at - exposure.touchpoint.occurred_at <= LOOKBACK_MS
    };
    let mut nulls: Vec<(i64, Vec<Waypoint>)> = Vec::new();
    let mut of = None;
    for exposure in exposures {
        if standing.iter().any(|sale| sold(exposure, sale)) {
            continue;
        }
        let at = exposure.touchpoint.occurred_at;
        let way = waypoint(&exposure.team_id, &exposure.touchpoint.channel);
        match nulls.last_mut() {
            Some((begins_at, ways))
                if of == Some(exposure.person_id) && at - *begins_at <= LOOKBACK_MS && ways.len() < MAX_STEPS =>
            {
                ways.push(way);
            }
            _ => nulls.push((at, vec![way])),
        }
        of = Some(exposure.person_id);
    }
    nulls
}

fn place(event: &JourneyEvent) -> (i64, String) {
    (event.touchpoint.occurred_at, event.touchpoint.touchpoint_id.clone())
}

fn key(at: i64, waypoints: Vec<Waypoint>) -> PathKey {
    PathKey { month_start_at: month_start(at), waypoints, is_account: false }
}

fn waypoint(team_id: &str, channel: &str) -> Waypoint {
    Waypoint { team_id: team_id.to_owned(), channel: channel.to_owned() }
}
