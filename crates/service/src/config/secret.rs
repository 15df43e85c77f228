//! Values that must not be seen.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

/// Tells the tree's deserializer that a value must not be repeated in messages.
pub(super) const MARKER: &str = "$tributary::secret";

const HOW: &str = "write {env: NAME} or {file: PATH}, so that the secret itself stands in no file of settings";

/// A secret from an environment variable or a file; prints as `***`.
///
/// In a configuration it is a reference, `{env: NAME}` or `{file: PATH}` (a line break at the end of the file is not part of
/// it), resolved when the configuration is read; written again it is the same reference.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    reference: Reference,
    value: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reference {
    Environment(String),
    File(PathBuf),
    None,
}

impl Secret {
    /// A secret that the program made up itself, as the demo does.
    #[must_use]
    pub fn generated(value: &str) -> Self {
        Self { reference: Reference::None, value: value.into() }
    }

    /// The secret itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.value
    }

    fn from_environment(name: String) -> Result<Self, String> {
        match std::env::var(&name) {
            Ok(value) if !value.is_empty() => Ok(Self { reference: Reference::Environment(name), value: value.into() }),
            Ok(_) => Err(format!("environment variable {name} is empty; put the secret there")),
            Err(_) => Err(format!("environment variable {name} is not set; put the secret there")),
        }
    }

    fn from_file(path: PathBuf) -> Result<Self, String> {
        let name = path.display();
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("file {name} cannot be read: {error}; put the secret there"))?;
        let value = text.trim_end_matches(['\r', '\n']);
        if value.is_empty() {
            return Err(format!("file {name} is empty; put the secret there"));
        }
        Ok(Self { value: value.into(), reference: Reference::File(path) })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match &self.reference {
            Reference::Environment(name) => map.serialize_entry("env", name)?,
            Reference::File(path) => map.serialize_entry("file", path)?,
            Reference::None => map.serialize_entry("env", "***")?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(MARKER, SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reference to a secret, {env: NAME} or {file: PATH}")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Secret, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Secret, E> {
        Err(E::custom(format!("is a secret in plain text; {HOW}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let Some(kind) = map.next_key::<String>()? else {
            return Err(A::Error::custom(format!("names no secret; {HOW}")));
        };
        let secret = match kind.as_str() {
            "env" => Secret::from_environment(map.next_value()?),
            "file" => Secret::from_file(map.next_value()?),
            _ => return Err(A::Error::unknown_field(&kind, &["env", "file"])),
        };
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom(format!("names the secret twice; {HOW}")));
        }
        secret.map_err(A::Error::custom)
    }
}
