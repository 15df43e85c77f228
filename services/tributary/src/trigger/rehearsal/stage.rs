//! The stages of a rehearsal, and how it goes.

use std::sync::Arc;

use serde_json::Value;
use tributary_model::identity::Alias;
use tributary_model::{Pseudonymizer, RawEvent, Touchpoint, topics};
use tributary_normalizer::{Rulebook, explain};
use tributary_schema::{Contracts, SchemaError};
use tributary_stream::{Failure, HEADER_CODE, HEADER_MESSAGE, OutRecord, Stage, Table};
use tributary_triggers::{AccountTriggers, Definitions, TriggerEngine, TriggersError};

use super::bench::Bench;
use super::cast::{Cast, Entrance, names_of};
use super::events::Event;
use super::report::Scene;
use super::watched::{Cause, Minutes, WatchedAccounts, WatchedEngine};
use crate::canvas;
use crate::commands::now_ms;
use crate::compose;
use crate::config::HubConfig;
use crate::error::CliError;

/// The most timers that fire after the last event when nothing says until when: whoever waits for ever is left waiting.
const MOST_TIMERS: usize = 10_000;

/// What is rehearsed.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    /// Sources, rules, stages, canvas and settings.
    pub config: &'a HubConfig,
    /// The triggers.
    pub triggers: Definitions,
    /// The source of events that name none; `None` for events that are touchpoints already.
    pub source: Option<String>,
    /// Until when time passes after the last event; `None` until nothing waits any more.
    pub until_at: Option<i64>,
}

/// How a rehearsal went.
#[derive(Debug)]
pub struct Play {
    /// What happened, in order of time.
    pub scenes: Vec<Scene>,
    /// Events of which nothing came, and why.
    pub dropped: Vec<String>,
    /// Who is who.
    pub cast: Cast,
}

