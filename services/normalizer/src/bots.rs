//! Which user agents are machines.

use regex::{RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;

use crate::error::Problem;
use crate::yaml;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BotsFile {
    patterns: Vec<String>,
    #[serde(default)]
    exceptions: Vec<String>,
}

/// The patterns of `schemas/bots.yaml`.
#[derive(Debug)]
pub(crate) struct BotRules {
    patterns: RegexSet,
    exceptions: RegexSet,
}

impl BotRules {
    /// Reads the patterns; `file` names them in problems.
    ///
    /// # Errors
    /// Every pattern that is no regular expression.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let read: BotsFile = yaml::read(file, text).map_err(|problem| vec![problem])?;
        let named = [("patterns", &read.patterns), ("exceptions", &read.exceptions)];
        let mut problems = Vec::new();
        for (key, list) in named {
            for (index, pattern) in list.iter().enumerate() {
                if let Err(error) = RegexBuilder::new(pattern).build() {
                    let why = error.to_string().lines().last().unwrap_or("is no regular expression").trim().to_owned();
                    let remedy = "write the pattern in the syntax of the regex crate";
                    problems.push(Problem::new(file, format!("{key}[{index}]"), why, remedy));
                }
            }
        }
        let set = |list: &[String]| RegexSetBuilder::new(list).case_insensitive(true).build();
        match (set(&read.patterns), set(&read.exceptions)) {
            (Ok(patterns), Ok(exceptions)) if problems.is_empty() => Ok(Self { patterns, exceptions }),
            (Err(error), _) | (_, Err(error)) if problems.is_empty() => {
                Err(vec![Problem::new(file, "patterns", error.to_string(), "use fewer or simpler patterns")])
            }
            _ => Err(problems),
        }
    }

    /// True when the user agent is a machine's.
    #[must_use]
    pub(crate) fn is_bot(&self, user_agent: &str) -> bool {
        self.patterns.is_match(user_agent) && !self.exceptions.is_match(user_agent)
    }
}
