//! How long an intent takes to a healthy destination, from the team's topic to its receiver: beside other healthy
//! destinations, and beside dead, slow, flapping and gone ones. Both in one run, turn by turn, each on a broker of its own.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use clap::Parser;
use tokio::runtime::Runtime;
use tributary_bench::{Spread, percentile};
use tributary_delivery::{Clock, Config, DestinationConfig, SystemClock, delivery_stage, intake_stage};
use tributary_model::time::DAY_MS;
use tributary_model::{PersonId, TriggerIntent, topics};
use tributary_service::config::{Duration as Span, Secret};
use tributary_stream::{
    BulkPublisher, KafkaSettings, OutRecord, Stage, StageStats, Worker, apply_topics, changelog_definitions,
};
use tributary_testkit::Broker;
use uuid::Uuid;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The team of the healthy destination that is measured, and the team of those beside it.
const TEAMS: [&str; 2] = ["measured", "beside"];
const LONG: Duration = Duration::from_secs(120);

/// Latency of a healthy destination of webhooks beside healthy and beside troubled ones.
#[derive(Debug, Parser)]
struct Args {
    /// Turns of each kind
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Intents a second for each team
    #[arg(long, default_value_t = 50)]
    rate: u64,
    /// Seconds of a turn
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// How a receiver behaves.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    Healthy,
    /// Takes requests and answers none.
    Slow,
    /// Fails every other request.
    Flapping,
    Gone,
    /// Nobody listens.
    Dead,
}

const HEALTHY: [Behaviour; 4] = [Behaviour::Healthy; 4];
const TROUBLED: [Behaviour; 4] = [Behaviour::Dead, Behaviour::Slow, Behaviour::Flapping, Behaviour::Gone];

/// When each message arrived first.
type Arrivals = Arc<Mutex<HashMap<String, Instant>>>;

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = Runtime::new()?;
    let kinds = [("healthy ones", HEALTHY), ("a dead, a slow, a flapping and a gone one", TROUBLED)];
    let mut figures: [[Vec<f64>; 2]; 2] = Default::default();
    for _ in 0..args.rounds {
        for (place, (_, beside)) in kinds.iter().enumerate() {
            let mut latencies = turn(&args, &runtime, *beside)?;
            figures[place][0].push(percentile(&mut latencies, 50));
            figures[place][1].push(percentile(&mut latencies, 99));
        }
    }
    say(&format!("| beside it, {} intents/s each | p50 ms | p99 ms |", args.rate))?;
    say("|---|---|---|")?;
    for ((name, _), [p50, p99]) in kinds.iter().zip(figures) {
        say(&format!("| {name} | {} | {} |", Spread::of(p50), Spread::of(p99)))?;
    }
    Ok(())
}

/// One hub, one load; the milliseconds that each intent took to the measured destination.
fn turn(args: &Args, runtime: &Runtime, beside: [Behaviour; 4]) -> Result<Vec<f64>> {
    let broker = Broker::start()?;
    let settings =
        KafkaSettings { bootstrap: broker.bootstrap().to_owned(), partitions: 4, ..KafkaSettings::default() };
    let arrivals = Arrivals::default();
    let mut config = Config::default();
    let measured = receiver(runtime, Behaviour::Healthy, &arrivals)?;
    config.destinations.insert("measured".to_owned(), destination(TEAMS[0], measured));
    for (number, behaviour) in beside.into_iter().enumerate() {
        let url = receiver(runtime, behaviour, &Arrivals::default())?;
        config.destinations.insert(format!("beside-{number}"), destination(TEAMS[1], url));
    }
    let stages = [intake_stage(&config)?, delivery_stage(&config)?];
    let mut all = topics::definitions(&TEAMS.map(str::to_owned));
    all.extend(stages.iter().flat_map(changelog_definitions));
    apply_topics(&settings, &all)?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let working: Vec<_> = stages.iter().map(|stage| scope.spawn(|| work(stage, &settings, &stop))).collect();
        let latencies = load(args, &settings, &arrivals);
        stop.store(true, Ordering::Release);
        for worker in working {
            worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        latencies
    })
}

