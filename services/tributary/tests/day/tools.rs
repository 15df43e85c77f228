//! The teams' own tools: they send what they are asked to send, and say so with the decision's id; some shoppers click.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tributary_model::time::{MINUTE_MS, SECOND_MS, to_rfc3339};
use tributary_model::{Decision, Domain, Fate, topics};
use tributary_schema::Contracts;
use tributary_stream::{BulkPublisher, KafkaSettings, Next, TopicReader};
use tributary_tributary::load::LoadedEvent;

use crate::bed::Bed;
use crate::feed::Retail;

const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Tools {
    stop: Arc<AtomicBool>,
    at_work: JoinHandle<usize>,
}

impl Tools {
    pub(crate) fn start(bed: &Bed, retail: &Retail) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let at_work = std::thread::spawn({
            let (stop, settings, contracts) = (Arc::clone(&stop), bed.settings(), bed.contracts());
            let identifiers = retail.identifiers();
            move || work(&settings, &contracts, &identifiers, &stop)
        });
        Self { stop, at_work }
    }

    /// Stops when everything that was asked for has been done; gives the number of acts.
    pub(crate) fn finish(self) -> usize {
        self.stop.store(true, Ordering::Release);
        self.at_work.join().unwrap()
    }
}

fn work(
    settings: &KafkaSettings,
    contracts: &Contracts,
    identifiers: &BTreeMap<String, Value>,
    stop: &AtomicBool,
) -> usize {
    let publisher = BulkPublisher::new(settings, TIMEOUT).unwrap();
    let mut reader = TopicReader::new(settings, topics::DECISIONS).unwrap();
    let mut acts = 0;
    loop {
        let is_over = stop.load(Ordering::Acquire);
        match reader.next(Duration::from_millis(500)).unwrap() {
            Next::Record(record) => {
                let Some(value) = record.value else { continue };
                let decision: Decision = contracts.decode(&value).unwrap();
                for (event_id, body) in acts_on(&decision, identifiers) {
                    let loaded = LoadedEvent {
                        source: "events-channel".into(),
                        domain: Domain::Channel,
                        event_id: Some(event_id),
                        body: body.to_string().into_bytes(),
                        file: Path::new("tools").into(),
                        line: 1,
                    };
                    let received_at = decision.judged_at.unwrap() + SECOND_MS;
                    publisher.send(&loaded.to_record(received_at, contracts).unwrap()).unwrap();
                    acts += 1;
                }
            }
            Next::CaughtUp => {}
            Next::Nothing if is_over => break,
            Next::Nothing => {}
        }
    }
    publisher.flush(TIMEOUT).unwrap();
    acts
}

/// What a tool does about a message: sends it a second later; every fourth is clicked within minutes.
pub(crate) fn acts_on(decision: &Decision, identifiers: &BTreeMap<String, Value>) -> Vec<(String, Value)> {
    let is_message = ["email", "push", "sms"].contains(&decision.channel.as_str());
    let known = decision.evidence.last().and_then(|touchpoint_id| identifiers.get(touchpoint_id));
    let (Fate::Sent, true, Some(identifiers), Some(at)) = (decision.fate, is_message, known, decision.judged_at) else {
        return Vec::new();
    };
    let act = |what: &str, direction: &str, at: i64| {
        let event_id = format!("{what}-{}", decision.decision_id);
        let body = json!({
            "id": event_id, "type": format!("{}.{what}", decision.channel), "occurred_at": to_rfc3339(at),
            "identifiers": identifiers, "channel": decision.channel, "direction": direction,
            "decision_id": decision.decision_id,
        });
        (event_id, body)
    };
    let mut acts = vec![act("sent", "outbound", at + SECOND_MS)];
    if decision.decision_id.starts_with(['0', '4', '8', 'c']) {
        acts.push(act("clicked", "inbound", at + 3 * MINUTE_MS));
    }
    acts
}
