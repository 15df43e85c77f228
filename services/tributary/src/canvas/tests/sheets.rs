//! Budgets of a tentpole beside what came of its campaigns, for all and for one partner.

use std::collections::BTreeMap;

use tributary_insight::read::{Row, RowKey};
use tributary_model::scorecard::Measures;

use super::super::sheet::{Line, Sheet, sheets};
use super::*;

fn row(team_id: &str, campaign_id: &str, reach: i64, cost: i64, linear: i64) -> (RowKey, Row) {
    let key = RowKey { team_id: team_id.to_owned(), dimension: "campaign".to_owned(), subject: campaign_id.to_owned() };
    let counts = Measures { touches: 2 * reach, exposures: reach, reach, conversions: 1, ..Measures::default() };
    let money = Measures {
        cost_minor: cost,
        revenue_minor: 1_000,
        margin_minor: 400,
        credit_minor: BTreeMap::from([("linear".to_owned(), linear)]),
        ..Measures::default()
    };
    (key, Row { counts, money: BTreeMap::from([("USD".to_owned(), money)]) })
}

fn sheet(partner: Option<&str>) -> Sheet {
    // Five persons were reached by two campaigns.
    let of_tentpole = |team_id: &str, reach: i64| {
        let (key, row) = row(team_id, "made-to-last", reach, 0, 0);
        (RowKey { dimension: "tentpole".to_owned(), ..key }, row)
    };
    let rows = BTreeMap::from([
        of_tentpole("all", 85),
        of_tentpole("brand", 70),
        row("brand", "brand-film", 70, 5_000, 300),
        row("retail-media", "onsite-retail-media", 20, 900, 200),
        row("trade", "partner-sms", 10, 100, 50),
        row("all", "brand-film", 70, 5_000, 300),
    ]);
    let mut sheets = sheets(&fold(&demo().unwrap()), NOW, Some("made-to-last"), partner, &rows);
    assert_eq!(sheets.len(), 1);
    sheets.remove(0)
}

fn line<'a>(sheet: &'a Sheet, by: &str, subject: &str) -> &'a Line {
    sheet.lines.iter().find(|line| line.by == by && line.subject == subject).unwrap_or_else(|| panic!("{sheet:#?}"))
}

#[test]
fn budgets_stand_beside_what_was_spent_and_what_came_of_it() {
    let sheet = sheet(None);
    let total = line(&sheet, "total", "");
    assert_eq!(total.budget_minor["USD"], 3_500_000);
    let results = total.results.as_ref().unwrap();
    assert_eq!((results.touches, results.exposures, results.conversions, results.reach), (180, 90, 2, Some(85)));
    assert_eq!(line(&sheet, "team", "brand").results.as_ref().unwrap().reach, Some(70));
    assert_eq!(line(&sheet, "kind", "brand").results.as_ref().unwrap().reach, None, "several campaigns");
    assert_eq!((results.money["USD"].spent_minor, results.money["USD"].credit_minor["linear"]), (5_900, 500));
    let spent =
        |by, subject| line(&sheet, by, subject).results.as_ref().map(|results| results.money["USD"].spent_minor);
    assert_eq!(spent("kind", "brand"), Some(5_000));
    assert_eq!(spent("channel", "retail_media"), Some(900));
    assert_eq!(spent("partner", "marketplace-one"), Some(900));
    assert_eq!(line(&sheet, "partner", "marketplace-one").budget_minor["USD"], 1_300_000);
    assert_eq!(line(&sheet, "campaign", "brand-film").results.as_ref().unwrap().reach, Some(70));
    // Nothing of the tentpole's campaigns is known to be trade, though there is a budget.
    assert_eq!((spent("kind", "trade"), line(&sheet, "kind", "trade").budget_minor["USD"]), (None, 800_000));
}

#[test]
fn a_partner_sees_its_own_budgets_and_campaigns_only() {
    let sheet = sheet(Some("marketplace-one"));
    assert_eq!(line(&sheet, "total", "").budget_minor["USD"], 1_300_000);
    let results = line(&sheet, "total", "").results.as_ref().unwrap();
    assert_eq!(results.campaigns.iter().collect::<Vec<_>>(), ["onsite-retail-media"]);
    let text = serde_json::to_string(&sheet).unwrap();
    for other in ["northlight", "clickhouse-media", "brand-film", "search"] {
        assert!(!text.contains(other), "{other} in {text}");
    }
}
