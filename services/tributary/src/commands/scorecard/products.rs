//! `tributary scorecard --dimension product` and `creative`: what `tributary.products` says.

use tributary_model::scorecard::{DIMENSION_PRODUCT, Measures, WINDOW_TOTAL};
use tributary_model::time::to_rfc3339;
use tributary_model::{Money, Scorecard, topics};
use tributary_schema::Contracts;
use tributary_stream::KafkaSettings;

use super::{Answer, read_topics};
use crate::cli::ScorecardArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Shows what products or creatives come to; the team is that of the creative's messages.
pub(super) fn products(
    args: &ScorecardArgs,
    settings: &KafkaSettings,
    contracts: &Contracts,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let cards = read_topics(settings, contracts, &[topics::PRODUCTS.to_owned()], output)?;
    let is_product = args.dimension == DIMENSION_PRODUCT;
    let chosen: Vec<&Scorecard> = cards
        .iter()
        .filter(|card| card.key.dimension == args.dimension && card.key.window == args.window)
        .filter(|card| is_product || args.team.as_ref().is_none_or(|team| *team == card.key.team_id))
        .collect();
    if chosen.is_empty() {
        let dimension = &args.dimension;
        output.notice(format!("none yet: is {dimension} in insight.dimensions, and the window in insight.windows?"));
        return Ok(Exit::Done);
    }
    output.either(&Answer { scorecards: &chosen }, || table(&chosen, is_product))?;
    Ok(Exit::Done)
}

fn table(cards: &[&Scorecard], is_product: bool) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let subject = if is_product { "product" } else { "message" };
    table.set_header([
        "team",
        subject,
        "from",
        "shown",
        "persons",
        "looked at",
        "into carts",
        "coupons",
        "sold",
        "pieces",
        "returned",
        "stars",
        "revenue",
        "credit",
    ]);
    for card in cards {
        let measures = &card.measures;
        let money = |amount_minor: i64| match card.key.currency.as_str() {
            "" => String::new(),
            currency => Money::new(currency, amount_minor).display(),
        };
        let of = |types: &[&str]| types.iter().filter_map(|kind| measures.events.get(*kind)).sum::<i64>().to_string();
        let from = match card.key.window.as_str() {
            WINDOW_TOTAL => "ever".to_owned(),
            _ => to_rfc3339(card.key.window_start_at).chars().take(10).collect(),
        };
        table.add_row([
            card.key.team_id.clone(),
            card.key.subject.clone(),
            from,
            measures.exposures.to_string(),
            measures.persons.to_string(),
            of(&["product.viewed", "email.opened", "email.clicked", "ad.clicked"]),
            of(&["cart.updated", "checkout.started"]),
            of(&["coupon.redeemed"]),
            measures.conversions.to_string(),
            measures.pieces.to_string(),
            measures.returns.to_string(),
            stars(measures),
            money(measures.revenue_minor),
            money(measures.credit_minor.get("linear").copied().unwrap_or(0)),
        ]);
    }
    table.to_string()
}

/// The mean of the stars; nothing when nobody gave any.
#[allow(clippy::cast_precision_loss, reason = "for people to read")]
fn stars(measures: &Measures) -> String {
    match measures.ratings {
        0 => String::new(),
        ratings => format!("{:.1}", measures.rating_centi as f64 / 100.0 / ratings as f64),
    }
}
