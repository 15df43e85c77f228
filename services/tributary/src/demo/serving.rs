//! After the report: the hub stays, and takes events.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use tributary_normalizer::Rulebook;

use super::stand::{Stand, WRITE_KEY};
use crate::error::CliError;
use crate::gateway;
use crate::output::Output;
use crate::server::{Addresses, Serving, serve};

/// Keeps the APIs up until SIGTERM or Ctrl-C.
pub(super) fn keep_up(stand: Stand, output: &mut Output) -> Result<(), CliError> {
    let mut config = stand.config.clone();
    config.gateway.listen = free_or_any(config.gateway.listen);
    config.admin.listen = free_or_any(config.admin.listen);
    let rulebook = Rulebook::load(&config.normalizer)
        .map_err(|error| CliError::Definition { what: "sources", detail: error.to_string() })?;
    let directory = gateway::directory(&config, &rulebook)?;
    let (settings, contracts) = (stand.settings.clone(), stand.contracts.clone());
    let (health, metrics) = (stand.health.clone(), stand.metrics.clone());
    let (hub, readers, broker) = stand.into_hub();
    let serving =
        Serving { config, settings, contracts, gateway: Some(directory), reads: None, hub: Some(hub), health, metrics };
    let served = serve(serving, |addresses| {
        output.notice(invitation(addresses));
        Ok(())
    });
    drop(readers);
    drop(broker);
    served
}

/// The address, or when somebody else has it any free port beside it.
fn free_or_any(address: SocketAddr) -> SocketAddr {
    match TcpListener::bind(address) {
        Ok(_) => address,
        Err(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

fn invitation(addresses: Addresses) -> String {
    let gateway = addresses.gateway.map(|address| address.to_string()).unwrap_or_default();
    format!(
        "The hub is still up (Ctrl-C ends it):\n  \
         health   http://{admin}/readyz\n  \
         metrics  http://{admin}/metrics\n  \
         gateway  http://{gateway}/v1/track, for example\n\n  \
         curl -u {WRITE_KEY}: -H 'content-type: application/json' http://{gateway}/v1/track \\\n    \
         -d '{{\"userId\":\"C000001\",\"event\":\"Product Viewed\",\"properties\":{{\"sku\":\"KIT-1001\"}}}}'",
        admin = addresses.admin,
    )
}
