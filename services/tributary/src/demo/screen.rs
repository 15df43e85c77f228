//! The one screen that the demo ends with.

use std::collections::BTreeMap;
use tributary_model::Money;

use super::report::{DecisionLine, Report};
use crate::timeline::put;

/// Most lines of the customer's story.
const STORY_LINES: usize = 30;

/// The report as people read it.
#[must_use]
pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    story(report, &mut text);
    decisions(report, &mut text);
    scorecards(report, &mut text);
    lift(report, &mut text);
    facts(report, &mut text);
    accounts(report, &mut text);
    text
}

fn heading(text: &mut String, words: &str) {
    put(text, format!("\n{words}\n{}", "─".repeat(words.chars().count())));
}

fn story(report: &Report, text: &mut String) {
    heading(text, "One customer, all silos, one story");
    match &report.customer {
        Some(customer) => text.push_str(&customer.render(STORY_LINES)),
        None => text.push_str("  nobody was seen\n"),
    }
}

fn decisions(report: &Report, text: &mut String) {
    heading(text, "What the hub told the teams, and what it kept back");
    put(text, format!("  {:<14} {:<34} {:>6} {:>9}  withheld because", "team", "trigger", "sent", "withheld"));
    for decision in &report.decisions {
        let withheld: i64 = decision.withheld.values().sum();
        put(
            text,
            format!(
                "  {:<14} {:<34} {:>6} {:>9}  {}",
                decision.team,
                decision.trigger,
                decision.sent,
                withheld,
                reasons(decision)
            ),
        );
    }
    if report.decisions.is_empty() {
        text.push_str("  no trigger found anybody\n");
    }
}

fn reasons(line: &DecisionLine) -> String {
    let mut words: Vec<String> = counts(&line.withheld);
    if line.withheld.contains_key("held_out") {
        words.push(format!("({:.0} % of {} persons held out)", line.held_out_percent, line.persons));
    }
    words.join(" ")
}

fn counts(of: &BTreeMap<String, i64>) -> Vec<String> {
    of.iter().map(|(reason, count)| format!("{reason} {count}")).collect()
}

fn scorecards(report: &Report, text: &mut String) {
    heading(text, "Scorecards: every team, one ledger");
    put(
        text,
        format!(
            "  {:<14} {:>8} {:>7} {:>12} {:>6} {:>16} {:>16} {:>16} {:>16}",
            "team", "touches", "reach", "cost", "sales", "revenue", "margin", "credit, last", "credit, linear"
        ),
    );
    // A team that was only told of decisions has nothing to show here.
    for card in report.scorecards.iter().filter(|card| card.touches > 0 || !card.credit_minor.is_empty()) {
        let money = |amount_minor: i64| amount(amount_minor, &card.currency);
        let credit = |model: &str| money(card.credit_minor.get(model).copied().unwrap_or(0));
        put(
            text,
            format!(
                "  {:<14} {:>8} {:>7} {:>12} {:>6} {:>16} {:>16} {:>16} {:>16}",
                card.team,
                card.touches,
                card.reach,
                money(card.cost_minor),
                card.sales,
                money(card.revenue_minor),
                money(card.margin_minor),
                credit("last"),
                credit("linear")
            ),
        );
    }
}

fn lift(report: &Report, text: &mut String) {
    if report.lift.is_empty() {
        return;
    }
    heading(text, "What messages caused: treated against held-out, in revenue");
    put(
        text,
        format!(
            "  {:<44} {:>7} {:>8} {:>14} {:>28} {:>14}",
            "experiment", "treated", "held out", "caused", "95 %", "truth"
        ),
    );
    for line in &report.lift {
        let money = |minor: i64| Money::new(line.currency.as_str(), minor).display();
        let (caused, between) = line.caused.as_ref().map_or_else(
            || ("·".to_owned(), "too few persons to say".to_owned()),
            |caused| {
                (money(caused.value_minor), format!("{} to {}", money(caused.low_minor), money(caused.high_minor)))
            },
        );
        let verdict = match line.holds_truth() {
            None => "",
            Some(true) => "  within",
            Some(false) => "  outside",
        };
        let truth = line.truth_minor.map(money).unwrap_or_default();
        put(
            text,
            format!(
                "  {:<44} {:>7} {:>8} {caused:>14} {between:>28} {truth:>14}{verdict}",
                line.experiment, line.treated, line.held_out
            ),
        );
    }
    put(
        text,
        "  Limits hold at any time once each arm has 100 persons and 50 buyers, before that at one look.".to_owned(),
    );
}

