//! The bytes of a file: what is written is read, and nothing else.

use proptest::prelude::*;

use crate::checkpoint::format::{Decoder, Encoder, FORMAT_VERSION, Header, Mark, Piece, each_entry, push_entry};
use crate::checkpoint::unusable::Unusable;

type Entry = (usize, Vec<u8>, Vec<u8>);

fn header() -> Header {
    let mark = |topic: &str, next| Mark { topic: topic.to_owned(), partition: 3, store_version: 2, next };
    Header {
        cluster_id: "c1".to_owned(),
        stage: "journey".to_owned(),
        topic_index: 1,
        partition: 3,
        created_at_ms: 1_700_000_000_000,
        changelogs: vec![mark("a", Some(17)), mark("b", None)],
    }
}

/// The blocks of a file, each with its bytes.
fn blocks(payloads: &[Vec<Entry>]) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::default();
    let mut blocks = vec![encoder.header(&header())];
    let mut count = 0;
    for entries in payloads {
        let mut payload = Vec::new();
        entries.iter().for_each(|(store, key, value)| push_entry(&mut payload, *store, key, value));
        count += entries.len() as u64;
        blocks.push(encoder.entries(&payload));
    }
    blocks.push(encoder.footer(count));
    blocks
}

fn read(bytes: &[u8]) -> Result<(Header, Vec<Entry>), Unusable> {
    let mut decoder = Decoder::new(bytes);
    let Piece::Header(header) = decoder.next()? else { panic!("a file begins with its header") };
    let mut entries = Vec::new();
    loop {
        match decoder.next()? {
            Piece::Entries(payload) => each_entry(&payload, |store, key, value| {
                entries.push((store, key.to_vec(), value.to_vec()));
                Ok(())
            })?,
            Piece::End => return Ok((header, entries)),
            Piece::Header(_) => panic!("a second header"),
        }
    }
}

fn small() -> Vec<Vec<Entry>> {
    vec![vec![(0, b"k".to_vec(), b"value".to_vec()), (1, vec![], vec![7])], vec![(0, b"l".to_vec(), vec![])]]
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        payloads in prop::collection::vec(
            prop::collection::vec((0..9_usize, any::<Vec<u8>>(), any::<Vec<u8>>()), 0..6), 0..5),
    ) {
        let (found, entries) = read(&blocks(&payloads).concat()).unwrap();
        prop_assert_eq!(found, header());
        prop_assert_eq!(entries, payloads.concat());
    }
}

#[test]
fn a_file_that_was_changed_in_one_byte_or_cut_off_anywhere_is_refused() {
    let good = blocks(&small()).concat();
    assert!(read(&good).is_ok());
    for place in 0..good.len() {
        for change in [0x01, 0x80, 0xFF] {
            let mut bad = good.clone();
            bad[place] ^= change;
            assert!(read(&bad).is_err(), "byte {place} changed by {change:#x}");
        }
        assert_eq!(read(&good[..place]), Err(Unusable::Torn), "cut off at {place}");
    }
}

#[test]
fn blocks_out_of_place_and_bytes_behind_the_end_are_refused() {
    let good = blocks(&small());
    let of = |order: &[usize]| order.iter().flat_map(|place| good[*place].clone()).collect::<Vec<u8>>();
    assert!(read(&of(&[0, 1, 2, 3])).is_ok());
    for order in [[0, 2, 1, 3].as_slice(), &[0, 1, 3], &[0, 1, 1, 2, 3], &[0, 3]] {
        assert!(read(&of(order)).is_err(), "{order:?}");
    }
    assert_eq!(read(&[of(&[0, 1, 2, 3]), vec![0]].concat()), Err(Unusable::Undecodable));
}

#[test]
fn another_format_is_told_from_damage() {
    let mut other = blocks(&small()).concat();
    other[8..10].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    assert_eq!(read(&other), Err(Unusable::Format { found: FORMAT_VERSION + 1, expected: FORMAT_VERSION }));
    assert_eq!(read(b"something else, and long enough"), Err(Unusable::NoCheckpoint));
}
