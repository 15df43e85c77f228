//! The work of the contest as a stage of ours: what somebody would write who builds on the runtime.

use std::collections::VecDeque;
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

/// What is looked at of an event; everything else is passed on as it is.
#[derive(Debug, Deserialize)]
struct Event<'a> {
    at: i64,
    r#type: &'a str,
    channel: &'a str,
}

/// What is known of a person.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Person {
    count: u32,
    session: u32,
    stage: u8,
    last_at: i64,
    touches: VecDeque<Touch>,
}

/// One touch; types and channels are few, and each stands once in the task's memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Touch(i64, Arc<str>, Arc<str>);

struct Enrichment {
    output: String,
    persons: KeyedStore<Box<[u8]>, Person>,
    names: Vec<Arc<str>>,
}

impl Enrichment {
    fn name(&mut self, text: &str) -> Arc<str> {
        match self.names.iter().find(|name| ***name == *text) {
            Some(name) => Arc::clone(name),
            None => {
                let name: Arc<str> = Arc::from(text);
                self.names.push(Arc::clone(&name));
                name
            }
        }
    }
}

impl Processor for Enrichment {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let bad = |why: String| Failure::Poison { code: "malformed_json", message: why };
        let json = input.value.as_deref().unwrap_or_default();
        let event: Event<'_> = serde_json::from_slice(json).map_err(|error| bad(error.to_string()))?;
        let fields = json.trim_ascii_end().strip_suffix(b"}").ok_or_else(|| bad("is no object".to_owned()))?;
        let touch = Touch(event.at, self.name(event.r#type), self.name(event.channel));
        let key = Box::from(input.key.as_slice());
        let person = self.persons.get_or_insert_with(&key, Person::default);
        person.take(touch);
        let mut value = Vec::with_capacity(fields.len() + 96 + person.touches.len() * 48);
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
    fn take(&mut self, touch: Touch) {
        if self.count == 0 || touch.0 - self.last_at > SESSION_GAP_MS {
            self.session += 1;
        }
        self.count += 1;
        self.stage = self.stage.max(rank(&touch.1));
        self.last_at = touch.0;
        if self.touches.len() == KEPT {
            self.touches.pop_front();
        }
        self.touches.push_back(touch);
    }

    /// Adds itself to an object that is still open, and closes it.
    fn write(&self, value: &mut Vec<u8>) -> std::io::Result<()> {
        let stage = STAGES[usize::from(self.stage)];
        write!(value, ",\"count\":{},\"session\":{},\"stage\":\"{stage}\",\"touches\":[", self.count, self.session)?;
        for (place, Touch(at, kind, channel)) in self.touches.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            // Types and channels were read out of JSON strings without escapes.
            write!(value, "{comma}[{at},\"{kind}\",\"{channel}\"]")?;
        }
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
        factory: Arc::new(move |_| {
            Box::new(Enrichment { output: output.clone(), persons: KeyedStore::new(STORE, 1), names: Vec::new() })
        }),
    };
    let settings =
        KafkaSettings { bootstrap: bootstrap.to_owned(), partitions: PARTITIONS, ..KafkaSettings::default() };
    let topics: Vec<TopicDefinition> = changelog_definitions(&stage);
    debug_assert!(topics.iter().all(|topic| topic.cleanup == Cleanup::Compact));
    apply_topics(&settings, &topics)?;
    let worker = Worker::start(stage, &settings, settings.contracts()?, 0, StageStats::default())?;
    Ok(worker.run(&AtomicBool::new(false))?)
}
