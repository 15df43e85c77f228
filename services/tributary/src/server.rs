//! What a running hub shows to the outside: health and metrics, and the gateway; and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::{JoinError, JoinHandle};
use tributary_gateway::SourceDirectory;
use tributary_insight::read_api;
use tributary_schema::Contracts;
use tributary_service::metrics::PrometheusHandle;
use tributary_service::{Health, Shutdown, admin};
use tributary_stream::{KafkaSettings, Publisher};

use crate::config::HubConfig;
use crate::error::CliError;
use crate::hub::Hub;
use crate::reads::Reads;

/// How often it is looked whether a part of the hub has ended.
const WATCH: Duration = Duration::from_millis(100);

/// What is to be served.
#[derive(Debug)]
pub struct Serving {
    /// The configuration: addresses and limits.
    pub config: HubConfig,
    /// Kafka, for the gateway.
    pub settings: KafkaSettings,
    /// The contracts that raw events are written by.
    pub contracts: Arc<Contracts>,
    /// The gateway's sources, when the gateway is to run.
    pub gateway: Option<SourceDirectory>,
    /// The read API, when it is to run.
    pub reads: Option<Reads>,
    /// The stages, when there are any.
    pub hub: Option<Hub>,
    /// Their readiness.
    pub health: Health,
    /// Their metrics.
    pub metrics: PrometheusHandle,
}

/// Where it can be reached.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// Health and metrics.
    pub admin: SocketAddr,
    /// The gateway.
    pub gateway: Option<SocketAddr>,
    /// The read API.
    pub reads: Option<SocketAddr>,
}

/// Serves until SIGTERM or SIGINT, or until a part of the hub fails; then drains: requests first, stages behind them.
/// `ready` is told the addresses once they are open.
///
/// # Errors
/// [`CliError`] when a port cannot be opened, or of the part that failed.
pub fn serve(serving: Serving, ready: impl FnOnce(Addresses) -> Result<(), CliError>) -> Result<(), CliError> {
    let runtime = Runtime::new().map_err(CliError::system("starting the async runtime"))?;
    runtime.block_on(async {
        let shutdown = Shutdown::on_signals()?;
        let listener = admin::bind(serving.config.admin.listen, "admin.listen").await?;
        let address =
            |listener: &TcpListener| listener.local_addr().map_err(CliError::system("asking for a listener's address"));
        let mut addresses = Addresses { admin: address(&listener)?, gateway: None, reads: None };
        let extra = axum::Router::new();
        let admin = admin::serve_admin(listener, serving.health, serving.metrics, extra, shutdown.clone());
        let admin = tokio::spawn(admin);
        let gateway = match serving.gateway {
            None => None,
            Some(directory) => {
                let publisher = Publisher::new(&serving.settings, serving.config.gateway.publish_timeout.into())?;
                let listener = admin::bind(serving.config.gateway.listen, "gateway.listen").await?;
                addresses.gateway = Some(address(&listener)?);
                let config = serving.config.gateway;
                let contracts = serving.contracts;
                let shutdown = shutdown.clone();
                Some(tokio::spawn(async move {
                    let stop = shutdown.clone();
                    let served =
                        tributary_gateway::serve(config, directory, contracts, publisher, listener, stop).await;
                    shutdown.trigger();
                    served.map_err(|error| CliError::PartStopped {
                        part: "gateway".to_owned(),
                        detail: error.to_string(),
                    })
                }))
            }
        };
        let reads = match &serving.reads {
            None => None,
            Some(reads) => {
                let listener = admin::bind(reads.listen, "insight.read_api.listen").await?;
                addresses.reads = Some(address(&listener)?);
                Some(tokio::spawn(serve_reads(listener, read_api::router(reads.api.clone()), shutdown.clone())))
            }
        };
        let Addresses { admin: at, gateway: gateway_at, reads: reads_at } = addresses;
        tracing::info!(admin = %at, gateway = ?gateway_at, read_api = ?reads_at, "serving");
        let watched = serving.hub.map(|hub| watch(hub, shutdown.clone()));
        ready(addresses)?;
        shutdown.wait().await;
        let mut result = Ok(());
        for (part, task) in [("gateway", gateway), ("read API", reads), ("hub", watched)] {
            if let Some(task) = task {
                result = result.and(ended(part, task.await));
            }
        }
        result.and(ended("admin server", admin.await.map(|served| served.map_err(CliError::from))))
    })
}

async fn serve_reads(listener: TcpListener, router: axum::Router, shutdown: Shutdown) -> Result<(), CliError> {
    let stop = shutdown.clone();
    let served = axum::serve(listener, router).with_graceful_shutdown(async move { stop.wait().await }).await;
    shutdown.trigger();
    served.map_err(|error| CliError::PartStopped { part: "read API".to_owned(), detail: error.to_string() })
}

/// What a joined task came to.
fn ended(part: &str, joined: Result<Result<(), CliError>, JoinError>) -> Result<(), CliError> {
    joined.unwrap_or_else(|error| Err(CliError::PartStopped { part: part.to_owned(), detail: error.to_string() }))
}

/// Stops the process when a part of the hub ends, and the hub when the process is told to stop.
fn watch(hub: Hub, shutdown: Shutdown) -> JoinHandle<Result<(), CliError>> {
    tokio::task::spawn_blocking(move || {
        let mut result = Ok(());
        while result.is_ok() && !shutdown.is_triggered() {
            result = hub.wait(WATCH);
        }
        shutdown.trigger();
        result.and(hub.stop())
    })
}

/// Gives every metric of the runtime its help text; the services describe their own.
pub fn describe_metrics() {
    tributary_service::metrics::describe(&crate::metrics::of_runtime());
}
