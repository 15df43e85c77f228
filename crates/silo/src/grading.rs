//! The grade of each dimension, with its evidence in words.

use std::cmp::Reverse;

use crate::grade::{Dimension, Grade, MIN_COUNT};
use crate::report::{GradedDimension, SiloReport};
use crate::share::Share;
use crate::words::{count, counted, percent, share, span};

/// One grade a dimension.
pub(crate) fn grades(report: &SiloReport) -> Vec<GradedDimension> {
    let grade = |dimension| match dimension {
        Dimension::MatchRate => match_rate(report),
        Dimension::HandOver => hand_over(report),
        Dimension::IdentityCoverage => identity_coverage(report),
        Dimension::Consistency => consistency(report),
        Dimension::SuppressionLeakage => leakage(report),
        Dimension::LoopTime => loop_time(report),
    };
    Dimension::ALL.into_iter().map(grade).collect()
}

fn graded(dimension: Dimension, figure: Option<f64>, number: u64, evidence: String) -> GradedDimension {
    let scale = *dimension.scale();
    let grade = match figure.filter(|_| number >= MIN_COUNT) {
        Some(figure) => scale.grade(figure),
        None => Grade::NotEnoughData,
    };
    GradedDimension { dimension, grade, figure, count: number, needed: MIN_COUNT, scale, evidence }
}

fn of_share(dimension: Dimension, part: &Share, evidence: String) -> GradedDimension {
    graded(dimension, part.share, part.of, evidence)
}

fn match_rate(report: &SiloReport) -> GradedDimension {
    let overlap = &report.match_rates.overlap;
    if overlap.of == 0 {
        let evidence = "No two domains have persons that they could share.".to_owned();
        return of_share(Dimension::MatchRate, overlap, evidence);
    }
    let mut evidence = format!(
        "Domains share {} of the {} persons that two of them could share: {}.",
        count(overlap.count),
        count(overlap.of),
        share(overlap)
    );
    let is_counted =
        |domain| report.match_rates.domains.iter().any(|known| known.domain == domain && known.persons >= MIN_COUNT);
    // Where one of the two is hardly connected, nobody can say how well they match.
    let rates = report.match_rates.pairs.iter().filter(|pair| is_counted(pair.from) && is_counted(pair.to));
    let weakest = rates.min_by(|a, b| a.rate.share.unwrap_or(1.0).total_cmp(&b.rate.share.unwrap_or(1.0)));
    if let Some(pair) = weakest {
        let (from, to) = (pair.from.name(), pair.to.name());
        let of = counted(pair.rate.of, "person", "persons");
        evidence +=
            &format!(" Weakest: of {of} of {from}, {} are known to {to}.", percent(pair.rate.share.unwrap_or(0.0)));
    }
    of_share(Dimension::MatchRate, overlap, evidence)
}

fn hand_over(report: &SiloReport) -> GradedDimension {
    let sources = report.hand_over.sources.iter().filter_map(|source| {
        let what = format!("from events of {} to their receipt", source.source);
        Some((source.touches, source.delay?.p90_ms, what))
    });
    let teams = report.hand_over.teams.iter().filter_map(|team| {
        Some((team.acted, team.delay?.p90_ms, format!("from decisions to the first act of {}", team.team)))
    });
    // Those of which enough is known come first, then the slowest.
    let slowest = sources.chain(teams).max_by_key(|(number, p90_ms, what)| {
        let rank = if *number >= MIN_COUNT { (true, *p90_ms) } else { (false, i64::try_from(*number).unwrap_or(0)) };
        (rank, Reverse(what.clone()))
    });
    match slowest {
        None => {
            let loaded = report.hand_over.sources.iter().map(|source| source.loaded).sum();
            let evidence = match loaded {
                0 => "No event and no act is known.".to_owned(),
                loaded => format!("Nothing occurred since the hub is live: {} of loaded history.", touches(loaded)),
            };
            graded(Dimension::HandOver, None, 0, evidence)
        }
        Some((number, p90_ms, what)) => {
            let evidence = format!("Slowest: {what}, nine in ten of {} within {}.", count(number), span(p90_ms));
            graded(Dimension::HandOver, Some(p90_ms as f64), number, evidence)
        }
    }
}

fn identity_coverage(report: &SiloReport) -> GradedDimension {
    let identity = &report.identity;
    if identity.touches.of == 0 {
        return of_share(Dimension::IdentityCoverage, &identity.sales, "No touch is known.".to_owned());
    }
    let evidence = format!(
        "Of {}, {} name somebody; of {}, {}. Two or more kinds of identifiers name {} of {}.",
        counted(identity.sales.of, "sale", "sales"),
        share(&identity.sales),
        touches(identity.touches.of),
        share(&identity.touches),
        share(&identity.known_twice),
        counted(identity.known_twice.of, "person", "persons")
    );
    of_share(Dimension::IdentityCoverage, &identity.sales, evidence)
}

fn consistency(report: &SiloReport) -> GradedDimension {
    let consistency = &report.consistency;
    if consistency.one_story.of == 0 {
        let evidence = "Nobody heard a message of which the canvas tells the narrative.".to_owned();
        return of_share(Dimension::Consistency, &consistency.one_story, evidence);
    }
    let evidence = format!(
        "Of {} who heard a story, {} heard one; {} heard something that contradicts another.",
        counted(consistency.one_story.of, "person", "persons"),
        share(&consistency.one_story),
        count(consistency.conflicted.count)
    );
    of_share(Dimension::Consistency, &consistency.one_story, evidence)
}

fn leakage(report: &SiloReport) -> GradedDimension {
    let leakage = &report.leakage;
    if leakage.contacts.of == 0 {
        let evidence = "No contact met a suppression.".to_owned();
        return of_share(Dimension::SuppressionLeakage, &leakage.contacts, evidence);
    }
    let evidence = format!(
        "Of {} that met a suppression, {} were made nevertheless: {}, through {}.",
        counted(leakage.contacts.of, "contact", "contacts"),
        count(leakage.contacts.count),
        share(&leakage.contacts),
        counted(leakage.suppressions, "suppression", "suppressions")
    );
    of_share(Dimension::SuppressionLeakage, &leakage.contacts, evidence)
}

fn loop_time(report: &SiloReport) -> GradedDimension {
    let (closed, young) = (&report.loops.closed, report.loops.teams.iter().map(|team| team.young).sum());
    if closed.of == 0 && young == 0 {
        return of_share(Dimension::LoopTime, closed, "No message was asked for.".to_owned());
    }
    let evidence = format!(
        "Of {}, something was reported on {}; {} are open, and {} too young to tell.",
        counted(closed.of, "message that was asked for", "messages that were asked for"),
        share(closed),
        count(closed.rest()),
        count(young)
    );
    of_share(Dimension::LoopTime, closed, evidence)
}

fn touches(number: u64) -> String {
    counted(number, "touch", "touches")
}
