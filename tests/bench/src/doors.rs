//! The gateway under load: batches of events over HTTP, each answered when the broker has acknowledged all of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tempfile::TempDir;
use tributary_model::{Domain, topics};
use tributary_stream::{KafkaSettings, read_to_end};
use tributary_testkit::{Broker, free_port, is_ready};

use crate::contest::Usage;
use crate::percentile;

/// Events of a request.
const BATCH: usize = 50;
const CONNECTIONS: usize = 8;
const LONG: Duration = Duration::from_secs(60);
/// Before anything counts.
const WARM_UP: Duration = Duration::from_secs(2);
/// Between two records that go to the broker straight.
const PROBE_EVERY: Duration = Duration::from_millis(10);
const WRITE_KEY: &str = "only-for-figures";

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// Seconds of the part in which events go in as fast as they are taken.
    pub seconds: u64,
    /// Seconds of the calm part.
    pub calm_seconds: u64,
    /// Events a second of the calm part.
    pub calm: f64,
}

/// What the gateway did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DoorRun {
    /// Events for a second of its CPU, as fast as they are taken.
    pub per_cpu_second: f64,
    /// Events a second of the clock, as fast as they are taken.
    pub per_second: f64,
    /// Milliseconds to the answer in the calm part.
    pub p50_ms: f64,
    /// Milliseconds to the answer in the calm part.
    pub p99_ms: f64,
    /// Milliseconds in which the broker acknowledges a single record that comes to it straight, in the calm part.
    pub broker_p99_ms: f64,
}

/// The gateway's process; killed when it goes out of sight.
struct Gateway {
    child: Child,
    port: u16,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

/// Sends at a calm rate, and as fast as it is taken, each to a gateway and a broker of its own: what the fast part leaves
/// behind is not to slow the calm one. Makes sure that what was answered is on the topic, once.
///
/// # Errors
/// When the gateway refuses, or the topic does not have what was answered.
pub fn doors(binary: &Path, door: Door) -> Result<DoorRun> {
    let stand = Stand::new(binary)?;
    let rate = door.calm / BATCH as f64 / CONNECTIONS as f64;
    send(&stand.gateway, WARM_UP, Some(rate), "warm-up")?;
    let ended = AtomicBool::new(false);
    let (mut calm, mut straight) = std::thread::scope(|scope| {
        let probing = scope.spawn(|| straight_to_broker(stand.broker.bootstrap(), &ended));
        let calm = send(&stand.gateway, Duration::from_secs(door.calm_seconds), Some(rate), "calm");
        ended.store(true, Ordering::Release);
        let straight = probing.join().map_err(|_| anyhow::anyhow!("the probe panicked"))?;
        anyhow::Ok((calm?, straight?))
    })?;
    stand.check("calm", calm.len())?;
    drop(stand);
    let stand = Stand::new(binary)?;
    send(&stand.gateway, WARM_UP, None, "warm-up")?;
    let (begun, begun_at) = (Usage::of(stand.gateway.child.id()), Instant::now());
    let fast = send(&stand.gateway, Duration::from_secs(door.seconds), None, "fast")?;
    let (used, took) = (Usage::of(stand.gateway.child.id()).cpu_s - begun.cpu_s, begun_at.elapsed().as_secs_f64());
    stand.check("fast", fast.len())?;
    let events = (fast.len() * BATCH) as f64;
    Ok(DoorRun {
        per_cpu_second: events / used,
        per_second: events / took,
        p50_ms: percentile(&mut calm, 50),
        p99_ms: percentile(&mut calm, 99),
        broker_p99_ms: percentile(&mut straight, 99),
    })
}

/// A gateway with its broker.
struct Stand {
    gateway: Gateway,
    broker: Broker,
    _directory: TempDir,
}

impl Stand {
    fn new(binary: &Path) -> Result<Self> {
        let broker = Broker::start()?;
        let directory = tempfile::tempdir()?;
        let gateway = start(binary, broker.bootstrap(), directory.path())?;
        Ok(Self { gateway, broker, _directory: directory })
    }

    /// Demands that all events of a part's batches are on the topic, each once.
    fn check(&self, part: &str, batches: usize) -> Result<()> {
        let settings = KafkaSettings { bootstrap: self.broker.bootstrap().to_owned(), ..KafkaSettings::default() };
        let (mut found, mut twice) = (BTreeSet::new(), 0);
        let mark = format!(":{part}-");
        read_to_end(&settings, &topics::raw(Domain::Ecommerce), |record| {
            let key = String::from_utf8_lossy(&record.key).into_owned();
            if key.contains(&mark) {
                twice += usize::from(!found.insert(key));
            }
        })?;
        let (found, wanted) = ((found.len(), twice), (batches * BATCH, 0));
        ensure!(found == wanted, "events and repeats of the {part} part: {found:?} on the topic, not {wanted:?}");
        Ok(())
    }
}

/// Writes a record to the broker every now and then until told to end, past the gateway; gives the milliseconds to each
/// acknowledgement. What is late here is late by the broker or the machine.
fn straight_to_broker(bootstrap: &str, ended: &AtomicBool) -> Result<Vec<f64>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("acks", "all").set("enable.idempotence", "true");
    config.set("linger.ms", "0").set("socket.nagle.disable", "true");
    let producer: BaseProducer = config.create()?;
    let topic = topics::raw(Domain::Crm);
    let write = || -> Result<()> {
        producer.send(BaseRecord::to(&topic).key("probe").payload("probe")).map_err(|(error, _)| error)?;
        while producer.in_flight_count() > 0 {
            producer.poll(Duration::from_millis(1));
        }
        Ok(())
    };
    // The first one connects.
    write()?;
    let (started, mut number, mut latencies) = (Instant::now(), 0, Vec::new());
    while !ended.load(Ordering::Acquire) {
        let due = started + PROBE_EVERY * number;
        while let Some(rest) = due.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
            std::thread::park_timeout(rest);
        }
        write()?;
        latencies.push(due.elapsed().as_secs_f64() * 1e3);
        number += 1;
    }
    Ok(latencies)
}

