//! What the record types of the model do not show: structs that differ from their schema, and what errors say.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize};

use super::{DatumError, Plan};

const ORDER: &str = r#"{
    "type": "record", "name": "Order", "namespace": "t", "fields": [
        {"name": "id", "type": "string"},
        {"name": "size", "type": {"type": "enum", "name": "Size", "symbols": ["small", "large"]}, "default": "large"},
        {"name": "lines", "type": {"type": "array", "items": {
            "type": "record", "name": "Line", "fields": [
                {"name": "sku", "type": "string"},
                {"name": "count", "type": "int", "default": -3}
            ]
        }}, "default": [{"sku": "a"}, {"sku": "b", "count": 4}]},
        {"name": "first", "type": ["null", "t.Line"], "default": null},
        {"name": "note", "type": ["string", "null"], "default": "none"},
        {"name": "weights", "type": {"type": "map", "values": "double"}, "default": {"net": 1.5}},
        {"name": "ratio", "type": "float", "default": 0.1},
        {"name": "seal", "type": "bytes", "default": "x"},
        {"name": "paid", "type": "boolean", "default": true},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0}
    ]
}"#;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    sku: String,
    count: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Size {
    Large,
    Small,
}

/// As the schema has it, though not in its order.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Order")]
struct Shuffled {
    at: i64,
    #[serde(with = "serde_bytes")]
    seal: Vec<u8>,
    id: String,
    lines: Vec<Line>,
    weights: BTreeMap<String, f64>,
    ratio: f32,
    first: Option<Line>,
    paid: bool,
    note: Option<String>,
    size: Size,
}

/// Less than the schema has.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Order")]
struct Part {
    paid: bool,
    id: String,
}

fn shuffled() -> Shuffled {
    Shuffled {
        at: -1,
        seal: vec![0, 255],
        id: "ä".to_owned(),
        lines: vec![Line { sku: String::new(), count: i32::MIN }],
        weights: BTreeMap::from([("gross".to_owned(), -0.0)]),
        ratio: f32::MAX,
        first: Some(Line { sku: "s".to_owned(), count: 1 }),
        paid: false,
        note: None,
        size: Size::Large,
    }
}

fn schema(text: &str) -> Schema {
    Schema::parse_str(text).unwrap()
}

/// One for all tests, so that several structs make use of it.
fn plan() -> &'static Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(|| Plan::compile(&schema(ORDER)).unwrap());
    &PLAN
}

fn write<T: Serialize>(value: &T) -> Result<Vec<u8>, DatumError> {
    let mut out = Vec::new();
    plan().write(value, &mut out).map(|()| out)
}

fn library_write<T: Serialize>(value: &T) -> Vec<u8> {
    GenericDatumWriter::builder(&schema(ORDER)).build().unwrap().write_ser_to_vec(value).unwrap()
}

#[test]
fn fields_in_another_order_take_their_places_and_left_out_ones_their_defaults() {
    let whole = shuffled();
    let bytes = write(&whole).unwrap();
    assert_eq!(bytes, library_write(&whole));
    assert_eq!(plan().read::<Shuffled>(&bytes).unwrap(), whole);
    let schema = schema(ORDER);
    let library = GenericDatumReader::builder(&schema).build().unwrap();
    assert_eq!(library.read_deser::<Shuffled>(&mut &bytes[..]).unwrap(), whole);
    let part = Part { paid: false, id: "ä".to_owned() };
    assert_eq!(write(&part).unwrap(), library_write(&part));
    assert_eq!(plan().read::<Part>(&bytes).unwrap(), part);
    plan().read::<IgnoredAny>(&bytes).unwrap();
}

#[test]
fn several_structs_of_one_record_take_turns() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "Line")]
    struct Turned {
        count: i32,
        sku: String,
    }
    let text = r#"{"type": "record", "name": "Line", "fields": [
        {"name": "sku", "type": "string"}, {"name": "count", "type": "int"}
    ]}"#;
    let plan = Plan::compile(&schema(text)).unwrap();
    for count in 0..3 {
        let (line, turned) = (Line { sku: "s".into(), count }, Turned { count, sku: "s".into() });
        let mut bytes = [Vec::new(), Vec::new()];
        plan.write(&line, &mut bytes[0]).unwrap();
        plan.write(&turned, &mut bytes[1]).unwrap();
        assert_eq!(bytes[0], bytes[1]);
        assert_eq!(plan.read::<Line>(&bytes[0]).unwrap(), line);
        assert_eq!(plan.read::<Turned>(&bytes[0]).unwrap(), turned);
        assert!(plan.read::<Part>(&bytes[0]).is_err());
    }
}

