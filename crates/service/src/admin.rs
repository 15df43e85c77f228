//! The admin server: `/livez`, `/readyz`, `/metrics`, and what a service adds.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::error::ServiceError;
use crate::health::Health;
use crate::shutdown::Shutdown;

/// How often histograms are folded, so that they stay small when nobody reads them.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Configuration of the admin server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminConfig {
    /// Where it listens; loopback by default, because it has no authentication.
    pub listen: SocketAddr,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)) }
    }
}

/// Opens a port; `key` is the configuration key of `address`, for the error message.
///
/// # Errors
/// [`ServiceError::Listen`] when the port is taken or not allowed.
pub async fn bind(address: SocketAddr, key: &'static str) -> Result<TcpListener, ServiceError> {
    TcpListener::bind(address).await.map_err(|source| ServiceError::Listen { address, key, source })
}

/// The admin routes, without a server around them.
pub fn router(health: Health, metrics: PrometheusHandle, extra: Router) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(health)
        .merge(Router::new().route("/metrics", get(render)).with_state(metrics))
        .merge(extra)
}

/// Serves the admin routes until `shutdown`.
///
/// # Errors
/// [`ServiceError::Serve`] when the listener fails.
pub async fn serve_admin(
    listener: TcpListener,
    health: Health,
    metrics: PrometheusHandle,
    extra: Router,
    shutdown: Shutdown,
) -> Result<(), ServiceError> {
    let upkeep = tokio::spawn(upkeep(metrics.clone(), shutdown.clone()));
    let served = axum::serve(listener, router(health, metrics, extra))
        .with_graceful_shutdown(async move { shutdown.wait().await })
        .await
        .map_err(|source| ServiceError::Serve { server: "admin server", source });
    upkeep.abort();
    served
}

async fn upkeep(metrics: PrometheusHandle, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = ticks.tick() => metrics.run_upkeep(),
            () = shutdown.wait() => return,
        }
    }
}

async fn readyz(State(health): State<Health>) -> Response {
    let report = health.report();
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

async fn render(State(metrics): State<PrometheusHandle>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn get_path(router: &Router, path: &str) -> (StatusCode, String) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_follows_the_components_and_liveness_does_not() {
        let health = Health::new();
        let component = health.component("publisher");
        let metrics = crate::metrics::install_prometheus().unwrap();
        let extra = Router::new().route("/extra", get(|| async { "more" }));
        let router = router(health, metrics, extra);

        let (status, body) = get_path(&router, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains(r#""publisher":{"ready":false,"reason":"starting"}"#), "{body}");
        assert_eq!(get_path(&router, "/livez").await.0, StatusCode::OK);

        component.ready();
        assert_eq!(get_path(&router, "/readyz").await.0, StatusCode::OK);
        assert_eq!(get_path(&router, "/metrics").await.0, StatusCode::OK);
        assert_eq!(get_path(&router, "/extra").await.1, "more");
    }

    #[tokio::test]
    async fn stops_on_shutdown_and_names_a_taken_port() {
        let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), "admin.listen").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = bind(address, "admin.listen").await.unwrap_err().to_string();
        assert!(taken.contains(&address.to_string()) && taken.contains("admin.listen"), "{taken}");

        let shutdown = Shutdown::new();
        let metrics = crate::metrics::install_prometheus().unwrap();
        let server = tokio::spawn(serve_admin(listener, Health::new(), metrics, Router::new(), shutdown.clone()));
        shutdown.trigger();
        tokio::time::timeout(Duration::from_secs(10), server).await.unwrap().unwrap().unwrap();
    }
}