fn start(binary: &Path, bootstrap: &str, directory: &Path) -> Result<Gateway> {
    let (port, admin) = (free_port()?, free_port()?);
    let config = format!(
        "kafka: {{bootstrap: '{bootstrap}'}}\nlog: {{filter: error}}\nadmin: {{listen: '127.0.0.1:{admin}'}}\n\
         gateway: {{listen: '127.0.0.1:{port}', write_keys: {{events-ecommerce: [{{env: BENCH_WRITE_KEY}}]}}}}\n"
    );
    std::fs::write(directory.join("gateway.yaml"), config)?;
    let run = |words: &[&str]| {
        let mut command = Command::new(binary);
        command.args(["--config", "gateway.yaml"]).args(words).current_dir(directory);
        command.env("TRIBUTARY_PSEUDONYM_KEY", "a key that is only for figures, 0123456789");
        command.env("BENCH_WRITE_KEY", WRITE_KEY).stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let applied = run(&["topics", "apply"]).status().context("applying topics")?;
    ensure!(applied.success(), "topics could not be made: {applied}");
    let gateway = Gateway { child: run(&["run", "gateway"]).spawn()?, port };
    let deadline = Instant::now() + LONG;
    while !is_ready(admin) {
        ensure!(Instant::now() < deadline, "the gateway is not ready after {} s", LONG.as_secs());
        std::thread::park_timeout(Duration::from_millis(50));
    }
    Ok(gateway)
}

/// Sends batches over all connections for a while, at `rate` batches a second on each or as fast as they are answered; gives
/// the milliseconds to each answer.
fn send(gateway: &Gateway, wait: Duration, rate: Option<f64>, part: &str) -> Result<Vec<f64>> {
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|place| {
                let started = Instant::now();
                // At a rate, the connections take turns.
                let lead = rate.map_or(0.0, |rate| place as f64 / CONNECTIONS as f64 / rate);
                let (started, name) = (started + Duration::from_secs_f64(lead), format!("{part}-{place}"));
                scope.spawn(move || connect(gateway.port, (started, wait), rate, &name))
            })
            .collect();
        let mut latencies = Vec::new();
        for sender in senders {
            latencies.extend(sender.join().map_err(|_| anyhow::anyhow!("a sender panicked"))??);
        }
        Ok(latencies)
    })
}

fn connect(port: u16, (started, wait): (Instant, Duration), rate: Option<f64>, name: &str) -> Result<Vec<f64>> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LONG))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let mut latencies = Vec::new();
    let mut number = 0_u32;
    loop {
        // At a rate, the clock runs from when the batch is due: who waits for a slow answer is late, too.
        let due = rate.map(|rate| started + Duration::from_secs_f64(f64::from(number) / rate));
        if due.unwrap_or_else(Instant::now).duration_since(started) > wait {
            return Ok(latencies);
        }
        let request = request(name, number)?;
        while let Some(rest) =
            due.and_then(|due| due.checked_duration_since(Instant::now())).filter(|rest| !rest.is_zero())
        {
            std::thread::park_timeout(rest);
        }
        let began = due.unwrap_or_else(Instant::now);
        writer.write_all(request.as_bytes())?;
        answer(&mut reader)?;
        latencies.push(began.elapsed().as_secs_f64() * 1e3);
        number += 1;
    }
}

fn request(name: &str, number: u32) -> Result<String> {
    let mut body = String::with_capacity(BATCH * 420);
    for event in 0..BATCH {
        writeln!(
            body,
            "{{\"id\":\"{name}-{number}-{event}\",\"type\":\"page.viewed\",\"occurred_at\":\"2026-03-01T10:00:00Z\",\
             \"identifiers\":{{\"customer_id\":\"c{}\"}},\"channel\":\"direct\",\"properties\":{{\"page\":\
             \"/kitchen/mugs/{event}\",\"referrer\":\"https://www.search.example/results?q=blue+mugs&page=2\",\"agent\":\
             \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0\",\"variant\":\"blue\"}}}}",
            number % 5_000
        )?;
    }
    Ok(format!(
        "POST /v1/sources/events-ecommerce HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n\
         Authorization: Bearer {WRITE_KEY}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// Reads one answer and demands that it is 200.
fn answer(reader: &mut BufReader<TcpStream>) -> Result<()> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let is_good = line.starts_with("HTTP/1.1 200");
    let (status, mut length) = (line.trim().to_owned(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if !is_good {
        bail!("the gateway answered {status}: {}", String::from_utf8_lossy(&body));
    }
    Ok(())
}
