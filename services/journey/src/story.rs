//! Whether a person hears one story or several, and what contradicts what.

use tributary_model::Touchpoint;
use tributary_model::journey::StoryContext;

use crate::earlier::Earlier;
use crate::touch::{Heard, Touch};

/// The property by which a case is opened and closed; without it the order counts, and without that all cases are one.
const CASE_ID: &str = "case_id";

/// Gathers the story at one exposure or other touch, from the touches before it, newest first.
#[derive(Debug)]
pub(crate) struct Story<'a> {
    told: Option<Heard<'a>>,
    /// What the touch pushes to buy: skus or categories. Empty when it is no push.
    subjects: Vec<&'a str>,
    is_push: bool,
    narratives: Vec<&'a str>,
    exposure_count: i32,
    approved_count: i32,
    /// Whether our own narrative was heard before.
    is_known: bool,
    /// The newest exposure with another claim about the same.
    other_claim: Option<&'a str>,
    /// The newest sale of the window, for a message to those who have not bought.
    sale: Option<&'a str>,
    /// Pieces bought of what is pushed, less those returned; and the newest sale of it.
    bought: i64,
    bought_with: Option<&'a str>,
    closed_cases: Vec<String>,
    /// The newest case that is open.
    open_case: Option<&'a str>,
}

impl<'a> Story<'a> {
    /// The story at `touch`, which counts itself.
    pub(crate) fn at(touch: &'a Touch) -> Self {
        let told = touch.told.as_deref().map(|told| told.heard());
        let is_push = told.is_some_and(|told| told.is_push);
        let mut subjects = Vec::new();
        if is_push {
            match told.and_then(|told| told.offer) {
                Some((subject, _)) => subjects.push(subject),
                None => subjects.extend(touch.event.touchpoint.items.iter().map(|item| item.sku.as_str())),
            }
        }
        let mut story = Self {
            told,
            subjects,
            is_push,
            narratives: Vec::new(),
            exposure_count: 0,
            approved_count: 0,
            is_known: false,
            other_claim: None,
            sale: None,
            bought: 0,
            bought_with: None,
            closed_cases: Vec::new(),
            open_case: None,
        };
        if let Some(told) = told {
            story.count(told);
        }
        story
    }

    /// Counts an earlier exposure of the window, newest first.
    pub(crate) fn hear(&mut self, touchpoint_id: &'a str, told: Heard<'a>) {
        self.count(told);
        let Some(own) = self.told else { return };
        self.is_known |= own.narrative_id == told.narrative_id;
        if let (Some((our_subject, our_claim)), Some((subject, claim))) = (own.offer, told.offer)
            && our_subject == subject
            && our_claim != claim
        {
            self.other_claim.get_or_insert(touchpoint_id);
        }
    }

    fn count(&mut self, told: Heard<'a>) {
        self.exposure_count += 1;
        self.approved_count += i32::from(told.is_approved);
        if let Some(narrative) = told.narrative_id
            && !self.narratives.contains(&narrative)
        {
            self.narratives.push(narrative);
        }
    }

    /// Looks at an earlier touch of the window, newest first: what it bought, and which case it opened or closed.
    pub(crate) fn look_at(&mut self, touch: &Earlier<'a>) {
        if self.told.is_some_and(|told| told.is_acquisition) && touch.is_sale() {
            self.sale.get_or_insert(touch.id);
        }
        if !self.is_push {
            return;
        }
        match touch.event_type() {
            "case.closed" => self.closed_cases.push(case_of(&touch.whole().event.touchpoint).to_owned()),
            "case.opened" => {
                let whole = touch.whole();
                let touchpoint = &whole.event.touchpoint;
                let is_open = !self.closed_cases.iter().any(|closed| closed == case_of(touchpoint));
                if is_open && (touchpoint.items.is_empty() || self.is_about(touchpoint)) {
                    self.open_case.get_or_insert(touch.id);
                }
            }
            _ if touch.is_conversion() => {
                let pieces = self.pieces(&touch.whole().event.touchpoint);
                self.bought += pieces;
                if pieces > 0 {
                    self.bought_with.get_or_insert(touch.id);
                }
            }
            _ => {}
        }
    }

    fn is_about(&self, touchpoint: &Touchpoint) -> bool {
        self.subjects.is_empty() || touchpoint.items.iter().any(|item| self.names(&item.sku, item.category.as_deref()))
    }

    fn names(&self, sku: &str, category: Option<&str>) -> bool {
        self.subjects.iter().any(|subject| *subject == sku || Some(*subject) == category)
    }

    /// Pieces of what is pushed in a sale; negative when it was taken back.
    fn pieces(&self, touchpoint: &Touchpoint) -> i64 {
        let sign = if touchpoint.is_sale() { 1 } else { -1 };
        let items = touchpoint.items.iter().filter(|item| self.names(&item.sku, item.category.as_deref()));
        items.map(|item| sign * item.quantity.saturating_abs().max(1)).sum()
    }

    /// The finished story; `has_ordered` says whether the person was a customer before this touch.
    pub(crate) fn finish(self, has_ordered: bool) -> StoryContext {
        let is_to_customer = has_ordered && self.told.is_some_and(|told| told.is_acquisition);
        let is_second_story =
            self.narratives.len() > 1 && !self.is_known && self.told.is_some_and(|told| told.narrative_id.is_some());
        let conflicts = [
            ("offer", self.other_claim.is_some(), self.other_claim),
            ("stage", is_to_customer, self.sale),
            ("already_bought", self.bought > 0, self.bought_with),
            ("open_case", self.open_case.is_some(), self.open_case),
        ];
        let completed = || conflicts.iter().filter(|(_, is_so, _)| *is_so);
        StoryContext {
            narrative_count: i32::try_from(self.narratives.len()).unwrap_or(i32::MAX),
            exposure_count: self.exposure_count,
            approved_count: self.approved_count,
            conflicts: completed().map(|(name, ..)| (*name).to_owned()).collect(),
            conflicts_with: completed().map(|(.., with)| with.unwrap_or_default().to_owned()).collect(),
            is_second_story,
        }
    }
}

fn case_of(touchpoint: &Touchpoint) -> &str {
    let by_property = touchpoint.properties.get(CASE_ID).map(String::as_str);
    by_property.or(touchpoint.order_id.as_deref()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
