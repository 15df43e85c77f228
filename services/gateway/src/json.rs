//! Looking into JSON without building it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The first character of a JSON value that is not white space.
pub(crate) fn first_char(text: &str) -> Option<char> {
    text.trim_start_matches([' ', '\t', '\r', '\n']).chars().next()
}

/// The text of a JSON string; `None` when it is another kind of value.
pub(crate) fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// A string or number as text; empty strings and all else are `None`.
pub(crate) fn id_text(raw: &RawValue) -> Option<String> {
    match first_char(raw.get())? {
        '"' => text(raw).filter(|text| !text.is_empty()),
        '-' | '0'..='9' => Some(raw.get().to_owned()),
        _ => None,
    }
}

/// How many members an object has; `None` when the value is no object.
pub(crate) fn member_count(json: &str) -> Option<usize> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Members).ok()
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// The value at a JSON pointer; `None` when there is none.
pub(crate) fn at_pointer<'a>(json: &'a str, pointer: &[String]) -> Option<&'a RawValue> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Descend(pointer).deserialize(&mut deserializer).ok().flatten()
}

struct Descend<'p>(&'p [String]);

impl<'de> DeserializeSeed<'de> for Descend<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return <&RawValue as serde::Deserialize>::deserialize(deserializer).map(Some);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Descend<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.0.split_first() else { return Ok(None) };
        let mut found = None;
        while let Some(here) = map.next_key_seed(KeyIs(step))? {
            if here {
                found = map.next_value_seed(Descend(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.0.split_first() else { return Ok(None) };
        let wanted: Option<usize> = step.parse().ok();
        let mut found = None;
        let mut index = 0;
        loop {
            if wanted == Some(index) {
                match seq.next_element_seed(Descend(rest))? {
                    Some(value) => found = value,
                    None => return Ok(found),
                }
            } else if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(found);
            }
            index += 1;
        }
    }

    // Anything else has nothing below it.
    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Says whether a key is the wanted one, without copying it.
struct KeyIs<'p>(&'p str);

impl<'de> DeserializeSeed<'de> for KeyIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeyIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_pointer() {
        let json = r#"{"a": {"b/c": [1, {"d": "x\"y"}]}, "n": 7, "e": null}"#;
        let at = |steps: &[&str]| {
            let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
            at_pointer(json, &steps).map(RawValue::get)
        };
        assert_eq!(at(&["a", "b/c", "1", "d"]), Some(r#""x\"y""#));
        assert_eq!(at(&["n"]), Some("7"));
        assert_eq!(at(&["e"]), Some("null"));
        assert_eq!(at(&["n", "deeper"]), None);
        assert_eq!(at(&["a", "b/c", "9"]), None);
        assert_eq!(at(&["nothing"]), None);
    }

    #[test]
    fn members_are_counted_on_the_first_level_only() {
        assert_eq!(member_count(r#"{"a": {"b": 1, "c": 2}, "d": [1, 2, 3]}"#), Some(2));
        assert_eq!(member_count("{}"), Some(0));
        assert_eq!(member_count("[1]"), None);
    }
}
