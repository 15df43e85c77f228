//! From a raw event on its topic to the trigger on the team's, at a steady rate.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use tributary_model::time::to_rfc3339;
use tributary_model::{Domain, RawEvent, TriggerIntent, topics};
use tributary_stream::{BulkPublisher, KafkaSettings, Next, OutRecord, TopicReader};
use tributary_testkit::Broker;

use crate::hub::{Hub, HubSettings};
use crate::percentile;

const LONG: Duration = Duration::from_secs(120);
const SOURCE: &str = "events-ecommerce";
const TEAM: &str = "sales";
/// Who sends the events holds them back as long as the gateway does, and not as long as whoever loads history.
const LINGER_MS: &str = "2";
/// One of so many events fires the trigger.
pub(crate) const ONE_IN: u64 = 10;

/// The traffic.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Events a second.
    pub rate: u64,
    /// Seconds of each round.
    pub seconds: u64,
    /// Rounds; before each comes another that does not count.
    pub rounds: usize,
    /// Persons whose events they are.
    pub persons: u64,
}

/// Milliseconds of each round.
#[derive(Debug, Clone, Default)]
pub struct LatencyRun {
    /// Half of the triggers came within.
    pub p50: Vec<f64>,
    /// All but one of a hundred came within.
    pub p99: Vec<f64>,
    /// The slowest.
    pub most: Vec<f64>,
}

/// Lets a hub of its own with one trigger work, in each round on a broker of its own: the test broker gets slower with what
/// it has seen.
///
/// # Errors
/// When it ends, or triggers do not come.
pub fn latency(hub: &HubSettings, rate: Rate) -> Result<LatencyRun> {
    let mut run = LatencyRun::default();
    for _ in 0..rate.rounds {
        let mut latencies = of_a_fresh_hub(hub, rate)?;
        run.p50.push(percentile(&mut latencies, 50));
        run.p99.push(percentile(&mut latencies, 99));
        run.most.push(percentile(&mut latencies, 100));
    }
    Ok(run)
}

fn of_a_fresh_hub(hub: &HubSettings, rate: Rate) -> Result<Vec<f64>> {
    let broker = Broker::start()?;
    let directory = tempfile::tempdir()?;
    let settings = KafkaSettings { bootstrap: broker.bootstrap().to_owned(), ..KafkaSettings::default() };
    let hub = HubSettings { own_trigger_alone: true, ..hub.clone() };
    let _hub = Hub::start(&hub, broker.bootstrap(), directory.path())?;
    let mut reader = TopicReader::new(&settings, &topics::triggers(TEAM))?;
    while reader.next(Duration::from_secs(1))? != Next::CaughtUp {}
    let mut prompt = settings.clone();
    prompt.properties.insert("linger.ms".to_owned(), LINGER_MS.to_owned());
    let publisher = BulkPublisher::new(&prompt, LONG)?;
    let mut traffic = Steady { rate, settings: &settings, publisher, sent: 0 };
    traffic.round(&mut reader)?;
    traffic.round(&mut reader)
}

/// Page views and, now and then, a form.
struct Steady<'a> {
    rate: Rate,
    settings: &'a KafkaSettings,
    publisher: BulkPublisher,
    sent: u64,
}

impl Steady<'_> {
    /// Sends at the rate asked for; gives the milliseconds from sending a form to reading its trigger, committed.
    fn round(&mut self, reader: &mut TopicReader) -> Result<Vec<f64>> {
        let contracts = self.settings.contracts()?;
        let wanted = self.rate.rate * self.rate.seconds / ONE_IN;
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
        for number in 0..self.rate.rate * self.rate.seconds {
            let due = started + Duration::from_secs_f64(number as f64 / self.rate.rate as f64);
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
                body: body(&id, is_form, now_at, self.sent % self.rate.persons).into_bytes(),
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
