//! Which touches a step of a pattern is about.

use std::str::FromStr;

use tributary_model::{Direction, Glimpse, Past};

use crate::condition::{Condition, Situation};
use crate::fields::Fields;

/// An event type or, ending in `*`, the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypePattern {
    /// Exactly this type.
    Exact(String),
    /// All types that begin so; empty for every type.
    Prefix(String),
}

impl TypePattern {
    /// Whether an event type is meant.
    #[must_use]
    pub fn matches(&self, event_type: &str) -> bool {
        match self {
            Self::Exact(name) => name == event_type,
            Self::Prefix(prefix) => event_type.starts_with(prefix.as_str()),
        }
    }

    /// Whether every type that `other` means is meant here too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match other {
            Self::Exact(name) => self.matches(name),
            Self::Prefix(longer) => matches!(self, Self::Prefix(prefix) if longer.starts_with(prefix.as_str())),
        }
    }
}

/// A text that names no event type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not an event type")]
pub struct TypePatternError {
    /// The text that was given.
    pub text: String,
}

impl FromStr for TypePattern {
    type Err = TypePatternError;

    fn from_str(text: &str) -> Result<Self, TypePatternError> {
        let (name, is_prefix) = match text.strip_suffix('*') {
            Some(prefix) => (prefix, true),
            None => (text, false),
        };
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'.');
        if !plain || (!is_prefix && !name.contains('.')) {
            return Err(TypePatternError { text: text.to_owned() });
        }
        Ok(if is_prefix { Self::Prefix(name.to_owned()) } else { Self::Exact(name.to_owned()) })
    }
}

/// The touches meant: by type, direction, channel, and a condition; cheap tests first.
#[derive(Debug, Clone)]
pub struct TouchFilter {
    /// Any of these types.
    pub types: Vec<TypePattern>,
    /// Only this direction.
    pub direction: Option<Direction>,
    /// Only these channels; empty for all.
    pub channels: Vec<String>,
    /// Only where this holds.
    pub condition: Option<Condition>,
}

impl TouchFilter {
    /// Whether this touch is meant, judged with the context it had at its place.
    #[must_use]
    pub fn matches(&self, touch: &Past<'_>) -> bool {
        self.may_match(&touch.glimpse) && self.condition_holds(touch)
    }

    /// Whether the condition holds of this touch; the expensive half of [`TouchFilter::matches`].
    pub(crate) fn condition_holds(&self, touch: &Past<'_>) -> bool {
        // A touch is opened for a condition, and not before it is known that there is one.
        self.condition.as_ref().is_none_or(|condition| condition.holds(&Situation::at(touch)))
    }

    /// Whether this touch is meant as far as one sees without the condition.
    pub(crate) fn may_match(&self, touch: &Glimpse<'_>) -> bool {
        self.direction.is_none_or(|direction| direction == touch.direction)
            && self.types.iter().any(|pattern| pattern.matches(touch.event_type))
            && (self.channels.is_empty() || self.channels.iter().any(|channel| channel == touch.channel))
    }

    /// Reads `on`, `direction`, `channels` and `where` of a mapping.
    pub(crate) fn read(fields: &mut Fields<'_>, name: &str) -> Self {
        let mut types = Vec::new();
        let texts = fields.texts("on");
        if texts.is_empty() {
            fields.problem(
                "on",
                "names no event type",
                "write an event type such as `on: order.placed`, a list, or `*`",
            );
        }
        for text in texts {
            match text.parse() {
                Ok(pattern) => types.push(pattern),
                Err(error) => {
                    let remedy =
                        "write object.action in lower case, such as cart.updated, or a beginning such as email.*";
                    fields.problem("on", TypePatternError::to_string(&error), remedy);
                }
            }
        }
        let directions = [("inbound", Direction::Inbound), ("outbound", Direction::Outbound)];
        Self {
            types,
            direction: fields.one_of("direction", &directions),
            channels: fields.texts("channels"),
            condition: Condition::read(fields, "where", name),
        }
    }
}
