//! What happened in a rehearsal, for people and for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tributary_model::time::to_rfc3339;
use tributary_model::{Arm, Decision, Fate, PersonId};
use tributary_triggers::finding::Note;

use super::cast::Cast;
use super::watched::{Cause, Moment};
use crate::timeline::put;

/// One moment of one person, and what the triggers made of it.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The person; of an account, its id.
    pub person_id: PersonId,
    /// Event time.
    pub at: i64,
    /// What happened.
    pub what: String,
    /// Where the event stands, if it was one.
    pub origin: String,
    /// What the triggers made of it.
    pub notes: Vec<Note>,
    /// What was decided, with the payload of what was sent.
    pub decided: Vec<(Decision, Option<Value>)>,
}

impl Scene {
    pub(super) fn of(moment: Moment, cast: &Cast) -> Self {
        let Moment { person_id, at, cause, notes, decisions, intents } = moment;
        let (what, origin) = match &cause {
            Cause::Touch(event) => {
                let touchpoint = &event.touchpoint;
                let mut what = format!("{} by {}", touchpoint.event_type, touchpoint.channel);
                if let Some(before) = event.previous_stage.as_ref().filter(|before| **before != event.stage) {
                    what.push_str(&format!(", stage {before} → {}", event.stage));
                }
                (what, cast.origin(&touchpoint.touchpoint_id).to_owned())
            }
            Cause::Timer => ("time has passed".to_owned(), String::new()),
            Cause::Merge => (
                "was found to be one person with another; of the newest event, seen from both:".to_owned(),
                String::new(),
            ),
            Cause::Account(account) => (format!("the account of a {} has changed", account.namespace), String::new()),
        };
        let payload_of = |decision: &Decision| {
            let intent = intents.iter().find(|intent| intent.decision_id == decision.decision_id)?;
            Some(serde_json::from_str(&intent.payload).unwrap_or_default())
        };
        let decided = decisions.iter().map(|decision| (decision.clone(), payload_of(decision))).collect();
        Self { person_id, at, what, origin, notes, decided }
    }

    /// True when it is worth a line: an event, or something that a trigger made of the time.
    #[must_use]
    pub fn is_told(&self) -> bool {
        !self.origin.is_empty() || !self.notes.is_empty() || !self.decided.is_empty()
    }
}

/// The name of a decision's fate: `sent` or the reason.
#[must_use]
pub fn fate(decision: &Decision) -> &'static str {
    match decision.fate {
        Fate::Sent => "sent",
        Fate::Withheld => decision.reason.map_or("withheld", |reason| reason.name()),
    }
}

/// The scenes of each person, the first to appear first.
fn by_person<'a>(scenes: &'a [Scene], cast: &Cast) -> Vec<(PersonId, Vec<&'a Scene>)> {
    let mut places: BTreeMap<PersonId, usize> = BTreeMap::new();
    let mut persons: Vec<(PersonId, Vec<&Scene>)> = Vec::new();
    for scene in scenes.iter().filter(|scene| scene.is_told()) {
        let person_id = cast.resolve(scene.person_id);
        let place = *places.entry(person_id).or_insert(persons.len());
        if place == persons.len() {
            persons.push((person_id, Vec::new()));
        }
        persons[place].1.push(scene);
    }
    persons
}

/// The rehearsal as text.
#[must_use]
pub fn render(scenes: &[Scene], cast: &Cast) -> String {
    let mut text = String::new();
    for (person_id, scenes) in by_person(scenes, cast) {
        let account = scenes.iter().find_map(|scene| scene.decided.first()?.0.account_id);
        match account {
            Some(account_id) => put(&mut text, format!("account {account_id}")),
            None => put(&mut text, cast.name(person_id)),
        }
        for scene in scenes {
            let origin = if scene.origin.is_empty() { String::new() } else { format!("  ({})", scene.origin) };
            put(&mut text, format!("  {}  {}{origin}", to_rfc3339(scene.at), scene.what));
            for note in &scene.notes {
                put(&mut text, format!("      {}: {}", note.trigger_id, note.finding));
            }
            for (decision, payload) in &scene.decided {
                put(&mut text, format!("      {}: {}", decision.trigger_id, decision_line(decision)));
                if let Some(payload) = payload {
                    put(&mut text, format!("        {payload}"));
                }
            }
        }
    }
    let decisions: Vec<&Decision> = scenes.iter().flat_map(|scene| &scene.decided).map(|(one, _)| one).collect();
    let sent = decisions.iter().filter(|decision| decision.fate == Fate::Sent).count();
    put(&mut text, format!("{} decision(s), {sent} sent", decisions.len()));
    text
}

/// A decision in one line: its fate, channel, version, arm, times and detail.
#[must_use]
pub fn decision_line(decision: &Decision) -> String {
    let mut line = match decision.fate {
        Fate::Sent => "SENT".to_owned(),
        Fate::Withheld => format!("WITHHELD, {}", fate(decision)),
    };
    if !decision.channel.is_empty() {
        line.push_str(&format!(" on {}", decision.channel));
    }
    line.push_str(&format!(", version {}, {}", decision.trigger_version, arm(decision)));
    line.push_str(&format!(", decided at {}", to_rfc3339(decision.decided_at)));
    line.push_str(&format!(", valid until {}", to_rfc3339(decision.valid_until_at)));
    if let Some(detail) = &decision.detail {
        line.push_str(&format!(" ({detail})"));
    }
    line
}

fn arm(decision: &Decision) -> &'static str {
    match decision.arm {
        Arm::Treated => "treated",
        Arm::HeldOut => "held out",
    }
}

/// The rehearsal for programs: each value is one line.
#[must_use]
pub fn lines(scenes: &[Scene], cast: &Cast) -> Vec<Value> {
    let mut lines = Vec::new();
    for (person_id, scenes) in by_person(scenes, cast) {
        let person = cast.name(person_id);
        for scene in scenes {
            let at = to_rfc3339(scene.at);
            lines.push(json!({
                "kind": "moment", "person": person, "person_id": person_id, "at": at, "what": scene.what,
                "origin": Some(&scene.origin).filter(|origin| !origin.is_empty()),
            }));
            for note in &scene.notes {
                let mut line = json!({ "kind": "note", "person": person, "at": at, "text": note.finding.to_string() });
                if let (Value::Object(line), Ok(Value::Object(note))) = (&mut line, serde_json::to_value(note)) {
                    line.extend(note);
                }
                lines.push(line);
            }
            for (decision, payload) in &scene.decided {
                lines.push(json!({
                    "kind": "decision", "person": person, "at": to_rfc3339(decision.decided_at),
                    "fate": fate(decision), "decision": decision, "payload": payload,
                }));
            }
        }
    }
    lines
}
