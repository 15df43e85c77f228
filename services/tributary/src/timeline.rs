//! One person's journey as people read it: a line a touch, oldest first, with what changed at it.

use serde::Serialize;
use tributary_model::money::Money;
use tributary_model::time::to_rfc3339;
use tributary_model::{JourneyEvent, PersonId};

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When, RFC 3339.
    pub at: String,
    /// The silo it comes from.
    pub domain: &'static str,
    /// The channel.
    pub channel: String,
    /// The team that answers for it.
    pub team: String,
    /// What happened.
    pub what: String,
    /// What it brought, such as `12.50 USD`.
    pub value: Option<String>,
    /// Its visit, counted from 1.
    pub session: usize,
    /// The stage it led to, when it changed it.
    pub stage: Option<String>,
    /// Contradictions it completed.
    pub conflicts: Vec<String>,
}

/// A person's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// The person.
    pub person_id: Option<PersonId>,
    /// Namespaces of the identifiers that the touches carried, with how many of each.
    pub identifiers: Vec<(String, usize)>,
    /// The touches.
    pub lines: Vec<Line>,
    /// Sales less those taken back.
    pub orders: i64,
    /// Net value.
    pub value: Option<String>,
    /// Net margin.
    pub margin: Option<String>,
    /// Stage now.
    pub stage: Option<String>,
    /// Different narratives heard in the last 30 days.
    pub narratives_heard: i32,
}

/// The timeline of `events`, which are one person's, oldest first.
#[must_use]
pub fn timeline(events: &[JourneyEvent]) -> Timeline {
    let mut sessions: Vec<&str> = Vec::new();
    let mut lines = Vec::with_capacity(events.len());
    for event in events {
        if sessions.last() != Some(&event.session.session_id.as_str()) {
            sessions.push(&event.session.session_id);
        }
        lines.push(Line {
            at: to_rfc3339(event.touchpoint.occurred_at),
            domain: event.touchpoint.domain.name(),
            channel: event.touchpoint.channel.clone(),
            team: event.team_id.clone(),
            what: what(event),
            value: event.touchpoint.value.as_ref().map(Money::display),
            session: sessions.len(),
            stage: event.previous_stage.as_ref().filter(|before| **before != event.stage).map(|_| event.stage.clone()),
            conflicts: event.story.conflicts.clone(),
        });
    }
    let last = events.last();
    let money = |amount_minor: i64| {
        let currency = last.and_then(|event| event.totals.currency.clone());
        currency.map(|currency| Money::new(currency, amount_minor).display())
    };
    Timeline {
        person_id: last.map(|event| event.person_id),
        identifiers: identifiers(events),
        lines,
        orders: last.map_or(0, |event| event.totals.order_count),
        value: last.and_then(|event| money(event.totals.value_minor)),
        margin: last.and_then(|event| money(event.totals.margin_minor)),
        stage: last.map(|event| event.stage.clone()),
        narratives_heard: last.map_or(0, |event| event.story.narrative_count),
    }
}

fn identifiers(events: &[JourneyEvent]) -> Vec<(String, usize)> {
    let all: std::collections::BTreeSet<_> =
        events.iter().flat_map(|event| &event.touchpoint.identifiers).map(|id| (&id.namespace, &id.value)).collect();
    let mut counts: Vec<(String, usize)> = Vec::new();
    for (namespace, _) in all {
        match counts.last_mut().filter(|(name, _)| name == namespace) {
            Some((_, count)) => *count += 1,
            None => counts.push((namespace.to_string(), 1)),
        }
    }
    counts
}

/// What happened, in the event's own words.
fn what(event: &JourneyEvent) -> String {
    let touchpoint = &event.touchpoint;
    let mut text = touchpoint.event_type.clone();
    match touchpoint.items.as_slice() {
        [] => {}
        [item] => text.push_str(&format!(" {}", item.sku)),
        items => text.push_str(&format!(" {} items", items.len())),
    }
    for detail in [&touchpoint.message_id, &touchpoint.location].into_iter().flatten() {
        text.push_str(&format!(" {detail}"));
    }
    if touchpoint.message_id.is_none()
        && let Some(campaign) = &touchpoint.campaign_id
    {
        text.push_str(&format!(" {campaign}"));
    }
    text
}

