//! From a raw event to touchpoints: mapping, checks, identifiers, channel, pseudonyms. Pure; duplicates are found later.

use std::cell::LazyCell;

use tributary_model::time::to_rfc3339;
use tributary_model::{Domain, Identifier, Pseudonymizer, RawEvent, RefusedIdentifier, Touchpoint};
use tributary_rules::{ObjectMap, Value, instant, parse_json};

use crate::config::MAX_AHEAD_MS;
use crate::contract::{self, Mapped, Said};
use crate::dedup;
use crate::draft::{Draft, RawIdentifier};
use crate::error::Refusal;
use crate::identifiers::Needles;
use crate::rulebook::Rulebook;
use crate::source::{Fingerprint, Source};

/// The drop reason of machines' events.
pub(crate) const BOT: &str = "bot";
/// Where a mapping finds the event.
const BODY: &str = "body";

/// What became of a raw event.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    /// Touchpoints, at least one.
    Touchpoints(Vec<T>),
    /// Dropped for a reason that is counted.
    Dropped(&'static str),
}

/// A touchpoint with what tells it from another of the same id.
#[derive(Debug)]
pub(crate) struct Normalised {
    pub(crate) touchpoint: Touchpoint,
    pub(crate) fingerprint: u64,
    /// Its identifiers with what they are called under newer keys, while keys are rotated.
    pub(crate) names: Vec<(Identifier, Vec<Identifier>)>,
}

/// Turns raw events into touchpoints by the rules.
#[derive(Debug)]
pub(crate) struct Engine {
    rulebook: Rulebook,
    pseudonymizer: Pseudonymizer,
}

impl Engine {
    pub(crate) fn new(rulebook: Rulebook, pseudonymizer: Pseudonymizer) -> Self {
        Self { rulebook, pseudonymizer }
    }

    /// The touchpoints of a raw event.
    pub(crate) fn touchpoints(&self, raw: &RawEvent) -> Result<Outcome<Normalised>, Refusal> {
        let source = self.rulebook.source(&raw.source)?;
        Ok(match self.rulebook.drafts(source, &raw.body, raw.received_at)? {
            Outcome::Dropped(reason) => Outcome::Dropped(reason),
            Outcome::Touchpoints(drafts) => {
                let of_body = LazyCell::new(|| dedup::fingerprint(&raw.body));
                let finish = |draft: Draft| {
                    let names = self.newer_names(&draft.identifiers);
                    let touchpoint = self.finish(draft, &source.info.name, source.info.domain, raw.received_at);
                    let fingerprint = match source.fingerprint {
                        Fingerprint::Body => *of_body,
                        Fingerprint::Touchpoint => fingerprint_of(&touchpoint),
                    };
                    Normalised { touchpoint, fingerprint, names }
                };
                Outcome::Touchpoints(drafts.into_iter().map(finish).collect())
            }
        })
    }

    fn finish(&self, draft: Draft, source: &str, domain: Domain, received_at: i64) -> Touchpoint {
        Touchpoint {
            touchpoint_id: [source, ":", &draft.id].concat(),
            source: source.to_owned(),
            domain,
            event_type: draft.event_type,
            occurred_at: draft.occurred_at,
            received_at,
            identifiers: self.pseudonyms(draft.identifiers),
            refused_identifiers: draft
                .refused
                .into_iter()
                .map(|(namespace, reason)| RefusedIdentifier { namespace, reason: reason.to_owned() })
                .collect(),
            account_identifiers: self.account_pseudonyms(draft.account_identifiers),
            channel: draft.channel.unwrap_or_default(),
            direction: draft.direction,
            campaign_id: draft.campaign_id,
            message_id: draft.message_id,
            decision_id: draft.decision_id,
            agency: draft.agency,
            partner: draft.partner,
            cost: draft.cost,
            value: draft.value,
            items: draft.items,
            order_id: draft.order_id,
            location: draft.location,
            consents: draft.consents,
            duplicate_of: None,
            properties: draft.properties,
        }
    }

    fn account_pseudonyms(&self, raw: Vec<RawIdentifier>) -> Vec<Identifier> {
        raw.into_iter()
            .map(|identifier| {
                let value = self.pseudonymizer.account_pseudonym(&identifier.namespace, &identifier.value);
                Identifier::new(identifier.namespace, value)
            })
            .collect()
    }

    /// What identifiers are called under newer keys; empty unless keys are rotated.
    fn newer_names(&self, raw: &[RawIdentifier]) -> Vec<(Identifier, Vec<Identifier>)> {
        let named = raw.iter().map(|RawIdentifier { namespace, value }| {
            let names = self.pseudonymizer.newer_pseudonyms(namespace, value);
            let names = names.map(|name| Identifier::new(namespace.as_str(), name)).collect();
            (Identifier::new(namespace.as_str(), self.pseudonymizer.pseudonym(namespace, value)), names)
        });
        if self.pseudonymizer.is_rotating() { named.collect() } else { Vec::new() }
    }

