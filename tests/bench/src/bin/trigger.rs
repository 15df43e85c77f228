//! From a raw event on its topic to the trigger on the team's: the whole hub as a process, at a steady rate.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use tributary_bench::{Spread, percentile};
use tributary_model::time::to_rfc3339;
use tributary_model::{Domain, RawEvent, TriggerIntent, topics};
use tributary_stream::{BulkPublisher, KafkaSettings, Next, OutRecord, TopicReader};
use tributary_testkit::{Broker, free_port, is_ready};

const LONG: Duration = Duration::from_secs(120);
const SOURCE: &str = "events-ecommerce";
const TEAM: &str = "sales";
/// One of so many events fires the trigger.
const ONE_IN: u64 = 10;
/// Fires at once, for every form.
const TRIGGER: &str = "{id: bench-form, version: 1, team: sales, action: notify, pattern: [{on: form.submitted}], \
                       reentry: {per: touchpoint}, payload: {event: '{{touchpoint.touchpoint_id}}'}}";

/// Latency from a raw event to its trigger.
#[derive(Debug, Parser)]
struct Args {
    /// The hub's binary; the one beside this program when left out
    #[arg(long)]
    hub: Option<PathBuf>,
    /// Events a second
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// Seconds of each round
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Rounds; the first warms up and is not counted
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Persons whose events they are
    #[arg(long, default_value_t = 20_000)]
    persons: u64,
}

/// The hub; killed when it goes out of sight.
struct Hub(Child);

impl Drop for Hub {
    fn drop(&mut self) {
        if self.0.kill().is_ok() {
            drop(self.0.wait());
        }
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    let broker = Broker::start()?;
    let directory = tempfile::tempdir()?;
    let settings = KafkaSettings { bootstrap: broker.bootstrap().to_owned(), ..KafkaSettings::default() };
    let _hub = start(&args, &settings, directory.path())?;
    let mut reader = TopicReader::new(&settings, &topics::triggers(TEAM))?;
    while reader.next(Duration::from_secs(1))? != Next::CaughtUp {}
    let mut traffic = Traffic::new(&args, &settings)?;
    let (mut p50, mut p99, mut most) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..args.rounds {
        let mut latencies = traffic.round(&mut reader)?;
        if round > 0 {
            p50.push(percentile(&mut latencies, 50));
            p99.push(percentile(&mut latencies, 99));
            most.push(percentile(&mut latencies, 100));
        }
    }
    let (p50, p99, most) = (Spread::of(p50), Spread::of(p99), Spread::of(most));
    let out = &mut std::io::stdout();
    writeln!(
        out,
        "\n| raw event → trigger, {} events/s, one in {ONE_IN} fires | p50 ms | p99 ms | most ms |",
        args.rate
    )?;
    writeln!(out, "|---|---|---|---|\n| {} rounds of {} s | {p50} | {p99} | {most} |", args.rounds - 1, args.seconds)?;
    Ok(())
}

/// Starts the hub with one trigger, and returns when it is ready.
fn start(args: &Args, settings: &KafkaSettings, directory: &Path) -> Result<Hub> {
    let beside = || Some(std::env::current_exe().ok()?.with_file_name("tributary"));
    let hub = args.hub.clone().or_else(beside).filter(|path| path.is_file());
    let hub = hub.context("there is no hub: build it with `cargo build --release --bin tributary`")?;
    let (port, gateway) = (free_port()?, free_port()?);
    std::fs::create_dir(directory.join("triggers"))?;
    std::fs::write(directory.join("triggers/bench-form.yaml"), TRIGGER)?;
    let bootstrap = &settings.bootstrap;
    let config = format!(
        "kafka: {{bootstrap: '{bootstrap}'}}\ntriggers: {{directories: [triggers]}}\n\
         gateway: {{listen: '127.0.0.1:{gateway}'}}\nadmin: {{listen: '127.0.0.1:{port}'}}\nlog: {{filter: warn}}\n"
    );
    std::fs::write(directory.join("hub.yaml"), config)?;
    let child = Command::new(hub)
        .args(["--config", "hub.yaml", "run", "all", "--apply-topics"])
        .current_dir(directory)
        .env("TRIBUTARY_PSEUDONYM_KEY", "a key that is only for figures, 0123456789")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let mut hub = Hub(child);
    let deadline = Instant::now() + LONG;
    while !is_ready(port) {
        if let Some(status) = hub.0.try_wait()? {
            bail!("the hub ended: {status}");
        }
        ensure!(Instant::now() < deadline, "the hub is not ready after {} s", LONG.as_secs());
        std::thread::park_timeout(Duration::from_millis(100));
    }
    Ok(hub)
}

/// Page views and, now and then, a form.
struct Traffic<'a> {
    args: &'a Args,
    settings: &'a KafkaSettings,
    publisher: BulkPublisher,
    sent: u64,
}

