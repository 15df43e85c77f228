//! Names and handles of insight's metrics. Scorecards are gauges of the totals of teams and their channels; labels come
//! from the configuration. A scorecard lives on one partition, so exactly one worker keeps its gauges up to date; after
//! a rebalance the former one shows its last value until it restarts: dashboards take the maximum over instances.

use metrics::{Counter, Gauge, counter, gauge};
use rustc_hash::{FxHashMap, FxHashSet};
use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_CHANNEL, DIMENSION_TEAM, Measures, ScorecardKey, WINDOW_TOTAL};
use tributary_service::metrics::{Kind, Metric};

use crate::config::Export;
use crate::credit_model::CreditModel;

const COUNT_LABELS: &[&str] = &["team", "dimension", "subject"];
const MONEY_LABELS: &[&str] = &["team", "dimension", "subject", "currency"];
const LIFT_LABELS: &[&str] = &["experiment", "team", "holdout_buckets", "metric", "currency"];

macro_rules! gauges {
    ($($name:literal $labels:expr, $help:literal;)*) => {
        [$(Metric { name: $name, kind: Kind::Gauge, help: $help, labels: $labels }),*]
    };
}

const STATEMENTS: &str = "tributary_insight_statements_total";

/// All metrics of insight.
pub const METRICS: &[Metric] = &{
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = gauges! {
        "tributary_insight_scorecard_touches" COUNT_LABELS, "Touches of all time.";
        "tributary_insight_scorecard_exposures" COUNT_LABELS, "Messages received, of all time.";
        "tributary_insight_scorecard_persons" COUNT_LABELS, "Distinct persons with a touch.";
        "tributary_insight_scorecard_reached_persons" COUNT_LABELS, "Distinct persons with an exposure.";
        "tributary_insight_scorecard_buying_persons" COUNT_LABELS, "Distinct persons with a sale.";
        "tributary_insight_scorecard_conversions" COUNT_LABELS, "Sales of all time.";
        "tributary_insight_scorecard_returns" COUNT_LABELS, "Sales taken back, of all time.";
        "tributary_insight_scorecard_decisions" &["team", "dimension", "subject", "fate"], "Decisions, by fate: sent, or the reason why not.";
        "tributary_insight_scorecard_cost_minor" MONEY_LABELS, "Cost in minor units of the currency.";
        "tributary_insight_scorecard_revenue_minor" MONEY_LABELS, "Net value of the sales in minor units of the currency.";
        "tributary_insight_scorecard_margin_minor" MONEY_LABELS, "Net margin of the sales in minor units of the currency.";
        "tributary_insight_scorecard_credit_minor" &["team", "dimension", "subject", "currency", "model"], "Credit for sales in minor units of the currency, by model.";
        "tributary_insight_lift_persons" &["experiment", "team", "holdout_buckets", "arm"], "Persons who take part in an experiment, by arm.";
        "tributary_insight_lift_trusted" &["experiment", "team", "holdout_buckets"], "1 if the experiment's lift can be trusted, 0 if not.";
        "tributary_insight_lift_effect" LIFT_LABELS, "What the messages caused, for each treated person; money in minor units.";
        "tributary_insight_lift_effect_low" LIFT_LABELS, "The effect's lower limit, 95 % for a reader who looks at any time; NaN while it is too early to say.";
        "tributary_insight_lift_effect_high" LIFT_LABELS, "The effect's upper limit.";
    };
    let statements = Metric {
        name: STATEMENTS,
        kind: Kind::Counter,
        help: "Statements counted, by kind: asserted or retracted journey events, decisions, enrolments.",
        labels: &["kind"],
    };
    [statements, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q]
};

/// Statements counted by one task since the last commit.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Statements {
    pub(crate) asserted: u64,
    pub(crate) retracted: u64,
    pub(crate) decisions: u64,
    pub(crate) enrolments: u64,
}

/// Counters of the stage `insight`.
pub(crate) struct StatementCounters {
    asserted: Counter,
    retracted: Counter,
    decisions: Counter,
    enrolments: Counter,
}

impl StatementCounters {
    pub(crate) fn new() -> Self {
        Self {
            asserted: counter!(STATEMENTS, "kind" => "asserted"),
            retracted: counter!(STATEMENTS, "kind" => "retracted"),
            decisions: counter!(STATEMENTS, "kind" => "decision"),
            enrolments: counter!(STATEMENTS, "kind" => "enrolment"),
        }
    }

    pub(crate) fn add(&self, statements: Statements) {
        self.asserted.increment(statements.asserted);
        self.retracted.increment(statements.retracted);
        self.decisions.increment(statements.decisions);
        self.enrolments.increment(statements.enrolments);
    }
}

/// Gauges of the scorecards that are exported; handles are made when a scorecard is first seen.
pub(crate) struct ScorecardGauges {
    teams: FxHashSet<String>,
    channels: FxHashSet<String>,
    currencies: FxHashSet<String>,
    handles: FxHashMap<ScorecardKey, Handles>,
}

