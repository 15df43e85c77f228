//! The bytes of a checkpoint file.
//!
//! ```text
//! file   = "TRIBCKPT" version:u16 block*            numbers are little-endian
//! block  = kind:u8 length:u32 crc:u32 payload       crc = CRC-32 of the block's number, kind, length and payload
//! kinds  = 1 header (MessagePack), 2 entries, 3 footer (MessagePack); one header first, one footer last, nothing behind it
//! entry  = store:u16 key_length:u32 value_length:u32 key value      as in the changelog of the store
//! ```
//!
//! The number of a block (0, 1, …) is not written but checked, so that a block that is missing, doubled or out of place
//! is noticed; the footer shows that the file is complete.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use super::unusable::Unusable;

const MAGIC: &[u8; 8] = b"TRIBCKPT";
/// Raised whenever the bytes of a file mean something else.
pub(crate) const FORMAT_VERSION: u16 = 1;
const HEADER: u8 = 1;
const ENTRIES: u8 = 2;
const FOOTER: u8 = 3;
/// Bytes of a block before its payload.
const PREFIX_BYTES: usize = 9;
/// Bytes of an entry before its key.
const ENTRY_PREFIX_BYTES: usize = 10;
/// Payloads are cut once they are this long; one entry more fits in.
pub(crate) const BLOCK_BYTES: usize = 128 * 1024;
/// A longer payload was never written: entries are records of a topic, and brokers refuse any that come near this.
const MAX_PAYLOAD_BYTES: usize = 256 * 1024 * 1024;

/// What a checkpoint is of, and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The Kafka cluster, by its own id.
    pub(crate) cluster_id: String,
    /// The stage.
    pub(crate) stage: String,
    /// Index of the leader topic in the stage's list.
    pub(crate) topic_index: usize,
    /// Partition of the leader topic.
    pub(crate) partition: i32,
    /// Wall clock when the walk over the state began, in milliseconds since 1970.
    pub(crate) created_at_ms: i64,
    /// The changelogs, in the order of the stores.
    pub(crate) changelogs: Vec<Mark>,
}

/// Up to where a changelog is in a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The changelog's topic.
    pub(crate) topic: String,
    /// Its partition.
    pub(crate) partition: i32,
    /// Version of the store's keys and values.
    pub(crate) store_version: u8,
    /// Offset from which it has to be replayed; `None`: from its beginning, nothing had been written to it.
    pub(crate) next: Option<i64>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Footer {
    entries: u64,
}

/// A piece of a file, in the order in which they come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The header.
    Header(Header),
    /// Entries: see [`each_entry`].
    Entries(Vec<u8>),
    /// The file is complete.
    End,
}

/// Adds an entry to the payload of a block.
pub(crate) fn push_entry(payload: &mut Vec<u8>, store: usize, key: &[u8], value: &[u8]) {
    payload.extend_from_slice(&(store as u16).to_le_bytes());
    payload.extend_from_slice(&(key.len() as u32).to_le_bytes());
    payload.extend_from_slice(&(value.len() as u32).to_le_bytes());
    payload.extend_from_slice(key);
    payload.extend_from_slice(value);
}

/// Hands the entries of a payload to `each`: store, key, value.
pub(crate) fn each_entry(
    mut payload: &[u8],
    mut each: impl FnMut(usize, &[u8], &[u8]) -> Result<(), Unusable>,
) -> Result<(), Unusable> {
    while !payload.is_empty() {
        let (prefix, rest) = payload.split_at_checked(ENTRY_PREFIX_BYTES).ok_or(Unusable::Undecodable)?;
        let [s0, s1, k0, k1, k2, k3, v0, v1, v2, v3] = *prefix else { return Err(Unusable::Undecodable) };
        let store = u16::from_le_bytes([s0, s1]);
        let key_len = u32::from_le_bytes([k0, k1, k2, k3]) as usize;
        let value_len = u32::from_le_bytes([v0, v1, v2, v3]) as usize;
        let (key, rest) = rest.split_at_checked(key_len).ok_or(Unusable::Undecodable)?;
        let (value, rest) = rest.split_at_checked(value_len).ok_or(Unusable::Undecodable)?;
        each(usize::from(store), key, value)?;
        payload = rest;
    }
    Ok(())
}

