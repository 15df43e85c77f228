//! One sheet for each tentpole: what was to be spent, by whom and on what, beside what was spent and what came of it.
//!
//! What came of it are the scorecards of the tentpole's campaigns. Persons are not added up over campaigns, since who was reached
//! by two would count twice: whom the tentpole reached in all, and each of its teams, its own scorecards know.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_insight::read::{Row, RowKey};
use tributary_model::canvas::{Budget, Campaign};
use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_CAMPAIGN, DIMENSION_TENTPOLE};
use tributary_model::{Canvas, canvas::Tentpole};

use super::file::write_instant;

/// The sheet of one tentpole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// The tentpole.
    pub tentpole_id: String,
    /// Its name.
    pub name: String,
    /// When it begins.
    pub starts_at: Option<String>,
    /// The first day after it.
    pub ends_at: Option<String>,
    /// The partner to whose budgets and campaigns it is restricted.
    pub partner: Option<String>,
    /// The total, and then by kind, team, channel, agency, partner and campaign.
    pub lines: Vec<Line>,
}

/// Budgets and results of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `total`, `kind`, `team`, `channel`, `agency`, `partner` or `campaign`.
    pub by: &'static str,
    /// The kind, team and so on.
    pub subject: String,
    /// What may be spent, by currency, in minor units.
    pub budget_minor: BTreeMap<String, i64>,
    /// What came of it; none when no campaign is known to belong to it.
    pub results: Option<Results>,
}

/// What the scorecards of campaigns say together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Results {
    /// The campaigns.
    pub campaigns: BTreeSet<String>,
    /// Touches of any kind.
    pub touches: i64,
    /// Messages received.
    pub exposures: i64,
    /// Distinct persons with an exposure: of the tentpole, in all or of a team, and of one campaign; none of several campaigns,
    /// because it cannot be added up.
    pub reach: Option<i64>,
    /// Sales made in its touches.
    pub conversions: i64,
    /// Sales taken back.
    pub returns: i64,
    /// Money by currency.
    pub money: BTreeMap<String, MoneyResults>,
}

/// Money of one currency, in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MoneyResults {
    /// What the touches cost.
    pub spent_minor: i64,
    /// Net value of the sales made in its touches.
    pub revenue_minor: i64,
    /// Their net margin.
    pub margin_minor: i64,
    /// Credit for sales, by model.
    pub credit_minor: BTreeMap<String, i64>,
}

impl Results {
    fn of(campaign_id: &str, rows: &BTreeMap<RowKey, Row>) -> Self {
        let campaigns = BTreeSet::from([campaign_id.to_owned()]);
        let mut results = Self { campaigns, reach: Some(0), ..Self::default() };
        let own = |key: &RowKey| {
            key.dimension == DIMENSION_CAMPAIGN && key.subject == campaign_id && key.team_id != ALL_TEAMS
        };
        let mut teams = 0;
        for row in rows.iter().filter(|(key, _)| own(key)).map(|(_, row)| row) {
            teams += 1;
            results.touches += row.counts.touches;
            results.exposures += row.counts.exposures;
            results.conversions += row.counts.conversions;
            results.returns += row.counts.returns;
            // A campaign that changed its owner has two scorecards, which may name the same persons.
            results.reach = (teams == 1).then_some(row.counts.reach);
            for (currency, measures) in &row.money {
                let money = results.money.entry(currency.clone()).or_default();
                money.spent_minor += measures.cost_minor;
                money.revenue_minor += measures.revenue_minor;
                money.margin_minor += measures.margin_minor;
                add(&mut money.credit_minor, &measures.credit_minor);
            }
        }
        results
    }

    fn and(mut self, other: &Self) -> Self {
        self.campaigns.extend(other.campaigns.iter().cloned());
        self.touches += other.touches;
        self.exposures += other.exposures;
        self.reach = None;
        self.conversions += other.conversions;
        self.returns += other.returns;
        for (currency, money) in &other.money {
            let sum = self.money.entry(currency.clone()).or_default();
            sum.spent_minor += money.spent_minor;
            sum.revenue_minor += money.revenue_minor;
            sum.margin_minor += money.margin_minor;
            add(&mut sum.credit_minor, &money.credit_minor);
        }
        self
    }
}

fn add(into: &mut BTreeMap<String, i64>, from: &BTreeMap<String, i64>) {
    for (name, amount) in from {
        *into.entry(name.clone()).or_default() += amount;
    }
}

/// What belongs to a tentpole, and to the partner when it is asked for one.
struct Book<'a> {
    budgets: Vec<&'a Budget>,
    campaigns: BTreeMap<&'a str, (&'a Campaign, Results)>,
}

/// The sheets of the tentpoles that are in force at `at`, in order of id; of one when it is named, and for a partner only
/// with its own budgets and campaigns.
#[must_use]
pub fn sheets(
    canvas: &Canvas,
    at: i64,
    tentpole_id: Option<&str>,
    partner: Option<&str>,
    rows: &BTreeMap<RowKey, Row>,
) -> Vec<Sheet> {
    let mut tentpoles: Vec<&Tentpole> = canvas.tentpoles(at).collect();
    tentpoles.retain(|tentpole| tentpole_id.is_none_or(|id| id == tentpole.tentpole_id));
    tentpoles.sort_by_key(|tentpole| &tentpole.tentpole_id);
    let sheet = |tentpole: &Tentpole| {
        let mut lines = Book::of(canvas, at, &tentpole.tentpole_id, partner, rows).lines();
        if partner.is_none() {
            lines.iter_mut().for_each(|line| line.know_reach(&tentpole.tentpole_id, rows));
        }
        Sheet {
            tentpole_id: tentpole.tentpole_id.clone(),
            name: tentpole.name.clone(),
            starts_at: tentpole.starts_at.map(write_instant),
            ends_at: tentpole.ends_at.map(write_instant),
            partner: partner.map(str::to_owned),
            lines,
        }
    };
    tentpoles.into_iter().map(sheet).collect()
}