enum Handles {
    /// The scorecard is not exported.
    None,
    Counts(Box<CountGauges>),
    Money(Box<MoneyGauges>),
}

struct CountGauges {
    touches: Gauge,
    exposures: Gauge,
    persons: Gauge,
    reach: Gauge,
    buyers: Gauge,
    conversions: Gauge,
    returns: Gauge,
    labels: [(&'static str, String); 3],
}

struct MoneyGauges {
    cost: Gauge,
    revenue: Gauge,
    margin: Gauge,
    credit: [(&'static str, Gauge); CreditModel::COUNT],
}

impl ScorecardGauges {
    pub(crate) fn new(export: &Export) -> Self {
        let set = |values: &[String]| values.iter().cloned().collect();
        Self {
            teams: set(&export.teams),
            channels: set(&export.channels),
            currencies: set(&export.currencies),
            handles: FxHashMap::default(),
        }
    }

    /// Shows the measures of a scorecard, if it is one that is exported.
    pub(crate) fn set(&mut self, key: &ScorecardKey, measures: &Measures) {
        if key.window != WINDOW_TOTAL {
            return;
        }
        if !self.handles.contains_key(key) {
            let handles = self.make(key);
            self.handles.insert(key.clone(), handles);
        }
        match self.handles.get(key) {
            Some(Handles::Counts(gauges)) => gauges.set(measures),
            Some(Handles::Money(gauges)) => gauges.set(measures),
            Some(Handles::None) | None => {}
        }
    }

    fn make(&self, key: &ScorecardKey) -> Handles {
        let subject = match key.dimension.as_str() {
            DIMENSION_TEAM => true,
            DIMENSION_CHANNEL => self.channels.contains(&key.subject),
            _ => false,
        };
        if !subject || !(key.team_id == ALL_TEAMS || self.teams.contains(&key.team_id)) {
            return Handles::None;
        }
        let labels =
            [("team", key.team_id.clone()), ("dimension", key.dimension.clone()), ("subject", key.subject.clone())];
        if key.currency.is_empty() {
            return Handles::Counts(Box::new(CountGauges::new(labels)));
        }
        if self.currencies.contains(&key.currency) {
            return Handles::Money(Box::new(MoneyGauges::new(labels, &key.currency)));
        }
        Handles::None
    }
}

impl CountGauges {
    fn new(labels: [(&'static str, String); 3]) -> Self {
        Self {
            touches: gauge!("tributary_insight_scorecard_touches", &labels),
            exposures: gauge!("tributary_insight_scorecard_exposures", &labels),
            persons: gauge!("tributary_insight_scorecard_persons", &labels),
            reach: gauge!("tributary_insight_scorecard_reached_persons", &labels),
            buyers: gauge!("tributary_insight_scorecard_buying_persons", &labels),
            conversions: gauge!("tributary_insight_scorecard_conversions", &labels),
            returns: gauge!("tributary_insight_scorecard_returns", &labels),
            labels,
        }
    }

    fn set(&self, measures: &Measures) {
        self.touches.set(measures.touches as f64);
        self.exposures.set(measures.exposures as f64);
        self.persons.set(measures.persons as f64);
        self.reach.set(measures.reach as f64);
        self.buyers.set(measures.buyers as f64);
        self.conversions.set(measures.conversions as f64);
        self.returns.set(measures.returns as f64);
        let withheld = measures.decisions_withheld.iter().map(|(reason, count)| (reason.as_str(), *count));
        let sent = (measures.decisions_sent != 0).then_some(("sent", measures.decisions_sent));
        for (fate, count) in withheld.chain(sent) {
            let mut labels = self.labels.to_vec();
            labels.push(("fate", fate.to_owned()));
            gauge!("tributary_insight_scorecard_decisions", &labels).set(count as f64);
        }
    }
}

impl MoneyGauges {
    fn new(labels: [(&'static str, String); 3], currency: &str) -> Self {
        let mut labels = labels.to_vec();
        labels.push(("currency", currency.to_owned()));
        let credit = CreditModel::ALL.map(|model| {
            let mut labels = labels.clone();
            labels.push(("model", model.name().to_owned()));
            (model.name(), gauge!("tributary_insight_scorecard_credit_minor", &labels))
        });
        Self {
            cost: gauge!("tributary_insight_scorecard_cost_minor", &labels),
            revenue: gauge!("tributary_insight_scorecard_revenue_minor", &labels),
            margin: gauge!("tributary_insight_scorecard_margin_minor", &labels),
            credit,
        }
    }

    fn set(&self, measures: &Measures) {
        self.cost.set(measures.cost_minor as f64);
        self.revenue.set(measures.revenue_minor as f64);
        self.margin.set(measures.margin_minor as f64);
        for (model, gauge) in &self.credit {
            gauge.set(measures.credit_minor.get(*model).copied().unwrap_or(0) as f64);
        }
    }
}