impl<'a> Traffic<'a> {
    fn new(args: &'a Args, settings: &'a KafkaSettings) -> Result<Self> {
        Ok(Self { args, settings, publisher: BulkPublisher::new(settings, LONG)?, sent: 0 })
    }

    /// Sends at the rate asked for; gives the milliseconds from sending a form to reading its trigger, committed.
    fn round(&mut self, reader: &mut TopicReader) -> Result<Vec<f64>> {
        let contracts = self.settings.contracts()?;
        let wanted = self.args.rate * self.args.seconds / ONE_IN;
        let (sender, sent): (_, Receiver<(String, Instant)>) = channel();
        std::thread::scope(|scope| {
            let sending = scope.spawn(|| self.send(&sender));
            let (mut begun, mut latencies) = (HashMap::new(), Vec::new());
            let deadline = Instant::now() + LONG;
            while (latencies.len() as u64) < wanted {
                ensure!(Instant::now() < deadline, "{} of {wanted} triggers came", latencies.len());
                let Next::Record(record) = reader.next(Duration::from_millis(20))? else { continue };
                let read = Instant::now();
                begun.extend(sent.try_iter());
                let intent: TriggerIntent = contracts.decode(&record.value.context("an intent has a value")?)?;
                let event = intent.payload.trim_end_matches("\"}").rsplit(':').next();
                if let Some(at) = event.and_then(|event| begun.remove(event)) {
                    latencies.push(read.duration_since(at).as_secs_f64() * 1_000.0);
                }
            }
            sending.join().map_err(|_| anyhow::anyhow!("sending panicked"))??;
            Ok(latencies)
        })
    }

    fn send(&mut self, sender: &Sender<(String, Instant)>) -> Result<()> {
        let contracts = self.settings.contracts()?;
        let topic = topics::raw(Domain::Ecommerce);
        let started = Instant::now();
        for number in 0..self.args.rate * self.args.seconds {
            let due = started + Duration::from_secs_f64(number as f64 / self.args.rate as f64);
            while let Some(rest) = due.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
                std::thread::park_timeout(rest);
            }
            self.sent += 1;
            let id = format!("e{}", self.sent);
            let is_form = number % ONE_IN == ONE_IN - 1;
            let now_at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
            let raw = RawEvent {
                source: SOURCE.to_owned(),
                event_id: Some(id.clone()),
                received_at: now_at,
                content_type: "application/json".to_owned(),
                body: body(&id, is_form, now_at, self.sent % self.args.persons).into_bytes(),
            };
            let key = format!("{SOURCE}:{id}").into_bytes();
            let value = Some(contracts.encode(&topic, &raw)?);
            if is_form {
                sender.send((id, Instant::now()))?;
            }
            self.publisher.send(&OutRecord { topic: topic.clone(), key, value, headers: Vec::new() })?;
        }
        Ok(self.publisher.flush(LONG)?)
    }
}

fn body(id: &str, is_form: bool, at: i64, person: u64) -> String {
    let event_type = if is_form { "form.submitted" } else { "page.viewed" };
    format!(
        r#"{{"id":"{id}","type":"{event_type}","occurred_at":"{}","identifiers":{{"customer_id":"c{person}"}},"channel":"direct","direction":"inbound"}}"#,
        to_rfc3339(at)
    )
}
