//! What a rule may expect of its input, so that the compiler can tell a typo from a missing value.

use std::collections::BTreeMap;
use std::fmt;

use vrl::path::OwnedValuePath;
use vrl::value::Kind;
use vrl::value::kind::Collection;

/// The shape of a rule's input. Known shapes spare the rule's author conversions and find misspelt fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape(pub(crate) Kind);

impl Shape {
    /// Anything JSON can say.
    #[must_use]
    pub fn any() -> Self {
        Self(Kind::any())
    }

    /// A text.
    #[must_use]
    pub fn text() -> Self {
        Self(Kind::bytes())
    }

    /// A whole number.
    #[must_use]
    pub fn integer() -> Self {
        Self(Kind::integer())
    }

    /// A number with a fraction.
    #[must_use]
    pub fn float() -> Self {
        Self(Kind::float())
    }

    /// True or false.
    #[must_use]
    pub fn boolean() -> Self {
        Self(Kind::boolean())
    }

    /// An instant, as [`crate::instant`] makes it.
    #[must_use]
    pub fn instant() -> Self {
        Self(Kind::timestamp())
    }

    /// A list of things of one shape.
    #[must_use]
    pub fn list(of: Self) -> Self {
        Self(Kind::array(Collection::from_unknown(of.0)))
    }

    /// An object with any keys, and values of one shape.
    #[must_use]
    pub fn map(of: Self) -> Self {
        Self(Kind::object(Collection::from_unknown(of.0)))
    }

    /// An object with exactly these fields.
    #[must_use]
    pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let known: BTreeMap<_, _> = fields.into_iter().map(|(name, shape)| (name.into(), shape.0)).collect();
        Self(Kind::object(Collection::from(known)))
    }

    /// The same, or null.
    #[must_use]
    pub fn or_null(self) -> Self {
        Self(self.0.or_null())
    }

    /// A whole number or one with a fraction.
    #[must_use]
    pub fn number() -> Self {
        Self(Kind::integer().or_float())
    }

    /// The shape of one value.
    #[must_use]
    pub fn of(json: &serde_json::Value) -> Self {
        Self(match json {
            serde_json::Value::Null => Kind::null(),
            serde_json::Value::Bool(_) => Kind::boolean(),
            serde_json::Value::Number(number) if number.is_f64() => Kind::float(),
            serde_json::Value::Number(_) => Kind::integer(),
            serde_json::Value::String(_) => Kind::bytes(),
            serde_json::Value::Array(_) => Kind::array(Collection::any()),
            serde_json::Value::Object(_) => Kind::object(Collection::any()),
        })
    }

    /// The shape of what is at a path of names; absent and null where it may not be there.
    #[must_use]
    pub fn at(&self, path: &[String]) -> Self {
        let mut kind = self.0.clone();
        for name in path {
            kind = kind.at_path(&OwnedValuePath::single_field(name));
        }
        // What is absent reads as null.
        Self(if kind.contains_undefined() { kind.without_undefined().or_null() } else { kind })
    }

    /// Whether everything of the other shape is of this one.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        self.0.is_superset(&other.0).is_ok()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names that people write in schemas, not the compiler's.
        let kinds = [
            (self.0.contains_bytes(), "text"),
            (self.0.contains_integer(), "integer"),
            (self.0.contains_float(), "number"),
            (self.0.contains_boolean(), "boolean"),
            (self.0.contains_timestamp(), "instant"),
            (self.0.contains_array(), "list"),
            (self.0.contains_object(), "object"),
            (self.0.contains_null(), "null"),
        ];
        let names: Vec<&str> = kinds.into_iter().filter(|(is_in, _)| *is_in).map(|(_, name)| name).collect();
        f.write_str(&names.join(" or "))
    }
}
