//! The ordered journey of one person: touches go in at their place, and what that changes is restated.

use rustc_hash::FxHashSet;
use tributary_model::journey::PathStep;
use tributary_model::{JourneyEvent, PersonId};

use crate::base::Base;
use crate::context::{Before, Context, Rules, derive, stated_path};
use crate::earlier::{Earlier, Previous};
use crate::kept::Kept;
use crate::touch::{Touch, TouchKey, Touches};

/// What inserting touches led to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The new records of the journeys stream: for each touch that is new its statement, and for each that is to be
    /// corrected the old statement retracted and the new one, in order of the journey.
    pub changes: Vec<JourneyEvent>,
    /// Touches that were known already.
    pub duplicate_count: u64,
    /// New touches with others behind them.
    pub late_count: u64,
    /// New touches that lie beyond the horizon: stated once, and then part of the base.
    pub beyond_horizon_count: u64,
    /// Touches that fell off the horizon, new ones included.
    pub folded: Vec<TouchKey>,
    /// The base, when it changed.
    pub base: Option<Base>,
}

/// True for the first statement of a touch at a person, false for corrections and retractions.
#[must_use]
pub fn is_first_statement(event: &JourneyEvent) -> bool {
    event.revision == 1 && !event.retracted
}

/// One person's journey in the store of its task.
#[derive(Debug)]
pub struct Timeline<'a> {
    /// The rules.
    pub rules: &'a Rules,
    /// The person.
    pub person_id: PersonId,
    /// The store.
    pub touches: &'a mut Touches,
}

