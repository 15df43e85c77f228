//! The one repair: the place that affects most, by its name and number.

use tributary_model::time::DAY_MS;
use tributary_model::{Domain, OutcomeKind};
use tributary_silo::grade::Dimension;
use tributary_silo::report::{Repair, SiloReport};
use tributary_silo::{SiloFold, html, markdown};

use crate::history::{Touch, outcome, report, sent, touch};

fn repair(report: &SiloReport, dimension: Dimension) -> &Repair {
    report.repairs.iter().find(|repair| repair.dimension == dimension).unwrap_or_else(|| panic!("{:?}", report.repairs))
}

/// Forty customers of a till, of whom so many buy online too, ten of them late and some without a name.
fn shop() -> Vec<Touch> {
    let mut touches = Vec::new();
    for number in 0..40 {
        touches.push(touch(number, &format!("s{number}")).by(&["loyalty_id"]).sale());
        let online = if number < 15 { number } else { 100 + number };
        let shop = touch(online, &format!("o{number}")).from("shop", Domain::Ecommerce).by(&["email", "customer_id"]);
        touches.push(if number < 10 { shop.received_after(2 * DAY_MS) } else { shop });
    }
    touches.extend((0..20).map(|number| touch(900 + number, &format!("n{number}")).by(&[]).sale()));
    touches
}

#[test]
fn each_dimension_names_where_it_loses_most() {
    let report = report(shop());
    let found = repair(&report, Dimension::MatchRate);
    assert_eq!((found.affected, found.unit), (25, "persons"));
    assert!(found.what.starts_with("25 of the 40 persons of store are unknown to ecommerce"), "{}", found.what);
    let found = repair(&report, Dimension::HandOver);
    assert_eq!((found.affected, found.unit), (10, "persons"));
    assert!(
        found.what.starts_with("10 touches of shop, of 10 persons, reached the hub more than 1 h after"),
        "{}",
        found.what
    );
    // Twenty sales to nobody, and 25 customers whom the card alone names.
    let found = repair(&report, Dimension::IdentityCoverage);
    assert_eq!((found.affected, found.unit), (25, "persons"));
    assert!(found.what.starts_with("25 persons are known by loyalty_id alone"), "{}", found.what);
    let affected: Vec<u64> = report.repairs.iter().map(|repair| repair.affected).collect();
    assert_eq!(affected, [25, 25, 10], "the largest first, and of equal ones the earlier dimension");
    assert_eq!(report.repairs[0].dimension, Dimension::MatchRate);
}

#[test]
fn sales_to_nobody_are_named_by_their_source_where_they_are_most() {
    let mut touches = shop();
    touches.extend(
        (0..30).map(|number| touch(950 + number, &format!("m{number}")).from("kiosk", Domain::Store).by(&[]).sale()),
    );
    let report = report(touches);
    let found = repair(&report, Dimension::IdentityCoverage);
    assert_eq!((found.affected, found.unit), (30, "sales"));
    assert!(found.what.starts_with("30 of the 30 sales of kiosk name nobody"), "{}", found.what);
    assert_eq!(report.repairs[0], *found, "it affects most of all");
    for document in [markdown(&report), html(&report)] {
        assert!(document.contains("30 of the 30 sales of kiosk name nobody"), "{document}");
    }
}

#[test]
fn teams_are_named_that_contradict_leak_and_keep_silent() {
    let mut fold = SiloFold::default();
    for id in 0..40 {
        let (decision, team) =
            (sent(id, if id < 30 { "email" } else { "sales" }, 0), if id < 4 { "media" } else { "brand" });
        let conflicts: &[&str] = if id < 12 { &["offer"] } else { &[] };
        fold.journey(&touch(id, &id.to_string()).told(1, conflicts).of_team(team, "email", None).0);
        fold.journey(&touch(id, &format!("n{id}")).at(60 * DAY_MS).0);
        fold.decision(&decision);
        let kind = if id < 31 { OutcomeKind::Leaked } else { OutcomeKind::Delivered };
        let told = outcome(&decision, kind, 2 * DAY_MS);
        fold.outcome(&told);
    }
    let report = fold.report();
    let found = repair(&report, Dimension::Consistency);
    assert_eq!((found.affected, found.unit), (8, "persons"));
    assert!(found.what.starts_with("brand told 8 persons something that contradicts"), "{}", found.what);
    let found = repair(&report, Dimension::SuppressionLeakage);
    assert_eq!((found.affected, found.unit), (30, "contacts"));
    assert!(found.what.starts_with("email made 30 contacts while a suppression held"), "{}", found.what);
    let found = repair(&report, Dimension::LoopTime);
    assert_eq!((found.affected, found.unit), (30, "contacts"));
    assert!(
        found.what.starts_with("30 of the 30 messages that email was asked for were never reported on"),
        "{}",
        found.what
    );
}

#[test]
fn several_narratives_are_the_repair_where_they_concern_more_than_any_conflict() {
    let told = |number| touch(number, &format!("{number}")).told(if number < 20 { 2 } else { 1 }, &[]);
    let report = report((0..40).map(told).chain([touch(1, "x").told(1, &["stage"])]));
    let found = repair(&report, Dimension::Consistency);
    assert!(found.what.starts_with("20 persons heard two narratives or more"), "{}", found.what);
}

#[test]
fn a_dimension_with_an_a_needs_no_repair_and_one_without_data_gets_none() {
    let all = (0..40).flat_map(|number| {
        let both = ["loyalty_id", "email"];
        let shop = touch(number, &format!("o{number}")).from("shop", Domain::Ecommerce);
        [touch(number, &format!("s{number}")).by(&both).sale().told(1, &[]), shop.by(&both)]
    });
    let report = report(all);
    assert_eq!(report.repairs, []);
    let said = "Nothing yet: no dimension is below A, and 2 of 6 have not enough data.";
    assert!(markdown(&report).contains(said) && html(&report).contains(said), "{}", markdown(&report));
    let nothing = SiloFold::default().report();
    assert!(markdown(&nothing).contains("Too little is known") && html(&nothing).contains("Too little is known"));
}