impl Timeline {
    /// The timeline as text; with more than `most` lines, the middle is left out.
    #[must_use]
    pub fn render(&self, most: usize) -> String {
        let mut text = String::new();
        let width = |of: fn(&Line) -> usize| self.lines.iter().map(of).max().unwrap_or(0);
        let channel = width(|line| line.channel.len());
        let what = width(|line| line.what.len());
        let value = width(|line| line.value.as_ref().map_or(0, String::len));
        let head = most.div_ceil(2);
        let tail_from = self.lines.len().saturating_sub(most - head);
        for (index, line) in self.lines.iter().enumerate() {
            if self.lines.len() > most && index >= head && index < tail_from {
                if index == head {
                    put(&mut text, format!("  …  {} more touches", tail_from - head));
                }
                continue;
            }
            let mut notes = Vec::new();
            notes.extend(line.stage.as_ref().map(|stage| format!("→ {stage}")));
            notes.extend((!line.conflicts.is_empty()).then(|| format!("two stories: {}", line.conflicts.join(", "))));
            let row = format!(
                "  {} {}  {:<9}  {:<channel$}  {:<what$}  {:>value$}  {}",
                line.at.get(..10).unwrap_or(&line.at),
                line.at.get(11..16).unwrap_or_default(),
                line.domain,
                line.channel,
                line.what,
                line.value.as_deref().unwrap_or_default(),
                notes.join("; "),
            );
            put(&mut text, row.trim_end().to_owned());
        }
        let visits = self.lines.last().map_or(0, |line| line.session);
        let known_by: Vec<String> = self.identifiers.iter().map(|(name, count)| format!("{count} {name}")).collect();
        put(
            &mut text,
            format!(
                "  {} touches in {visits} sessions, known by {}; {} orders, value {}, margin {}, stage {}, {} narrative(s) heard",
                self.lines.len(),
                if known_by.is_empty() { "no identifier".to_owned() } else { known_by.join(", ") },
                self.orders,
                self.value.as_deref().unwrap_or("none"),
                self.margin.as_deref().unwrap_or("none"),
                self.stage.as_deref().unwrap_or("none"),
                self.narratives_heard
            ),
        );
        text
    }
}

/// Adds one line to a text.
pub(crate) fn put(text: &mut String, line: String) {
    text.push_str(&line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(minute: usize) -> Line {
        Line {
            at: format!("2026-03-01T10:{minute:02}:00Z"),
            domain: "store",
            channel: "in_store".to_owned(),
            team: "store".to_owned(),
            what: format!("store.visited s{minute}"),
            value: None,
            session: 1,
            stage: (minute == 0).then(|| "engaged".to_owned()),
            conflicts: if minute == 9 { vec!["offer".to_owned()] } else { Vec::new() },
        }
    }

    #[test]
    fn a_long_story_loses_its_middle_and_says_how_much() {
        let story = Timeline {
            person_id: None,
            identifiers: vec![("email".to_owned(), 2)],
            lines: (0..10).map(line).collect(),
            orders: 0,
            value: None,
            margin: None,
            stage: Some("engaged".to_owned()),
            narratives_heard: 0,
        };
        let short = story.render(4);
        assert!(short.contains("2026-03-01 10:00  store") && short.contains("→ engaged"), "{short}");
        assert!(short.contains("…  6 more touches") && !short.contains("s5"), "{short}");
        assert!(short.contains("two stories: offer") && short.contains("known by 2 email"), "{short}");
        assert_eq!(story.render(usize::MAX).lines().count(), 11);
        assert!(!story.render(10).contains('…'));
    }

    #[test]
    fn nobody_has_an_empty_story() {
        let nobody = timeline(&[]);
        assert_eq!((nobody.lines.len(), nobody.person_id, nobody.value), (0, None, None));
    }
}
