//! What one standing journey event adds to the report, as facts that can be counted up and down again.

use rustc_hash::FxHashMap;
use tributary_model::time::HOUR_MS;
use tributary_model::{Domain, JourneyEvent};

use crate::delays::Bucket;
use crate::names::{Name, Names};

/// From when on a hand-over is late: the lateness that the hub allows touches by default. What comes later finds
/// decisions already taken, and corrects journeys.
pub const LATE_AFTER_MS: i64 = HOUR_MS;
/// The most narratives that are told apart.
pub(crate) const MAX_NARRATIVES: u8 = 9;

/// One thing that a touch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fact {
    /// There was a touch of this kind.
    Touch(TouchFact),
    /// It names the person by an identifier of this kind.
    KnownBy(Name),
    /// So many narratives had been heard within 30 days.
    Heard(u8),
    /// It contradicts what was said before.
    Conflict(ConflictFact),
}

/// A kind of touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TouchFact {
    pub(crate) source: Name,
    pub(crate) domain: Domain,
    /// It occurred when the hub was live. What did not is loaded history: none of what follows is known of it.
    pub(crate) is_live: bool,
    /// From when it occurred to when the hub received it.
    pub(crate) delay: Bucket,
    pub(crate) is_late: bool,
    /// Received before it occurred: a clock is wrong.
    pub(crate) is_ahead: bool,
    pub(crate) is_named: bool,
    pub(crate) is_sale: bool,
}

/// A kind of contradiction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConflictFact {
    pub(crate) kind: Name,
    pub(crate) channel: Name,
    pub(crate) team: Name,
    /// Empty when none did it.
    pub(crate) agency: Name,
}

/// A fact of [`Facts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FactId(u32);

/// All distinct facts seen, and their texts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) names: Names,
    /// Since when the hub is live; what occurred before is loaded history.
    pub(crate) live_at: Option<i64>,
    ids: FxHashMap<Fact, FactId>,
    all: Vec<Fact>,
}

impl Facts {
    /// The facts of an event; whether it was retracted is not looked at.
    pub(crate) fn of(&mut self, event: &JourneyEvent) -> Vec<FactId> {
        let touchpoint = &event.touchpoint;
        let is_live = self.live_at.is_none_or(|live_at| touchpoint.occurred_at >= live_at);
        let delay_ms = if is_live { touchpoint.received_at.saturating_sub(touchpoint.occurred_at) } else { 0 };
        let mut facts = vec![Fact::Touch(TouchFact {
            source: self.names.of(&touchpoint.source),
            domain: touchpoint.domain,
            is_live,
            delay: Bucket::of(delay_ms),
            is_late: delay_ms > LATE_AFTER_MS,
            is_ahead: delay_ms < 0,
            is_named: !touchpoint.identifiers.is_empty(),
            is_sale: touchpoint.is_sale(),
        })];
        for identifier in &touchpoint.identifiers {
            facts.push(Fact::KnownBy(self.names.of(&identifier.namespace)));
        }
        let narratives = u8::try_from(event.story.narrative_count.max(0)).unwrap_or(u8::MAX).min(MAX_NARRATIVES);
        if narratives > 0 {
            facts.push(Fact::Heard(narratives));
        }
        for kind in &event.story.conflicts {
            facts.push(Fact::Conflict(ConflictFact {
                kind: self.names.of(kind),
                channel: self.names.of(&touchpoint.channel),
                team: self.names.of(&event.team_id),
                agency: self.names.of(touchpoint.agency.as_deref().unwrap_or_default()),
            }));
        }
        facts.into_iter().map(|fact| self.id(fact)).collect()
    }

    fn id(&mut self, fact: Fact) -> FactId {
        let next = FactId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        let id = *self.ids.entry(fact).or_insert(next);
        if id == next {
            self.all.push(fact);
        }
        id
    }

    /// The fact of an id.
    pub(crate) fn fact(&self, id: FactId) -> Option<&Fact> {
        self.all.get(id.0 as usize)
    }
}
