//! The ledger against what it must be, counted with code of its own.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::time::{HOUR_MS, MINUTE_MS};
use tributary_model::{Arm, Decision, Direction, Fate, JourneyEvent, OutcomeKind, PersonId, WithheldReason};

use crate::caps::{beyond, sent_at};
use crate::feed::Retail;
use crate::ledger::Ledger;
use crate::rules::{GLOBAL_EXPERIMENT, GLOBAL_PERCENT, MESSAGES, suppresses};

/// What is a difference of order only: an event that was on its way when the decision was made.
const ON_ITS_WAY_MS: i64 = 10 * MINUTE_MS;

pub(crate) struct Audit<'a> {
    ledger: &'a Ledger,
    retail: &'a Retail,
    /// Messages sent, by the person as it is known in the end.
    sent: BTreeMap<PersonId, Vec<&'a Decision>>,
    differences: Vec<String>,
}

impl<'a> Audit<'a> {
    pub(crate) fn new(ledger: &'a Ledger, retail: &'a Retail) -> Self {
        let mut sent: BTreeMap<PersonId, Vec<&Decision>> = BTreeMap::new();
        let is_message =
            |one: &&Decision| one.fate == Fate::Sent && ["email", "push", "sms"].contains(&one.channel.as_str());
        for decision in ledger.decisions.iter().filter(is_message) {
            sent.entry(ledger.aliases.resolve(decision.person_id)).or_default().push(decision);
        }
        Self { ledger, retail, sent, differences: Vec::new() }
    }

    /// Everything that is not as it must be, a line each.
    pub(crate) fn differences(mut self) -> Vec<String> {
        self.each_once();
        self.caps();
        self.consents();
        self.suppressions();
        self.fates();
        self.shares();
        self.outcomes();
        self.differences
    }

    fn differ(&mut self, difference: String) {
        self.differences.push(difference);
    }

    /// Each decision stands once, and there is an intent for each that was sent and for no other.
    fn each_once(&mut self) {
        let mut seen = BTreeSet::new();
        for decision in &self.ledger.decisions {
            if !seen.insert(&decision.decision_id) {
                self.differences.push(format!("decision {} stands twice", decision.decision_id));
            }
        }
        let sent = self.ledger.decisions.iter().filter(|one| one.fate == Fate::Sent);
        let mut sent: BTreeSet<&str> = sent.map(|one| one.decision_id.as_str()).collect();
        for intent in &self.ledger.intents {
            if !sent.remove(intent.decision_id.as_str()) {
                self.differences.push(format!("intent {} has no decision, or stands twice", intent.decision_id));
            }
        }
        self.differences.extend(sent.into_iter().map(|id| format!("decision {id} was sent without an intent")));
    }

    /// Nothing is beyond a limit but what was reported to be: sent before it was known who is who.
    fn caps(&mut self) {
        let reported: BTreeSet<&str> = self
            .ledger
            .outcomes
            .iter()
            .filter(|outcome| outcome.kind == OutcomeKind::OverCap)
            .map(|outcome| outcome.decision_id.as_str())
            .collect();
        let beyond = beyond(&self.sent);
        eprintln!("{} messages over a cap by a link, {} reported", beyond.len(), reported.len());
        for decision in beyond {
            if !reported.contains(decision.decision_id.as_str()) {
                self.differ(format!("{} is over a cap and not reported", line(decision)));
            }
        }
    }

    /// Nothing was sent against the last word of the person, or without one where one is needed, as far as it was known whose
    /// word it was.
    fn consents(&mut self) {
        let (mut differences, mut by_a_link) = (Vec::new(), 0);
        for (person_id, messages) in &self.sent {
            let journey = self.ledger.journeys.get(person_id).map_or(&[][..], Vec::as_slice);
            for message in messages {
                let needs_one = ["needs-consent"].contains(&message.trigger_id.as_str());
                let forbids = |at: i64, is_known: &dyn Fn(&JourneyEvent) -> bool| {
                    let heard: Vec<&JourneyEvent> = journey.iter().filter(|event| is_known(event)).collect();
                    !last_word(&heard, message, at).unwrap_or(!needs_one)
                };
                let was_known = |event: &JourneyEvent| self.ledger.was_known(&event.touchpoint.touchpoint_id, message);
                if !forbids(sent_at(message), &|_| true) || !forbids(sent_at(message) - ON_ITS_WAY_MS, &|_| true) {
                    continue;
                }
                if forbids(sent_at(message), &was_known) {
                    differences.push(format!("{} was sent against consent", line(message)));
                } else {
                    by_a_link += 1;
                }
            }
        }
        eprintln!("{by_a_link} messages against a word that was another person's until a link");
        self.differences.extend(differences);
    }

