//! The report's tables, as both Markdown and HTML show them.

use tributary_model::Domain;

use crate::delays::Quantiles;
use crate::grade::Grade;
use crate::report::SiloReport;
use crate::words::{count, counted, percent, share, span};

/// The most conflicts that are shown one by one.
const MAX_CONFLICTS: usize = 20;
const NOTHING: &str = "–";

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) is_number: bool,
}

/// A table; no text of it is escaped yet.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) notes: Vec<String>,
}

impl Table {
    /// Titles that begin with `#` are those of numbers.
    fn new(title: &'static str, columns: &[&'static str], rows: Vec<Vec<String>>) -> Self {
        let column = |title: &&'static str| match title.strip_prefix('#') {
            Some(title) => Column { title, is_number: true },
            None => Column { title, is_number: false },
        };
        Self { title, columns: columns.iter().map(column).collect(), rows, notes: Vec::new() }
    }

    fn noting(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }
}

/// All of them, in order.
pub(crate) fn tables(report: &SiloReport) -> Vec<Table> {
    vec![
        grades(report),
        match_rates(report),
        sources(report),
        teams(report),
        naming(report),
        narratives(report),
        conflicts(report),
        leakage(report),
        loops(report),
    ]
}

fn grades(report: &SiloReport) -> Table {
    let row = |graded: &crate::report::GradedDimension| {
        let grade = match graded.grade {
            Grade::NotEnoughData => format!("{} ({} of {})", graded.grade.label(), graded.count, graded.needed),
            grade => grade.label().to_owned(),
        };
        vec![graded.dimension.title().to_owned(), grade, graded.evidence.clone()]
    };
    Table::new("Grades", &["dimension", "grade", "evidence"], report.grades.iter().map(row).collect())
}

fn match_rates(report: &SiloReport) -> Table {
    let row = |from: Domain| {
        let persons =
            report.match_rates.domains.iter().find(|known| known.domain == from).map_or(0, |known| known.persons);
        let rate = |to: Domain| {
            let mut pairs = report.match_rates.pairs.iter().filter(|_| report.match_rates.is_connected(to));
            let pair = pairs.find(|pair| (pair.from, pair.to) == (from, to));
            pair.map_or_else(|| NOTHING.to_owned(), |pair| share(&pair.rate))
        };
        let head = [from.name().to_owned(), count(persons)];
        head.into_iter().chain(Domain::ALL.into_iter().map(rate)).collect()
    };
    let columns = ["of those seen in", "#persons", "#in channel", "#in crm", "#in store", "#in ecommerce"];
    let apart = Domain::ALL.into_iter().filter(|domain| !report.match_rates.is_connected(*domain));
    let apart: Vec<&str> = apart.map(Domain::name).collect();
    let note = (!apart.is_empty()).then(|| format!("No touch came from {}.", apart.join(", ")));
    Table::new("Match rates", &columns, Domain::ALL.into_iter().map(row).collect())
        .noting(["Rates stand with their 95 % intervals.".to_owned()].into_iter().chain(note))
}

/// p50, p90 and p99 of a delay.
fn quantiles(delay: Option<Quantiles>) -> [String; 3] {
    match delay {
        None => [NOTHING; 3].map(str::to_owned),
        Some(delay) => [delay.p50_ms, delay.p90_ms, delay.p99_ms].map(span),
    }
}

fn sources(report: &SiloReport) -> Table {
    let row = |source: &crate::report::SourceDelay| {
        let [p50, p90, p99] = quantiles(source.delay);
        let late = source.late.share.map_or_else(|| NOTHING.to_owned(), percent);
        let name = [source.source.clone(), source.domain.name().to_owned(), count(source.touches)];
        let more = [p50, p90, p99, late, count(source.late_persons), count(source.clock_ahead), count(source.loaded)];
        name.into_iter().chain(more).collect()
    };
    let columns = [
        "source",
        "domain",
        "#touches",
        "#p50",
        "#p90",
        "#p99",
        "#late",
        "#persons late",
        "#before it occurred",
        "#loaded history",
    ];
    let note = format!(
        "From when something occurred to when the hub received it; late is more than {}. Quantiles are within {} of \
         the true ones.",
        span(report.hand_over.late_after_ms),
        percent(report.hand_over.relative_error)
    );
    let live = report.live_since.as_ref().map(|live_since| {
        format!(
            "The hub is live since {live_since}. What occurred before is loaded history, and counts for neither hand-over, \
             leakage nor loops."
        )
    });
    Table::new("Hand-over by source", &columns, report.hand_over.sources.iter().map(row).collect())
        .noting([note].into_iter().chain(live))
}

