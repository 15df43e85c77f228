//! What to repair: in each dimension the one place that affects most, and of these the largest first.

use std::cmp::Reverse;

use tributary_model::Domain;

use crate::grade::{Dimension, Grade};
use crate::report::{Repair, SiloReport};
use crate::words::{count, counted, span};

const PERSONS: &str = "persons";
const SALES: &str = "sales";
const CONTACTS: &str = "contacts";

/// The repairs of the dimensions that have a grade below A, the largest effect first; of equal ones the order is that
/// of the dimensions. Persons, sales and contacts count alike: each is one human being whom a silo has cost
/// something.
pub(crate) fn repairs(report: &SiloReport) -> Vec<Repair> {
    let is_due = |dimension: Dimension| {
        let grade = report.grades.iter().find(|graded| graded.dimension == dimension).map(|graded| graded.grade);
        grade.is_some_and(|grade| ![Grade::A, Grade::NotEnoughData].contains(&grade))
    };
    let repair = |dimension| match dimension {
        Dimension::MatchRate => match_rate(report),
        Dimension::HandOver => hand_over(report),
        Dimension::IdentityCoverage => identity_coverage(report),
        Dimension::Consistency => consistency(report),
        Dimension::SuppressionLeakage => leakage(report),
        Dimension::LoopTime => loop_time(report),
    };
    let mut repairs: Vec<Repair> =
        Dimension::ALL.into_iter().filter(|dimension| is_due(*dimension)).filter_map(repair).collect();
    repairs.retain(|repair| repair.affected > 0);
    repairs.sort_by_key(|repair| (Reverse(repair.affected), repair.dimension));
    repairs
}

/// The first of those that affect most.
fn largest<T>(all: impl Iterator<Item = T>, affected: impl Fn(&T) -> u64) -> Option<T> {
    all.reduce(|best, next| if affected(&next) > affected(&best) { next } else { best })
}

/// The pair of domains that misses most of the persons it could share.
fn match_rate(report: &SiloReport) -> Option<Repair> {
    let persons = |domain: Domain| {
        let found = report.match_rates.domains.iter().find(|known| known.domain == domain);
        found.map_or(0, |known| known.persons)
    };
    // The smaller domain is the one whose persons could all be known to the other.
    let pairs =
        report.match_rates.pairs.iter().filter(|pair| (persons(pair.from), pair.from) < (persons(pair.to), pair.to));
    let pair = largest(pairs, |pair| pair.rate.rest())?;
    let (from, to) = (pair.from.name(), pair.to.name());
    Some(Repair {
        dimension: Dimension::MatchRate,
        affected: pair.rate.rest(),
        unit: PERSONS,
        what: format!(
            "{} of the {} persons of {from} are unknown to {to}: have both ask for an identifier that the other knows \
             too, such as a login, a card or a confirmed address",
            count(pair.rate.rest()),
            count(pair.rate.of)
        ),
    })
}

/// The source or team whose lateness concerns most.
fn hand_over(report: &SiloReport) -> Option<Repair> {
    let (dimension, late) = (Dimension::HandOver, span(report.hand_over.late_after_ms));
    let sources = report.hand_over.sources.iter().map(|source| Repair {
        dimension,
        affected: source.late_persons,
        unit: PERSONS,
        what: format!(
            "{} of {}, of {}, reached the hub more than {late} after they occurred: have it send events as they \
             occur",
            counted(source.late.count, "touch", "touches"),
            source.source,
            counted(source.late_persons, "person", "persons")
        ),
    });
    let teams = report.hand_over.teams.iter().map(|team| Repair {
        dimension,
        affected: team.late.count,
        unit: CONTACTS,
        what: format!(
            "{} first acted more than {late} after the decision in {} of {}: have its system take intents as they come",
            team.team,
            count(team.late.count),
            counted(team.acted, "case", "cases")
        ),
    });
    largest(sources.chain(teams), |repair| repair.affected)
}

/// The source with most sales to nobody, or the kind of identifier that most persons are known by alone.
fn identity_coverage(report: &SiloReport) -> Option<Repair> {
    let dimension = Dimension::IdentityCoverage;
    let sources = report.identity.sources.iter().map(|source| Repair {
        dimension,
        affected: source.sales.rest(),
        unit: SALES,
        what: format!(
            "{} of the {} of {} name nobody: ask for a card, an address or a number when selling there",
            count(source.sales.rest()),
            counted(source.sales.of, "sale", "sales"),
            source.source
        ),
    });
    let kinds = report.identity.known_once.iter().map(|once| Repair {
        dimension,
        affected: once.persons,
        unit: PERSONS,
        what: format!(
            "{} known by {} alone: send a second identifier with it wherever one is at hand",
            if once.persons == 1 { "1 person is".to_owned() } else { format!("{} persons are", count(once.persons)) },
            once.namespace
        ),
    });
    largest(sources.chain(kinds), |repair| repair.affected)
}

/// The team that contradicts most persons; where nothing contradicts, those who heard several narratives.
fn consistency(report: &SiloReport) -> Option<Repair> {
    let dimension = Dimension::Consistency;
    let teams = report.consistency.teams.iter().map(|team| Repair {
        dimension,
        affected: team.persons,
        unit: PERSONS,
        what: format!(
            "{} told {} something that contradicts what was said or done before: have its campaigns read the journey, \
             and begin with the conflicts listed below",
            team.team,
            counted(team.persons, "person", "persons")
        ),
    });
    let several =
        report.consistency.narratives.iter().filter(|heard| heard.narratives > 1).map(|heard| heard.persons).sum();
    let narratives = Repair {
        dimension,
        affected: several,
        unit: PERSONS,
        what: format!(
            "{} heard two narratives or more within 30 days: bring the campaigns that run at the same time under one",
            counted(several, "person", "persons")
        ),
    };
    largest(teams.chain([narratives]), |repair| repair.affected)
}

/// The team that leaks most.
fn leakage(report: &SiloReport) -> Option<Repair> {
    let team = largest(report.leakage.teams.iter(), |team| team.leaked)?;
    Some(Repair {
        dimension: Dimension::SuppressionLeakage,
        affected: team.leaked,
        unit: CONTACTS,
        what: format!(
            "{} made {} while a suppression held: have its system read the suppressions that the hub sends",
            team.team,
            counted(team.leaked, "contact", "contacts")
        ),
    })
}

/// The team of which least is heard.
fn loop_time(report: &SiloReport) -> Option<Repair> {
    let team = largest(report.loops.teams.iter(), |team| team.open)?;
    Some(Repair {
        dimension: Dimension::LoopTime,
        affected: team.open,
        unit: CONTACTS,
        what: format!(
            "{} of the {} that {} was asked for were never reported on: have its system send delivery reports with the \
             decision's id",
            count(team.open),
            counted(team.closed.of, "message", "messages"),
            team.team
        ),
    })
}
