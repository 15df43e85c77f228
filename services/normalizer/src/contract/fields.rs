//! Takes fields out of an object one by one; what is left over at the end was not known.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use tributary_model::time::from_rfc3339;
use tributary_rules::{ObjectMap, Value, instant_ms};

use crate::error::Refusal;

/// Where in the touchpoint an object stands, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path {
    Root,
    Value,
    Cost,
    Item(usize),
    Discount(usize, usize),
    Consent(usize),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Value => f.write_str("value."),
            Self::Cost => f.write_str("cost."),
            Self::Item(index) => write!(f, "items[{index}]."),
            Self::Discount(item, index) => write!(f, "items[{item}].discounts[{index}]."),
            Self::Consent(index) => write!(f, "consents[{index}]."),
        }
    }
}

/// The fields of one object.
#[derive(Debug)]
pub(super) struct Fields {
    map: ObjectMap,
    path: Path,
}

/// The text of a string, number or boolean; numbers in their shortest decimal form.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Bytes(_) | Value::String(_) => value.to_str_lossy().map(Cow::into_owned),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.into_inner().to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

impl Fields {
    pub(super) fn new(map: ObjectMap, path: Path) -> Self {
        Self { map, path }
    }

    /// A refusal about one field.
    pub(super) fn refusal(&self, code: &'static str, key: &str, why: impl fmt::Display) -> Refusal {
        Refusal::new(code, format!("{}{key}: {why}", self.path))
    }

    pub(super) fn invalid(&self, key: &str, why: impl fmt::Display) -> Refusal {
        self.refusal("invalid_field", key, why)
    }

    pub(super) fn missing(&self, key: &str) -> Refusal {
        self.refusal("missing_field", key, "is missing")
    }

    /// The value of a field; null counts as absent.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key).filter(|value| !value.is_null())
    }

    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Result<Option<T>, Refusal>,
    ) -> Result<T, Refusal> {
        read(self, key)?.ok_or_else(|| self.missing(key))
    }

    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, Refusal> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match scalar_text(&value) {
            Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            None => Err(self.invalid(key, format_args!("is {}, not a string or number", value.kind_str()))),
        }
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Boolean(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.invalid(key, format_args!("is {}, not a boolean", other.kind_str()))),
        }
    }

    pub(super) fn integer(&mut self, key: &'static str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let text = scalar_text(&value);
        match text.and_then(|text| text.trim().parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.invalid(key, "is not a whole number of 64 bits")),
        }
    }

    pub(super) fn instant(&mut self, key: &'static str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let at = match &value {
            Value::Integer(at_ms) => Some(*at_ms),
            Value::Timestamp(_) => instant_ms(&value),
            other => other.to_str_lossy().and_then(|text| from_rfc3339(&text)),
        };
        let why = "is no timestamp, RFC 3339 string with an offset, or integer of milliseconds";
        at.map(Some).ok_or_else(|| self.invalid(key, why))
    }

    pub(super) fn object(&mut self, key: &'static str) -> Result<Option<ObjectMap>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(self.invalid(key, format_args!("is {}, not an object", other.kind_str()))),
        }
    }

    pub(super) fn objects(&mut self, key: &'static str) -> Result<Vec<ObjectMap>, Refusal> {
        let list = match self.take(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(self.invalid(key, format_args!("is {}, not an array", other.kind_str()))),
        };
        list.into_iter()
            .enumerate()
            .map(|(index, value)| match value {
                Value::Object(map) => Ok(map),
                other => {
                    Err(self
                        .invalid(&format!("{key}[{index}]"), format_args!("is {}, not an object", other.kind_str())))
                }
            })
            .collect()
    }

    /// A flat object of texts, the first `most` in order of key.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        most: usize,
    ) -> Result<Option<BTreeMap<String, String>>, Refusal> {
        let Some(map) = self.object(key)? else { return Ok(None) };
        let mut texts = BTreeMap::new();
        for (name, value) in map {
            let text = match &value {
                Value::Null => continue,
                Value::Timestamp(_) => instant_ms(&value).map(tributary_model::time::to_rfc3339),
                other => scalar_text(other),
            };
            let Some(text) = text else {
                let why = format_args!("is {}: properties are flat", value.kind_str());
                return Err(self.invalid(&format!("{key}.{}", name.as_str()), why));
            };
            if texts.len() < most {
                texts.insert(String::from(name), text);
            }
        }
        Ok(Some(texts))
    }

    /// Refuses what nobody took.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(key) => {
                let shown: String = key.as_str().chars().take(40).collect();
                Err(self.refusal("unknown_field", &shown, "is no field of the mapping contract"))
            }
        }
    }
}