fn teams(report: &SiloReport) -> Table {
    let row = |team: &crate::report::TeamDelay| {
        let [p50, p90, p99] = quantiles(team.delay);
        let late = team.late.share.map_or_else(|| NOTHING.to_owned(), percent);
        vec![team.team.clone(), count(team.acted), p50, p90, p99, late]
    };
    let columns = ["team", "#acted", "#p50", "#p90", "#p99", "#late"];
    Table::new("Hand-over by team", &columns, report.hand_over.teams.iter().map(row).collect())
        .noting(["From a decision to the first act that the team's system reported.".to_owned()])
}

fn naming(report: &SiloReport) -> Table {
    let row = |source: &crate::report::SourceNaming| {
        let (touches, sales) = (&source.touches, &source.sales);
        vec![
            source.source.clone(),
            source.domain.name().to_owned(),
            count(touches.of),
            share(touches),
            count(sales.of),
            share(sales),
            count(sales.rest()),
        ]
    };
    let columns = ["source", "domain", "#touches", "#name somebody", "#sales", "#name somebody", "#anonymous sales"];
    let once = report.identity.known_once.iter().map(|once| format!("{} {}", count(once.persons), once.namespace));
    let once: Vec<String> = once.collect();
    let note = (!once.is_empty()).then(|| format!("Known by one kind of identifier alone: {}.", once.join(", ")));
    Table::new("Identity coverage", &columns, report.identity.sources.iter().map(row).collect()).noting(note)
}

fn narratives(report: &SiloReport) -> Table {
    let all = report.consistency.one_story.of;
    let row = |heard: &crate::report::Narratives| {
        let part = crate::Share::new(heard.persons, all);
        vec![heard.narratives.to_string(), count(heard.persons), share(&part)]
    };
    let columns = ["narratives within 30 days", "#persons", "#share"];
    Table::new("Stories heard", &columns, report.consistency.narratives.iter().map(row).collect())
}

fn conflicts(report: &SiloReport) -> Table {
    let all = &report.consistency.conflicts;
    let row = |conflict: &crate::report::Conflict| {
        vec![
            conflict.kind.clone(),
            conflict.channel.clone(),
            conflict.team.clone(),
            conflict.agency.clone(),
            count(conflict.touches),
            count(conflict.persons),
            conflict.examples.join(", "),
        ]
    };
    let columns = ["conflict", "channel", "team", "agency", "#touches", "#persons", "touchpoints to look at"];
    let more = all.len().saturating_sub(MAX_CONFLICTS);
    let note = (more > 0).then(|| format!("{more} more are in the JSON."));
    Table::new("Conflicts", &columns, all.iter().take(MAX_CONFLICTS).map(row).collect()).noting(note)
}

fn leakage(report: &SiloReport) -> Table {
    let row = |team: &crate::report::TeamLeaks| {
        vec![team.team.clone(), count(team.leaked), count(team.suppressions), count(team.held_back)]
    };
    let columns = ["team", "#contacts leaked", "#through suppressions", "#held back"];
    Table::new("Suppression leakage", &columns, report.leakage.teams.iter().map(row).collect())
}

fn loops(report: &SiloReport) -> Table {
    let row = |team: &crate::report::TeamLoops| {
        let [p50, p90, _] = quantiles(team.delay);
        let counts = [count(team.open), count(team.young), count(team.results), p50, p90];
        [team.team.clone(), count(team.closed.of), share(&team.closed)].into_iter().chain(counts).collect()
    };
    let columns = ["team", "#messages", "#reported on", "#open", "#too young", "#bought or responded", "#p50", "#p90"];
    let note = format!(
        "Open is older than {} with nothing reported that names the decision. Bought or responded counts what followed \
         by rule too, whether or not the message was the reason.",
        span(report.loops.window_ms)
    );
    let loaded = (report.loops.loaded_decisions > 0).then(|| {
        format!(
            "{} about loaded history are not counted.",
            counted(report.loops.loaded_decisions, "decision", "decisions")
        )
    });
    Table::new("Loops", &columns, report.loops.teams.iter().map(row).collect()).noting([note].into_iter().chain(loaded))
}
