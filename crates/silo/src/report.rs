//! The report: every measure with its counts, the grades, and what to repair.

use serde::Serialize;
use tributary_model::Domain;

use crate::delays::Quantiles;
use crate::grade::{Dimension, Grade, Scale};
use crate::share::Share;

/// How far apart the silos are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SiloReport {
    /// The newest instant that the topics know of, as RFC 3339; `None` when they are empty.
    pub as_of: Option<String>,
    /// Nothing from before is counted, as RFC 3339; `None` when everything is.
    pub since: Option<String>,
    /// Since when the hub is live, RFC 3339: what occurred or was decided before is loaded history, and counts for
    /// neither hand-over, leakage nor loops. `None` when all counts.
    pub live_since: Option<String>,
    /// Persons whom at least one touch names.
    pub persons: u64,
    /// Touches, those that name nobody included.
    pub touches: u64,
    /// A grade per dimension.
    pub grades: Vec<GradedDimension>,
    /// What to repair, the largest effect first: the first is the one.
    pub repairs: Vec<Repair>,
    /// Who is known in which domains.
    pub match_rates: MatchRates,
    /// How long it takes until others know, and act.
    pub hand_over: HandOver,
    /// Whether it is known who it was.
    pub identity: IdentityCoverage,
    /// One story or several.
    pub consistency: Consistency,
    /// Contacts made while a suppression held.
    pub leakage: Leakage,
    /// What came of what was sent.
    pub loops: Loops,
    /// Retractions of touches that were not stated: reading began after retention had taken the statements.
    pub unmatched_retractions: u64,
}

/// The grade of one dimension.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GradedDimension {
    /// The dimension.
    pub dimension: Dimension,
    /// Its grade.
    pub grade: Grade,
    /// What was held against the scale: a share, or milliseconds for the hand-over. `None` when nothing was counted.
    pub figure: Option<f64>,
    /// How many were counted.
    pub count: u64,
    /// How many have to be for a grade.
    pub needed: u64,
    /// The thresholds.
    pub scale: Scale,
    /// The figure in words.
    pub evidence: String,
}

/// What to repair in one dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// The dimension.
    pub dimension: Dimension,
    /// How many it would move.
    pub affected: u64,
    /// Of what: `persons`, `sales` or `contacts`.
    pub unit: &'static str,
    /// What is wrong, where, and what to do.
    pub what: String,
}

/// Persons by domain, and by pair of domains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatchRates {
    /// Of all pairs of domains: those known to both, of as many as the smaller one knows.
    pub overlap: Share,
    /// Persons by domain.
    pub domains: Vec<DomainPersons>,
    /// Each ordered pair.
    pub pairs: Vec<PairMatch>,
}

/// How many persons a domain has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DomainPersons {
    /// The domain.
    pub domain: Domain,
    /// Persons whom a touch of it names.
    pub persons: u64,
    /// Its touches, those that name nobody included; a domain without any is not connected.
    pub touches: u64,
}

/// Of the persons seen in one domain, those also seen in another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairMatch {
    /// The one.
    pub from: Domain,
    /// The other.
    pub to: Domain,
    /// The match rate.
    pub rate: Share,
}

/// How long it takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HandOver {
    /// How far a quantile may be from the true one, as a part of it; half a millisecond comes from rounding.
    pub relative_error: f64,
    /// What is later is late.
    pub late_after_ms: i64,
    /// From when something occurred to when the hub received it.
    pub sources: Vec<SourceDelay>,
    /// From a decision to the first act of the team that was asked.
    pub teams: Vec<TeamDelay>,
}

/// How late a source's events come.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceDelay {
    /// The source.
    pub source: String,
    /// Its domain.
    pub domain: Domain,
    /// Its touches since the hub is live.
    pub touches: u64,
    /// Its touches from before: loaded history, of which no hand-over is measured.
    pub loaded: u64,
    /// From occurrence to receipt.
    pub delay: Option<Quantiles>,
    /// Touches that came late.
    pub late: Share,
    /// Known persons of whom something came late.
    pub late_persons: u64,
    /// Touches received before they occurred, which count as immediate: a clock is wrong.
    pub clock_ahead: u64,
}

