//! Scorecards in Prometheus: gauges of the totals of teams and their channels; labels come from the configuration. A
//! scorecard lives on one partition, so exactly one worker keeps its gauges up to date; after a rebalance the former one
//! shows its last value until it restarts: dashboards take the maximum over instances.

use std::collections::BTreeMap;

use metrics::{Gauge, gauge};
use rustc_hash::{FxHashMap, FxHashSet};
use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_CHANNEL, DIMENSION_TEAM, Measures, ScorecardKey, WINDOW_TOTAL};

use crate::config::Export;
use crate::credit_model::CreditModel;

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

/// What a gauge shows of the measures.
type Count = fn(&Measures) -> i64;

struct CountGauges {
    counts: Vec<(Gauge, Count)>,
    loop_seconds: Gauge,
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
        let counts: Vec<(Gauge, Count)> = vec![
            (gauge!("tributary_insight_scorecard_touches", &labels), |measures| measures.touches),
            (gauge!("tributary_insight_scorecard_exposures", &labels), |measures| measures.exposures),
            (gauge!("tributary_insight_scorecard_persons", &labels), |measures| measures.persons),
            (gauge!("tributary_insight_scorecard_reached_persons", &labels), |measures| measures.reach),
            (gauge!("tributary_insight_scorecard_buying_persons", &labels), |measures| measures.buyers),
            (gauge!("tributary_insight_scorecard_conversions", &labels), |measures| measures.conversions),
            (gauge!("tributary_insight_scorecard_returns", &labels), |measures| measures.returns),
            (gauge!("tributary_insight_scorecard_planned_exposures", &labels), |measures| measures.planned_exposures),
            (gauge!("tributary_insight_scorecard_approved_exposures", &labels), |measures| measures.approved_exposures),
            (gauge!("tributary_insight_scorecard_second_stories", &labels), |measures| measures.second_stories),
            (gauge!("tributary_insight_scorecard_several_stories_persons", &labels), |measures| {
                measures.several_stories
            }),
            (gauge!("tributary_insight_scorecard_leaks", &labels), |measures| measures.leaks),
            (gauge!("tributary_insight_scorecard_suppressions", &labels), |measures| measures.suppressions),
            (gauge!("tributary_insight_scorecard_loops", &labels), |measures| measures.loops),
        ];
        Self { counts, loop_seconds: gauge!("tributary_insight_scorecard_loop_seconds", &labels), labels }
    }

    fn set(&self, measures: &Measures) {
        for (gauge, of) in &self.counts {
            gauge.set(of(measures) as f64);
        }
        self.loop_seconds.set(measures.loop_ms as f64 / 1_000.0);
        let sent = (measures.decisions_sent != 0).then_some(("sent", measures.decisions_sent));
        let withheld = named(&measures.decisions_withheld);
        self.set_each("tributary_insight_scorecard_decisions", "fate", withheld.chain(sent));
        self.set_each("tributary_insight_scorecard_conflicts", "kind", named(&measures.conflicts));
        self.set_each("tributary_insight_scorecard_handover", "within", named(&measures.handover));
    }

    /// A gauge for each name of a map; the names are few.
    fn set_each<'n>(&self, gauge: &'static str, label: &'static str, values: impl Iterator<Item = (&'n str, i64)>) {
        for (name, count) in values {
            let mut labels = self.labels.to_vec();
            labels.push((label, name.to_owned()));
            gauge!(gauge, &labels).set(count as f64);
        }
    }
}

fn named(map: &BTreeMap<String, i64>) -> impl Iterator<Item = (&str, i64)> {
    map.iter().map(|(name, count)| (name.as_str(), *count))
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
