//! The gateway under load: batches of events over HTTP, each answered when the broker has acknowledged all of it.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tributary_model::{Domain, topics};
use tributary_stream::{KafkaSettings, read_to_end};
use tributary_testkit::{Broker, free_port, is_ready};

use crate::contest::Usage;
use crate::percentile;

/// Events of a request.
const BATCH: usize = 50;
const CONNECTIONS: usize = 8;
const LONG: Duration = Duration::from_secs(60);
const WRITE_KEY: &str = "only-for-figures";

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// Seconds of each of the two parts.
    pub seconds: u64,
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

/// Sends as fast as it is taken, and then at a calm rate; makes sure that what was answered is on the topic, once.
///
/// # Errors
/// When the gateway refuses, or the topic does not have what was answered.
pub fn doors(binary: &Path, door: Door) -> Result<DoorRun> {
    let broker = Broker::start()?;
    let directory = tempfile::tempdir()?;
    let gateway = start(binary, broker.bootstrap(), directory.path())?;
    let wait = Duration::from_secs(door.seconds);
    send(&gateway, Duration::from_secs(1), None, 0)?;
    let (begun, begun_at) = (Usage::of(gateway.child.id()), Instant::now());
    let fast = send(&gateway, wait, None, 1)?;
    let (used, took) = (Usage::of(gateway.child.id()).cpu_s - begun.cpu_s, begun_at.elapsed().as_secs_f64());
    let events = (fast.len() * BATCH) as f64;
    let mut calm = send(&gateway, wait, Some(door.calm / BATCH as f64 / CONNECTIONS as f64), 2)?;
    let settings = KafkaSettings { bootstrap: broker.bootstrap().to_owned(), ..KafkaSettings::default() };
    let (mut fast_found, mut calm_found) = (std::collections::BTreeSet::new(), 0);
    let mut twice = 0;
    read_to_end(&settings, &topics::raw(Domain::Ecommerce), |record| {
        let key = String::from_utf8_lossy(&record.key).into_owned();
        if key.contains(":d1-") {
            twice += usize::from(!fast_found.insert(key));
        } else {
            calm_found += usize::from(key.contains(":d2-"));
        }
    })?;
    let found = (fast_found.len(), calm_found, twice);
    let wanted = (fast.len() * BATCH, calm.len() * BATCH, 0);
    ensure!(
        found == wanted,
        "events of the fast and the calm part, and repeats: {found:?} on the topic, not {wanted:?}"
    );
    Ok(DoorRun {
        per_cpu_second: events / used,
        per_second: events / took,
        p50_ms: percentile(&mut calm, 50),
        p99_ms: percentile(&mut calm, 99),
    })
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
fn send(gateway: &Gateway, wait: Duration, rate: Option<f64>, part: usize) -> Result<Vec<f64>> {
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|connection| scope.spawn(move || connect(gateway.port, wait, rate, &format!("d{part}-{connection}"))))
            .collect();
        let mut latencies = Vec::new();
        for sender in senders {
            latencies.extend(sender.join().map_err(|_| anyhow::anyhow!("a sender panicked"))??);
        }
        Ok(latencies)
    })
}

fn connect(port: u16, wait: Duration, rate: Option<f64>, name: &str) -> Result<Vec<f64>> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LONG))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let mut latencies = Vec::new();
    let started = Instant::now();
    let mut number = 0_u32;
    loop {
        // At a rate, the clock runs from when the batch is due: who waits for a slow answer is late, too.
        let due = rate.map(|rate| started + Duration::from_secs_f64(f64::from(number) / rate));
        if due.unwrap_or_else(Instant::now).duration_since(started) > wait {
            return Ok(latencies);
        }
        while let Some(rest) =
            due.and_then(|due| due.checked_duration_since(Instant::now())).filter(|rest| !rest.is_zero())
        {
            std::thread::park_timeout(rest);
        }
        let request = request(name, number)?;
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
