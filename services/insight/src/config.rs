//! What an operator can set.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tributary_model::Canvas;
use tributary_model::scorecard::ALL_TEAMS;
use tributary_model::time::DAY_MS;
use tributary_service::config::{Problem, Validate};

use crate::estimates::Plan;
use crate::paths::PathLimits;
use crate::read_api::scope::{self, ReadKey};
use crate::trials::LiftRules;
use crate::views::{Dimension, Span, Views};

/// The longest horizon of days: what fits the state of a busy person.
const MAX_DAY_HORIZON_DAYS: u16 = 800;
/// The longest time that is looked at for a lift.
const MAX_LIFT_DAYS: u16 = 365;
/// The most values one label of the exported metrics may take.
const MAX_LABEL_VALUES: usize = 200;

/// Settings of insight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// For how many days of event time the distinct persons of a day are kept up to date. Later statements about such a
    /// day change its other measures, and not its persons, reach and buyers; those of the window `total` never close.
    pub day_horizon_days: u16,
    /// How many places a scorecard names; touches at further ones are counted together as `other`.
    pub max_places: usize,
    /// How many kinds of discount a scorecard names; further ones are counted together as `other`.
    pub max_discount_kinds: usize,
    /// What scorecards are kept of beside teams, channels, campaigns and tentpoles: `agency`, `partner`, `store`,
    /// `category`, and on `tributary.products` `product` and `creative`.
    pub dimensions: Vec<Dimension>,
    /// Over which windows they are kept beside `day` and `total`: `minute`, `hour`, `week`, and `campaign`, which is the
    /// flight of a campaign.
    pub windows: Vec<Span>,
    /// Which scorecards are exported to Prometheus.
    pub export: Export,
    /// What experiments are compared by.
    pub lift: Lift,
    /// The read API.
    pub read_api: ReadApiConfig,
    /// How far paths reach: the journey service's setting, and none of this one's.
    #[serde(skip)]
    pub path_limits: PathLimits,
}

/// Scorecards, lifts and credit over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadApiConfig {
    /// Where it listens; without it there is none.
    pub listen: Option<SocketAddr>,
    /// Who may read what; without any, everybody on this machine may read everything.
    pub keys: Vec<ReadKey>,
}

impl ReadApiConfig {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = scope::problems(&self.keys);
        if let Some(listen) = self.listen.filter(|listen| self.keys.is_empty() && !listen.ip().is_loopback()) {
            problems.push(Problem::new(
                "read_api.listen",
                listen,
                "others than this machine could read everything, since there are no keys",
                "add read_api.keys, or listen on 127.0.0.1",
            ));
        }
        problems
    }
}

/// What experiments are compared by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lift {
    /// For how many days after its first exposure a person's sales count.
    pub outcome_days: u16,
    /// How many days before it are held against them, to remove noise.
    pub before_days: u16,
    /// How many persons an experiment is to have in the end. Limits that hold whenever one looks are narrowest then; being
    /// wrong makes them wider, never wrong.
    pub planned_persons: u32,
    /// Whether visits count as well as sales.
    pub visits: bool,
    /// Whether the persons whom a campaign for demand reached are compared by whether a brand message came before.
    pub brand_demand: bool,
}

impl Default for Lift {
    fn default() -> Self {
        Self { outcome_days: 14, before_days: 30, planned_persons: 10_000, visits: false, brand_demand: false }
    }
}

impl Lift {
    /// What is looked at.
    #[must_use]
    pub fn rules(&self) -> LiftRules {
        LiftRules {
            outcome_ms: i64::from(self.outcome_days) * DAY_MS,
            before_ms: i64::from(self.before_days) * DAY_MS,
            counts_visits: self.visits,
            compares_brand: self.brand_demand,
        }
    }

    /// What was planned.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan { planned_persons: i64::from(self.planned_persons) }
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (key, value, least) in
            [("lift.outcome_days", self.outcome_days, 1), ("lift.before_days", self.before_days, 0)]
        {
            if !(least..=MAX_LIFT_DAYS).contains(&value) {
                problems.push(Problem::new(
                    key,
                    value,
                    format!("it has to be between {least} and {MAX_LIFT_DAYS}"),
                    "leave it out to get the default",
                ));
            }
        }
        if self.planned_persons == 0 {
            problems.push(Problem::new(
                "lift.planned_persons",
                self.planned_persons,
                "no experiment is planned for nobody",
                "write about how many persons a trigger reaches before you decide on it",
            ));
        }
        problems
    }
}

/// The values that labels may take; a scorecard of anything else is on its topic and not in Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    /// Teams; the sum of all teams is always exported.
    pub teams: Vec<String>,
    /// Channels.
    pub channels: Vec<String>,
    /// Currencies, ISO 4217.
    pub currencies: Vec<String>,
    /// How many experiments are exported, first come.
    pub max_experiments: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            day_horizon_days: 62,
            max_places: 10_000,
            max_discount_kinds: 64,
            dimensions: Vec::new(),
            windows: Vec::new(),
            export: Export::default(),
            lift: Lift::default(),
            read_api: ReadApiConfig::default(),
            path_limits: PathLimits::default(),
        }
    }
}

