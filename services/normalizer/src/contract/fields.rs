//! Takes fields out of an object one by one; what is left over at the end was not known.

use std::collections::BTreeMap;
use std::fmt;

use tributary_model::time::from_rfc3339;

use super::said::{Object, Said};
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
pub(super) struct Fields<'a> {
    left: Object<'a>,
    path: Path,
}

impl<'a> Fields<'a> {
    pub(super) fn new(fields: Object<'a>, path: Path) -> Self {
        Self { left: fields, path }
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
    pub(super) fn take(&mut self, key: &str) -> Option<Said<'a>> {
        let place = self.left.iter().position(|(known, _)| known == key)?;
        Some(self.left.swap_remove(place).1).filter(|said| *said != Said::Null)
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
        match value.into_text() {
            Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            Err(value) => Err(self.invalid(key, format_args!("is {}, not a string or number", value.kind()))),
        }
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Said::Boolean(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.invalid(key, format_args!("is {}, not a boolean", other.kind()))),
        }
    }

    pub(super) fn integer(&mut self, key: &'static str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let text = value.into_text().ok();
        match text.and_then(|text| text.trim().parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.invalid(key, "is not a whole number of 64 bits")),
        }
    }

    pub(super) fn instant(&mut self, key: &'static str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let at = match value {
            Said::Integer(at) | Said::Instant(at) => Some(at),
            Said::Text(text) => from_rfc3339(&text),
            _ => None,
        };
        let why = "is no timestamp, RFC 3339 string with an offset, or integer of milliseconds";
        at.map(Some).ok_or_else(|| self.invalid(key, why))
    }

    pub(super) fn object(&mut self, key: &'static str) -> Result<Option<Object<'a>>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Said::Object(fields)) => Ok(Some(fields)),
            Some(other) => Err(self.invalid(key, format_args!("is {}, not an object", other.kind()))),
        }
    }

    pub(super) fn objects(&mut self, key: &'static str) -> Result<Vec<Object<'a>>, Refusal> {
        let list = match self.take(key) {
            None => return Ok(Vec::new()),
            Some(Said::List(list)) => list,
            Some(other) => return Err(self.invalid(key, format_args!("is {}, not an array", other.kind()))),
        };
        list.into_iter()
            .enumerate()
            .map(|(index, value)| match value {
                Said::Object(fields) => Ok(fields),
                other => {
                    Err(self.invalid(&format!("{key}[{index}]"), format_args!("is {}, not an object", other.kind())))
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
            if value == Said::Null {
                continue;
            }
            let text = value.into_text_or_time().map_err(|value| {
                self.invalid(&format!("{key}.{name}"), format_args!("is {}: properties are flat", value.kind()))
            })?;
            if texts.len() < most {
                texts.insert(name.into_owned(), text);
            }
        }
        Ok(Some(texts))
    }

    /// Refuses what nobody took.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.left.iter().map(|(key, _)| key).min() {
            None => Ok(()),
            Some(key) => {
                let shown: String = key.chars().take(40).collect();
                Err(self.refusal("unknown_field", &shown, "is no field of the mapping contract"))
            }
        }
    }
}
