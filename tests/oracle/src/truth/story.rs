//! Whether a person hears one story or several.

use std::collections::BTreeSet;

use tributary_model::Touchpoint;
use tributary_model::journey::StoryContext;

use crate::plan::{self, Said};
use crate::truth::journey::recent;
use crate::truth::kinds::{is_conversion, is_exposure, is_sale, orders};

/// What a touch told; only exposures with a campaign or message tell anything.
pub(crate) fn said(touch: &Touchpoint) -> Option<Said> {
    let (campaign, message) = (touch.campaign_id.as_deref(), touch.message_id.as_deref());
    (is_exposure(touch) && (campaign.is_some() || message.is_some())).then(|| plan::said(campaign, message))
}

/// The story at a touch, itself included.
pub(crate) fn at(before: &[&Touchpoint], touch: &Touchpoint) -> StoryContext {
    let ours = said(touch);
    let heard: Vec<Said> = ours.into_iter().chain(recent(before, touch).filter_map(said)).collect();
    let narratives: BTreeSet<&str> = heard.iter().filter_map(|said| said.narrative).collect();
    let offer = ours.and_then(|said| said.offer);
    let contradicts =
        |(subject, claim): (&str, &str)| offer.is_some_and(|(ours, says)| ours == subject && says != claim);
    let was_customer = before.iter().map(|touch| orders(touch)).sum::<i64>() > 0;
    let pushed = ours.filter(|said| said.is_push).map(|said| subjects(said, touch));
    let conflicts = [
        ("offer", heard.iter().filter_map(|said| said.offer).any(contradicts)),
        ("stage", was_customer && ours.is_some_and(|said| said.is_acquisition)),
        ("already_bought", pushed.as_ref().is_some_and(|pushed| bought(before, touch, pushed) > 0)),
        ("open_case", pushed.as_ref().is_some_and(|pushed| has_open_case(before, touch, pushed))),
    ];
    StoryContext {
        narrative_count: narratives.len() as i32,
        exposure_count: heard.len() as i32,
        approved_count: heard.iter().filter(|said| said.is_approved).count() as i32,
        conflicts: conflicts.into_iter().filter(|(_, is_so)| *is_so).map(|(name, _)| name.to_owned()).collect(),
    }
}

/// What a push asks to buy: what its offer is about, else its goods.
fn subjects(said: Said, touch: &Touchpoint) -> Vec<String> {
    match said.offer {
        Some((subject, _)) => vec![subject.to_owned()],
        None => touch.items.iter().map(|item| item.sku.clone()).collect(),
    }
}

fn is_about(sku: &str, category: Option<&str>, subjects: &[String]) -> bool {
    subjects.iter().any(|subject| subject == sku || Some(subject.as_str()) == category)
}

/// Pieces of it bought in the window, less those taken back.
fn bought(before: &[&Touchpoint], touch: &Touchpoint, subjects: &[String]) -> i64 {
    let mut pieces = 0;
    for earlier in recent(before, touch).filter(|earlier| is_conversion(earlier)) {
        for item in earlier.items.iter().filter(|item| is_about(&item.sku, item.category.as_deref(), subjects)) {
            let count = item.quantity.abs().max(1);
            pieces += if is_sale(earlier) { count } else { -count };
        }
    }
    pieces
}

/// Whether a case about it, or about nothing in particular, was opened in the window and not closed since.
fn has_open_case(before: &[&Touchpoint], touch: &Touchpoint, subjects: &[String]) -> bool {
    let case = |touch: &Touchpoint| touch.properties.get("case_id").or(touch.order_id.as_ref()).cloned();
    let mut closed = BTreeSet::new();
    for earlier in recent(before, touch) {
        if earlier.event_type == "case.closed" {
            closed.insert(case(earlier));
        }
        let about = |sku: &str, category| subjects.is_empty() || is_about(sku, category, subjects);
        let concerns = earlier.items.is_empty()
            || subjects.is_empty()
            || earlier.items.iter().any(|item| about(&item.sku, item.category.as_deref()));
        if earlier.event_type == "case.opened" && !closed.contains(&case(earlier)) && concerns {
            return true;
        }
    }
    false
}
