//! A configuration before it is typed.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    /// Text from a variable or a flag: its type is what the key wants.
    Untyped(String),
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// Writes a path as `a.b[0].c`.
pub(super) fn path_text(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

impl Node {
    /// Reads YAML; nothing at all is an empty map.
    pub(super) fn from_yaml(text: &str) -> Result<Self, serde_saphyr::Error> {
        serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: true })
    }

    /// Puts a value at a path of keys; what stands in the way and is no map goes.
    pub(super) fn set(&mut self, keys: &[String], value: Self) {
        let Some((key, rest)) = keys.split_first() else {
            *self = value;
            return;
        };
        if !matches!(self, Self::Map(_)) {
            *self = Self::Map(BTreeMap::new());
        }
        if let Self::Map(map) = self {
            map.entry(key.clone()).or_insert(Self::Null).set(rest, value);
        }
    }

    pub(super) fn get(&self, path: &[Step]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| match (node, step) {
            (Self::Map(map), Step::Key(key)) => map.get(key),
            (Self::List(list), Step::Index(index)) => list.get(*index),
            _ => None,
        })
    }

    /// Takes the value at the path out; says whether there was one. Elements of lists are not taken out, since the
    /// others would get other numbers: the list goes as a whole.
    pub(super) fn remove(&mut self, path: &[Step]) -> bool {
        let Some(last_key) = path.iter().rposition(|step| matches!(step, Step::Key(_))) else { return false };
        let Step::Key(key) = &path[last_key] else { return false };
        let parent = path[..last_key].iter().try_fold(self, |node, step| match (node, step) {
            (Self::Map(map), Step::Key(key)) => map.get_mut(key),
            (Self::List(list), Step::Index(index)) => list.get_mut(*index),
            _ => None,
        });
        match parent {
            Some(Self::Map(map)) => map.remove(key).is_some(),
            _ => false,
        }
    }

    /// How the value is named in a message.
    pub(super) fn brief(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Signed(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(value) | Self::Untyped(value) => value.clone(),
            Self::List(list) => format!("a list of {}", list.len()),
            Self::Map(map) => format!("a map of {}", map.len()),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Signed(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Unsigned(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = seq.next_element()? {
            list.push(node);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, node)) = entries.next_entry()? {
            map.insert(key, node);
        }
        Ok(Node::Map(map))
    }
}
