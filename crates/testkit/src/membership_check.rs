//! Asks, before offsets go into a transaction, whether their sender still is the member of the group that it says it is
//! (KIP-447). The test broker does not ask, so that a worker that slept through its session could commit over its heir.

use std::io;

use crate::fetch_answer::{int16, int32};
use crate::rest::Rest;
use crate::sessions::{Line, header, push_text};

/// The request that adds offsets to a transaction, and its version that names the member.
const TXN_OFFSET_COMMIT: i16 = 28;
const VERSION: i16 = 3;
const HEARTBEAT: i16 = 12;
/// What a broker answers about a member: another generation, no such member, its name is somebody else's.
const ILLEGAL_GENERATION: i16 = 22;
const REFUSALS: [i16; 3] = [ILLEGAL_GENERATION, 25, 82];
/// Its group is being rebalanced. The test broker says so of members whose generation is over as well, so that a transaction
/// which Kafka would still take has to wait for the end of the rebalance here.
const REBALANCE_IN_PROGRESS: i16 = 27;

/// The answer that refuses a request for offsets in a transaction; `None` when it is another request, or a good one. The
/// broker is asked by `line`.
pub(crate) fn refusal(frame: &[u8], line: &mut Line) -> Option<Vec<u8>> {
    let offsets = Offsets::read(frame)?;
    if offsets.member.is_empty() {
        return None; // A producer without a group has nothing to say about itself.
    }
    let error = match ask_for(&offsets, line).ok()? {
        REBALANCE_IN_PROGRESS => ILLEGAL_GENERATION,
        error => error,
    };
    REFUSALS.contains(&error).then(|| offsets.refused(error))
}

fn ask_for(offsets: &Offsets, line: &mut Line) -> io::Result<i16> {
    let answer = line.ask(&offsets.heartbeat())?;
    // Behind the correlation id and the throttle time.
    int16(&answer, 8).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// What is asked for (Kafka protocol guide, TxnOffsetCommit version 3).
#[derive(Debug, PartialEq, Eq)]
struct Offsets {
    id: i32,
    group: String,
    generation: i32,
    member: String,
    instance: Option<String>,
    topics: Vec<(String, Vec<i32>)>,
}

impl Offsets {
    fn read(frame: &[u8]) -> Option<Self> {
        if int16(frame, 0)? != TXN_OFFSET_COMMIT || int16(frame, 2)? != VERSION {
            return None;
        }
        let mut rest = Rest::behind_header(frame)?;
        rest.tags()?;
        rest.text()?; // The transactional id.
        let group = rest.text()??;
        rest.skip(8 + 2); // Producer's id and epoch.
        let generation = rest.int32()?;
        let (member, instance) = (rest.text()??, rest.text()?);
        let mut topics = Vec::new();
        for _ in 0..rest.count()? {
            let name = rest.text()??;
            let mut partitions = Vec::new();
            for _ in 0..rest.count()? {
                partitions.push(rest.int32()?);
                rest.skip(8 + 4); // Offset and leader's epoch.
                rest.text()?;
                rest.tags()?;
            }
            rest.tags()?;
            topics.push((name, partitions));
        }
        Some(Self { id: int32(frame, 4)?, group, generation, member, instance, topics })
    }

    fn heartbeat(&self) -> Vec<u8> {
        let mut frame = header(HEARTBEAT, 3);
        push_text(&mut frame, &self.group);
        frame.extend_from_slice(&self.generation.to_be_bytes());
        push_text(&mut frame, &self.member);
        match &self.instance {
            Some(instance) => push_text(&mut frame, instance),
            None => frame.extend_from_slice(&(-1_i16).to_be_bytes()),
        }
        frame
    }

    fn refused(&self, error: i16) -> Vec<u8> {
        let mut frame = self.id.to_be_bytes().to_vec();
        frame.push(0);
        frame.extend_from_slice(&0_i32.to_be_bytes());
        push_count(&mut frame, self.topics.len());
        for (name, partitions) in &self.topics {
            push_count(&mut frame, name.len());
            frame.extend_from_slice(name.as_bytes());
            push_count(&mut frame, partitions.len());
            for partition in partitions {
                frame.extend_from_slice(&partition.to_be_bytes());
                frame.extend_from_slice(&error.to_be_bytes());
                frame.push(0);
            }
            frame.push(0);
        }
        frame.push(0);
        frame
    }
}

/// A compact length: one more than it is, seven bits a byte.
fn push_count(frame: &mut Vec<u8>, count: usize) {
    let mut left = count + 1;
    while left > 0x7f {
        frame.push((left as u8 & 0x7f) | 0x80);
        left >>= 7;
    }
    frame.push(left as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push_compact(frame: &mut Vec<u8>, text: &str) {
        push_count(frame, text.len());
        frame.extend_from_slice(text.as_bytes());
    }

    fn request() -> Vec<u8> {
        let mut frame = vec![0, 28, 0, 3, 0, 0, 0, 9, 0, 1, b'c', 0];
        push_compact(&mut frame, "transactional");
        push_compact(&mut frame, "group");
        frame.extend_from_slice(&[0; 10]);
        frame.extend_from_slice(&7_i32.to_be_bytes());
        push_compact(&mut frame, "member");
        frame.push(0); // No instance.
        push_count(&mut frame, 1);
        push_compact(&mut frame, &"t".repeat(200));
        push_count(&mut frame, 2);
        for partition in [3_i32, 4] {
            frame.extend_from_slice(&partition.to_be_bytes());
            frame.extend_from_slice(&[0; 12]);
            frame.extend_from_slice(&[0, 0]); // No metadata, no tags.
        }
        frame.extend_from_slice(&[0, 0]);
        frame
    }

    #[test]
    fn who_gives_offsets_is_read_with_what_it_gives() {
        let offsets = Offsets::read(&request()).unwrap();
        let topics = vec![("t".repeat(200), vec![3, 4])];
        let (group, member) = ("group".to_owned(), "member".to_owned());
        assert_eq!(offsets, Offsets { id: 9, group, generation: 7, member, instance: None, topics });
        assert_eq!(Offsets::read(&request()[..60]), None);
        assert_eq!(Offsets::read(&[0, 28, 0, 2]), None);
        assert!(offsets.heartbeat().ends_with(b"\0\0\0\x07\0\x06member\xff\xff"));
    }

    #[test]
    fn a_refusal_names_every_partition() {
        let refused = Offsets::read(&request()).unwrap().refused(25);
        assert!(refused.starts_with(&[0, 0, 0, 9, 0, 0, 0, 0, 0, 2]));
        assert!(refused.ends_with(&[3, 0, 0, 0, 3, 0, 25, 0, 0, 0, 0, 4, 0, 25, 0, 0, 0]));
    }
}
