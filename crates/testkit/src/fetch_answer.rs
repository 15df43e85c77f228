//! The answer to a fetch request (versions 4 to 11, Kafka protocol guide), as far as the shim has to understand it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use crate::news;

/// Bytes of a record batch (magic 2) before its records.
const BATCH_HEADER: usize = 61;
const IS_CONTROL: i16 = 0x20;
const FETCH: i16 = 1;
/// The latest version of a fetch that is understood here.
const LATEST: i16 = 11;
/// Requests that the shim reads, and their latest versions before compact strings.
const READ: [(i16, i16); 4] =
    [(FETCH, LATEST), (news::PRODUCE, 8), (news::ADD_PARTITIONS_TO_TXN, 2), (news::END_TXN, 2)];

/// One partition in the answer.
struct Partition {
    error: i16,
    /// Where the number of aborted transactions stands, and behind it the transactions.
    aborted: Range<usize>,
    /// Where the size of the records stands, and behind it the records.
    records: Range<usize>,
}

/// Makes clients ask for no later version than the shim understands: caps it in the answer to a request for API versions.
pub(crate) fn cap_version(frame: &mut [u8], version: i16) -> Option<()> {
    // From version 3 the list is compact: its length and one is one byte here, and each entry ends in an empty list of tags.
    let (first, size) = if version >= 3 { (7, 7) } else { (10, 6) };
    let count = if version >= 3 {
        usize::from(*frame.get(6)?).saturating_sub(1)
    } else {
        usize::try_from(int32(frame, 6)?).ok()?
    };
    for entry in (first..).step_by(size).take(count) {
        let (key, version) = (int16(frame, entry)?, int16(frame, entry + 4)?);
        if let Some((_, latest)) = READ.iter().find(|(read, latest)| *read == key && version > *latest) {
            frame.get_mut(entry + 4..entry + 6)?.copy_from_slice(&latest.to_be_bytes());
        }
    }
    Some(())
}

/// How long a request to fetch lets the broker wait for something to answer.
pub(crate) fn longest_wait(frame: &[u8]) -> Option<Duration> {
    // Key, version, correlation id and the client's name come first, then the number of the replica.
    let client = usize::try_from(int16(frame, 8)?.max(0)).ok()?;
    let millis = int32(frame, 10 + client + 4)?;
    Some(Duration::from_millis(u64::try_from(millis).ok()?))
}

/// True when a fetch answer carries neither records nor errors.
pub(crate) fn is_empty(frame: &[u8], version: i16) -> bool {
    partitions(frame, version).is_some_and(|all| all.iter().all(|one| one.error == 0 && one.records.len() == 4))
}

/// Takes out of an answer the aborted transactions that ended before what it carries. A broker must not name them
/// (KIP-98): a client would take everything that the same producer has committed since for aborted, and drop it. What
/// began in what it carries has not ended before, even if its marker is not there yet.
pub(crate) fn without_past_aborts(frame: &[u8], version: i16) -> Option<Vec<u8>> {
    let partitions = partitions(frame, version)?;
    let mut mended = Vec::with_capacity(frame.len());
    let mut copied = 0;
    for partition in partitions.iter().filter(|partition| partition.aborted.len() > 4) {
        let named = aborted(frame.get(partition.aborted.clone())?)?;
        let records = frame.get(partition.records.clone())?.get(4..)?;
        let begin = int64(records, 0).unwrap_or(i64::MAX);
        let markers = abort_markers(records)?;
        let ended_here: BTreeSet<(i64, i64)> = markers
            .iter()
            .filter_map(|(producer, marker)| {
                // A producer has one transaction at a time, so a marker ends the latest that began before it.
                named.iter().filter(|(other, first)| other == producer && first <= marker).max().copied()
            })
            .collect();
        let is_kept = |one: &&(i64, i64)| one.1 >= begin || ended_here.contains(*one);
        let kept: Vec<&(i64, i64)> = named.iter().filter(is_kept).collect();
        mended.extend_from_slice(&frame[copied..partition.aborted.start]);
        mended.extend_from_slice(&i32::try_from(kept.len()).ok()?.to_be_bytes());
        for (producer, first) in kept {
            mended.extend_from_slice(&producer.to_be_bytes());
            mended.extend_from_slice(&first.to_be_bytes());
        }
        copied = partition.aborted.end;
    }
    mended.extend_from_slice(&frame[copied..]);
    Some(mended)
}

fn partitions(frame: &[u8], version: i16) -> Option<Vec<Partition>> {
    if !(4..=LATEST).contains(&version) {
        return None;
    }
    let mut all = Vec::new();
    let mut at = if version >= 7 { 14 } else { 8 };
    let topics = int32(frame, at)?;
    at += 4;
    for _ in 0..topics {
        at += 2 + usize::try_from(int16(frame, at)?).ok()?;
        let partitions = int32(frame, at)?;
        at += 4;
        for _ in 0..partitions {
            let error = int16(frame, at + 4)?;
            at += 4 + 2 + 8 + 8 + if version >= 5 { 8 } else { 0 };
            let count = usize::try_from(int32(frame, at)?.max(0)).ok()?;
            let aborted = at..at + 4 + count * 16;
            at = aborted.end + if version >= 11 { 4 } else { 0 };
            let size = usize::try_from(int32(frame, at)?.max(0)).ok()?;
            let records = at..at + 4 + size;
            at = records.end;
            all.push(Partition { error, aborted, records });
        }
    }
    Some(all)
}

/// Producer and first offset of each aborted transaction.
fn aborted(bytes: &[u8]) -> Option<Vec<(i64, i64)>> {
    bytes.get(4..)?.chunks_exact(16).map(|one| Some((int64(one, 0)?, int64(one, 8)?))).collect()
}

/// Producer and offset of each marker that ends an aborted transaction.
fn abort_markers(records: &[u8]) -> Option<Vec<(i64, i64)>> {
    let mut markers = Vec::new();
    let mut at = 0;
    while at + BATCH_HEADER <= records.len() {
        let base = int64(records, at)?;
        let end = at + 12 + usize::try_from(int32(records, at + 8)?).ok()?;
        if int16(records, at + 21)? & IS_CONTROL != 0 && is_abort(records.get(at + BATCH_HEADER..end)?) {
            markers.push((int64(records, at + 43)?, base));
        }
        at = end;
    }
    Some(markers)
}

/// Whether a control record ends its transaction by an abort: its key is a version and a type, 0 for abort.
fn is_abort(record: &[u8]) -> bool {
    // Length, attributes, and the varints of timestamp and offset come before the length of the key.
    let varint = |at: usize| record.iter().skip(at).position(|byte| byte & 0x80 == 0).map(|more| at + more + 1);
    let key_length = varint(0).map(|at| at + 1).and_then(varint).and_then(varint);
    let key = key_length.and_then(varint);
    key.and_then(|at| int16(record, at + 2)) == Some(0)
}

pub(crate) fn int16(bytes: &[u8], at: usize) -> Option<i16> {
    Some(i16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(crate) fn int32(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn int64(bytes: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