    fn pseudonyms(&self, raw: Vec<RawIdentifier>) -> Vec<Identifier> {
        raw.into_iter()
            .map(|identifier| {
                let value = self.pseudonymizer.pseudonym(&identifier.namespace, &identifier.value);
                Identifier::new(identifier.namespace, value)
            })
            .collect()
    }
}

/// A fingerprint of what a touchpoint says, whenever it was received.
fn fingerprint_of(touchpoint: &Touchpoint) -> u64 {
    let said = Touchpoint { received_at: 0, ..touchpoint.clone() };
    dedup::fingerprint(&serde_json::to_vec(&said).unwrap_or_default())
}

impl Rulebook {
    /// The source of this name.
    pub(crate) fn source(&self, name: &str) -> Result<&Source, Refusal> {
        self.sources.get(name).ok_or_else(|| {
            let shown: String = name.chars().take(60).collect();
            Refusal::new(
                "unknown_source",
                format!("there is no source \"{shown}\": add its folder to normalizer.source_dirs"),
            )
        })
    }

    /// What the source's mapping makes of an event, checked and completed, with raw identifiers.
    pub(crate) fn drafts(&self, source: &Source, body: &[u8], received_at: i64) -> Result<Outcome<Draft>, Refusal> {
        let mut drafts = match contract::read(mapped(source, body, received_at)?)? {
            Mapped::Drafts(drafts) => drafts,
            Mapped::Drop(reason) => {
                let declared = source.drop_reason(&reason).ok_or_else(|| {
                    Refusal::new("undeclared_drop", "the reason of the drop is not listed under drops in source.yaml")
                })?;
                return Ok(Outcome::Dropped(declared));
            }
        };
        if drafts.iter().filter_map(|draft| draft.user_agent.as_deref()).any(|agent| self.bots.is_bot(agent)) {
            return Ok(Outcome::Dropped(BOT));
        }
        for draft in &mut drafts {
            check_type_and_time(draft, source, received_at)?;
            self.settle_channel(draft, source.info.domain)?;
            let raw = Needles::of(draft);
            self.identity.settle(draft, &source.identifiers);
            raw.scrub_properties(draft);
        }
        Ok(Outcome::Touchpoints(drafts))
    }

    fn settle_channel(&self, draft: &mut Draft, domain: Domain) -> Result<(), Refusal> {
        let channel = match (draft.channel.take(), &draft.referral, domain) {
            (Some(channel), _, _) if self.channels.is_channel(&channel) => channel,
            (Some(channel), _, _) => {
                let shown: String = channel.chars().take(40).collect();
                let why = format!("channel: \"{shown}\" is not listed in channels.yaml");
                return Err(Refusal::new("unknown_channel", why));
            }
            (None, Some(referral), _) => self.channels.group_of_referral(referral).to_owned(),
            (None, None, Domain::Store) => "in_store".to_owned(),
            (None, None, Domain::Crm) => "sales".to_owned(),
            (None, None, Domain::Channel | Domain::Ecommerce) => "unassigned".to_owned(),
        };
        draft.channel = Some(channel);
        Ok(())
    }
}

/// What the source's mapping says of an event. One that only names a place of the event needs no program: what is there is
/// read where it lies.
fn mapped<'a>(source: &Source, body: &'a [u8], received_at: i64) -> Result<Said<'a>, Refusal> {
    let malformed = |why| Refusal::new("malformed_json", format!("the body {why}"));
    if let Some([first, rest @ ..]) = source.mapping.place()
        && first.as_str() == BODY
    {
        return Ok(rest.iter().fold(Said::parse(body).map_err(malformed)?, Said::field));
    }
    let input = ObjectMap::from([
        ("source".into(), Value::from(source.info.name.as_str())),
        ("received_at".into(), instant(received_at)),
        (BODY.into(), parse_json(body).map_err(malformed)?),
    ]);
    let result = source.mapping.run(Value::Object(input));
    result.map(Said::from).map_err(|error| Refusal::new("mapping_failed", error.to_string()))
}

fn check_type_and_time(draft: &Draft, source: &Source, received_at: i64) -> Result<(), Refusal> {
    if !source.emits(&draft.event_type) {
        let why = format!("type: {} is not listed under types in source.yaml", draft.event_type);
        return Err(Refusal::new("undeclared_type", why));
    }
    let at = || to_rfc3339(draft.occurred_at);
    if draft.occurred_at > received_at.saturating_add(MAX_AHEAD_MS) {
        let why = format!("occurred_at: {} is more than 24 h ahead of its receipt: set the sender's clock", at());
        return Err(Refusal::new("too_far_ahead", why));
    }
    if draft.occurred_at < received_at.saturating_sub(source.info.max_age_ms) {
        let why = format!("occurred_at: {} is longer ago than max_age_days in source.yaml", at());
        return Err(Refusal::new("too_old", why));
    }
    Ok(())
}
