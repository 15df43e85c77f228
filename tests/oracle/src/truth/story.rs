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
    let earlier: Vec<(&str, Said)> =
        recent(before, touch).filter_map(|touch| Some((touch.touchpoint_id.as_str(), said(touch)?))).collect();
    let heard: Vec<Said> = ours.into_iter().chain(earlier.iter().map(|(_, said)| *said)).collect();
    let narratives: BTreeSet<&str> = heard.iter().filter_map(|said| said.narrative).collect();
    let offer = ours.and_then(|said| said.offer);
    let contradicts = |said: &Said| match (offer, said.offer) {
        (Some((ours, says)), Some((subject, claim))) => ours == subject && says != claim,
        _ => false,
    };
    let other = earlier.iter().find(|(_, said)| contradicts(said)).map(|(id, _)| *id);
    let told_before = earlier.iter().filter_map(|(_, said)| said.narrative).collect::<BTreeSet<&str>>();
    let own = ours.and_then(|said| said.narrative);
    let sale = recent(before, touch).find(|earlier| is_sale(earlier)).map(|sale| sale.touchpoint_id.as_str());
    let was_customer = before.iter().map(|touch| orders(touch)).sum::<i64>() > 0;
    let pushed = ours.filter(|said| said.is_push).map(|said| subjects(said, touch));
    let case = pushed.as_ref().and_then(|pushed| open_case(before, touch, pushed));
    let bought = pushed.as_ref().and_then(|pushed| bought(before, touch, pushed));
    let conflicts = [
        ("offer", other.is_some(), other),
        ("stage", was_customer && ours.is_some_and(|said| said.is_acquisition), sale),
        ("already_bought", bought.is_some(), bought),
        ("open_case", case.is_some(), case),
    ];
    let completed: Vec<(&str, &str)> =
        conflicts.iter().filter(|(_, is_so, _)| *is_so).map(|(name, _, with)| (*name, with.unwrap_or(""))).collect();
    StoryContext {
        narrative_count: narratives.len() as i32,
        exposure_count: heard.len() as i32,
        approved_count: heard.iter().filter(|said| said.is_approved).count() as i32,
        conflicts: completed.iter().map(|(name, _)| (*name).to_owned()).collect(),
        conflicts_with: completed.iter().map(|(_, with)| (*with).to_owned()).collect(),
        is_second_story: own.is_some_and(|own| !told_before.is_empty() && !told_before.contains(own)),
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

/// The newest sale of it in the window, if not all of its pieces were taken back.
fn bought<'a>(before: &'a [&'a Touchpoint], touch: &Touchpoint, subjects: &[String]) -> Option<&'a str> {
    let (mut pieces, mut newest) = (0, None);
    for earlier in recent(before, touch).filter(|earlier| is_conversion(earlier)) {
        for item in earlier.items.iter().filter(|item| is_about(&item.sku, item.category.as_deref(), subjects)) {
            let count = item.quantity.abs().max(1);
            if is_sale(earlier) {
                pieces += count;
                newest.get_or_insert(earlier.touchpoint_id.as_str());
            } else {
                pieces -= count;
            }
        }
    }
    newest.filter(|_| pieces > 0)
}

/// The newest case about it, or about nothing in particular, that was opened in the window and not closed since.
fn open_case<'a>(before: &'a [&'a Touchpoint], touch: &Touchpoint, subjects: &[String]) -> Option<&'a str> {
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
            return Some(&earlier.touchpoint_id);
        }
    }
    None
}
