//! Counted paths as a batch over all journeys.

use std::collections::BTreeMap;

use tributary_model::JourneyEvent;
use tributary_model::path::{PathCounts, PathKey, Waypoint};
use tributary_model::time::{DAY_MS, from_rfc3339, to_rfc3339};

use crate::truth::kinds::{is_conversion, is_exposure, is_sale};
use crate::truth::people::People;

const LOOKBACK_MS: i64 = 30 * DAY_MS;
const MAX_STEPS: usize = 50;

/// All paths that somebody went.
pub(crate) fn paths(people: &People) -> BTreeMap<PathKey, PathCounts> {
    let mut paths: BTreeMap<PathKey, PathCounts> = BTreeMap::new();
    for (_, event) in people.journeys() {
        let Some(value) = event.touchpoint.value.as_ref().filter(|_| is_conversion(&event.touchpoint)) else {
            continue;
        };
        let mut way: Vec<Waypoint> = event.path.iter().map(|step| waypoint(&step.team_id, &step.channel)).collect();
        if way.is_empty() {
            way.push(own(event));
        }
        let counts =
            paths.entry(PathKey { month_start_at: month(event.touchpoint.occurred_at), waypoints: way }).or_default();
        counts.conversions += i64::from(is_sale(&event.touchpoint));
        *counts.value_minor.entry(value.currency.clone()).or_default() += value.amount_minor;
    }
    for person in people.all.iter().filter(|person| !person.identifiers.is_empty()) {
        for key in fruitless(&person.journey) {
            paths.entry(key).or_default().nulls += 1;
        }
    }
    for counts in paths.values_mut() {
        counts.value_minor.retain(|_, value_minor| *value_minor != 0);
    }
    paths.retain(|_, counts| *counts != PathCounts::default());
    paths
}

/// The paths of one person that came to no sale.
fn fruitless(journey: &[JourneyEvent]) -> Vec<PathKey> {
    let at = |event: &JourneyEvent| event.touchpoint.occurred_at;
    let is_left = |(place, event): &(usize, &JourneyEvent)| {
        let later = journey[*place + 1..].iter().filter(|other| is_sale(&other.touchpoint));
        let in_time = later.filter(|sale| at(sale) - at(event) <= LOOKBACK_MS);
        is_exposure(&event.touchpoint) && names_somebody(event) && !in_time.into_iter().any(names_somebody)
    };
    let mut left = journey.iter().enumerate().filter(is_left).map(|(_, event)| event).peekable();
    let mut paths = Vec::new();
    while let Some(first) = left.next() {
        let mut waypoints = vec![own(first)];
        while let Some(next) = left.next_if(|next| at(next) - at(first) <= LOOKBACK_MS && waypoints.len() < MAX_STEPS) {
            waypoints.push(own(next));
        }
        paths.push(PathKey { month_start_at: month(at(first)), waypoints });
    }
    paths
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
