//! The steps themselves, each set up with what it has to know.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tributary_identity::Owners;
use tributary_journey::{AccountRules, Base, Rules, StageDefinitions, Timeline, Touch, Touches};
use tributary_model::ids::realm_uuid;
use tributary_model::step::{PersonStep, PersonView, StepEffects};
use tributary_model::time::from_rfc3339;
use tributary_model::{Canvas, Domain, JourneyEvent, Past, PersonId, Pseudonymizer, RawEvent, Touchpoint, topics};
use tributary_normalizer::{HEADER_SOURCE, Rulebook, stage_with};
use tributary_schema::{AvroRecord, Contracts};
use tributary_stream::{Effects, Record, StateStore, TaskInfo};
use tributary_triggers::{Definitions, TriggerEngine, TriggerState, TriggersConfig};

use super::samples::{Samples, TOUCHES};
use super::{Step, Timed};

/// Calls of a vendor's library, as the samples of its source have them.
const VENDOR: &str = "segment";
const CALLS: [&str; 3] = [
    include_str!("../../../../schemas/sources/segment/samples/page.json"),
    include_str!("../../../../schemas/sources/segment/samples/product-viewed.json"),
    include_str!("../../../../schemas/sources/segment/samples/order-completed.json"),
];
/// Triggers that are evaluated.
const TRIGGERS: usize = 50;
/// Touchpoints of one measurement of the codec.
const BATCH: usize = 2_000;

/// All that the normaliser does with an event but reading its envelope: JSON in. The events have the hub's own format, and
/// their mapping names the place where they are.
pub(super) fn mapping(samples: &Samples) -> Result<Step> {
    let record = |(offset, (topic, raw)): (usize, &(String, RawEvent))| {
        record(topic, offset, &raw.source, raw.received_at, raw.body.clone())
    };
    let records = samples.raw.iter().enumerate().map(record).collect();
    let what = "mapping an event of the hub's own format from JSON: parsing, checks, pseudonyms, deduplication, and encoding the \
                touchpoint";
    normalising("map/json-to-touchpoint", what, records)
}

/// The same for calls of a vendor's library, which a program maps.
pub(super) fn vendor() -> Result<Step> {
    let mut records = Vec::new();
    for (offset, sample) in CALLS.iter().cycle().take(BATCH).enumerate() {
        let mut sample: serde_json::Value = serde_json::from_str(sample)?;
        let received_at = sample["received_at"].as_str().and_then(from_rfc3339).context("no time of receipt")?;
        sample["input"]["messageId"] = format!("call-{offset}").into();
        let body = sample["input"].to_string().into_bytes();
        records.push(record(&topics::raw(Domain::Ecommerce), offset, VENDOR, received_at, body));
    }
    let what = "the same for Segment's calls (a page, a product viewed, an order), which a VRL program maps";
    normalising("map/vendor-call", what, records)
}

fn record(topic: &str, offset: usize, source: &str, received_at: i64, body: Vec<u8>) -> Record {
    Record {
        topic: topic.to_owned(),
        partition: 0,
        offset: offset as i64,
        timestamp_ms: Some(received_at),
        key: Vec::new(),
        value: Some(body),
        headers: vec![(HEADER_SOURCE.to_owned(), source.as_bytes().to_vec())],
    }
}

fn normalising(name: &'static str, what: &'static str, records: Vec<Record>) -> Result<Step> {
    let config = tributary_normalizer::Config::default();
    let pseudonymizer = Pseudonymizer::new(b"a key for a bench that is nobody's")?;
    let stage = stage_with(&config, Rulebook::load(&config)?, pseudonymizer);
    let mut processor = (stage.factory)(TaskInfo { topic_index: 0, partition: 0 });
    let contracts = Contracts::single_object()?;
    for record in &records {
        let mut effects = Effects::new(Arc::clone(&contracts));
        let is_mapped = processor.process(record, &mut effects).is_ok() && effects.dead_letter_count() == 0;
        ensure!(is_mapped && !effects.records().is_empty(), "{} is not mapped", record.position());
    }
    Ok(Step::new(name, what, move || {
        // As if they had never been seen.
        processor.stores().into_iter().for_each(StateStore::abort);
        Timed::each(records.iter().collect(), |record| {
            let mut effects = Effects::new(Arc::clone(&contracts));
            (processor.process(record, &mut effects).is_ok(), effects)
        })
    }))
}

/// The owner of an identifier that is known and seen with nobody new.
pub(super) fn owners(samples: &Samples) -> Result<Step> {
    let config = tributary_identity::Config::default();
    let rules = tributary_identity::Rules::built_in()?;
    let mut owners = Owners::new(realm_uuid("default"), rules.version(), config.max_edges);
    let mut out = Vec::new();
    samples.touchpoints.iter().for_each(|touchpoint| owners.on_touchpoint(touchpoint.clone(), &mut out));
    owners.stores().into_iter().for_each(StateStore::commit);
    let touchpoints = samples.touchpoints.clone();
    Ok(Step::new("resolve/known-identifier", "owner lookup of a known identifier", move || {
        let mut out = Vec::with_capacity(touchpoints.len());
        Timed::each(touchpoints.clone(), |touchpoint| owners.on_touchpoint(touchpoint, &mut out))
    }))
}