impl Config {
    /// The scorecards that are kept.
    #[must_use]
    pub fn views(&self) -> Views {
        Views::new(&self.dimensions, &self.windows)
    }
}

impl Default for Export {
    fn default() -> Self {
        let currencies = ["EUR", "GBP", "USD"].map(str::to_owned).to_vec();
        Self { teams: Vec::new(), channels: Vec::new(), currencies, max_experiments: 50 }
    }
}

impl Export {
    /// Adds the teams of the canvas and their channels, so that they need not be listed twice.
    pub fn add_canvas(&mut self, canvas: &Canvas) {
        for team in canvas.teams() {
            self.teams.push(team.team_id.clone());
            self.channels.extend(team.channels.iter().cloned());
        }
        for values in [&mut self.teams, &mut self.channels] {
            values.sort();
            values.dedup();
        }
    }
}

impl Validate for Config {
    fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !(1..=MAX_DAY_HORIZON_DAYS).contains(&self.day_horizon_days) {
            problems.push(Problem::new(
                "day_horizon_days",
                self.day_horizon_days,
                format!("it has to be between 1 and {MAX_DAY_HORIZON_DAYS}"),
                "use 62 unless corrections come later than two months",
            ));
        }
        for (key, value) in [("max_places", self.max_places), ("max_discount_kinds", self.max_discount_kinds)] {
            if !(1..=100_000).contains(&value) {
                problems.push(Problem::new(
                    key,
                    value,
                    "a scorecard names between 1 and 100000 of them",
                    "leave it out to get the default",
                ));
            }
        }
        problems.extend(self.export.problems());
        problems.extend(self.lift.problems());
        problems.extend(self.read_api.problems());
        problems
    }
}

impl Export {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let lists = [("teams", &self.teams), ("channels", &self.channels), ("currencies", &self.currencies)];
        for (key, values) in lists {
            if values.len() > MAX_LABEL_VALUES {
                problems.push(Problem::new(
                    format!("export.{key}"),
                    format!("{} values", values.len()),
                    format!("a label takes at most {MAX_LABEL_VALUES} values"),
                    "list those that dashboards show; the others are on the metrics topics",
                ));
            }
        }
        if self.max_experiments > MAX_LABEL_VALUES {
            problems.push(Problem::new(
                "export.max_experiments",
                self.max_experiments,
                format!("a label takes at most {MAX_LABEL_VALUES} values"),
                "leave it out to get 50; all experiments are on tributary.lift",
            ));
        }
        if self.teams.iter().any(|team| team == ALL_TEAMS) {
            problems.push(Problem::new(
                "export.teams",
                ALL_TEAMS,
                "this is the name of the sum of all teams, which is always exported",
                "take it out of the list",
            ));
        }
        for currency in &self.currencies {
            if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
                problems.push(Problem::new(
                    "export.currencies",
                    currency,
                    "it is not an ISO 4217 code",
                    "write three upper-case letters such as USD",
                ));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use tributary_model::CanvasEntry;
    use tributary_model::canvas::Team;

    use super::*;

    #[test]
    fn every_problem_is_named_at_once() {
        assert_eq!(Config::default().validate(), Vec::new());
        let config = Config {
            day_horizon_days: 0,
            max_places: 0,
            max_discount_kinds: 1,
            export: Export {
                teams: vec!["all".to_owned()],
                channels: (0..201).map(|n| n.to_string()).collect(),
                currencies: vec!["usd".to_owned(), "EUR".to_owned()],
                max_experiments: 201,
            },
            lift: Lift { outcome_days: 0, planned_persons: 0, ..Lift::default() },
            read_api: ReadApiConfig { listen: Some(([0, 0, 0, 0], 80).into()), keys: Vec::new() },
            ..Config::default()
        };
        let keys: Vec<String> = config.validate().into_iter().map(|problem| problem.key).collect();
        let exported = ["export.channels", "export.max_experiments", "export.teams", "export.currencies"];
        let others = ["lift.outcome_days", "lift.planned_persons", "read_api.listen"];
        assert_eq!(keys, [&["day_horizon_days", "max_places"], &exported[..], &others].concat());
    }

    #[test]
    fn the_canvas_adds_its_teams_and_channels_once() {
        let mut canvas = Canvas::default();
        for (team, channel) in [("social", "paid_social"), ("email", "email")] {
            let team = Team { team_id: team.to_owned(), channels: vec![channel.to_owned()] };
            canvas.apply(CanvasEntry { team: Some(team), ..CanvasEntry::default() });
        }
        let mut export = Export { teams: vec!["email".to_owned()], ..Export::default() };
        export.add_canvas(&canvas);
        assert_eq!(export.teams, ["email", "social"]);
        assert_eq!(export.channels, ["email", "paid_social"]);
    }
}
