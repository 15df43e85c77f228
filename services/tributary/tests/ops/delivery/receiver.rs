//! A receiver of webhooks that verifies what it gets as any team's would, with the library of Standard Webhooks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::runtime::Runtime;

use crate::bed::WEBHOOK_SECRET;

/// It keeps a request that it does not answer.
pub(crate) const NEVER: u16 = 0;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
    /// What it was answered.
    pub(crate) status: u16,
    /// Why it cannot be from the hub.
    pub(crate) forged: Option<String>,
}

/// Answers as it is told.
pub(crate) struct Receiver {
    pub(crate) url: String,
    told: Arc<Told>,
    _runtime: Runtime,
}

struct Told {
    status: AtomicU16,
    received: Mutex<Vec<Received>>,
    webhook: Webhook,
}

impl Receiver {
    pub(crate) fn new(status: u16) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let told = Arc::new(Told {
            status: AtomicU16::new(status),
            received: Mutex::default(),
            webhook: Webhook::new(WEBHOOK_SECRET).unwrap(),
        });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&told));
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, told, _runtime: runtime }
    }

    pub(crate) fn answers(&self, status: u16) {
        self.told.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.told.received.lock().unwrap().clone()
    }

    /// How often each message was taken with 200, with its decoded body; all of them must be what the hub has signed.
    pub(crate) fn taken(&self) -> BTreeMap<String, (usize, Value)> {
        let mut taken: BTreeMap<String, (usize, Value)> = BTreeMap::new();
        for request in self.received() {
            assert_eq!(request.forged, None);
            if request.status == 200 {
                let body = serde_json::from_slice(&request.body).unwrap();
                taken.entry(request.id).or_insert((0, body)).0 += 1;
            }
        }
        taken
    }
}

async fn receive(State(told): State<Arc<Told>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let status = told.status.load(Ordering::SeqCst);
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let forged = told.webhook.verify(&body, &headers).err().map(|error| error.to_string());
    told.received.lock().unwrap().push(Received { id, body: body.to_vec(), status, forged });
    if status == NEVER {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(status).unwrap()
}