/// How soon a team acts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TeamDelay {
    /// The team.
    pub team: String,
    /// Decisions on which its systems reported an act.
    pub acted: u64,
    /// From the decision to the act.
    pub delay: Option<Quantiles>,
    /// Acts that came late.
    pub late: Share,
}

/// Who was it?
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IdentityCoverage {
    /// Touches that name somebody.
    pub touches: Share,
    /// Sales that name somebody.
    pub sales: Share,
    /// Known persons whom two or more kinds of identifiers name.
    pub known_twice: Share,
    /// Known persons whom one kind of identifier alone names, by kind, most first.
    pub known_once: Vec<KnownOnce>,
    /// By source.
    pub sources: Vec<SourceNaming>,
}

/// Persons whom one kind of identifier alone names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownOnce {
    /// The kind.
    pub namespace: String,
    /// How many.
    pub persons: u64,
}

/// How much of what a source sends names somebody.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceNaming {
    /// The source.
    pub source: String,
    /// Its domain.
    pub domain: Domain,
    /// Touches that name somebody.
    pub touches: Share,
    /// Sales that name somebody.
    pub sales: Share,
}

/// One story or several.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Consistency {
    /// Of those who heard a story: one narrative at a time, and nothing that contradicts it.
    pub one_story: Share,
    /// Known persons who heard something that contradicts what was said or done before.
    pub conflicted: Share,
    /// By the most narratives that a person heard within 30 days.
    pub narratives: Vec<Narratives>,
    /// Known persons whom a team contradicted, by team, most first.
    pub teams: Vec<ConflictedBy>,
    /// What contradicts what, most touches first.
    pub conflicts: Vec<Conflict>,
}

/// Persons by the most narratives that they heard within 30 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Narratives {
    /// So many; the last number stands for all above it.
    pub narratives: u8,
    /// Persons.
    pub persons: u64,
}

/// Persons whom a team contradicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConflictedBy {
    /// The team.
    pub team: String,
    /// How many.
    pub persons: u64,
}

/// One kind of conflict at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// `offer`, `stage`, `already_bought`, `open_case`.
    pub kind: String,
    /// The channel of the touch that completed it.
    pub channel: String,
    /// The team that answers for that touch.
    pub team: String,
    /// The agency that trafficked it; empty when none did.
    pub agency: String,
    /// Touches.
    pub touches: u64,
    /// Known persons.
    pub persons: u64,
    /// Touchpoints to look at.
    pub examples: Vec<String>,
}

/// Contacts that met a suppression.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leakage {
    /// Contacts that were made nevertheless, of these and those that the hub held back for a suppression.
    pub contacts: Share,
    /// Distinct suppressions that leaked.
    pub suppressions: u64,
    /// By team.
    pub teams: Vec<TeamLeaks>,
}

/// The contacts of one team that met a suppression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TeamLeaks {
    /// The team that made the contact, or would have.
    pub team: String,
    /// Made nevertheless.
    pub leaked: u64,
    /// Distinct suppressions that it leaked through.
    pub suppressions: u64,
    /// Held back by the hub.
    pub held_back: u64,
}

/// What came of what was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loops {
    /// How old a message has to be for its silence to count.
    pub window_ms: i64,
    /// Messages that something was reported on.
    pub closed: Share,
    /// Decisions about what occurred before the hub was live, which are in no measure.
    pub loaded_decisions: u64,
    /// By team.
    pub teams: Vec<TeamLoops>,
}

/// The loops of one team.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TeamLoops {
    /// The team.
    pub team: String,
    /// Messages that something was reported on, of these and the open ones.
    pub closed: Share,
    /// Asked for longer ago than the window, and nothing was reported.
    pub open: u64,
    /// Asked for too shortly ago to tell.
    pub young: u64,
    /// Messages after which the person bought or responded.
    pub results: u64,
    /// From the decision to the first purchase or response.
    pub delay: Option<Quantiles>,
}