fn checksum(number: u64, kind: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(&[kind]);
    hasher.update(&(payload.len() as u32).to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Makes the bytes of a file, block by block.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    blocks: u64,
}

impl Encoder {
    /// The beginning of the file.
    pub(crate) fn header(&mut self, header: &Header) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend(self.block(HEADER, &encoded(header)));
        bytes
    }

    /// A block of entries.
    pub(crate) fn entries(&mut self, payload: &[u8]) -> Vec<u8> {
        self.block(ENTRIES, payload)
    }

    /// The end of the file.
    pub(crate) fn footer(&mut self, entries: u64) -> Vec<u8> {
        self.block(FOOTER, &encoded(&Footer { entries }))
    }

    fn block(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX_BYTES + payload.len());
        bytes.push(kind);
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&checksum(self.blocks, kind, payload).to_le_bytes());
        bytes.extend_from_slice(payload);
        self.blocks += 1;
        bytes
    }
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec(value).unwrap_or_else(|error| {
        // Plain data: cannot fail. An empty payload would be refused when it is read.
        tracing::error!(%error, "the header of a checkpoint cannot be encoded");
        Vec::new()
    })
}

/// Reads a file piece by piece, and checks it on the way.
pub(crate) struct Decoder<R> {
    input: R,
    blocks: u64,
    entries: u64,
}

impl<R: Read> Decoder<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, blocks: 0, entries: 0 }
    }

    /// The next piece. After [`Piece::End`] or an error there is none.
    pub(crate) fn next(&mut self) -> Result<Piece, Unusable> {
        if self.blocks == 0 {
            self.begin()?;
        }
        let (kind, payload) = self.block()?;
        self.blocks += 1;
        match (kind, self.blocks) {
            (HEADER, 1) => rmp_serde::from_slice(&payload).map(Piece::Header).map_err(|_| Unusable::Undecodable),
            (ENTRIES, 2..) => {
                each_entry(&payload, |_, _, _| {
                    self.entries += 1;
                    Ok(())
                })?;
                Ok(Piece::Entries(payload))
            }
            (FOOTER, 2..) => {
                let footer: Footer = rmp_serde::from_slice(&payload).map_err(|_| Unusable::Undecodable)?;
                self.end(&footer)
            }
            _ => Err(Unusable::Undecodable),
        }
    }

    fn begin(&mut self) -> Result<(), Unusable> {
        let mut magic = [0; 8];
        self.fill(&mut magic)?;
        let mut version = [0; 2];
        self.fill(&mut version)?;
        let found = u16::from_le_bytes(version);
        if &magic != MAGIC {
            return Err(Unusable::NoCheckpoint);
        }
        if found != FORMAT_VERSION {
            return Err(Unusable::Format { found, expected: FORMAT_VERSION });
        }
        Ok(())
    }

    fn block(&mut self) -> Result<(u8, Vec<u8>), Unusable> {
        let mut prefix = [0; PREFIX_BYTES];
        self.fill(&mut prefix)?;
        let [kind, l0, l1, l2, l3, c0, c1, c2, c3] = prefix;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if length > MAX_PAYLOAD_BYTES {
            return Err(Unusable::Checksum);
        }
        // Read as far as there is something, so that a broken length does not ask for memory.
        let mut payload = Vec::new();
        (&mut self.input).take(length as u64).read_to_end(&mut payload).map_err(unreadable)?;
        if payload.len() < length {
            return Err(Unusable::Torn);
        }
        if checksum(self.blocks, kind, &payload) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(Unusable::Checksum);
        }
        Ok((kind, payload))
    }

    fn end(&mut self, footer: &Footer) -> Result<Piece, Unusable> {
        let mut more = [0];
        let read = self.input.read(&mut more).map_err(unreadable)?;
        if read > 0 || footer.entries != self.entries {
            return Err(Unusable::Undecodable);
        }
        Ok(Piece::End)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Unusable> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Unusable::Torn,
            _ => unreadable(error),
        })
    }
}

fn unreadable(error: io::Error) -> Unusable {
    Unusable::Unreadable(error.to_string())
}