#[test]
fn a_struct_that_does_not_fit_is_refused_by_name() {
    #[derive(Serialize)]
    struct Unknown {
        id: &'static str,
        colour: &'static str,
    }
    #[derive(Serialize)]
    struct Missing {
        paid: bool,
    }
    #[derive(Serialize)]
    struct Wrong {
        id: &'static str,
        lines: Vec<Extra>,
    }
    #[derive(Serialize)]
    struct Extra {
        sku: u64,
    }
    let refused = |error: DatumError| error.to_string();
    assert_eq!(
        write(&Unknown { id: "", colour: "" }).map_err(refused),
        Err("Order.colour: the schema has no such field".into())
    );
    assert_eq!(
        write(&Missing { paid: true }).map_err(refused),
        Err("Order.id: the field is not given and has no default".into())
    );
    assert_eq!(
        write(&Wrong { id: "", lines: vec![Extra { sku: 1 }] }).map_err(refused),
        Err("Order.lines.sku: an unsigned integer of 64 bits is no string".into())
    );
}

#[test]
fn a_list_whose_length_is_not_known_is_one_block() {
    struct Lazily(usize);
    impl Serialize for Lazily {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut items = serializer.serialize_seq(None)?;
            (0..self.0).try_for_each(|item| items.serialize_element(&item.to_string()))?;
            items.end()
        }
    }
    let plan = Plan::compile(&schema(r#"{"type": "array", "items": "string"}"#)).unwrap();
    for length in [0, 1, 63, 64, 300] {
        let mut out = vec![9];
        plan.write(&Lazily(length), &mut out).unwrap();
        let expected: Vec<_> = (0..length).map(|item| item.to_string()).collect();
        assert_eq!(plan.read::<Vec<String>>(&out[1..]).unwrap(), expected);
        let mut known = Vec::new();
        plan.write(&expected, &mut known).unwrap();
        assert_eq!(out[1..], known);
    }
}

#[test]
fn malformed_bytes_are_named_with_their_place() {
    let refused = |bytes: &[u8]| plan().read::<Shuffled>(bytes).unwrap_err().to_string();
    assert_eq!(refused(&[]), "Order.id: the bytes end within an integer");
    assert_eq!(refused(&[1]), "Order.id: a length of -1 bytes is announced");
    assert_eq!(refused(&[10, b'a']), "Order.id: 5 bytes are announced and 1 are left");
    assert_eq!(refused(&[0xFF; 11]), "Order.id: an integer has more than 64 bits");
    assert!(refused(&[2, 0xC3, 0]).starts_with("Order.id: a text is not UTF-8"));
    assert_eq!(refused(&[0, 4]), "Order.size: Size has no value with the number 2");
    assert_eq!(refused(&[0, 0, 20, 0, 0]), "Order.lines: a block of 10 items is announced and 2 bytes are left");
    assert_eq!(
        refused(&[0, 0, 2, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0x7F]),
        "Order.lines.count: 17179869183 is no integer of 32 bits"
    );
    assert_eq!(refused(&[0, 0, 0, 4]), "Order.first: type 2 of a union of two is announced");
    let mut bytes = write(&shuffled()).unwrap();
    let paid = bytes.len() - 2;
    bytes[paid] = 2;
    assert_eq!(refused(&bytes), "Order.paid: 2 is no boolean");
}

#[test]
fn no_room_is_made_for_more_items_than_there_can_be() {
    struct Hint;
    impl<'de> Visitor<'de> for Hint {
        type Value = Option<usize>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
            Ok(items.size_hint())
        }
    }
    struct Hinted(Option<usize>);
    impl<'de> Deserialize<'de> for Hinted {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(Hint).map(Self)
        }
    }
    let plan = Plan::compile(&schema(r#"{"type": "array", "items": "double"}"#)).unwrap();
    let announce = |count: i64| {
        let mut bytes = Vec::new();
        super::output::long(&mut bytes, count);
        bytes.extend_from_slice(&[0; 24]);
        plan.read::<Hinted>(&bytes)
    };
    assert_eq!(announce(3).unwrap().0, Some(3));
    assert_eq!(announce(-2).unwrap().0, Some(2), "the block's size in bytes follows");
    for count in [4, i64::MAX, i64::MIN] {
        assert!(announce(count).is_err());
    }
}

#[test]
fn schemas_that_the_codec_does_not_know_are_refused() {
    let refused = |text: &str| Plan::compile(&schema(text)).map(drop).map_err(|error| error.to_string());
    let of =
        |field: &str| format!(r#"{{"type": "record", "name": "R", "fields": [{{"name": "f", "type": {field}}}]}}"#);
    assert_eq!(refused(&of(r#""int""#)), Ok(()));
    assert_eq!(refused(&of(r#"["null", "R"]"#)), Err("R.f: R contains itself, or is not defined before".into()));
    let unions = "R.f: the codec knows unions of null and one other type only";
    assert_eq!(refused(&of(r#"["int", "string"]"#)), Err(unions.into()));
    assert_eq!(refused(&of(r#"["null", "int", "string"]"#)), Err(unions.into()));
    assert!(refused(&of(r#"{"type": "fixed", "name": "F", "size": 4}"#)).is_err());
    assert!(refused(r#"{"type": "record", "name": "R", "fields": []}"#).is_err());
}
