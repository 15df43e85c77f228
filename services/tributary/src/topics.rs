//! How many partitions a topic has in a hub of a given size.

use tributary_model::topics::Partitions;

/// The number of partitions that a definition stands for, when keyed topics have `configured`.
#[must_use]
pub const fn partition_count(partitions: Partitions, configured: u32) -> u32 {
    match partitions {
        Partitions::Configured => configured,
        Partitions::ConfiguredTimes(times) => configured * times,
        Partitions::Fixed(count) => count,
    }
}
