//! Counted paths as a batch over all journeys.

use std::collections::BTreeMap;

use tributary_model::JourneyEvent;
use tributary_model::path::{PathCounts, PathKey, Waypoint};
use tributary_model::time::{DAY_MS, from_rfc3339, to_rfc3339};

use crate::truth::companies::Companies;
use crate::truth::groups::{groups, place};
use crate::truth::kinds::{is_conversion, is_exposure, is_sale};
use crate::truth::people::People;

const LOOKBACK_MS: i64 = 30 * DAY_MS;
const MAX_STEPS: usize = 50;

/// All paths that somebody went, persons and accounts.
pub(crate) fn paths(people: &People) -> BTreeMap<PathKey, PathCounts> {
    let mut paths: BTreeMap<PathKey, PathCounts> = BTreeMap::new();
    for (_, event) in people.journeys() {
        let way = event.path.iter().map(|step| waypoint(&step.team_id, &step.channel)).collect();
        convert(&mut paths, event, way, false);
    }
    for person in people.all.iter().filter(|person| !person.identifiers.is_empty()) {
        let named: Vec<&JourneyEvent> = person.journey.iter().filter(|event| names_somebody(event)).collect();
        for key in fruitless(&named, false) {
            paths.entry(key).or_default().nulls += 1;
        }
    }
    for group in groups(people, &Companies::of(people)).values() {
        for event in &group.conversions {
            let touch = &event.touchpoint;
            let is_on_it = |other: &&&JourneyEvent| {
                place(&other.touchpoint) < place(touch) && touch.occurred_at - at(other) <= LOOKBACK_MS
            };
            let way: Vec<Waypoint> = group.heard.iter().filter(is_on_it).map(|event| own(event)).collect();
            convert(&mut paths, event, way[way.len().saturating_sub(MAX_STEPS)..].to_vec(), true);
        }
        let mut passed: Vec<&JourneyEvent> = group.heard.iter().chain(&group.sales).copied().collect();
        passed.sort_by_key(|event| place(&event.touchpoint));
        for key in fruitless(&passed, true) {
            paths.entry(key).or_default().nulls += 1;
        }
    }
    for counts in paths.values_mut() {
        counts.value_minor.retain(|_, value_minor| *value_minor != 0);
    }
    paths.retain(|_, counts| *counts != PathCounts::default());
    paths
}

/// Counts a conversion, if it is one, on its way.
fn convert(paths: &mut BTreeMap<PathKey, PathCounts>, event: &JourneyEvent, mut way: Vec<Waypoint>, is_account: bool) {
    let Some(value) = event.touchpoint.value.as_ref().filter(|_| is_conversion(&event.touchpoint)) else { return };
    if way.is_empty() {
        way.push(own(event));
    }
    let key = PathKey { month_start_at: month(at(event)), waypoints: way, is_account };
    let counts = paths.entry(key).or_default();
    counts.conversions += i64::from(is_sale(&event.touchpoint));
    *counts.value_minor.entry(value.currency.clone()).or_default() += value.amount_minor;
}

/// The paths of one person or account that came to no sale.
fn fruitless(passed: &[&JourneyEvent], is_account: bool) -> Vec<PathKey> {
    let is_left = |(place, event): &(usize, &JourneyEvent)| {
        let mut later = passed[*place + 1..].iter().filter(|other| is_sale(&other.touchpoint));
        is_exposure(&event.touchpoint) && !later.any(|sale| at(sale) - at(event) <= LOOKBACK_MS)
    };
    let all = passed.iter().copied().enumerate();
    let mut left = all.filter(is_left).map(|(_, event)| event).peekable();
    let mut paths = Vec::new();
    while let Some(first) = left.next() {
        let mut waypoints = vec![own(first)];
        while let Some(next) = left.next_if(|next| at(next) - at(first) <= LOOKBACK_MS && waypoints.len() < MAX_STEPS) {
            waypoints.push(own(next));
        }
        paths.push(PathKey { month_start_at: month(at(first)), waypoints, is_account });
    }
    paths
}

fn at(event: &JourneyEvent) -> i64 {
    event.touchpoint.occurred_at
}

fn names_somebody(event: &JourneyEvent) -> bool {
    !event.touchpoint.identifiers.is_empty()
}

fn own(event: &JourneyEvent) -> Waypoint {
    waypoint(&event.team_id, &event.touchpoint.channel)
}

fn waypoint(team_id: &str, channel: &str) -> Waypoint {
    Waypoint { team_id: team_id.to_owned(), channel: channel.to_owned() }
}

/// Midnight of the first of the month, by the calendar's own notation.
fn month(at: i64) -> i64 {
    from_rfc3339(&format!("{}-01T00:00:00Z", &to_rfc3339(at)[..7])).unwrap_or(at)
}
