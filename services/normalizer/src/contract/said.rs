//! What a mapping says of an event. A text that stands in the event as it is to be read is read where it lies.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tributary_model::time::to_rfc3339;
use tributary_rules::{KeyString, Value, instant_ms, json_fault};

/// An object: each key once, in order.
pub(crate) type Object<'a> = Vec<(Cow<'a, str>, Said<'a>)>;

/// A value that a mapping gave, or one of a JSON text that is its own mapping.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(Cow<'a, str>),
    /// Milliseconds since the Unix epoch.
    Instant(i64),
    List(Vec<Said<'a>>),
    Object(Object<'a>),
    /// What no field can be.
    Other,
}

impl<'a> Said<'a> {
    /// Reads JSON; the same as running a program that gives back what it got.
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(json).map_err(|error| json_fault(&error))
    }

    /// What a field of it says; null when there is none.
    pub(crate) fn field(self, name: &KeyString) -> Self {
        let Self::Object(fields) = self else { return Self::Null };
        let found = fields.into_iter().find(|(known, _)| known == name.as_str());
        found.map_or(Self::Null, |(_, said)| said)
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Text(_) | Self::Other => "string",
            Self::Instant(_) => "timestamp",
            Self::List(_) => "array",
            Self::Object(_) => "map",
        }
    }

    /// The text of a string, number or boolean, numbers in their shortest decimal form; itself when it has none.
    pub(super) fn into_text(self) -> Result<String, Self> {
        match self {
            Self::Text(text) => Ok(text.into_owned()),
            Self::Integer(number) => Ok(number.to_string()),
            Self::Float(number) => Ok(number.to_string()),
            Self::Boolean(flag) => Ok(flag.to_string()),
            other => Err(other),
        }
    }

    /// As [`Said::into_text`], and an instant as RFC 3339.
    pub(super) fn into_text_or_time(self) -> Result<String, Self> {
        match self {
            Self::Instant(at) => Ok(to_rfc3339(at)),
            other => other.into_text(),
        }
    }
}

impl From<Value> for Said<'static> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(flag) => Self::Boolean(flag),
            Value::Integer(number) => Self::Integer(number),
            Value::Float(number) => Self::Float(number.into_inner()),
            Value::Bytes(bytes) => Self::Text(Cow::Owned(String::from_utf8(bytes.into()).unwrap_or_else(|error| {
                // As the language itself shows such bytes.
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }))),
            Value::String(_) => Self::Text(Cow::Owned(value.to_string_lossy().into_owned())),
            Value::Timestamp(_) => instant_ms(&value).map_or(Self::Other, Self::Instant),
            Value::Array(list) => Self::List(list.into_iter().map(Self::from).collect()),
            Value::Object(map) => {
                let field = |(key, value): (KeyString, Value)| (Cow::Owned(String::from(key)), Self::from(value));
                Self::Object(map.into_iter().map(field).collect())
            }
            Value::Regex(_) => Self::Other,
        }
    }
}

impl<'de> Deserialize<'de> for Said<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonValue)
    }
}

struct JsonValue;

impl<'de> Visitor<'de> for JsonValue {
    type Value = Said<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Said<'de>, E> {
        Ok(Said::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Said<'de>, E> {
        Ok(Said::Boolean(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Said<'de>, E> {
        Ok(Said::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Said<'de>, E> {
        Ok(i64::try_from(number).map_or(Said::Float(number as f64), Said::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Said<'de>, E> {
        Ok(Said::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Said<'de>, E> {
        Ok(Said::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Said<'de>, E> {
        Ok(Said::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Said<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(said) = access.next_element()? {
            list.push(said);
        }
        Ok(Said::List(list))
    }

    /// Of a key that comes twice the last counts, as it does for programs.
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Said<'de>, A::Error> {
        let mut fields: Object<'de> = Vec::with_capacity(FIELDS);
        while let Some((Key(key), said)) = access.next_entry()? {
            fields.push((key, said));
        }
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        if fields.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            fields.reverse();
            fields.dedup_by(|(later, _), (kept, _)| later == kept);
            fields.reverse();
        }
        Ok(Said::Object(fields))
    }
}

/// Room for so many fields is made at once; most objects have fewer.
const FIELDS: usize = 8;

/// A key, where it lies if it can be read there.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyText).map(Key)
    }
}

struct KeyText;

impl<'de> Visitor<'de> for KeyText {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tributary_rules::{ObjectMap, Program, parse_json};

    use super::*;

    /// Any JSON, with numbers at the edges, escapes, empty names and keys that come twice.
    fn json() -> impl Strategy<Value = String> {
        let text = prop_oneof!["[a-c]{0,2}", Just("\\\"\\u00fc\\n".to_owned()), Just("ü€".to_owned())];
        let number = prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            any::<u64>().prop_map(|number| number.to_string()),
            (-1e9..1e9_f64).prop_map(|number| number.to_string()),
            Just("-0.0".to_owned()),
            Just("123456789012345678901234567890".to_owned()),
            Just("1e300".to_owned()),
        ];
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|flag| flag.to_string()),
            number,
            text.clone().prop_map(|text| format!("\"{text}\"")),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            let entry = (text.clone(), inner.clone()).prop_map(|(key, value)| format!("\"{key}\": {value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(|list| format!("[{}]", list.join(", "))),
                prop::collection::vec(entry, 0..6).prop_map(|list| format!("{{{}}}", list.join(", "))),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_is_read_as_a_program_reads_it(json in json()) {
            let read = Said::parse(json.as_bytes());
            prop_assert_eq!(read, parse_json(json.as_bytes()).map(Said::from));
        }

        #[test]
        fn what_is_no_json_is_refused_in_the_same_words(json in json(), at in any::<prop::sample::Index>()) {
            let cut = &json.as_bytes()[..at.index(json.len())];
            prop_assert_eq!(Said::parse(cut), parse_json(cut).map(Said::from));
        }
    }

    #[test]
    fn what_stands_at_a_place_is_what_the_program_gives_that_names_it() {
        let jsons =
            [r#"{"a": {"b": [1, "x"], "c": null}}"#, r#"{"a": "text"}"#, r#"{"a": [{"b": 1}]}"#, "[1]", "null", "{}"];
        for (source, place) in
            [(".body", &[][..]), (".body.a", &["a"]), (".body.a.b", &["a", "b"]), (".body.b", &["b"])]
        {
            let program = Program::compile("mapping.vrl", source).unwrap();
            for json in jsons {
                let body = parse_json(json.as_bytes()).unwrap();
                let given = program.run(Value::Object(ObjectMap::from([("body".into(), body)]))).unwrap();
                let there = Said::parse(json.as_bytes()).unwrap();
                let there = place.iter().fold(there, |said, field| said.field(&KeyString::from(*field)));
                assert_eq!(there, Said::from(given), "{source} of {json}");
            }
        }
    }

    #[test]
    fn a_text_without_escapes_is_not_copied() {
        let said = Said::parse(br#"{"a": "plain"}"#).unwrap();
        let Said::Object(fields) = said else { panic!("{said:?} is no object") };
        assert!(matches!(&fields[..], [(Cow::Borrowed("a"), Said::Text(Cow::Borrowed("plain")))]));
    }
}
