//! Who belongs to which account, and how engaged it is.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::account::{AccountMember, Coverage};
use tributary_model::{AccountId, Direction, JourneyEvent, PersonId, Touchpoint};

use crate::truth::companies::{owners, rank};
use crate::truth::people::Person;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const HALF_LIFE_DAYS: i64 = 30;
const WINDOW_DAYS: i64 = 90;
/// A role that every buying group has, and other words for it.
const EXPECTED: [(&str, &[&str]); 4] = [
    ("champion", &["advocate", "sponsor"]),
    ("decision_maker", &["economic_buyer", "executive", "ceo", "owner"]),
    ("finance", &["cfo", "procurement", "purchasing"]),
    ("technical", &["cto", "technical_buyer", "engineering", "it"]),
];

/// What one touch tells of its person's place in the buying group.
fn role(touch: &Touchpoint) -> Option<&'static str> {
    for property in ["buying_role", "contact_role", "role"] {
        let Some(text) = touch.properties.get(property) else { continue };
        let word = text.trim().to_lowercase().replace(['-', ' '], "_");
        if ["user", "end_user"].contains(&word.as_str()) {
            return Some("user");
        }
        let known = EXPECTED.iter().find(|(role, words)| *role == word || words.contains(&word.as_str()));
        if let Some((role, _)) = known {
            return Some(role);
        }
    }
    None
}

/// The account that comes first of all that a person's touches belong to.
pub(crate) fn primary(person: &Person) -> Option<AccountId> {
    let mut first: BTreeMap<AccountId, (usize, i64)> = BTreeMap::new();
    for event in &person.journey {
        for (rank, _, id) in owners(&event.touchpoint) {
            first.entry(id).or_insert((rank, event.touchpoint.occurred_at));
        }
    }
    first.into_iter().min_by_key(|(id, (rank, at))| (*rank, *at, *id)).map(|(id, _)| id)
}

/// One touch at an account: whose, the account's own name for it, and the touch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) person: PersonId,
    pub(crate) namespace: &'a str,
    /// The account that the touch names is its person's first.
    pub(crate) is_primary: bool,
    pub(crate) event: &'a JourneyEvent,
}

/// All who have touched the account, in order of id.
pub(crate) fn members(touches: &[At<'_>]) -> Vec<AccountMember> {
    let mut of: BTreeMap<PersonId, Vec<&At<'_>>> = BTreeMap::new();
    for touch in touches {
        of.entry(touch.person).or_default().push(touch);
    }
    let member = |(person_id, mut touches): (PersonId, Vec<&At<'_>>)| {
        let place =
            |touch: &&At<'_>| (touch.event.touchpoint.occurred_at, touch.event.touchpoint.touchpoint_id.clone());
        touches.sort_by_key(place);
        let (first, last) = (&touches.first()?.event.touchpoint, &touches.last()?.event.touchpoint);
        let best = touches.iter().map(|touch| touch.namespace).min_by_key(|namespace| (rank(namespace), *namespace))?;
        Some(AccountMember {
            person_id,
            source: best.to_owned(),
            evidence: first.touchpoint_id.clone(),
            since: first.occurred_at,
            last_at: Some(last.occurred_at),
            role: touches.iter().rev().find_map(|touch| role(&touch.event.touchpoint)).map(str::to_owned),
            is_primary: touches.iter().any(|touch| touch.is_primary),
        })
    };
    of.into_iter().filter_map(member).collect()
}

fn day(at: i64) -> i64 {
    at.div_euclid(DAY_MS)
}

/// What is known and touched of the buying group as of an instant.
pub(crate) fn coverage(members: &[AccountMember], at: i64) -> Coverage {
    let is_recent = |member: &&AccountMember| member.last_at.is_some_and(|last| day(at) - day(last) <= WINDOW_DAYS);
    let all: BTreeSet<&str> = members.iter().filter_map(|member| member.role.as_deref()).collect();
    let recent: Vec<&AccountMember> = members.iter().filter(is_recent).collect();
    let touched: BTreeSet<&str> = recent.iter().filter_map(|member| member.role.as_deref()).collect();
    let expected = || EXPECTED.iter().map(|(role, _)| (*role).to_owned());
    Coverage {
        expected_roles: expected().collect(),
        known_roles: expected().filter(|role| all.contains(role.as_str())).collect(),
        touched_roles: expected().filter(|role| touched.contains(role.as_str())).collect(),
        touched_person_count: recent.len() as i64,
    }
}

/// The half-life, in days.
pub(crate) const fn half_life_days() -> i64 {
    HALF_LIFE_DAYS
}

/// Engagement as of an instant, in thousandths of a point.
pub(crate) fn engagement(touches: &[At<'_>], at: i64) -> i64 {
    let fade = |touch: &Touchpoint| (-((day(at) - day(touch.occurred_at)) as f64) / HALF_LIFE_DAYS as f64).exp2();
    let mut by_day: BTreeMap<i64, (i64, f64)> = BTreeMap::new();
    for touch in touches.iter().map(|touch| &touch.event.touchpoint) {
        by_day.entry(day(touch.occurred_at)).or_insert((0, fade(touch))).0 += weight(touch);
    }
    by_day.values().map(|(points, left)| *points as f64 * 1_000.0 * left).sum::<f64>().floor() as i64
}

fn weight(touch: &Touchpoint) -> i64 {
    let kind = touch.event_type.as_str();
    let is_inbound = touch.direction == Direction::Inbound;
    match kind {
        "email.bounced" | "email.unsubscribed" | "case.opened" => -5,
        "meeting.held" | "event.attended" => 20,
        _ if kind.starts_with("opportunity.") => 20,
        "form.submitted" | "order.placed" | "store.purchased" => 15,
        _ if kind.starts_with("lead.") => 15,
        "order.refunded" | "order.cancelled" | "store.returned" => 0,
        _ if !is_inbound => 0,
        _ if ["sales", "call_center"].contains(&touch.channel.as_str()) => 10,
        "email.opened" => 1,
        _ => 3,
    }
}
