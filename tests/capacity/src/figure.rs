//! A number with where it comes from.

use std::fmt;

use serde::Deserialize;

/// A number, and who says so.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The number, in the unit that its name ends in.
    pub value: f64,
    /// Where it comes from.
    pub source: Source,
}

impl Figure {
    /// An assumption, for tests.
    #[must_use]
    pub fn assumed(value: f64) -> Self {
        Self { value, source: Source::Assumed(String::new()) }
    }
}

/// Where a number comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Source {
    /// Measured by this command.
    Measured(String),
    /// The value of this setting or constant.
    Set(String),
    /// Not measured yet; with what was thought of.
    Assumed(String),
}

impl TryFrom<String> for Source {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let rest_of = |start: &str| text.strip_prefix(start).map(|rest| rest.trim().to_owned());
        if let Some(command) = rest_of("measured by ").filter(|command| !command.is_empty()) {
            return Ok(Self::Measured(command));
        }
        if let Some(setting) = rest_of("set by ").filter(|setting| !setting.is_empty()) {
            return Ok(Self::Set(setting));
        }
        match rest_of("assumed") {
            Some(rest) if rest.is_empty() => Ok(Self::Assumed(rest)),
            Some(rest) if rest.starts_with(": ") => Ok(Self::Assumed(rest[2..].to_owned())),
            _ => Err(format!(
                "source = {text:?}: says not where the figure comes from; write \"measured by COMMAND\", \"set by SETTING\", \
                 \"assumed\" or \"assumed: WHY\""
            )),
        }
    }
}

impl Source {
    /// As it is written in the costs.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Measured(command) => format!("measured by {command}"),
            Self::Set(setting) => format!("set by {setting}"),
            Self::Assumed(why) if why.is_empty() => "assumed".to_owned(),
            Self::Assumed(why) => format!("assumed: {why}"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measured(command) => write!(f, "measured by `{command}`"),
            Self::Set(setting) => write!(f, "`{setting}`"),
            Self::Assumed(why) if why.is_empty() => f.write_str("assumed"),
            Self::Assumed(why) => write!(f, "assumed: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_says_where_it_comes_from() {
        let figure = |text: &str| serde_saphyr::from_str::<Figure>(text);
        let measured = figure("{value: 9, source: measured by just bench-identity}").unwrap();
        assert_eq!(measured.source, Source::Measured("just bench-identity".to_owned()));
        assert_eq!(measured.source.to_string(), "measured by `just bench-identity`");
        assert_eq!(figure("{value: 9, source: assumed}").unwrap().source.to_string(), "assumed");
        assert_eq!(figure("{value: 9, source: 'assumed: a guess'}").unwrap().source.to_string(), "assumed: a guess");
        for text in
            ["{value: 9, source: guessed}", "{value: 9, source: 'measured by '}", "{value: 9, source: assumedly}"]
        {
            let error = figure(text).unwrap_err().to_string();
            assert!(error.contains("measured by COMMAND"), "{error}");
        }
        assert!(figure("{value: 9}").is_err(), "a number alone is not enough");
    }
}