fn work(stage: &Stage, settings: &KafkaSettings, stop: &AtomicBool) -> Result<()> {
    let worker = Worker::start(stage.clone(), settings, settings.contracts()?, 0, StageStats::default())?;
    Ok(worker.run(stop)?)
}

fn destination(team: &str, url: String) -> DestinationConfig {
    DestinationConfig {
        teams: vec![team.to_owned()],
        url,
        secrets: vec![Secret::generated(SECRET)],
        allow_private: true,
        max_in_flight: 8,
        rate_per_second: None,
        connect_timeout: Span::from_secs(5),
        timeout: Span::from_secs(20),
        max_queued: 100_000,
    }
}

/// A receiver on this machine; gives its URL.
fn receiver(runtime: &Runtime, behaviour: Behaviour, arrivals: &Arrivals) -> Result<String> {
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    if matches!(behaviour, Behaviour::Dead) {
        return Ok(url);
    }
    let (arrivals, count) = (Arc::clone(arrivals), Arc::new(AtomicU64::new(0)));
    let answer = move |headers: HeaderMap| {
        let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        arrivals.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert_with(Instant::now);
        let is_odd = count.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        async move {
            match behaviour {
                Behaviour::Slow => std::future::pending().await,
                Behaviour::Flapping if is_odd => StatusCode::INTERNAL_SERVER_ERROR,
                Behaviour::Gone => StatusCode::GONE,
                _ => StatusCode::OK,
            }
        }
    };
    runtime.spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.ok() });
    Ok(url)
}

/// Publishes at the rate asked for and waits until the measured destination has everything.
fn load(args: &Args, settings: &KafkaSettings, arrivals: &Arrivals) -> Result<Vec<f64>> {
    let publisher = BulkPublisher::new(settings, LONG)?;
    let contracts = settings.contracts()?;
    let mut sent = HashMap::new();
    let mut publish = |team: &str, id: String| -> Result<()> {
        let intent = intent(team, &id);
        let value = Some(contracts.encode(&topics::triggers(team), &intent)?);
        sent.insert(id, Instant::now());
        let (topic, key) = (topics::triggers(team), intent.person_id.to_key());
        Ok(publisher.send(&OutRecord { topic, key, value, headers: Vec::new() })?)
    };
    // The stages are at work once the first has come through.
    publish(TEAMS[0], "first".to_owned())?;
    publisher.flush(LONG)?;
    until_arrived(arrivals, 1)?;
    let count = args.rate * args.seconds;
    let started = Instant::now();
    for number in 0..count {
        let due = started + Duration::from_secs_f64(number as f64 / args.rate as f64);
        while let Some(rest) = due.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
            std::thread::park_timeout(rest);
        }
        publish(TEAMS[1], format!("beside-{number}"))?;
        publish(TEAMS[0], format!("measured-{number}"))?;
    }
    publisher.flush(LONG)?;
    until_arrived(arrivals, count as usize + 1)?;
    let arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    let took = |number: u64| {
        let id = format!("measured-{number}");
        let arrived = arrivals.get(&id).context("it has arrived")?;
        Ok(arrived.duration_since(*sent.get(&id).context("it was sent")?).as_secs_f64() * 1_000.0)
    };
    (0..count).map(took).collect()
}

fn until_arrived(arrivals: &Arrivals, count: usize) -> Result<()> {
    let until = Instant::now() + LONG;
    loop {
        let arrived = arrivals.lock().unwrap_or_else(PoisonError::into_inner).len();
        if arrived >= count {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < until, "{arrived} of {count} intents have arrived");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn intent(team: &str, id: &str) -> TriggerIntent {
    let now_at = SystemClock.now_at();
    TriggerIntent {
        decision_id: id.to_owned(),
        trigger_id: "bench".to_owned(),
        trigger_version: 1,
        team_id: team.to_owned(),
        person_id: PersonId(Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes())),
        action: "notify".to_owned(),
        channel: String::new(),
        decided_at: now_at,
        valid_until_at: now_at + DAY_MS,
        payload: "{\"reason\": \"to see how long it takes\"}".to_owned(),
        account_id: None,
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
