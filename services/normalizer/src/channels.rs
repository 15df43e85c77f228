//! From where a visit came to which channel group it counts for: GA4's default channel groups, as data.
//!
//! The definitions follow "Default channel group" of the Google Analytics help; `schemas/channels.yaml` holds them.

mod referral;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use regex::Regex;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;

use crate::error::Problem;
use crate::yaml;

/// Source, medium and campaign of a visit, in lower case, as GA4 has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Where it came from: a site, a campaign's source, `(direct)`.
    pub(crate) source: String,
    /// How: `cpc`, `email`, `referral`, `(none)`.
    pub(crate) medium: String,
    /// The campaign's name.
    pub(crate) campaign: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClickId {
    parameter: String,
    source: String,
    medium: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum TestFile {
    Source(String),
    Medium(String),
    Campaign(String),
    Site(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    channel: String,
    #[serde(default)]
    all: Vec<TestFile>,
    #[serde(default)]
    any: Vec<TestFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelsFile {
    channels: Vec<String>,
    sites: BTreeMap<String, Vec<String>>,
    click_ids: Vec<ClickId>,
    rules: Vec<RuleFile>,
    otherwise: String,
}

/// Sites of one kind: whole sources, and the names of hosts.
#[derive(Debug, Default)]
struct Sites {
    names: FxHashSet<String>,
}

impl Sites {
    /// `google` stands for the source `google` and the hosts google.com, www.google.co.uk; `t.co` for that host and those
    /// below it.
    fn contains(&self, source: &str) -> bool {
        if self.names.contains(source) {
            return true;
        }
        if !source.contains('.') {
            return false;
        }
        let mut rest = source;
        while let Some((label, below)) = rest.split_once('.') {
            let is_suffix = below.split('.').all(|part| part.len() <= 3);
            if self.names.contains(rest) || (is_suffix && self.names.contains(label)) {
                return true;
            }
            rest = below;
        }
        false
    }
}

#[derive(Debug)]
enum Test {
    Source(Regex),
    Medium(Regex),
    Campaign(Regex),
    Site(String),
}

#[derive(Debug)]
struct Rule {
    channel: String,
    all: Vec<Test>,
    any: Vec<Test>,
}

/// The channel groups and how visits get into them, from `schemas/channels.yaml`.
#[derive(Debug)]
pub(crate) struct ChannelRules {
    channels: FxHashSet<String>,
    sites: FxHashMap<String, Sites>,
    click_ids: Vec<ClickId>,
    rules: Vec<Rule>,
    otherwise: String,
}

impl ChannelRules {
    /// Reads the rules; `file` names them in problems.
    ///
    /// # Errors
    /// Every rule that cannot work.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let read: ChannelsFile = yaml::read(file, text).map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        let channels: FxHashSet<String> = read.channels.into_iter().collect();
        let targets = read.rules.iter().map(|rule| &rule.channel).chain([&read.otherwise]);
        for target in targets.filter(|target| !channels.contains(*target)) {
            problems.push(Problem::new(file, "rules", format!("channel {target} is not listed"), "add it to channels"));
        }
        let sites: FxHashMap<String, Sites> = read
            .sites
            .into_iter()
            .map(|(kind, names)| (kind, Sites { names: names.iter().map(|name| name.to_lowercase()).collect() }))
            .collect();
        let mut rules = Vec::new();
        for rule in read.rules {
            let mut tests = |list: Vec<TestFile>| -> Vec<Test> {
                list.into_iter().filter_map(|test| compile(file, &rule.channel, test, &sites, &mut problems)).collect()
            };
            let (all, any) = (tests(rule.all), tests(rule.any));
            rules.push(Rule { channel: rule.channel, all, any });
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { channels, sites, click_ids: read.click_ids, rules, otherwise: read.otherwise })
    }

    /// True for a listed channel.
    #[must_use]
    pub(crate) fn is_channel(&self, channel: &str) -> bool {
        self.channels.contains(channel)
    }

    /// The listed channels, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.channels.iter().map(String::as_str)
    }

    /// The channel group of a visit: that of the first rule that holds.
    #[must_use]
    pub(crate) fn group(&self, traffic: &Traffic) -> &str {
        let rule = self.rules.iter().find(|rule| {
            rule.all.iter().all(|test| self.holds(test, traffic))
                && (rule.any.is_empty() || rule.any.iter().any(|test| self.holds(test, traffic)))
        });
        rule.map_or(&self.otherwise, |rule| &rule.channel)
    }

    fn holds(&self, test: &Test, traffic: &Traffic) -> bool {
        match test {
            Test::Source(pattern) => pattern.is_match(&traffic.source),
            Test::Medium(pattern) => pattern.is_match(&traffic.medium),
            Test::Campaign(pattern) => pattern.is_match(&traffic.campaign),
            Test::Site(kind) => self.is_site(kind, &traffic.source),
        }
    }

    fn is_site(&self, kind: &str, source: &str) -> bool {
        self.sites.get(kind).is_some_and(|sites| sites.contains(source))
    }
}

fn compile(
    file: &str,
    channel: &str,
    test: TestFile,
    sites: &FxHashMap<String, Sites>,
    problems: &mut Vec<Problem>,
) -> Option<Test> {
    let key = format!("rules.{channel}");
    let mut pattern = |text: &str| {
        // Anchored as a whole, as GA4 matches.
        Regex::new(&format!("^(?:{text})$"))
            .map_err(|error| {
                let why = error.to_string().lines().last().unwrap_or("is no regular expression").trim().to_owned();
                problems.push(Problem::new(file, &key, why, "write the pattern in the syntax of the regex crate"));
            })
            .ok()
    };
    match test {
        TestFile::Source(text) => pattern(&text).map(Test::Source),
        TestFile::Medium(text) => pattern(&text).map(Test::Medium),
        TestFile::Campaign(text) => pattern(&text).map(Test::Campaign),
        TestFile::Site(kind) if sites.contains_key(&kind) => Some(Test::Site(kind)),
        TestFile::Site(kind) => {
            problems.push(Problem::new(
                file,
                &key,
                format!("there are no sites of kind {kind}"),
                "list them under sites",
            ));
            None
        }
    }
}
