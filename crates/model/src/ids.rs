//! Ids of persons and accounts: UUIDs derived from evidence, so that a replay issues the same ones.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::identifier::Identifier;

/// A text that should have been an id and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not an id: expected a UUID such as 6ba7b811-9dad-51d1-80b4-00c04fd430c8")]
pub struct IdParseError {
    /// The text that was given.
    pub text: String,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The id that `identifier` has before any evidence links it to another: UUIDv5 (RFC 9562) of
            /// namespace and pseudonym under the realm's UUID.
            #[must_use]
            pub fn of(realm: &Uuid, identifier: &Identifier) -> Self {
                let mut name = Vec::with_capacity(identifier.namespace.len() + identifier.value.len() + 1);
                name.extend_from_slice(identifier.namespace.as_bytes());
                name.push(0);
                name.extend_from_slice(identifier.value.as_bytes());
                Self(Uuid::new_v5(realm, &name))
            }

            /// The record key: the id's 36 characters as bytes.
            #[must_use]
            pub fn to_key(self) -> Vec<u8> {
                self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes().to_vec()
            }
        }

        /// As the text of 36 characters, without making a string of it on the way.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(IdText).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.hyphenated())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.hyphenated().to_string()
            }
        }

        impl FromStr for $name {
            type Err = IdParseError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdParseError { text: text.to_owned() })
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdParseError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

/// Reads the text of an id.
struct IdText;

impl Visitor<'_> for IdText {
    type Value = Uuid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id: a UUID as text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Uuid, E> {
        Uuid::parse_str(text).map_err(|_| E::custom(IdParseError { text: text.to_owned() }))
    }
}

uuid_id! {
    /// One resolved human. Every identifier starts as the person [`PersonId::of`] it; merges then alias persons.
    PersonId
}
uuid_id! {
    /// An organisation or household around persons.
    AccountId
}

/// The realm's UUID: the namespace under which its persons and accounts are derived.
#[must_use]
pub fn realm_uuid(realm: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("urn:tributary:realm:{realm}").as_bytes())
}
