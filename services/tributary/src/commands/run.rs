//! `tributary run`: a service, or all, until told to stop.

use std::sync::Arc;

use tributary_model::Pseudonymizer;
use tributary_service::metrics::install_prometheus;
use tributary_service::{Health, logging};
use tributary_stream::{Stage, apply_topics};

use crate::canvas;
use crate::cli::{RunArgs, Service};
use crate::compose::{Definition, all_topics, nameless};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::gateway;
use crate::hub::Hub;
use crate::keys;
use crate::reads::Reads;
use crate::server::{Serving, describe_metrics, serve};
use crate::watch::{Watch, Watched};

/// Runs until SIGTERM or SIGINT, or until a part fails.
///
/// # Errors
/// [`CliError`] when the hub cannot start, or of the part that failed.
pub(super) fn run(args: &RunArgs, config: &HubConfig) -> Result<Exit, CliError> {
    logging::init(&config.log)?;
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let definition = Definition::read(config)?;
    if args.apply_topics {
        apply_topics(&settings, &all_topics(config)?)?;
    }
    let has = |service: Service| args.service == Service::All || args.service == service;
    if has(Service::Journey) && config.canvas.publishes() {
        canvas::publish(&settings, &definition.canvas)?;
    }
    let gateway = has(Service::Gateway).then(|| gateway::directory(config, &definition.sources)).transpose()?;
    let metrics = install_prometheus()?;
    describe_metrics();
    let health = Health::new();
    let hub = match args.service {
        Service::Gateway => None,
        service => {
            let key = if has(Service::Normalizer) { config.pseudonymizer()? } else { unused_key()? };
            if has(Service::Normalizer) && !config.pseudonym_keys.is_empty() {
                tracing::info!(keys = ?keys::ids(config), "keys of pseudonyms, the newest first");
            }
            let tables = definition.tables(config)?;
            let staffed = definition.staffed(config, service, &tables, key)?;
            Some(Hub::start(&settings, &contracts, &staffed, &tables, &health)?)
        }
    };
    let stages: Vec<Stage> = hub.iter().flat_map(Hub::stages).map(|(stage, _)| stage.clone()).collect();
    let all_stages = match args.service {
        Service::All => stages.clone(),
        _ => nameless(config, Definition::read(config)?)?.into_iter().map(|staffed| staffed.stage).collect(),
    };
    let watched = Watched {
        settings: settings.clone(),
        contracts: Arc::clone(&contracts),
        stages,
        pulses: hub.as_ref().map(Hub::pulses).unwrap_or_default(),
        all_stages,
        audit_interval: config.audit.interval.into(),
    };
    let _watch = Watch::start(watched, &health)?;
    let reads = match has(Service::Insight) {
        true => Reads::start(config, &settings, &contracts, &health)?,
        false => None,
    };
    serve(Serving { config: config.clone(), settings, contracts, gateway, reads, hub, health, metrics }, |_| Ok(()))?;
    Ok(Exit::Done)
}

/// A key for the stages that make no pseudonyms.
fn unused_key() -> Result<Pseudonymizer, CliError> {
    Pseudonymizer::new(b"not for pseudonyms")
        .map_err(|error| CliError::Definition { what: "pseudonym key", detail: error.to_string() })
}