impl Timeline<'_> {
    /// Puts one touch in its place. One that comes in order costs the rolling window; a late one restates what follows it.
    pub fn insert(&mut self, touch: Touch, base: &Base) -> Outcome {
        let last = self.earlier().next_back();
        let is_in_order = last.is_none_or(|last| last.place() < touch.place());
        if !is_in_order || self.is_known(touch.id()) {
            return self.insert_all(vec![touch], base, None);
        }
        let before = match last {
            Some(last) => Before::after(last.as_previous(), base, &touch),
            None => Before::from_base(self.rules, base, &touch),
        };
        let context = derive(self.rules, self.person_id, &touch, before, self.earlier().rev(), base);
        // Room for one: a vector that grows by itself makes room for four of what is large.
        let mut outcome = Outcome { changes: Vec::with_capacity(1), ..Outcome::default() };
        self.state(touch, context, &mut outcome);
        self.fold(base, None, &mut outcome);
        outcome
    }

    /// Puts touches in their places, and another base beneath them when `new_base` is given: the journey of a person who
    /// was merged into this one.
    pub fn insert_all(&mut self, incoming: Vec<Touch>, base: &Base, new_base: Option<Base>) -> Outcome {
        let mut outcome = Outcome::default();
        let incoming = self.unknown(incoming, &mut outcome);
        if incoming.is_empty() && new_base.is_none() {
            return outcome;
        }
        let (beyond, within) = self.split_at_horizon(incoming);
        let new_base = self.state_beyond(beyond, base, new_base, &mut outcome);
        let reviews = {
            let newest = self.earlier().next_back().map(|touch| touch.place());
            let is_late = |touch: &&Touch| newest.is_some_and(|newest| touch.place() < newest);
            outcome.late_count += within.iter().filter(is_late).count() as u64;
            let changes_from = within.first().map(Touch::place).filter(|_| new_base.is_none());
            let stays = |touch: &Earlier<'_>| changes_from.is_some_and(|from| touch.place() < from);
            let (before, opened) = self.opened_unless(stays);
            let kept: Vec<&Touch> = opened.iter().collect();
            let all = merge(&kept, &within);
            let contexts = self.derive_from(&before, &all, 0, new_base.as_ref().unwrap_or(base));
            self.compare(&before, &kept, base, &all, contexts)
        };
        self.restate(reviews, within, &mut outcome);
        self.fold(base, new_base, &mut outcome);
        outcome
    }

    /// Takes the whole journey away: the retraction of every statement, and the touches.
    pub fn take(&mut self, base: &Base) -> (Vec<JourneyEvent>, Vec<Touch>) {
        let touches = self.opened();
        let kept: Vec<&Touch> = touches.iter().collect();
        let retraction = |(index, touch): (usize, &&Touch)| {
            let path = self.stated_path(&[], &kept, index, base);
            JourneyEvent { retracted: true, path, ..touch.event.clone() }
        };
        let retractions = kept.iter().enumerate().map(retraction).collect();
        for touch in &touches {
            self.touches.remove(&self.person_id, &touch.key());
        }
        (retractions, touches)
    }

    /// Takes some touches out of the journey: the retraction of what was said of them, the touches, and what that changes
    /// about the others.
    pub fn take_out(
        &mut self,
        is_taken: impl Fn(&Touch) -> bool,
        base: &Base,
    ) -> (Vec<JourneyEvent>, Vec<Touch>, Outcome) {
        let mut outcome = Outcome::default();
        let opened = self.opened();
        let kept: Vec<&Touch> = opened.iter().collect();
        let taken: Vec<usize> = (0..kept.len()).filter(|index| is_taken(kept[*index])).collect();
        let Some(first) = taken.first().copied() else { return (Vec::new(), Vec::new(), outcome) };
        let retraction = |index: &usize| {
            let path = self.stated_path(&[], &kept, *index, base);
            JourneyEvent { retracted: true, path, ..kept[*index].event.clone() }
        };
        let retractions: Vec<JourneyEvent> = taken.iter().map(retraction).collect();
        let others: Vec<usize> = (0..kept.len()).filter(|index| taken.binary_search(index).is_err()).collect();
        let all: Vec<&Touch> = others.iter().map(|index| kept[*index]).collect();
        let contexts = self.derive_from(&[], &all, first, base);
        let review = |(index, context): (&usize, Context)| Review {
            key: kept[*index].key(),
            stated_path: Some(self.stated_path(&[], &kept, *index, base)),
            context,
        };
        let reviews = others[first..].iter().zip(contexts).map(review).collect();
        let touches: Vec<Touch> = taken.iter().map(|index| kept[*index].clone()).collect();
        for touch in &touches {
            self.touches.remove(&self.person_id, &touch.key());
        }
        self.restate(reviews, Vec::new(), &mut outcome);
        (retractions, touches, outcome)
    }

    /// The touches within the horizon, oldest first.
    fn earlier(&self) -> impl DoubleEndedIterator<Item = Earlier<'_>> {
        self.touches.list(&self.person_id).map(|(key, kept)| Earlier::kept(self.person_id, key, kept))
    }

    /// All of them, open.
    fn opened(&self) -> Vec<Touch> {
        self.earlier().map(|touch| touch.whole().into_owned()).collect()
    }

    /// Those at the beginning that stay as they are, and the others, open.
    fn opened_unless(&self, stays: impl Fn(&Earlier<'_>) -> bool) -> (Vec<Earlier<'_>>, Vec<Touch>) {
        let (before, others): (Vec<_>, Vec<_>) = self.earlier().partition(stays);
        (before, others.iter().map(|touch| touch.whole().into_owned()).collect())
    }

    fn is_known(&self, id: &str) -> bool {
        self.touches.list(&self.person_id).any(|((_, known), _)| known == id)
    }

    /// Those of `incoming` that are not in the journey yet, in order.
    fn unknown(&self, mut incoming: Vec<Touch>, outcome: &mut Outcome) -> Vec<Touch> {
        let count = incoming.len();
        incoming.sort_by(|a, b| a.place().cmp(&b.place()));
        if count == 1 {
            incoming.retain(|touch| !self.is_known(touch.id()));
        } else {
            let mut known: FxHashSet<String> =
                self.touches.list(&self.person_id).map(|((_, id), _)| id.clone()).collect();
            incoming.retain(|touch| known.insert(touch.id().to_owned()));
        }
        outcome.duplicate_count = (count - incoming.len()) as u64;
        incoming
    }

    /// Parts new touches into those that would fall off the horizon at once and the others.
    fn split_at_horizon(&self, incoming: Vec<Touch>) -> (Vec<Touch>, Vec<Touch>) {
        let kept = self.touches.list(&self.person_id).map(|((at, id), _)| (*at, id.as_str()));
        let mut all: Vec<(i64, &str)> = kept.chain(incoming.iter().map(Touch::place)).collect();
        all.sort_unstable();
        let newest_at = all.last().map_or(0, |(at, _)| *at);
        let surplus = all.len().saturating_sub(self.rules.horizon_touches);
        let is_young = |(at, _): &&(i64, &str)| newest_at.saturating_sub(*at) <= self.rules.horizon_ms;
        let edge = all.iter().skip(surplus).find(is_young).map(|(at, id)| (*at, (*id).to_owned()));
        let is_beyond = |touch: &Touch| edge.as_ref().is_some_and(|edge| touch.place() < (edge.0, edge.1.as_str()));
        incoming.into_iter().partition(is_beyond)
    }

    /// States touches beyond the horizon with what is known of the time around them, and adds them to the base, on which
    /// the context of all that is kept then rests.
    fn state_beyond(
        &self,
        beyond: Vec<Touch>,
        base: &Base,
        new_base: Option<Base>,
        outcome: &mut Outcome,
    ) -> Option<Base> {
        if beyond.is_empty() {
            return new_base;
        }
        let mut base = new_base.unwrap_or_else(|| base.clone());
        outcome.beyond_horizon_count = beyond.len() as u64;
        outcome.late_count += outcome.beyond_horizon_count;
        for mut touch in beyond {
            let place = touch.place();
            let earlier = || self.earlier().rev().skip_while(move |kept| kept.place() > place);
            let before = match earlier().next() {
                Some(previous) => Before::after(previous.as_previous(), &base, &touch),
                None => Before::from_base(self.rules, &base, &touch),
            };
            let context = derive(self.rules, self.person_id, &touch, before, earlier(), &base);
            touch.event.revision = 1;
            context.write_to(&mut touch.event);
            base.fold(&touch, self.rules);
            outcome.folded.push(touch.key());
            outcome.changes.push(touch.event);
        }
        Some(base)
    }

    /// The contexts of `all[place..]`, which come after those `before`.
    fn derive_from(&self, before: &[Earlier<'_>], all: &[&Touch], place: usize, base: &Base) -> Vec<Context> {
        let mut contexts: Vec<Context> = Vec::with_capacity(all.len() - place);
        for (index, touch) in all.iter().enumerate().skip(place) {
            let previous = match (index.checked_sub(1), contexts.last()) {
                (Some(previous), Some(context)) => Some(Previous::with(all[previous], context)),
                (Some(previous), None) => Some(Previous::open(all[previous])),
                (None, _) => before.last().map(Earlier::as_previous),
            };
            let right_before = match previous {
                Some(previous) => Before::after(previous, base, touch),
                None => Before::from_base(self.rules, base, touch),
            };
            let earlier = newest_first(before, &all[..index]);
            let context = derive(self.rules, self.person_id, touch, right_before, earlier, base);
            contexts.push(context);
        }
        contexts
    }

    /// The path of `kept[index]`, which comes after those `before`, as it was stated.
    fn stated_path(&self, before: &[Earlier<'_>], kept: &[&Touch], index: usize, base: &Base) -> Vec<PathStep> {
        stated_path(self.rules, kept[index], newest_first(before, &kept[..index]), base)
    }

    /// Pairs each of `all` with the path it was stated with, if it was stated before.
    fn compare(
        &self,
        before: &[Earlier<'_>],
        kept: &[&Touch],
        base: &Base,
        all: &[&Touch],
        contexts: Vec<Context>,
    ) -> Vec<Review> {
        let mut next_kept = 0;
        let mut reviews = Vec::with_capacity(contexts.len());
        for (touch, context) in all.iter().zip(contexts) {
            let is_kept = kept.get(next_kept).is_some_and(|kept| kept.place() == touch.place());
            let stated_path = is_kept.then(|| self.stated_path(before, kept, next_kept, base));
            next_kept += usize::from(is_kept);
            reviews.push(Review { key: touch.key(), stated_path, context });
        }
        reviews
    }

    fn restate(&mut self, reviews: Vec<Review>, incoming: Vec<Touch>, outcome: &mut Outcome) {
        let mut incoming = incoming.into_iter();
        for Review { key, stated_path, context } in reviews {
            match stated_path {
                Some(stated_path) => self.correct(key, stated_path, context, outcome),
                None => {
                    if let Some(touch) = incoming.next() {
                        self.state(touch, context, outcome);
                    }
                }
            }
        }
    }

    /// States a touch anew when its context has changed.
    fn correct(&mut self, key: TouchKey, stated_path: Vec<PathStep>, context: Context, outcome: &mut Outcome) {
        let Some(stated) = self.touches.get(&self.person_id, &key) else { return };
        let mut touch = stated.open(self.person_id, (key.0, &key.1));
        let is_same = context.is_stated_by(&touch.event, &stated_path);
        if is_same && touch.counts == context.counts {
            return;
        }
        touch.counts = context.counts;
        if is_same {
            self.touches.insert(&self.person_id, key, Kept::of(&mut touch));
            return;
        }
        outcome.changes.push(JourneyEvent { retracted: true, path: stated_path, ..touch.event.clone() });
        touch.path_limits = self.rules.path;
        touch.event.revision = touch.event.revision.saturating_add(1);
        context.write_to(&mut touch.event);
        self.touches.insert(&self.person_id, key, Kept::of(&mut touch));
        outcome.changes.push(touch.event);
    }

    /// States a touch for the first time.
    fn state(&mut self, mut touch: Touch, context: Context, outcome: &mut Outcome) {
        touch.event.revision = 1;
        touch.counts = context.counts;
        touch.path_limits = self.rules.path;
        context.write_to(&mut touch.event);
        self.touches.insert(&self.person_id, touch.key(), Kept::of(&mut touch));
        outcome.changes.push(touch.event);
    }

    /// Folds what is beyond the horizon into the base.
    fn fold(&mut self, base: &Base, new_base: Option<Base>, outcome: &mut Outcome) {
        let mut changed = new_base;
        while let Some(key) = self.beyond_horizon() {
            let Some(kept) = self.touches.remove(&self.person_id, &key) else { break };
            let touch = kept.open(self.person_id, (key.0, &key.1));
            changed.get_or_insert_with(|| base.clone()).fold(&touch, self.rules);
            outcome.folded.push(key);
        }
        outcome.base = changed;
    }

    /// The oldest touch, when it is beyond the horizon.
    fn beyond_horizon(&self) -> Option<TouchKey> {
        let (oldest, _) = self.touches.list(&self.person_id).next()?;
        let (newest, _) = self.touches.list(&self.person_id).next_back()?;
        let is_beyond = newest.0.saturating_sub(oldest.0) > self.rules.horizon_ms
            || self.touches.list_len(&self.person_id) > self.rules.horizon_touches;
        is_beyond.then(|| oldest.clone())
    }
}

/// A touch whose context was derived: to be stated for the first time, or compared with what was stated.
#[derive(Debug)]
struct Review {
    key: TouchKey,
    stated_path: Option<Vec<PathStep>>,
    context: Context,
}

impl Context {
    fn write_to(self, event: &mut JourneyEvent) {
        event.session = self.session;
        event.stage = self.stage;
        event.previous_stage = self.previous_stage;
        event.exposure = self.exposure;
        event.totals = self.totals;
        event.story = self.story;
        event.path = self.path;
    }

    fn is_stated_by(&self, event: &JourneyEvent, path: &[PathStep]) -> bool {
        event.session == self.session
            && event.stage == self.stage
            && event.previous_stage == self.previous_stage
            && event.exposure == self.exposure
            && event.totals == self.totals
            && event.story == self.story
            && path == self.path
    }
}

/// Open touches and those before them.
fn newest_first<'a>(before: &[Earlier<'a>], open: &[&'a Touch]) -> impl Iterator<Item = Earlier<'a>> {
    open.iter().rev().map(|touch| Earlier::open(touch)).chain(before.iter().rev().copied())
}

/// Two ordered lists as one.
fn merge<'a>(kept: &[&'a Touch], incoming: &'a [Touch]) -> Vec<&'a Touch> {
    let mut all = Vec::with_capacity(kept.len() + incoming.len());
    let mut kept = kept.iter().copied().peekable();
    for touch in incoming {
        while let Some(earlier) = kept.next_if(|kept| kept.place() < touch.place()) {
            all.push(earlier);
        }
        all.push(touch);
    }
    all.extend(kept);
    all
}

#[cfg(test)]
mod tests;
mod unsee;