/// Why a rehearsal cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// An event is none.
    #[error("{origin}: {what}: {remedy}")]
    Event {
        /// The file and the line.
        origin: String,
        /// What is wrong with it.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The triggers cannot run.
    #[error(transparent)]
    Triggers(#[from] TriggersError),
    /// A contract is broken.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A stage refused.
    #[error("the hub refused: {0}")]
    Refused(#[from] Failure),
}

/// An event with what is known before it is normalised.
struct Prepared {
    source: String,
    received_at: i64,
    body: Value,
    entrance: Entrance,
}

impl Rehearsal<'_> {
    /// Runs the events through the hub's stages.
    ///
    /// # Errors
    /// [`CliError`] of the first definition or event that is wrong.
    pub fn run(self, events: Vec<Event>) -> Result<Play, CliError> {
        let rulebook = Rulebook::load(&self.config.normalizer)
            .map_err(|error| CliError::Definition { what: "sources", detail: error.to_string() })?;
        let mut play = Play { scenes: Vec::new(), dropped: Vec::new(), cast: Cast::default() };
        let mut prepared = Vec::new();
        for event in events {
            let origin = event.origin.clone();
            match prepare(&rulebook, self.source.as_deref(), event)? {
                Ok(event) => prepared.push(event),
                Err(reason) => play.dropped.push(format!("{origin}: dropped: {reason}")),
            }
        }
        let minutes = Minutes::default();
        let stages = self.stages(&minutes)?;
        let touchpoints = self.normalise(rulebook, prepared, &mut play)?;
        let lateness_ms = self.config.journey.allowed_lateness_ms;
        let contracts = Contracts::single_object().map_err(RehearsalError::from)?;
        let mut hub = Bench::new(Arc::clone(&contracts), &stages);
        let perform = |written: Vec<OutRecord>, play: &mut Play| take_down(&contracts, &minutes, &written, play);
        for (at, record) in touchpoints {
            while hub.next_timer_at().is_some_and(|due_at| due_at <= at - lateness_ms) {
                perform(hub.fire_next().map_err(RehearsalError::from)?, &mut play)?;
            }
            perform(hub.handle(record, at).map_err(RehearsalError::from)?, &mut play)?;
        }
        for _ in 0..MOST_TIMERS {
            let is_due = |due_at: i64| self.until_at.is_none_or(|until_at| due_at <= until_at);
            if !hub.next_timer_at().is_some_and(is_due) {
                break;
            }
            perform(hub.fire_next().map_err(RehearsalError::from)?, &mut play)?;
        }
        Ok(play)
    }

    /// The stages behind the normalizer, with the triggers watched.
    fn stages(&self, minutes: &Minutes) -> Result<Vec<Stage>, CliError> {
        let config = self.config;
        let definition_error = |error: TriggersError| CliError::from(RehearsalError::from(error));
        let engine = TriggerEngine::new(self.triggers.clone(), &config.triggers).map_err(definition_error)?;
        let engine = WatchedEngine { engine: Arc::new(engine), minutes: minutes.clone() };
        let of_accounts =
            WatchedAccounts { triggers: Arc::new(AccountTriggers::new(&self.triggers)), minutes: minutes.clone() };
        let identity = Arc::new(compose::identity_rules(config)?);
        let stages = Arc::new(compose::stages(config)?);
        let accounts = Arc::new(compose::account_rules(config)?);
        let canvas = Table::fixed(canvas::fold(&compose::canvas_entries(config)?));
        Ok(vec![
            tributary_identity::owners_stage(&config.identity, Arc::clone(&identity)),
            tributary_identity::sequencer_stage(&config.identity, identity),
            tributary_journey::journey_stage(
                &config.journey,
                Arc::clone(&stages),
                Arc::clone(&accounts),
                canvas,
                move || engine.clone(),
            ),
            tributary_journey::accounts_stage(&config.journey, stages, accounts, move || of_accounts.clone()),
        ])
    }

    /// The events as touchpoints on their topic, in order of their time.
    fn normalise(
        &self,
        rulebook: Rulebook,
        events: Vec<Prepared>,
        play: &mut Play,
    ) -> Result<Vec<(i64, OutRecord)>, CliError> {
        let raw_topics: Vec<(String, String)> =
            rulebook.directory().into_iter().map(|source| (source.name, topics::raw(source.domain))).collect();
        // Nothing leaves this process, so any key will do.
        let key = Pseudonymizer::new(b"a rehearsal is seen by nobody else")
            .map_err(|error| CliError::Definition { what: "pseudonym key", detail: error.to_string() })?;
        let contracts = Contracts::single_object().map_err(RehearsalError::from)?;
        let stage = tributary_normalizer::stage_with(&self.config.normalizer, rulebook, key);
        let mut normalizer = Bench::new(Arc::clone(&contracts), &[stage]);
        let mut touchpoints = Vec::new();
        for event in events {
            let topic = raw_topics.iter().find(|(name, _)| *name == event.source).map(|(_, topic)| topic.clone());
            let Some(topic) = topic else { continue };
            let raw = RawEvent {
                source: event.source,
                event_id: None,
                received_at: event.received_at,
                content_type: "application/json".to_owned(),
                body: event.body.to_string().into_bytes(),
            };
            let value = Some(contracts.encode(&topic, &raw).map_err(RehearsalError::from)?);
            let record = OutRecord { topic, key: Vec::new(), value, headers: Vec::new() };
            let written = normalizer.handle(record, event.received_at).map_err(RehearsalError::from)?;
            let written: Vec<OutRecord> = written.into_iter().filter(|one| one.topic == topics::TOUCHPOINTS).collect();
            if written.is_empty() {
                play.dropped.push(format!("{}: dropped: duplicate", event.entrance.origin));
            }
            for record in written {
                let value = record.value.as_deref().unwrap_or_default();
                let touchpoint: Touchpoint = contracts.decode(value).map_err(RehearsalError::from)?;
                play.cast.enter(touchpoint.touchpoint_id, event.entrance.clone());
                touchpoints.push((touchpoint.occurred_at, record));
            }
        }
        touchpoints.sort_by_key(|(at, _)| *at);
        Ok(touchpoints)
    }
}

/// The source, the receive time and the clear names of an event; or the reason for which it is dropped.
fn prepare(
    rulebook: &Rulebook,
    source: Option<&str>,
    event: Event,
) -> Result<Result<Prepared, String>, RehearsalError> {
    let Event { origin, mut body, received_at, source: own_source } = event;
    let refuse =
        |what: String, remedy: &str| RehearsalError::Event { origin: origin.clone(), what, remedy: remedy.to_owned() };
    let source = match own_source.as_deref().or(source) {
        Some(source) => source.to_owned(),
        None => {
            let event_type = body.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            if !body.contains_key("id") {
                body.insert("id".to_owned(), Value::from(origin.clone()));
            }
            let found = rulebook.sources_of_type(&event_type).find(|source| source.starts_with("events-"));
            found.map(str::to_owned).ok_or_else(|| {
                let remedy = "write a type of docs/triggers.md or one like custom.something; or give --source for events \
                              as a source sends them";
                refuse(format!("type \"{event_type}\" is no type of a touchpoint"), remedy)
            })?
        }
    };
    let body = Value::Object(body);
    let stated = body.get("occurred_at");
    let stated = stated.and_then(|at| at.as_i64().or_else(|| tributary_model::time::from_rfc3339(at.as_str()?)));
    let mut received_at = received_at.or(stated).unwrap_or_else(now_ms);
    let mut outcome = explain(rulebook, &source, received_at, &body);
    let drafted = outcome.pointer("/expected/0/occurred_at").and_then(Value::as_str);
    if let Some(at) =
        drafted.and_then(tributary_model::time::from_rfc3339).filter(|at| stated.is_none() && *at < received_at)
    {
        // As if it had been received at once: so the window of duplicates moves with the events.
        received_at = at;
        outcome = explain(rulebook, &source, received_at, &body);
    }
    if let Some(code) = outcome.get("dead_letter").and_then(Value::as_str) {
        let message = outcome.get("message").and_then(Value::as_str).unwrap_or_default();
        let remedy = "see docs/adding-a-source.md for what a touchpoint looks like";
        return Err(refuse(format!("{message} ({code}, as an event of {source})"), remedy));
    }
    if let Some(reason) = outcome.get("drop").and_then(Value::as_str) {
        return Ok(Err(reason.to_owned()));
    }
    let drafts = outcome.get("expected").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut names: Vec<String> = drafts.iter().flat_map(names_of).collect();
    names.dedup();
    Ok(Ok(Prepared { source, received_at, body, entrance: Entrance { origin, names } }))
}

/// Writes down what a step of the hub led to.
fn take_down(
    contracts: &Contracts,
    minutes: &Minutes,
    written: &[OutRecord],
    play: &mut Play,
) -> Result<(), RehearsalError> {
    for record in written {
        match record.topic.as_str() {
            topics::ALIASES => {
                let alias: Option<Alias> = record.value.as_deref().map(|value| contracts.decode(value)).transpose()?;
                play.cast.heed_alias(&record.key, alias);
            }
            topics::DEAD_LETTERS => {
                let header = |name: &str| {
                    let found = record.headers.iter().find(|(key, _)| key == name);
                    found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
                };
                let what = format!("became a dead letter: {}: {}", header(HEADER_CODE), header(HEADER_MESSAGE));
                let remedy = "see docs/runbook.md for the code".to_owned();
                return Err(RehearsalError::Event { origin: "an event".to_owned(), what, remedy });
            }
            _ => {}
        }
    }
    for moment in minutes.take() {
        if let Cause::Touch(event) = &moment.cause {
            play.cast.heed_touch(event);
        }
        play.scenes.push(Scene::of(moment, &play.cast));
    }
    Ok(())
}
