//! State on disk, for what does not fit in memory: one database for a stage in an instance, with a keyspace for each task.
//!
//! Only committed values ever get there. After each commit, the changed entries of all stores of a task that are on disk
//! are written in one atomic batch, together with the changelog offsets that they are good for. So whatever happens to
//! the process, what is found later is the state at the offsets that it names, and a takeover goes on from there with the
//! tail of the changelogs: for these stores the database takes the place of the checkpoint, and it is trusted after the
//! same scrutiny only. The changelogs stay the truth; what may not be trusted, or cannot be read any more, is thrown away
//! and read from them. What cannot be written stays in memory until it can.
//!
//! A batch reaches the system at once and the disk a little later: a loss of power may take the last batches back, never
//! a part of one. Each batch lies in one keyspace, whose tables are made of whole batches.

mod database;
mod failure;
mod lone;
mod shelf;
mod takeover;
mod task_disk;
#[cfg(test)]
mod tests;

pub(crate) use database::Database;
pub use lone::LoneDisk;
pub use shelf::Shelf;
pub(crate) use takeover::{DiskContext, DiskTakeover};
pub(crate) use task_disk::TaskDisk;
