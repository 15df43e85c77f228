//! A hub without Kafka, and receivers on this machine.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Response, Uri};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tributary_delivery::{
    Clock, Config, DeliveryStep, DestinationConfig, Dispatcher, HttpSender, LogEntry, Queue, Resolve, Resolving,
    SendWhatIsValid, Sender, SystemClock,
};
use tributary_model::TriggerIntent;
use tributary_model::time::DAY_MS;
use tributary_service::config::{Duration, Secret};

pub(crate) const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];

/// A clock that is set by hand; it begins at the time of day, so that receivers accept the timestamps.
#[derive(Debug, Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(SystemClock.now_at())))
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now_at(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Names that no other resolver knows, and how often they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) known: BTreeMap<String, Vec<std::net::IpAddr>>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Names {
    pub(crate) fn of(known: &[(&str, &[&str])]) -> Arc<Self> {
        let parsed = |addresses: &[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        let known = known.iter().map(|(name, addresses)| ((*name).to_owned(), parsed(addresses))).collect();
        Arc::new(Self { known, asked: Mutex::default() })
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        self.asked.lock().unwrap().push(host.to_owned());
        let unknown = || std::io::Error::new(std::io::ErrorKind::NotFound, "no such name");
        let found = self.known.get(host).ok_or_else(unknown);
        let found = found.map(|addresses| addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect());
        Box::pin(std::future::ready(found))
    }
}

/// A queue with its dispatcher, and what it has said.
#[derive(Debug)]
pub(crate) struct Hub<S> {
    pub(crate) queue: Queue,
    pub(crate) dispatcher: Dispatcher<S>,
    pub(crate) clock: HandClock,
    pub(crate) log: Vec<LogEntry>,
}

impl Hub<HttpSender> {
    pub(crate) fn new(config: &Config) -> Self {
        Self::resolving(config, Names::of(&[]))
    }

    pub(crate) fn resolving(config: &Config, names: Arc<Names>) -> Self {
        Self::sending(config, HttpSender::new(config, names).unwrap())
    }
}

impl<S: Sender> Hub<S> {
    pub(crate) fn sending(config: &Config, sender: S) -> Self {
        let clock = HandClock::new();
        let dispatcher = Dispatcher::new(Arc::new(sender), Arc::new(clock.clone()), Handle::current());
        Self { queue: Queue::new(config).unwrap(), dispatcher, clock, log: Vec::new() }
    }

    pub(crate) fn enqueue(&mut self, decision_id: &str, team_id: &str) {
        let now_at = self.clock.now_at();
        self.queue.enqueue(&intent(decision_id, team_id, now_at), now_at).unwrap();
    }

    /// One turn and its commit.
    pub(crate) fn turn(&mut self) {
        self.dispatcher.turn(&mut self.queue, &SendWhatIsValid);
        self.queue.stores().into_iter().for_each(|store| store.commit());
        self.dispatcher.committed();
        self.log.extend(self.queue.drain_log());
    }

    /// Turns until nothing is on its way and nothing is due.
    pub(crate) async fn settle(&mut self) {
        self.turn();
        while self.dispatcher.in_flight() > 0 {
            self.dispatcher.wait().await;
            self.turn();
        }
    }

    /// Lets time pass until the next thing is to be done, and does it. Says how long that was, in milliseconds.
    pub(crate) async fn next(&mut self) -> i64 {
        let ms = self.queue.next_wake_at().unwrap() - self.clock.now_at();
        self.clock.advance(ms);
        self.settle().await;
        ms
    }

    /// The steps so far, as `<destination> <step> <status or class>`.
    pub(crate) fn steps(&self) -> Vec<String> {
        let one = |entry: &LogEntry| match entry {
            LogEntry::Delivery(event) => {
                let result = event.result.map_or_else(String::new, |result| match (result.status, result.failure) {
                    (Some(status), _) => format!(" {status}"),
                    (None, Some(class)) => format!(" {}", class.name()),
                    (None, None) => String::new(),
                });
                format!("{} {}{result}", event.destination, event.step.name())
            }
            LogEntry::Destination(event) => format!("{} {:?}", event.destination, event.step),
        };
        self.log.iter().map(one).collect()
    }

    /// What the last step of a delivery says in words.
    pub(crate) fn last_detail(&self) -> &str {
        let of_delivery = |entry: &'_ LogEntry| matches!(entry, LogEntry::Delivery(_));
        match self.log.iter().rfind(|entry| of_delivery(entry)) {
            Some(LogEntry::Delivery(event)) => &event.detail,
            _ => "",
        }
    }

    pub(crate) fn count(&self, destination: &str, step: DeliveryStep) -> usize {
        let is_it = |entry: &&LogEntry| match entry {
            LogEntry::Delivery(event) => &*event.destination == destination && event.step == step,
            LogEntry::Destination(_) => false,
        };
        self.log.iter().filter(is_it).count()
    }
}

pub(crate) fn intent(decision_id: &str, team_id: &str, now_at: i64) -> TriggerIntent {
    TriggerIntent {
        decision_id: decision_id.to_owned(),
        trigger_id: "call-back".to_owned(),
        trigger_version: 1,
        team_id: team_id.to_owned(),
        person_id: "6ba7b811-9dad-51d1-80b4-00c04fd430c8".parse().unwrap(),
        action: "message".to_owned(),
        channel: "call".to_owned(),
        decided_at: now_at,
        valid_until_at: now_at + DAY_MS,
        payload: "{\"greeting\": \"Grüezi\"}".to_owned(),
        account_id: None,
    }
}

/// A destination that may be on this machine.
pub(crate) fn destination(team_id: &str, url: &str) -> DestinationConfig {
    DestinationConfig {
        teams: vec![team_id.to_owned()],
        url: url.to_owned(),
        secrets: SECRETS.map(Secret::generated).into(),
        allow_private: true,
        max_in_flight: 4,
        rate_per_second: None,
        connect_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(20),
        max_queued: 1000,
    }
}

/// A configuration without jitter, of destinations by name.
pub(crate) fn config<const N: usize>(destinations: [(&str, DestinationConfig); N]) -> Config {
    let mut config = Config::default();
    config.retry.jitter_percent = 0;
    config.destinations = destinations.map(|(name, destination)| (name.to_owned(), destination)).into();
    config
}

/// A request that a receiver got.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The port that it came from: one for each connection.
    pub(crate) port: u16,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// How a receiver answers.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Status(u16),
    With(u16, &'static str, String),
    Long(usize),
    /// It takes the request and never answers.
    Never,
}

/// A receiver on this machine. It answers as it is told, then 200.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    replies: Mutex<VecDeque<Reply>>,
    otherwise: Mutex<Option<Reply>>,
    received: Mutex<Vec<Received>>,
}

impl Receiver {
    pub(crate) async fn start(replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner { replies: Mutex::new(replies.to_vec().into()), ..Inner::default() });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&inner));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, inner }
    }

    /// As [`Receiver::start`], and answers so each time.
    pub(crate) async fn always(reply: Reply) -> Self {
        let receiver = Self::start(&[]).await;
        *receiver.inner.otherwise.lock().unwrap() = Some(reply);
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?tenant=7", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }
}

async fn receive(
    State(inner): State<Arc<Inner>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let request = Received { path: uri.to_string(), headers, body, port: peer.port() };
    inner.received.lock().unwrap().push(request);
    let told = inner.replies.lock().unwrap().pop_front();
    let reply = told.or_else(|| inner.otherwise.lock().unwrap().clone()).unwrap_or(Reply::Status(200));
    match reply {
        Reply::Status(status) => Response::builder().status(status).body(Body::from("thank you")).unwrap(),
        Reply::With(status, name, value) => {
            Response::builder().status(status).header(name, value).body(Body::empty()).unwrap()
        }
        Reply::Long(bytes) => Response::new(Body::from(vec![b'x'; bytes])),
        Reply::Never => std::future::pending().await,
    }
}
