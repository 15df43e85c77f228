//! Whether a sequence of steps completes at a touch, and whether an absence held.

use smallvec::SmallVec;
use tributary_model::Past;

use crate::fields::{Fields, Report};
use crate::filter::TouchFilter;
use crate::span::Span;

/// The most steps a pattern has.
pub const MAX_STEPS: usize = 8;
/// The most touches a step counts.
pub const MAX_COUNT: i64 = 100;

/// One step: so many touches of a kind, within a time.
#[derive(Debug, Clone)]
pub struct Step {
    /// The touches it counts.
    pub filter: TouchFilter,
    /// How many it takes.
    pub count: usize,
    /// How long it may take: from its own first touch for the first step, from the completion of the step before
    /// for the others. `None` for any time inside the horizon.
    pub within: Option<Span>,
}

/// What must not happen after the last step, and for how long.
#[derive(Debug, Clone)]
pub struct Absence {
    /// The touches that would break it.
    pub filter: TouchFilter,
    /// For how long they must be absent.
    pub span: Span,
    /// How much longer those that come late are waited for; `None` for as long as the journey allows lateness.
    pub patience: Option<Span>,
}

impl Absence {
    /// How long after the last step it is asked whether the absence held.
    pub(crate) fn asks_after_ms(&self) -> i64 {
        self.span.as_ms() + self.patience.map_or(0, Span::as_ms)
    }
}

/// A sequence of steps and perhaps an absence behind it.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The steps, in their order; at least one.
    pub steps: Vec<Step>,
    /// The absence after the last.
    pub absence: Option<Absence>,
}

/// Positions of touches. Most patterns do not complete, so nothing is allocated to find that out.
type Evidence = SmallVec<[usize; 4]>;

/// A journey as patterns look at it: oldest first.
pub(crate) type History<'a> = [Past<'a>];

impl Pattern {
    /// The positions in `history` of the touches that complete the steps at `end`, oldest first; `None` when the
    /// steps do not complete there. Later steps take the newest touches that fit, which leaves earlier ones the
    /// most room; so a completion is found whenever there is one.
    #[must_use]
    pub fn completes_at(&self, history: &History<'_>, end: usize) -> Option<Vec<usize>> {
        complete(&self.steps, history, end).map(SmallVec::into_vec)
    }

    /// Whether the absence held after position `anchor`, judged over everything known by `now_at`. A touch after
    /// the span but before `now_at` breaks it too: nobody wants a reminder for what they did a minute ago.
    #[must_use]
    pub fn absence_held(&self, history: &History<'_>, anchor: usize, now_at: i64) -> bool {
        let Some(absence) = &self.absence else { return true };
        let after = history.get(anchor + 1..).unwrap_or_default();
        !after.iter().take_while(|touch| touch.at() <= now_at).any(|touch| absence.filter.matches(touch))
    }

    /// The positions from `from` on at which the steps complete.
    pub(crate) fn completions_from<'h>(
        &'h self,
        history: &'h History<'_>,
        from: usize,
    ) -> impl Iterator<Item = (usize, Vec<usize>)> + 'h {
        (from..history.len()).filter_map(|end| self.completes_at(history, end).map(|evidence| (end, evidence)))
    }

    /// How long after the change of an earlier step a completion may still depend on it; `None` without a bound.
    pub(crate) fn reach_ms(&self) -> Option<i64> {
        self.steps.iter().skip(usize::from(self.steps[0].count == 1)).map(|step| step.within.map(Span::as_ms)).sum()
    }

    pub(crate) fn read(fields: &mut Fields<'_>, name: &str) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        for (position, value) in fields.list("pattern").into_iter().enumerate() {
            let path = format!("pattern[{position}]");
            steps.push(Step::read(fields.report(), &path, value, position == 0, name));
        }
        if steps.is_empty() {
            fields.problem("pattern", "has no steps", "add at least one, such as `- on: cart.updated`");
        }
        if steps.len() > MAX_STEPS {
            let what = format!("has {} steps", steps.len());
            fields.problem("pattern", what, format!("use at most {MAX_STEPS}, or split the trigger"));
        }
        let absence = fields.take("absent").and_then(|value| Absence::read(fields.report(), value, name));
        Self { steps, absence }
    }
}

impl Step {
    fn read(report: &Report, path: &str, value: serde_json::Value, is_first: bool, name: &str) -> Self {
        let mut fields = Fields::of(report, path, value);
        let step = Self {
            filter: TouchFilter::read(&mut fields, name),
            count: fields.integer("count", 1..=MAX_COUNT).map_or(1, |count| count as usize),
            within: fields.parsed("within", "write a duration such as 7d"),
        };
        if is_first && step.count == 1 && step.within.is_some() {
            let remedy = "remove it, raise count, or move it to the step that must follow in time";
            fields.problem("within", "has no effect on a first step with a count of 1", remedy);
        }
        fields.finish();
        step
    }
}

impl Absence {
    fn read(report: &Report, value: serde_json::Value, name: &str) -> Option<Self> {
        let mut fields = Fields::of(report, "absent", value);
        let filter = TouchFilter::read(&mut fields, name);
        let is_missing = !fields.has("for");
        let span = fields.parsed("for", "write a duration such as 1h");
        if is_missing {
            fields.problem("for", "is missing", "say for how long nothing must happen, such as `for: 1h`");
        }
        let patience = fields.parsed("patience", "write a duration such as 5m");
        fields.finish();
        Some(Self { filter, span: span?, patience })
    }
}

/// The positions of the touches that complete these steps at `end`, if they do.
pub(crate) fn complete(steps: &[Step], history: &History<'_>, end: usize) -> Option<Evidence> {
    let (step, before) = steps.split_last()?;
    let last = history.get(end)?;
    if !step.filter.may_match(&last.glimpse) {
        return None;
    }
    let earliest_at = step.within.map_or(i64::MIN, |within| last.at() - within.as_ms());
    let in_time = |position: &usize| history[*position].at() >= earliest_at;
    let mut evidence = Evidence::from_elem(end, 1);
    let mut position = end;
    while evidence.len() < step.count {
        position = position.checked_sub(1).filter(in_time)?;
        if step.filter.matches(&history[position]) {
            evidence.push(position);
        }
    }
    evidence.reverse();
    if !before.is_empty() {
        let mut earlier = (0..position).rev().take_while(in_time).find_map(|end| complete(before, history, end))?;
        earlier.append(&mut evidence);
        evidence = earlier;
    }
    // Last, as most touches fail on what comes before them.
    step.filter.condition_holds(last).then_some(evidence)
}