/// The twenty-first touch of a person, in order.
pub(super) fn journey(samples: &Samples) -> Result<Step> {
    let stages = Arc::new(StageDefinitions::built_in()?);
    let accounts = Arc::new(AccountRules::built_in()?);
    let rules = Rules::new(&tributary_journey::Config::default(), stages, accounts);
    let (canvas, base) = (Canvas::default(), Base::default());
    let mut touches = Touches::new("touches", 1);
    let mut last = Vec::new();
    for (person_id, all) in &samples.resolved {
        for (place, resolved) in all.iter().enumerate() {
            if place + 1 == TOUCHES {
                last.push((*person_id, resolved.touchpoint.clone()));
                break;
            }
            let touch = Touch::new(&rules, *person_id, &canvas, resolved.touchpoint.clone());
            Timeline { rules: &rules, person_id: *person_id, touches: &mut touches }.insert(touch, &base);
        }
    }
    touches.commit();
    Ok(Step::new("journey/21st-touch", "journey, a touch in order of a person with 20", move || {
        touches.abort();
        Timed::each(last.clone(), |(person_id, touchpoint)| {
            let touch = Touch::new(&rules, person_id, &canvas, touchpoint);
            Timeline { rules: &rules, person_id, touches: &mut touches }.insert(touch, &base)
        })
    }))
}

/// The shipped triggers over and over, until there are enough of them.
fn definitions() -> Result<Definitions> {
    let shipped = Definitions::builtin()?;
    let shipped: Vec<_> = shipped.summaries().filter(|summary| !summary.is_of_account).collect();
    let files: Vec<(String, String)> = shipped
        .iter()
        .cycle()
        .take(TRIGGERS)
        .enumerate()
        .map(|(number, summary)| {
            let id = format!("id: {}\n", summary.trigger_id);
            let own = format!("id: {}-{}\n", summary.trigger_id, number / shipped.len());
            (format!("{number}.yaml"), summary.text.replacen(&id, &own, 1))
        })
        .collect();
    let parsed = Definitions::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let parsed = parsed.map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    ensure!(parsed.iter().count() == TRIGGERS, "{} triggers are not {TRIGGERS}", parsed.iter().count());
    Ok(parsed)
}

/// Fifty triggers on the twenty-first touch of a person.
pub(super) fn triggers(samples: &Samples) -> Result<Step> {
    let engine = TriggerEngine::new(definitions()?, &TriggersConfig::default())?;
    let mut persons: Vec<(PersonId, Vec<JourneyEvent>, TriggerState)> = Vec::new();
    for (person_id, touches) in &samples.journeys {
        // The history has no paths, as in the hub.
        let history: Vec<JourneyEvent> =
            touches.iter().map(|touch| JourneyEvent { path: Vec::new(), ..touch.clone() }).collect();
        let mut state = TriggerState::default();
        for known in 1..TOUCHES {
            evaluate(&engine, *person_id, &history[..known], &mut state);
        }
        persons.push((*person_id, history, state));
    }
    Ok(Step::new("rules/50-triggers", "50 triggers on a touch of a person with 20", move || {
        let views: Vec<(usize, Vec<Past<'_>>, TriggerState)> = persons
            .iter()
            .enumerate()
            .map(|(place, (_, history, state))| (place, history.iter().map(Past::of).collect(), state.clone()))
            .collect();
        Timed::each(views, |(place, history, mut state)| {
            let (person_id, touches, _) = &persons[place];
            let mut effects = StepEffects::default();
            engine.on_journey(view(*person_id, &history), &touches[TOUCHES - 1..], &mut state, &mut effects);
            (state, effects)
        })
    }))
}

fn view<'a>(person_id: PersonId, history: &'a [Past<'a>]) -> PersonView<'a> {
    PersonView { person_id, experiment_id: person_id, history, via: None, merge_pending: false }
}

fn evaluate(engine: &TriggerEngine, person_id: PersonId, history: &[JourneyEvent], state: &mut TriggerState) {
    let Some(last) = history.last() else { return };
    let refs: Vec<Past<'_>> = history.iter().map(Past::of).collect();
    engine.on_journey(view(person_id, &refs), std::slice::from_ref(last), state, &mut StepEffects::default());
}

/// The codec, for what is under way most.
pub(super) fn codecs(samples: &Samples) -> Result<Vec<Step>> {
    let touchpoints = samples.touchpoints.iter().take(BATCH).cloned().collect();
    let statements = samples.last_statements().cloned().collect();
    let named =
        [("avro/encode-touchpoint", "encoding a touchpoint"), ("avro/decode-touchpoint", "decoding a touchpoint")];
    let mut steps = Vec::from(codec::<Touchpoint>(topics::TOUCHPOINTS, named, touchpoints)?);
    let named = [("avro/encode-statement", "encoding a statement"), ("avro/decode-statement", "decoding a statement")];
    steps.extend(codec::<JourneyEvent>(topics::JOURNEYS, named, statements)?);
    Ok(steps)
}

/// A step's name for Criterion and its words for the report.
type Named = (&'static str, &'static str);

fn codec<T: AvroRecord + 'static>(
    topic: &'static str,
    [encoding, decoding]: [Named; 2],
    values: Vec<T>,
) -> Result<[Step; 2]> {
    let contracts = Contracts::single_object()?;
    let encode = |value: &T| Ok(contracts.encode(topic, value)?);
    let encoded = values.iter().map(encode).collect::<Result<Vec<Vec<u8>>>>()?;
    let reading = Arc::clone(&contracts);
    Ok([
        Step::new(encoding.0, encoding.1, move || {
            Timed::each(values.iter().collect(), |value| contracts.encode(topic, black_box(value)).is_ok())
        }),
        Step::new(decoding.0, decoding.1, move || {
            Timed::each(encoded.iter().collect(), |bytes: &Vec<u8>| reading.decode::<T>(black_box(bytes)))
        }),
    ])
}
