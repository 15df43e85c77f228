//! The router and the server around it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::routing::{MethodRouter, get, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tributary_model::{Domain, RawEvent, topics};
use tributary_schema::{Contracts, SchemaError};
use tributary_service::Shutdown;

use crate::app::App;
use crate::config::Config;
use crate::directory::SourceDirectory;
use crate::error::GatewayError;
use crate::handlers;
use crate::publish::Publish;
use crate::routes::{Endpoint, ROUTES};

/// Browsers keep the answer to a preflight request this long.
const PREFLIGHT_MAX_AGE_S: u64 = 3600;

/// All paths of the gateway, without a server around them.
pub fn router<P: Publish>(config: Config, sources: SourceDirectory, contracts: Arc<Contracts>, publisher: P) -> Router {
    let cors = cors(&config);
    let app = App::new(config, sources, contracts, publisher);
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, method_router(route.endpoint));
    }
    router
        .fallback(handlers::no_such_path)
        .method_not_allowed_fallback(handlers::wrong_method)
        .layer(cors)
        .with_state(app)
}

fn method_router<P: Publish>(endpoint: Endpoint) -> MethodRouter<Arc<App<P>>> {
    match endpoint {
        Endpoint::Health => get(handlers::health),
        Endpoint::OpenApi => get(handlers::openapi),
        Endpoint::Source => post(move |app: State<Arc<App<P>>>, source: Path<String>, request: Request| {
            handlers::ingest(app, endpoint, Some(source), request)
        }),
        Endpoint::Call(_) | Endpoint::Batch => {
            post(move |app: State<Arc<App<P>>>, request: Request| handlers::ingest(app, endpoint, None, request))
        }
    }
}

fn cors(config: &Config) -> CorsLayer {
    let origins = if config.allowed_origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        // `Config::validate` refuses origins that are no header values.
        AllowOrigin::list(config.allowed_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::CONTENT_ENCODING])
        .max_age(std::time::Duration::from_secs(PREFLIGHT_MAX_AGE_S))
}

/// Serves until `shutdown`, then lets running requests end.
///
/// # Errors
/// [`GatewayError`] when raw events cannot be encoded, the listener fails, or requests do not end in time.
pub async fn serve<P: Publish>(
    config: Config,
    sources: SourceDirectory,
    contracts: Arc<Contracts>,
    publisher: P,
    listener: TcpListener,
    shutdown: Shutdown,
) -> Result<(), GatewayError> {
    let to_register = Arc::clone(&contracts);
    // Asks the registry, if there is one, before requests wait for it: it blocks.
    tokio::task::spawn_blocking(move || register(&to_register)).await??;
    for source in sources.without_keys() {
        tracing::warn!(source, "no write key is set: nobody can send as this source; set gateway.write_keys");
    }
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, sources = sources.names().len(), "the gateway takes events");
    }
    let drain = config.drain_timeout;
    let router = router(config, sources, contracts, publisher);
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection cannot be set to answer without delay");
        }
    });
    let stop = shutdown.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { stop.wait().await });
    let deadline = async {
        shutdown.wait().await;
        tokio::time::sleep(drain.into()).await;
    };
    tokio::select! {
        served = std::future::IntoFuture::into_future(server) => served.map_err(GatewayError::Serve),
        () = deadline => Err(GatewayError::DrainTimeout { drain }),
    }
}

fn register(contracts: &Contracts) -> Result<(), SchemaError> {
    let probe = RawEvent {
        source: String::new(),
        event_id: None,
        received_at: 0,
        content_type: String::new(),
        body: Vec::new(),
    };
    for domain in Domain::ALL {
        contracts.encode(&topics::raw(domain), &probe)?;
    }
    Ok(())
}