    /// Nothing was sent while the person was to be left alone.
    fn suppressions(&mut self) {
        let mut by_person: BTreeMap<PersonId, Vec<&Decision>> = BTreeMap::new();
        for decision in self.ledger.decisions.iter().filter(|one| one.fate == Fate::Sent && suppresses(&one.trigger_id))
        {
            by_person.entry(decision.person_id).or_default().push(decision);
        }
        let mut after = 0;
        for (person_id, suppressions) in &by_person {
            // Only what was decided about the very same id: a link that came later could not be known.
            let messages =
                self.ledger.decisions.iter().filter(|one| one.person_id == *person_id && one.fate == Fate::Sent);
            for message in messages.filter(|one| MESSAGES.iter().any(|(id, _)| *id == one.trigger_id)) {
                let at = sent_at(message);
                let holds = |one: &&&Decision| (one.decided_at..one.decided_at + 12 * HOUR_MS).contains(&at);
                // Late: the suppression was decided on an event that came after the message had gone.
                let is_known = |one: &&&Decision| sent_at(one) < at;
                if suppressions.iter().filter(holds).any(|one| is_known(&one)) {
                    self.differences.push(format!("{} was sent while suppressed", line(message)));
                }
                after += 1;
            }
        }
        eprintln!("{} persons suppressed, {after} messages to them at other times", by_person.len());
    }

    /// Every fate is there; that a link joins two arms takes more persons than a short day has.
    fn fates(&mut self) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for decision in &self.ledger.decisions {
            *counts.entry(decision.reason.map_or("sent", WithheldReason::name)).or_default() += 1;
        }
        eprintln!("fates: {counts:?}");
        let is_short = self.retail.event_count() < 10_000;
        for fate in [
            "sent",
            "held_out",
            "capped",
            "quiet_hours",
            "no_consent",
            "lost_arbitration",
            "suppressed",
            "expired",
            "contaminated",
        ] {
            let may_be_missing = is_short && fate == "contaminated";
            if !may_be_missing && !counts.contains_key(fate) {
                self.differ(format!("nothing was ever {fate}"));
            }
        }
    }

    /// The held-out share of persons is that of the definition, within four standard deviations.
    fn shares(&mut self) {
        let global = GLOBAL_PERCENT / 100.0;
        for (id, percent) in MESSAGES.iter().filter(|(_, percent)| *percent > 0.0) {
            // Who is treated here and held out of everything is told under the global group.
            let (own, rest) = (percent / 100.0, 1.0 - percent / 100.0);
            let share = own / (own + rest * (1.0 - global));
            self.share(&format!("{id}:{id}"), |decision| decision.trigger_id == *id, share);
        }
        // Where there is no hold-out of their own, decisions are told under the global group, whatever the arm.
        let is_told =
            |decision: &Decision| MESSAGES.iter().any(|(id, percent)| *percent == 0.0 && *id == decision.trigger_id);
        self.share(GLOBAL_EXPERIMENT, is_told, global);
    }

    fn share(&mut self, experiment: &str, is_meant: impl Fn(&Decision) -> bool, share: f64) {
        let mut arms: BTreeMap<PersonId, Arm> = BTreeMap::new();
        let told = self.ledger.decisions.iter().filter(|one| one.experiment.as_deref() == Some(experiment));
        for decision in told.filter(|decision| is_meant(decision)) {
            arms.entry(decision.person_id).or_insert(decision.arm);
        }
        let held_out = arms.values().filter(|arm| **arm == Arm::HeldOut).count() as f64;
        let count = arms.len() as f64;
        let deviation = 4.0 * (count * share * (1.0 - share)).sqrt();
        eprintln!("{experiment}: {held_out} of {count} held out, {:.1} % wanted", share * 100.0);
        if arms.is_empty() || (held_out - count * share).abs() > deviation {
            self.differ(format!("{experiment}: {held_out} of {count} held out"));
        }
    }

    /// The tools' acts came back as outcomes of their decisions, and sales as outcomes by rule.
    fn outcomes(&mut self) {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for outcome in &self.ledger.outcomes {
            *kinds.entry(outcome.kind.name()).or_default() += 1;
            if !seen.insert(&outcome.outcome_id) {
                self.differences.push(format!("outcome {} stands twice", outcome.outcome_id));
            }
        }
        eprintln!("outcomes: {kinds:?} of {} events", self.retail.event_count());
        for kind in ["acted", "clicked", "converted"] {
            if !kinds.contains_key(kind) {
                self.differ(format!("no outcome is {kind}"));
            }
        }
    }
}

fn line(decision: &Decision) -> String {
    let Decision { decision_id, trigger_id, channel, .. } = decision;
    format!("{decision_id} of {trigger_id} on {channel} at {}", tributary_model::time::to_rfc3339(sent_at(decision)))
}

/// The last word about marketing on the message's channel up to `at`: an unsubscription, or a consent as it was said.
fn last_word(journey: &[&JourneyEvent], message: &Decision, at: i64) -> Option<bool> {
    let mut last = None;
    for event in journey.iter().filter(|event| event.touchpoint.occurred_at <= at) {
        let touchpoint = &event.touchpoint;
        for consent in &touchpoint.consents {
            let is_meant = [message.channel.as_str(), "*"].contains(&consent.channel.as_str());
            if is_meant && ["marketing", "*"].contains(&consent.purpose.as_str()) {
                last = Some(consent.granted);
            }
        }
        let unsubscribed =
            touchpoint.event_type.ends_with(".unsubscribed") && touchpoint.direction == Direction::Inbound;
        if unsubscribed && touchpoint.channel == message.channel {
            last = Some(false);
        }
    }
    last
}
