//! The codec beside the Avro library, for every record type: the same bytes, the same values, the same refusals.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod generate;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tributary_model::canvas::CanvasEntry;
use tributary_model::delivery::{DeliveryCommand, DeliveryLogEntry};
use tributary_model::experiment::{ExperimentLift, LiftDelta};
use tributary_model::identity::{Alias, IdentifierCommand, IdentityChange, MergeRequest, PersonCommand, Resolved};
use tributary_model::path::{PathDelta, PathStatistics};
use tributary_model::scorecard::{MeasureDelta, Scorecard};
use tributary_model::{
    AccountCommand, AccountEvent, Decision, DecisionOutcome, Enrolment, JourneyEvent, RawEvent, Recheck, Replay,
    Touchpoint, TriggerDefinition, TriggerIntent,
};
use tributary_schema::{AvroRecord, Contracts};

static CONTRACTS: LazyLock<Arc<Contracts>> = LazyLock::new(|| Contracts::single_object().unwrap());

/// Marker and fingerprint of single-object encoding.
const HEADER_BYTES: usize = 10;

/// A record type in both codecs.
struct Both {
    schema: Schema,
    header: Vec<u8>,
}

impl Both {
    fn of<T: AvroRecord>() -> Self {
        Self::new(&tributary_schema::flattened_schema(T::NAME).unwrap())
    }

    fn new(text: &str) -> Self {
        let schema = Schema::parse_str(text).unwrap();
        let fingerprint = schema.fingerprint::<apache_avro::rabin::Rabin>().bytes;
        Self { schema, header: [&[0xC3, 0x01], &fingerprint[..]].concat() }
    }

    fn library_value(&self, value: &Value) -> Vec<u8> {
        GenericDatumWriter::builder(&self.schema).build().unwrap().write_value_to_vec(value.clone()).unwrap()
    }

    fn library_encode<T: AvroRecord>(&self, value: &T) -> Vec<u8> {
        GenericDatumWriter::builder(&self.schema).build().unwrap().write_ser_to_vec(value).unwrap()
    }

    fn library_decode<T: AvroRecord>(&self, mut datum: &[u8]) -> Result<T, String> {
        let reader = GenericDatumReader::builder(&self.schema).build().unwrap();
        reader.read_deser(&mut datum).map_err(|error| error.to_string())
    }

    fn decode<T: AvroRecord>(&self, datum: &[u8]) -> Result<T, String> {
        CONTRACTS.decode(&[&self.header[..], datum].concat()).map_err(|error| error.to_string())
    }

    /// Both read the same from `datum`, or neither reads it.
    fn agree<T: AvroRecord + Debug>(&self, datum: &[u8]) -> Result<(), TestCaseError> {
        match (self.decode::<T>(datum), self.library_decode::<T>(datum)) {
            (Ok(ours), Ok(theirs)) => {
                prop_assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
                // What a debug form may hide, such as the payload of a NaN, shows in the bytes.
                prop_assert_eq!(self.library_encode(&ours), self.library_encode(&theirs));
            }
            (Err(ours), Err(_)) => {
                let named = ours.strip_prefix(T::NAME).is_some_and(|rest| rest.starts_with(" could not be decoded: "));
                prop_assert!(named, "{}", ours);
            }
            (ours, theirs) => prop_assert!(false, "ours: {ours:?}, the library's: {theirs:?}"),
        }
        Ok(())
    }

    /// Every value that the library writes is read as the library reads it, and written as the library writes it.
    fn check_valid<T: AvroRecord + Debug>(&self, value: &Value) -> Result<(), TestCaseError> {
        let datum = self.library_value(value);
        let record = self.decode::<T>(&datum).map_err(TestCaseError::fail)?;
        self.agree::<T>(&datum)?;
        let ours = CONTRACTS.encode("topic", &record).unwrap();
        prop_assert_eq!(&ours[..HEADER_BYTES], &self.header[..]);
        prop_assert_eq!(&ours[HEADER_BYTES..], &self.library_encode(&record)[..]);
        self.agree::<T>(&ours[HEADER_BYTES..])?;
        let mut appended = vec![7];
        CONTRACTS.encode_into("topic", &record, &mut appended).unwrap();
        prop_assert_eq!(&appended[1..], &ours[..]);
        Ok(())
    }
}

fn run<S: Strategy>(cases: u32, inputs: S, check: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&inputs, check).unwrap_or_else(|failure| panic!("{failure}"));
}

fn writes_and_reads_as_the_library<T: AvroRecord + Debug>() {
    let both = Both::of::<T>();
    run(96, generate::values(&both.schema), |value| both.check_valid::<T>(&value));
}

