//! What a rule may expect of its input, so that the compiler can tell a typo from a missing value.

use std::collections::BTreeMap;

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
}
