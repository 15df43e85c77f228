//! Names of insight's metrics, and handles of those of the stage `insight`.

use metrics::{Counter, counter};
use tributary_service::metrics::{Kind, Metric};

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
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, zz] = gauges! {
        "tributary_insight_scorecard_touches" COUNT_LABELS, "Touches of all time.";
        "tributary_insight_scorecard_exposures" COUNT_LABELS, "Messages received, of all time.";
        "tributary_insight_scorecard_persons" COUNT_LABELS, "Distinct persons with a touch.";
        "tributary_insight_scorecard_reached_persons" COUNT_LABELS, "Distinct persons with an exposure.";
        "tributary_insight_scorecard_buying_persons" COUNT_LABELS, "Distinct persons with a sale.";
        "tributary_insight_scorecard_conversions" COUNT_LABELS, "Sales of all time.";
        "tributary_insight_scorecard_returns" COUNT_LABELS, "Sales taken back, of all time.";
        "tributary_insight_scorecard_decisions" &["team", "dimension", "subject", "fate"], "Decisions, by fate: sent, or the reason why not.";
        "tributary_insight_scorecard_planned_exposures" COUNT_LABELS, "Messages received that tell a story: with a campaign or message.";
        "tributary_insight_scorecard_approved_exposures" COUNT_LABELS, "Of these, with a message approved in the canvas.";
        "tributary_insight_scorecard_second_stories" COUNT_LABELS, "Of these, the first to tell somebody another story than it had heard.";
        "tributary_insight_scorecard_several_stories_persons" COUNT_LABELS, "Distinct persons who had heard more than one story when such a message reached them.";
        "tributary_insight_scorecard_conflicts" &["team", "dimension", "subject", "kind"], "Contradictions that messages completed, by kind.";
        "tributary_insight_scorecard_leaks" COUNT_LABELS, "Contacts with persons who were to be left alone, by the team that made them.";
        "tributary_insight_scorecard_suppressions" COUNT_LABELS, "Suppressions that the team's triggers asked for.";
        "tributary_insight_scorecard_loops" COUNT_LABELS, "Answers to sent decisions.";
        "tributary_insight_scorecard_loop_seconds" COUNT_LABELS, "How long after the decision these came, summed, in event time.";
        "tributary_insight_scorecard_handover" &["team", "dimension", "subject", "within"], "Sales and complaints by how long after the event the hub heard of them.";
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
        help: "Statements counted, by kind: asserted or retracted journey events, decisions, enrolments, outcomes.",
        labels: &["kind"],
    };
    [statements, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, zz]
};

/// Statements counted by one task since the last commit.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Statements {
    pub(crate) asserted: u64,
    pub(crate) retracted: u64,
    pub(crate) decisions: u64,
    pub(crate) enrolments: u64,
    pub(crate) outcomes: u64,
}

/// Counters of the stage `insight`.
pub(crate) struct StatementCounters {
    asserted: Counter,
    retracted: Counter,
    decisions: Counter,
    enrolments: Counter,
    outcomes: Counter,
}

impl StatementCounters {
    pub(crate) fn new() -> Self {
        Self {
            asserted: counter!(STATEMENTS, "kind" => "asserted"),
            retracted: counter!(STATEMENTS, "kind" => "retracted"),
            decisions: counter!(STATEMENTS, "kind" => "decision"),
            enrolments: counter!(STATEMENTS, "kind" => "enrolment"),
            outcomes: counter!(STATEMENTS, "kind" => "outcome"),
        }
    }

    pub(crate) fn add(&self, statements: Statements) {
        self.asserted.increment(statements.asserted);
        self.retracted.increment(statements.retracted);
        self.decisions.increment(statements.decisions);
        self.enrolments.increment(statements.enrolments);
        self.outcomes.increment(statements.outcomes);
    }
}
