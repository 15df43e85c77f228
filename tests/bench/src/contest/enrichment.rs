//! The work of the contest as a stage of ours: what somebody would write who builds on the runtime.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tributary_model::topics::{Cleanup, TopicDefinition};
use tributary_stream::{
    Effects, Failure, KafkaSettings, KeyedStore, OutRecord, Processor, Record, Stage, StageStats, StateStore, Worker,
    apply_topics, changelog_definitions,
};

use super::PARTITIONS;
use super::events::{KEPT, SESSION_GAP_MS, STAGES, rank};

const STAGE: &str = "enrichment";
const STORE: &str = "persons";
/// What `count`, `session` and `stage` take in the output, and a touch at most as a rule.
const ROOM: usize = 128;

/// What is looked at of an event; everything else is passed on as it is.
#[derive(Debug, Deserialize)]
struct Event<'a> {
    at: i64,
    r#type: &'a str,
    channel: &'a str,
}

/// What is known of a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Person {
    count: u32,
    session: u32,
    stage: u8,
    last_at: i64,
    /// The last touches, the oldest first, as they stand in the output: `[at,"type","channel"],[…],…`.
    touches: String,
}

struct Enrichment {
    output: String,
    persons: KeyedStore<Box<str>, Person>,
}

impl Processor for Enrichment {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let bad = |why: String| Failure::Poison { code: "malformed_json", message: why };
        let json = input.value.as_deref().unwrap_or_default();
        let event: Event<'_> = serde_json::from_slice(json).map_err(|error| bad(error.to_string()))?;
        let fields = json.trim_ascii_end().strip_suffix(b"}").ok_or_else(|| bad("is no object".to_owned()))?;
        let person_id = std::str::from_utf8(&input.key).map_err(|error| bad(error.to_string()))?;
        let person = self.persons.get_or_insert_with(&Box::from(person_id), Person::default);
        person.take(&event);
        let mut value = Vec::with_capacity(fields.len() + ROOM + person.touches.len());
        value.extend_from_slice(fields);
        person.write(&mut value).map_err(|error| bad(error.to_string()))?;
        effects.observe_event_time(event.at);
        let topic = self.output.clone();
        effects.emit_bytes(OutRecord { topic, key: input.key.clone(), value: Some(value), headers: Vec::new() });
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.persons]
    }
}

impl Person {
    fn take(&mut self, event: &Event<'_>) {
        if self.count == 0 || event.at - self.last_at > SESSION_GAP_MS {
            self.session += 1;
        }
        if self.count as usize >= KEPT {
            self.forget_oldest();
        }
        self.count += 1;
        self.stage = self.stage.max(rank(event.r#type));
        self.last_at = event.at;
        if !self.touches.is_empty() {
            self.touches.push(',');
        }
        // Types and channels were read out of JSON strings without escapes.
        self.touches.push('[');
        self.touches += &event.at.to_string();
        for text in [event.r#type, event.channel] {
            self.touches.push_str(",\"");
            self.touches.push_str(text);
            self.touches.push('"');
        }
        self.touches.push(']');
    }

    /// The oldest touch ends with its second string, and strings have no quotes in them; `],` follows.
    fn forget_oldest(&mut self) {
        let end = self.touches.match_indices('"').nth(3).map_or(self.touches.len(), |(quote, _)| quote + 3);
        self.touches.drain(..end.min(self.touches.len()));
    }

    /// Adds itself to an object that is still open, and closes it.
    fn write(&self, value: &mut Vec<u8>) -> std::io::Result<()> {
        let stage = STAGES[usize::from(self.stage)];
        write!(value, ",\"count\":{},\"session\":{},\"stage\":\"{stage}\",\"touches\":[", self.count, self.session)?;
        value.extend_from_slice(self.touches.as_bytes());
        value.extend_from_slice(b"]}");
        Ok(())
    }
}

/// Enriches until it is killed.
///
/// # Errors
/// When the broker refuses.
pub fn enrich(bootstrap: &str, input: &str, output: &str) -> Result<()> {
    let output = output.to_owned();
    let stage = Stage {
        name: STAGE,
        leader_topics: vec![input.to_owned()],
        sibling_topics: Vec::new(),
        stores: vec![STORE],
        allowed_lateness_ms: 0,
        factory: Arc::new(move |_| Box::new(Enrichment { output: output.clone(), persons: KeyedStore::new(STORE, 1) })),
    };
    let settings =
        KafkaSettings { bootstrap: bootstrap.to_owned(), partitions: PARTITIONS, ..KafkaSettings::default() };
    let topics: Vec<TopicDefinition> = changelog_definitions(&stage);
    debug_assert!(topics.iter().all(|topic| topic.cleanup == Cleanup::Compact));
    apply_topics(&settings, &topics)?;
    let worker = Worker::start(stage, &settings, settings.contracts()?, 0, StageStats::default())?;
    Ok(worker.run(&AtomicBool::new(false))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_touches_stand_as_text_in_order() {
        let mut person = Person::default();
        let rendered = |at: i64| format!("[{at},\"page.viewed\",\"a],[b\"]");
        for at in 1..=KEPT as i64 + 2 {
            person.take(&Event { at, r#type: "page.viewed", channel: "a],[b" });
            let expected: Vec<String> = ((at - KEPT as i64 + 1).max(1)..=at).map(rendered).collect();
            assert_eq!(person.touches, expected.join(","));
        }
        assert_eq!((person.count as usize, person.session), (KEPT + 2, 1));
    }
}
