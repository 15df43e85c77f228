//! The gateway's view of the sources.

use tributary_gateway::{SourceDirectory, SourceEntry};
use tributary_normalizer::{Auth, Rulebook};
use tributary_service::config::{ConfigErrors, Duration};

use crate::config::HubConfig;
use crate::error::CliError;
use crate::load;

/// The directory of all sources, with the write keys of the configuration.
///
/// # Errors
/// [`CliError::Config`] with every problem of sources and keys.
pub fn directory(config: &HubConfig, rulebook: &Rulebook) -> Result<SourceDirectory, CliError> {
    let entries = rulebook.directory().into_iter().map(|source| SourceEntry {
        name: source.name,
        domain: source.domain,
        open: source.auth == Auth::None,
        event_id: source.event_id,
        occurred_at: None,
        max_age: u64::try_from(source.max_age_ms).ok().map(Duration::from_millis),
    });
    SourceDirectory::new(entries.collect(), &config.gateway).map_err(|problems| {
        let problems = problems.into_iter().map(|problem| problem.under("gateway")).collect();
        CliError::Config(ConfigErrors { problems })
    })
}

/// The sources as the loader knows them.
#[must_use]
pub fn loadable(rulebook: &Rulebook) -> Vec<load::SourceEntry> {
    let entries = rulebook.directory().into_iter().map(|source| load::SourceEntry {
        name: source.name,
        domain: source.domain,
        event_id: source.event_id,
    });
    entries.collect()
}
