//! A serde deserializer over the tree whose errors say where they are and what would be allowed.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::secret;
use super::tree::{Node, Step};

/// One thing that does not fit.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where, innermost step first.
    pub(super) path: Vec<Step>,
    pub(super) kind: FaultKind,
    /// The value is, or should have been, secret.
    pub(super) secret: bool,
}

#[derive(Debug)]
pub(super) enum FaultKind {
    Missing,
    Unknown { what: &'static str, name: String, allowed: &'static [&'static str] },
    Invalid { why: String, remedy: String },
}

impl Fault {
    fn new(kind: FaultKind) -> Self {
        Self { path: Vec::new(), kind, secret: false }
    }

    fn at(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FaultKind::Missing => f.write_str("missing"),
            FaultKind::Unknown { name, .. } => write!(f, "unknown {name}"),
            FaultKind::Invalid { why, remedy } => write!(f, "{why}; {remedy}"),
        }
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    /// The text of a custom error is `why; remedy`.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        let (why, remedy) = message.split_once("; ").unwrap_or((&message, "correct it"));
        Self::new(FaultKind::Invalid { why: why.to_owned(), remedy: remedy.to_owned() })
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let kind = match unexpected {
            Unexpected::Bool(_) => "a yes-or-no value",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
            Unexpected::Float(_) => "a number with a fraction",
            Unexpected::Char(_) | Unexpected::Str(_) => "text",
            Unexpected::Unit | Unexpected::Option => "nothing",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a map",
            _ => "something else",
        };
        Self::new(FaultKind::Invalid { why: format!("is {kind}"), remedy: format!("give {expected}") })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(FaultKind::Invalid { why: "is out of range".to_owned(), remedy: format!("give {expected}") })
    }

    fn unknown_variant(variant: &str, allowed: &'static [&'static str]) -> Self {
        Self::new(FaultKind::Unknown { what: "choice", name: variant.to_owned(), allowed })
    }

    fn unknown_field(field: &str, allowed: &'static [&'static str]) -> Self {
        let fault = Self::new(FaultKind::Unknown { what: "key", name: field.to_owned(), allowed });
        fault.at(Step::Key(field.to_owned()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(FaultKind::Missing).at(Step::Key(field.to_owned()))
    }
}

fn invalid(why: impl Into<String>, remedy: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Invalid { why: why.into(), remedy: remedy.into() })
}

/// What text from a variable or a flag is as YAML.
fn typed(text: &str) -> Result<Node, Fault> {
    if text.trim().is_empty() {
        return Ok(Node::Null);
    }
    Node::from_yaml(text).map_err(|_| invalid("is no YAML", "write lists as [a, b] and maps as {a: 1}"))
}

impl<'de> Deserializer<'de> for &Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Signed(value) => visitor.visit_i64(*value),
            Node::Unsigned(value) => visitor.visit_u64(*value),
            Node::Float(value) => visitor.visit_f64(*value),
            Node::Text(text) => visitor.visit_str(text),
            Node::Untyped(text) => match typed(text)? {
                Node::Text(_) => visitor.visit_str(text),
                node => node.deserialize_any(visitor),
            },
            Node::List(list) => visitor.visit_seq(Elements { list, next: 0 }),
            Node::Map(map) => visitor.visit_map(Entries { entries: map.iter(), value: None }),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::Untyped(text) => visitor.visit_str(text),
            node => node.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::Null => visitor.visit_none(),
            Node::Untyped(text) if matches!(text.trim(), "" | "null" | "~") => visitor.visit_none(),
            node => visitor.visit_some(node),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        let result = visitor.visit_newtype_struct(self);
        if name == secret::MARKER {
            return result.map_err(|fault| Fault { secret: true, ..fault });
        }
        result
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            // A section with nothing below it: all defaults.
            Node::Null => visitor.visit_map(Entries { entries: Default::default(), value: None }),
            node => node.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Node::Text(text) => visitor.visit_enum(IntoDeserializer::<Fault>::into_deserializer(text.as_str())),
            Node::Untyped(text) => match typed(text)? {
                Node::Map(map) => Node::Map(map).deserialize_enum("", &[], visitor),
                _ => visitor.visit_enum(IntoDeserializer::<Fault>::into_deserializer(text.as_str())),
            },
            Node::Map(map) => match map.iter().next() {
                Some((name, value)) if map.len() == 1 => visitor.visit_enum(Choice { name, value }),
                _ => Err(invalid(self.brief_kind(), "give the name of one choice")),
            },
            node => Err(invalid(node.brief_kind(), "give the name of one choice")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct identifier ignored_any
    }
}

impl Node {
    fn brief_kind(&self) -> String {
        format!("is {}", self.brief())
    }
}

struct Elements<'a> {
    list: &'a [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let index = self.next;
        let Some(node) = self.list.get(index) else { return Ok(None) };
        self.next += 1;
        seed.deserialize(node).map(Some).map_err(|fault| fault.at(Step::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.list.len() - self.next)
    }
}

struct Entries<'a> {
    entries: std::collections::btree_map::Iter<'a, String, Node>,
    value: Option<(&'a String, &'a Node)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.value = self.entries.next();
        let Some((key, _)) = self.value else { return Ok(None) };
        let read: StrDeserializer<'_, Fault> = key.as_str().into_deserializer();
        seed.deserialize(read).map(Some).map_err(|fault| match fault.kind {
            // It has its step already.
            FaultKind::Unknown { what: "key", .. } => fault,
            _ => fault.at(Step::Key(key.clone())),
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (key, node) = self.value.take().ok_or_else(|| Fault::custom("a value was read before its key"))?;
        seed.deserialize(node).map_err(|fault| fault.at(Step::Key(key.clone())))
    }
}

/// An enum variant with content, written as a map with one key.
struct Choice<'a> {
    name: &'a str,
    value: &'a Node,
}

impl<'a, 'de> EnumAccess<'de> for Choice<'a> {
    type Error = Fault;
    type Variant = &'a Node;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, &'a Node), Fault> {
        let name: StrDeserializer<'_, Fault> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.value))
    }
}

impl<'de> VariantAccess<'de> for &Node {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self {
            Node::Null => Ok(()),
            node => Err(invalid(node.brief_kind(), "give the name of the choice alone")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }
}
