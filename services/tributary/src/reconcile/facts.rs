//! What was found on the broker. The hub may be at work meanwhile, so accounts are read before and after everything else:
//! whatever is read in between belongs to a moment between the two.

use std::collections::BTreeMap;

use tributary_insight::accounting::StageAccount;

use super::intents::IntentFacts;

/// Everything that is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The accounts before positions and topics were read.
    pub before: Vec<StageAccount>,
    /// The accounts after; the same when the first explained everything.
    pub after: Vec<StageAccount>,
    /// Dead letters written back, by topic, as of `before` and `after`.
    pub written_back: [BTreeMap<String, i64>; 2],
    /// Dead letters that were replayed, by the stage that had refused them.
    pub replayed_of: BTreeMap<String, i64>,
    /// The inputs of all stages.
    pub inputs: Vec<InputFacts>,
    /// The dead-letter topic, when it was read.
    pub letters: Option<LetterFacts>,
    /// Decisions and intents, when they were read.
    pub intents: Option<IntentFacts>,
}

/// One topic as an input of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFacts {
    /// The topic.
    pub topic: String,
    /// The stage that reads it.
    pub stage: String,
    /// Whether others than stages write to it.
    pub is_open: bool,
    /// Whether the stage may have been switched on when others had written for long: what retention took before that was
    /// never its.
    pub is_late: bool,
    /// Its partitions.
    pub partitions: Vec<PartitionFacts>,
    /// What a full reading found, when there was one.
    pub scanned: Option<Scanned>,
}

/// One partition of an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionFacts {
    /// Its number.
    pub partition: i32,
    /// Records between what the stage has committed and the end.
    pub in_flight: i64,
    /// Offsets that retention took before the stage had read them.
    pub deleted_unread: i64,
    /// Offsets that retention took, ever.
    pub deleted: i64,
}

/// What is on a topic as a full reading found it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Records that the stage has read.
    pub read: i64,
}

/// What is on the dead-letter topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFacts {
    /// Letters that are there, by stage.
    pub present: BTreeMap<String, i64>,
    /// Of these, not replayed.
    pub open: i64,
    /// Offsets that retention took.
    pub deleted: i64,
}

impl InputFacts {
    /// Sum over the partitions.
    #[must_use]
    pub fn sum(&self, of: impl Fn(&PartitionFacts) -> i64) -> i64 {
        self.partitions.iter().map(of).sum()
    }
}
