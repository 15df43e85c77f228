//! That a dead letter was replayed.

use serde::{Deserialize, Serialize};

/// One dead letter that was written back to where it came from; the record of the compacted
/// `tributary.dead-letters.replays`, keyed by [`Replay::key`] and written in the transaction that wrote the event back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Partition of the dead letter on the dead-letter topic.
    pub letter_partition: i32,
    /// Its offset there.
    pub letter_offset: i64,
    /// Topic it was written back to.
    pub topic: String,
    /// Partition it was written back to.
    pub partition: i32,
    /// The stage that had refused it.
    pub stage: String,
    /// The reason code of the refusal.
    pub code: String,
    /// Whether its value was corrected.
    pub corrected: bool,
    /// When it was replayed, on the clock of whoever did it.
    pub replayed_at: i64,
}

impl Replay {
    /// The key of the dead letter at this place: `partition/offset`.
    #[must_use]
    pub fn key_of(letter_partition: i32, letter_offset: i64) -> Vec<u8> {
        format!("{letter_partition}/{letter_offset}").into_bytes()
    }

    /// The record's key.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        Self::key_of(self.letter_partition, self.letter_offset)
    }
}