impl Line {
    /// The tentpole has scorecards of its own, over all teams and of each, which know whom it reached.
    fn know_reach(&mut self, tentpole_id: &str, rows: &BTreeMap<RowKey, Row>) {
        let team_id = match self.by {
            "total" => ALL_TEAMS,
            "team" => &self.subject,
            _ => return,
        };
        let (team_id, dimension) = (team_id.to_owned(), DIMENSION_TENTPOLE.to_owned());
        let row = rows.get(&RowKey { team_id, dimension, subject: tentpole_id.to_owned() });
        if let (Some(results), Some(row)) = (&mut self.results, row) {
            results.reach = Some(row.counts.reach);
        }
    }
}

impl<'a> Book<'a> {
    fn of(canvas: &'a Canvas, at: i64, tentpole_id: &str, partner: Option<&str>, rows: &BTreeMap<RowKey, Row>) -> Self {
        let is_partners = |of: &Option<String>| partner.is_none_or(|partner| of.as_deref() == Some(partner));
        let hangs = |of: &Option<String>| of.as_deref() == Some(tentpole_id);
        let of_tentpole: BTreeMap<&str, &Campaign> = canvas
            .campaigns(at)
            .filter(|campaign| hangs(&campaign.tentpole_id))
            .map(|campaign| (campaign.campaign_id.as_str(), campaign))
            .collect();
        let is_for = |budget: &Budget| {
            let campaign = budget.campaign_id.as_deref();
            hangs(&budget.tentpole_id) || campaign.is_some_and(|id| of_tentpole.contains_key(id))
        };
        let mut budgets: Vec<&Budget> =
            canvas.budgets(at).filter(|budget| is_for(budget) && is_partners(&budget.partner)).collect();
        budgets.sort_by_key(|budget| &budget.budget_id);
        let campaigns = of_tentpole
            .into_iter()
            .filter(|(_, campaign)| is_partners(&campaign.partner))
            .map(|(id, campaign)| (id, (campaign, Results::of(id, rows))))
            .collect();
        Self { budgets, campaigns }
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line {
            by: "total",
            subject: String::new(),
            budget_minor: sum(self.budgets.iter().copied()),
            results: self.results(|_| true),
        }];
        lines.extend(self.by("kind", |budget| Some(&budget.kind), |id, _| self.only(id, |budget| Some(&budget.kind))));
        lines.extend(self.by("team", |budget| Some(&budget.team_id), |_, campaign| Some(&campaign.team_id)));
        lines.extend(self.by(
            "channel",
            |budget| budget.channel.as_deref(),
            |id, _| self.only(id, |budget| budget.channel.as_deref()),
        ));
        lines.extend(self.by("agency", |budget| budget.agency.as_deref(), |_, campaign| campaign.agency.as_deref()));
        lines.extend(self.by("partner", |budget| budget.partner.as_deref(), |_, campaign| campaign.partner.as_deref()));
        lines.extend(self.by(
            "campaign",
            |budget| budget.campaign_id.as_deref(),
            |_, campaign| Some(campaign.campaign_id.as_str()),
        ));
        lines
    }

    /// The kind or channel of a campaign: that of the budgets that name it, when they name one only.
    fn only(&self, campaign_id: &str, of: impl Fn(&'a Budget) -> Option<&'a str>) -> Option<&'a str> {
        let own = self.budgets.iter().filter(|budget| budget.campaign_id.as_deref() == Some(campaign_id));
        let values: BTreeSet<Option<&str>> = own.map(|budget| of(budget)).collect();
        if values.len() == 1 { values.into_iter().next().flatten() } else { None }
    }

    fn by<'b>(
        &'b self,
        by: &'static str,
        of_budget: impl Fn(&'a Budget) -> Option<&'a str>,
        of_campaign: impl Fn(&'b str, &'b Campaign) -> Option<&'b str>,
    ) -> Vec<Line> {
        let mut subjects: BTreeSet<&str> = self.budgets.iter().filter_map(|budget| of_budget(budget)).collect();
        subjects.extend(self.campaigns.iter().filter_map(|(id, (campaign, _))| of_campaign(id, campaign)));
        let line = |subject: &str| Line {
            by,
            subject: subject.to_owned(),
            budget_minor: sum(self.budgets.iter().copied().filter(|budget| of_budget(budget) == Some(subject))),
            results: self.results(|campaign| of_campaign(&campaign.campaign_id, campaign) == Some(subject)),
        };
        subjects.into_iter().map(line).collect()
    }

    fn results<'b>(&'b self, is_of: impl Fn(&'b Campaign) -> bool) -> Option<Results> {
        let own = self.campaigns.values().filter(|(campaign, _)| is_of(campaign)).map(|(_, results)| results);
        own.fold(None, |sum: Option<Results>, one| Some(sum.map_or_else(|| one.clone(), |sum| sum.and(one))))
    }
}

fn sum<'a>(budgets: impl Iterator<Item = &'a Budget>) -> BTreeMap<String, i64> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for budget in budgets {
        let sum = sums.entry(budget.amount.currency.clone()).or_default();
        *sum = sum.saturating_add(budget.amount.amount_minor);
    }
    sums
}
