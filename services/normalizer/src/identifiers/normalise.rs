//! How the values of a namespace are made comparable.

use serde::Deserialize;

use super::code::CodeRule;
use super::email::{MailProviders, ascii_domain};
use super::phone::{Region, e164};

/// The rule's name in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Trim,
    Email,
    Phone,
    Code,
    Digits,
    Domain,
}

/// How the values of a namespace are made comparable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Normalise {
    /// White space around it goes.
    Trim,
    /// The mailbox's address.
    Email,
    /// E.164; a number without a country is one of this region.
    Phone(Option<Region>),
    /// By the namespace's own rule.
    Code(CodeRule),
    /// Digits only.
    Digits,
    /// In lower case and ASCII form.
    Domain,
}

impl Normalise {
    /// The form in which blocked values are looked for first. It never fails: placeholders need not be well formed.
    pub(super) fn rough(&self, raw: &str) -> String {
        let trimmed = raw.trim();
        match self {
            Self::Trim | Self::Code(_) => trimmed.to_owned(),
            Self::Email | Self::Domain => trimmed.to_lowercase(),
            Self::Digits => digits(trimmed),
            Self::Phone(_) if trimmed.starts_with('+') => format!("+{}", digits(trimmed)),
            Self::Phone(_) => digits(trimmed),
        }
    }

    /// The value that all ways to write it have in common, or why it is none. `region` goes before the rule's own.
    pub(super) fn apply(
        &self,
        raw: &str,
        mail: &MailProviders,
        region: Option<Region>,
    ) -> Result<String, &'static str> {
        match self {
            Self::Trim => Ok(raw.trim().to_owned()),
            Self::Email => mail.mailbox(raw),
            Self::Phone(own) => e164(raw, region.or(*own)),
            Self::Code(rule) => rule.apply(raw),
            Self::Digits => Ok(digits(raw)),
            Self::Domain => ascii_domain(raw),
        }
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
