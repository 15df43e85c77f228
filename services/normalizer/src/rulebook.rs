//! Everything the normaliser knows that is data: sources, identifier rules, channel groups, bot patterns.

use std::collections::BTreeSet;
use std::path::Path;

use crate::bots::BotRules;
use crate::channels::{ChannelRules, Traffic};
use crate::config::Config;
use crate::error::{NormalizerError, Problem};
use crate::identifiers::{IdentityRules, SourceRules};
use crate::samples;
use crate::source::{SourceInfo, Sources};

const IDENTITY: (&str, &str) = ("schemas/identity.yaml", include_str!("../../../schemas/identity.yaml"));
const CHANNELS: (&str, &str) = ("schemas/channels.yaml", include_str!("../../../schemas/channels.yaml"));
const BOTS: (&str, &str) = ("schemas/bots.yaml", include_str!("../../../schemas/bots.yaml"));

/// The data the normaliser runs on.
#[derive(Debug)]
pub struct Rulebook {
    pub(crate) sources: Sources,
    pub(crate) identity: IdentityRules,
    pub(crate) channels: ChannelRules,
    pub(crate) bots: BotRules,
}

impl Rulebook {
    /// Reads and compiles everything the configuration names, and the built-in rest.
    ///
    /// # Errors
    /// [`NormalizerError::Data`] with all problems of all files at once.
    pub fn load(config: &Config) -> Result<Self, NormalizerError> {
        let mut problems = config.validate();
        let identity = part(config.identity_file.as_deref(), IDENTITY, IdentityRules::parse, &mut problems);
        let channels = part(config.channels_file.as_deref(), CHANNELS, ChannelRules::parse, &mut problems);
        let bots = part(config.bots_file.as_deref(), BOTS, BotRules::parse, &mut problems);
        let sources = identity.as_ref().and_then(|identity| {
            Sources::load(&config.source_dirs, identity).map_err(|found| problems.extend(found)).ok()
        });
        match (sources, identity, channels, bots) {
            (Some(sources), Some(identity), Some(channels), Some(bots)) if problems.is_empty() => {
                Ok(Self { sources, identity, channels, bots })
            }
            _ => Err(NormalizerError::Data(problems)),
        }
    }

    /// What the gateway has to know of each source, in order of name.
    #[must_use]
    pub fn directory(&self) -> Vec<SourceInfo> {
        self.sources.directory()
    }

    /// The sources that may give touchpoints of this type, in order of name.
    pub fn sources_of_type(&self, event_type: &str) -> impl Iterator<Item = &str> {
        self.sources.iter().filter(move |source| source.emits(event_type)).map(|source| source.info.name.as_str())
    }

    /// True when the user agent is a machine's.
    #[must_use]
    pub fn is_bot(&self, user_agent: &str) -> bool {
        self.bots.is_bot(user_agent)
    }

    /// The channel group of a visit by source, medium and campaign in lower case.
    #[must_use]
    pub fn channel_group(&self, source: &str, medium: &str, campaign: &str) -> &str {
        let traffic = Traffic { source: source.to_owned(), medium: medium.to_owned(), campaign: campaign.to_owned() };
        self.channels.group(&traffic)
    }

    /// A raw identifier value as touchpoints carry it before the pseudonym is made.
    ///
    /// # Errors
    /// The reason code for which nobody is known by it, as touchpoints name it: `blocked_value`, `invalid_phone`, ….
    pub fn normalise(&self, namespace: &str, value: &str) -> Result<String, &'static str> {
        self.identity.normalised(&SourceRules::default(), namespace, value)
    }
}

/// Reads one rule file, or its built-in copy.
fn part<T>(
    path: Option<&Path>,
    (builtin_name, builtin): (&str, &str),
    parse: impl FnOnce(&str, &str) -> Result<T, Vec<Problem>>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let parsed = match path {
        None => parse(builtin_name, builtin),
        Some(path) => {
            let name = path.display().to_string();
            std::fs::read_to_string(path)
                .map_err(|error| {
                    let remedy = "check the path in the configuration, or leave it out for the built-in file";
                    vec![Problem::new(&name, "", format!("cannot be read: {error}"), remedy)]
                })
                .and_then(|text| parse(&name, &text))
        }
    };
    parsed.map_err(|found| problems.extend(found)).ok()
}

/// The channels that touchpoints may carry, as the channels file lists them.
///
/// # Errors
/// [`NormalizerError::Data`] with all problems of the file.
pub fn channel_names(config: &Config) -> Result<BTreeSet<String>, NormalizerError> {
    let mut problems = Vec::new();
    let rules = part(config.channels_file.as_deref(), CHANNELS, ChannelRules::parse, &mut problems);
    rules.map(|rules| rules.names().map(str::to_owned).collect()).ok_or(NormalizerError::Data(problems))
}

/// Everything that is wrong with the configuration, the rule files, the mappings and their samples; empty is good.
#[must_use]
pub fn check(config: &Config) -> Vec<Problem> {
    match Rulebook::load(config) {
        Ok(rulebook) => samples::check(&rulebook),
        Err(NormalizerError::Data(problems)) => problems,
    }
}