fn amount(amount_minor: i64, currency: &str) -> String {
    if amount_minor == 0 { "·".to_owned() } else { Money::new(currency, amount_minor).display() }
}

fn facts(report: &Report, text: &mut String) {
    if report.facts.is_empty() {
        return;
    }
    heading(text, "Truth against result");
    put(text, format!("  {:<44} {:>16} {:>16}", "", "truth", "result"));
    for fact_line in &report.facts {
        let show =
            |value: i64| if fact_line.fact.money { Money::new("USD", value).display() } else { value.to_string() };
        let verdict = if fact_line.agrees { "=" } else { "✗ differs" };
        let (truth, result) = (show(fact_line.fact.truth), show(fact_line.fact.result));
        put(text, format!("  {:<44} {truth:>16} {result:>16}  {verdict}", fact_line.fact.name));
    }
    if let Some(identities) = &report.identities {
        put(
            text,
            format!(
                "  {} shoppers left names; their events connect these to {} persons; {} merges, {} wrong, {} missed",
                identities.true_persons,
                identities.findable_persons,
                identities.merges,
                identities.wrong_merges,
                identities.missed_merges
            ),
        );
    }
    if !report.refusals.is_empty() {
        put(text, format!("  links not made: {}", counts(&report.refusals).join(", ")));
    }
    if let Some(caused) = &report.caused {
        put(
            text,
            format!(
                "  why the shoppers bought: {} anyway, {} for brand, {} for demand, {} for both together",
                caused.anyway, caused.by_brand, caused.by_demand, caused.by_both
            ),
        );
    }
}

fn accounts(report: &Report, text: &mut String) {
    let accounting = &report.accounting;
    heading(text, "Nothing is lost");
    let sign = if accounting.adds_up { "=" } else { "≠" };
    put(
        text,
        format!(
            "  {} accepted {sign} {} processed + {} dead-lettered + {} dropped",
            accounting.accepted, accounting.processed, accounting.dead_lettered, accounting.dropped
        ),
    );
    if !accounting.dropped_by_reason.is_empty() {
        put(text, format!("  dropped: {}", counts(&accounting.dropped_by_reason).join(", ")));
    }
    for letter in &report.dead_letters {
        put(
            text,
            format!(
                "  dead letters: {} {} at {}, such as: {}",
                letter.count, letter.code, letter.stage, letter.example
            ),
        );
    }
    for account in &accounting.stages {
        let verdict = if account.explain().is_empty() { "" } else { "  ✗ does not add up" };
        put(
            text,
            format!(
                "    {:<16} {:>9} in {:>9} processed {:>7} dead-lettered {:>7} dropped{verdict}",
                account.stage,
                account.accepted,
                account.processed,
                account.dead_lettered,
                account.dropped_total()
            ),
        );
    }
    for flow in accounting.flows.iter().filter(|flow| flow.lag() != 0) {
        put(text, format!("  ✗ {}: {} written, {} read {}", flow.topic, flow.written, flow.reader, flow.read));
    }
    let seconds = report.took_ms as f64 / 1_000.0;
    put(
        text,
        format!(
            "  {} events in {seconds:.1} s ({:.0} a second); {} statements corrected by later evidence",
            report.input.events,
            report.input.events as f64 / seconds.max(0.001),
            report.corrections
        ),
    );
}
