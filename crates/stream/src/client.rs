//! What a worker needs of the log, apart from how it is reached: a member of a group, a transactional producer, and
//! changelogs to read. `KafkaClient` does it with rdkafka; the simulation has a log in memory with faults. The worker
//! above is the same code on both.

use std::time::Duration;

use crate::error::StreamError;
use crate::record::{OutRecord, Record};

/// A topic and one of its partitions.
pub type Partition = (String, i32);

/// What the group says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// These partitions are ours from now on.
    Assigned(Vec<Partition>),
    /// These are to be given back.
    Revoked(Vec<Partition>),
}

/// What a failed transaction needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// Abort it, rewind and try again.
    #[error("{0}")]
    Abort(String),
    /// The producer is of no use any more: it was fenced, or the broker refuses it.
    #[error("{0}")]
    Fatal(String),
}

/// The changelog that a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// Index of the store in the stage's list; the runtime's own comes last.
    pub store: usize,
    /// Partition of its changelog.
    pub partition: i32,
}

/// One record of a changelog.
#[derive(Debug, Clone, Copy)]
pub struct ChangelogRecord<'a> {
    /// Index of the changelog in the list that was asked for.
    pub index: usize,
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: &'a [u8],
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
}

/// Where a changelog begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Offset before which nothing is kept.
    pub begin: i64,
    /// Offset behind its last committed record.
    pub end: i64,
    /// Offset of its first record.
    pub first: Option<i64>,
    /// Offset of its first record that was written at the time asked for or later.
    pub since: Option<i64>,
}

/// Changelogs being read to their ends.
pub trait ChangelogReader {
    /// Hands at most about `limit` records to `each` and waits at most `wait` for the first. `true`: all are read.
    ///
    /// # Errors
    /// [`StreamError`] of the log or of `each`, or when the log gives nothing for long.
    fn read(
        &mut self,
        limit: usize,
        wait: Duration,
        each: &mut dyn FnMut(ChangelogRecord<'_>) -> Result<(), StreamError>,
    ) -> Result<bool, StreamError>;
}

/// One worker's connection to the log.
pub trait Client {
    /// How it reads changelogs.
    type Reader: ChangelogReader;

    /// Time on the client's clock; only differences mean something.
    fn now(&self) -> Duration;

    /// How many partitions `topic` has; 0 when it does not exist.
    ///
    /// # Errors
    /// [`StreamError::Unreachable`] when nobody answers.
    fn partition_count(&mut self, topic: &str) -> Result<i32, StreamError>;

    /// Joins the group for these topics.
    ///
    /// # Errors
    /// [`StreamError`] when the client refuses.
    fn subscribe(&mut self, topics: &[String]) -> Result<(), StreamError>;

    /// The next record of the inputs taken over, waiting at most `wait`. Serves the group as well.
    ///
    /// # Errors
    /// [`StreamError`] for what the client does not mend by itself.
    fn poll(&mut self, wait: Duration) -> Result<Option<Record>, StreamError>;

    /// The next thing the group said.
    fn next_change(&mut self) -> Option<GroupChange>;

    /// True when the partitions were taken away rather than asked back.
    fn is_assignment_lost(&self) -> bool;

    /// The committed offsets of `inputs`, waiting at most `wait` until no transaction of a previous owner is open on them;
    /// `None` when one still is. An input without one is to be read from its beginning.
    ///
    /// # Errors
    /// [`StreamError`] when the broker refuses.
    fn committed(&mut self, inputs: &[Partition], wait: Duration) -> Result<Option<Vec<Option<i64>>>, StreamError>;

    /// True when all that was written to these changelogs so far is either committed or aborted, for readers too. A commit
    /// may be decided, and its offsets told, before the ends of its transaction are marked in the changelogs; and behind
    /// a transaction that was left open, readers of committed records see nothing.
    ///
    /// # Errors
    /// [`StreamError`] when the broker refuses.
    fn are_settled(&mut self, changelogs: &[Partition], wait: Duration) -> Result<bool, StreamError>;

    /// Starts reading these inputs at these offsets (`None`: the beginning). With an empty list it only tells the group
    /// that an assignment was heard.
    ///
    /// # Errors
    /// [`StreamError`] when the client refuses.
    fn take_over(&mut self, starts: &[(Partition, Option<i64>)]) -> Result<(), StreamError>;

    /// Stops reading these inputs. With an empty list it only tells the group that a revocation was heard.
    ///
    /// # Errors
    /// [`StreamError`] when the client refuses.
    fn give_back(&mut self, inputs: &[Partition]) -> Result<(), StreamError>;

    /// Reads an input on from another offset (`None`: the beginning).
    ///
    /// # Errors
    /// [`StreamError`] when the client refuses.
    fn seek(&mut self, input: &Partition, offset: Option<i64>) -> Result<(), StreamError>;

    /// Stops or resumes fetching of these inputs. A pause outlives giving them back and taking them over again.
    ///
    /// # Errors
    /// [`StreamError`] when the client refuses.
    fn pause(&mut self, inputs: &[Partition], pause: bool) -> Result<(), StreamError>;

    /// Opens changelogs, committed records only, each at an offset (`None`: the beginning).
    ///
    /// # Errors
    /// [`StreamError`] when the client refuses.
    fn open_changelogs(&mut self, from: &[(Partition, Option<i64>)]) -> Result<Self::Reader, StreamError>;

    /// The id of the cluster that the log belongs to; `None` when it cannot tell: then no checkpoint is written or used.
    fn cluster_id(&mut self) -> Option<String> {
        None
    }

    /// Where these changelogs begin and end, and where in them a time is (milliseconds since 1970), waiting at most about
    /// `wait`; a single `None` is one that the broker does not tell of, `None` for all is to be asked again.
    ///
    /// # Errors
    /// [`StreamError`] when the broker refuses.
    fn changelog_spans(
        &mut self,
        changelogs: &[(Partition, i64)],
        _wait: Duration,
    ) -> Result<Option<Vec<Option<Span>>>, StreamError> {
        Ok(Some(vec![None; changelogs.len()]))
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`TransactionError`] says what has to follow.
    fn begin(&mut self) -> Result<(), TransactionError>;

    /// Writes a record in the open transaction; with a slot into that partition of a changelog.
    ///
    /// # Errors
    /// [`TransactionError`] says what has to follow.
    fn send(&mut self, record: OutRecord, slot: Option<Slot>) -> Result<(), TransactionError>;

    /// Serves acknowledgements.
    fn serve(&mut self);

    /// Commits what was written together with the input offsets. Gives for each changelog that was written to the offset
    /// behind its last record.
    ///
    /// # Errors
    /// [`TransactionError`] says what has to follow.
    fn commit(&mut self, offsets: &[(Partition, i64)]) -> Result<Vec<(Slot, i64)>, TransactionError>;

    /// Aborts what was written.
    ///
    /// # Errors
    /// [`TransactionError::Abort`] when the log does not answer and this has to be called again;
    /// [`TransactionError::Fatal`] when the producer is of no use any more.
    fn abort(&mut self) -> Result<(), TransactionError>;

    /// The worker has ended: from now on revoked partitions are given back at once.
    fn close(&mut self);
}