/// What can happen to bytes on their way.
#[derive(Debug, Clone)]
enum Damage {
    /// They end early.
    Cut,
    /// Some bits change.
    Flip(u8),
    /// A byte becomes another.
    Set(u8),
    /// Bytes come in between.
    Insert(Vec<u8>),
    /// Bytes are lost.
    Remove(usize),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        // A text or array of a length that nobody has, and a varint that does not end.
        let lengths = prop::sample::select(vec![
            vec![0xFE, 0xFF, 0xFF, 0xFF, 0x0F],
            vec![0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            vec![0xFF; 9],
            vec![0xFF; 12],
        ]);
        prop_oneof![
            Just(Self::Cut),
            (1..=255_u8).prop_map(Self::Flip),
            any::<u8>().prop_map(Self::Set),
            prop_oneof![prop::collection::vec(any::<u8>(), 1..12), lengths].prop_map(Self::Insert),
            (1..12_usize).prop_map(Self::Remove),
        ]
    }

    fn apply(&self, datum: &mut Vec<u8>, at: usize) {
        match self {
            Self::Cut => datum.truncate(at),
            Self::Flip(mask) => datum[at] ^= mask,
            Self::Set(byte) => datum[at] = *byte,
            Self::Insert(bytes) => drop(datum.splice(at..at, bytes.clone())),
            Self::Remove(length) => drop(datum.drain(at..datum.len().min(at + length))),
        }
    }
}

fn refuses_what_the_library_refuses<T: AvroRecord + Debug>() {
    let both = Both::of::<T>();
    let damages = prop::collection::vec((any::<prop::sample::Index>(), Damage::any()), 1..4);
    // Damage to one value many times over: making values is what takes time.
    let damages = prop::collection::vec(damages, 24);
    run(100, (generate::values(&both.schema), damages), |(value, damages)| {
        let whole = both.library_value(&value);
        for damage in damages {
            let mut datum = whole.clone();
            for (at, damage) in damage {
                if !datum.is_empty() {
                    let at = at.index(datum.len());
                    damage.apply(&mut datum, at);
                }
            }
            both.agree::<T>(&datum)?;
        }
        Ok(())
    });
    run(2000, prop::collection::vec(any::<u8>(), 0..200), |datum| both.agree::<T>(&datum));
    // Small numbers are short texts and small blocks, with which one gets further.
    run(2000, prop::collection::vec(0..5_u8, 0..400), |datum| both.agree::<T>(&datum));
}

/// What a published version wrote is resolved by the library; the value is then one like any other.
fn published_versions_are_read<T: AvroRecord + Debug>() {
    let current = Both::of::<T>();
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/avro/published");
    let files = (1..).map(|version| published.join(format!("{}.{version}.avsc", T::NAME)));
    for file in files.take_while(|file| file.exists()) {
        let old = Both::new(&std::fs::read_to_string(file).unwrap());
        let resolving = GenericDatumReader::builder(&old.schema).reader_schema(&current.schema).build().unwrap();
        run(16, generate::values(&old.schema), |value| {
            let datum = old.library_value(&value);
            let record = old.decode::<T>(&datum).map_err(TestCaseError::fail)?;
            let resolved = resolving.read_value(&mut &datum[..]).unwrap();
            let theirs: T = apache_avro::from_value(&resolved).unwrap();
            prop_assert_eq!(current.library_encode(&record), current.library_encode(&theirs));
            let now = CONTRACTS.encode("topic", &record).unwrap();
            current.agree::<T>(&now[HEADER_BYTES..])
        });
    }
}

macro_rules! every_record {
    ($($name:ident: $record:ty;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn is_written_and_read_as_by_the_library() {
                writes_and_reads_as_the_library::<$record>();
            }

            #[test]
            fn is_refused_where_the_library_refuses() {
                refuses_what_the_library_refuses::<$record>();
            }

            #[test]
            fn is_read_from_every_published_version() {
                published_versions_are_read::<$record>();
            }
        })*

        #[test]
        fn every_record_type_is_tested() {
            let tested = BTreeSet::from([$(<$record as AvroRecord>::NAME),*]);
            let lines = include_str!("../src/record.rs").lines();
            let declared = lines.filter_map(|line| line.split_once(" => \"")?.1.strip_suffix("\",")).collect();
            assert_eq!(tested, declared);
        }
    };
}

every_record! {
    raw_event: RawEvent;
    touchpoint: Touchpoint;
    resolved: Resolved;
    identifier_command: IdentifierCommand;
    merge_request: MergeRequest;
    person_command: PersonCommand;
    alias: Alias;
    identity_change: IdentityChange;
    canvas_entry: CanvasEntry;
    journey_event: JourneyEvent;
    account_event: AccountEvent;
    account_command: AccountCommand;
    decision: Decision;
    decision_outcome: DecisionOutcome;
    trigger_intent: TriggerIntent;
    recheck: Recheck;
    delivery_command: DeliveryCommand;
    delivery_log_entry: DeliveryLogEntry;
    measure_delta: MeasureDelta;
    scorecard: Scorecard;
    path_delta: PathDelta;
    path_statistics: PathStatistics;
    enrolment: Enrolment;
    lift_delta: LiftDelta;
    experiment_lift: ExperimentLift;
    replay: Replay;
    trigger_definition: TriggerDefinition;
}
