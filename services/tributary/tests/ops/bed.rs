//! A broker, a configuration with a source of its own, and the hub's processes on them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tributary_stream::{BulkPublisher, KafkaSettings, OutRecord, Record, read_to_end};
use tributary_testkit::{Broker, eventually, eventually_every, free_port};

pub(crate) const RAW: &str = "tributary.raw.store";

/// A mapping that fails for events of the kind `odd`, and one that does not.
pub(crate) const BAD_MAPPING: &str = r#"
if .body.kind == "odd" { abort "this kind is not mapped yet" }
{ "id": .body.id, "type": "store.visited", "occurred_at": .body.at, "identifiers": { "loyalty_id": .body.member } }
"#;
pub(crate) const GOOD_MAPPING: &str = r#"
{ "id": .body.id, "type": "store.visited", "occurred_at": .body.at, "identifiers": { "loyalty_id": .body.member } }
"#;

/// With which the hub signs webhooks.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(crate) struct Bed {
    pub(crate) broker: Broker,
    pub(crate) dir: TempDir,
    gateway_port: u16,
    admin_port: u16,
}

/// A process that is killed when it goes out of sight.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        if self.0.kill().is_ok() {
            drop(self.0.wait());
        }
    }
}

impl Bed {
    /// With all topics made.
    pub(crate) fn new() -> Self {
        let bed = Self {
            broker: Broker::start().unwrap(),
            dir: TempDir::new().unwrap(),
            gateway_port: free_port().unwrap(),
            admin_port: free_port().unwrap(),
        };
        let config = json!({
            "definitions": "definitions",
            "kafka": {
                "bootstrap": bed.broker.bootstrap(), "session_timeout_ms": 6000, "stuck_after_ms": 2000, "partitions": 2,
            },
            "gateway": { "listen": format!("127.0.0.1:{}", bed.gateway_port) },
            "admin": { "listen": format!("127.0.0.1:{}", bed.admin_port) },
            "audit": { "interval": "1s" },
        });
        std::fs::write(bed.dir.path().join("tributary.yaml"), config.to_string()).unwrap();
        let source = bed.source();
        std::fs::create_dir_all(&source).unwrap();
        let about = "domain: store\ndescription: Till\nauth: none\nevent_id: [/id]\ntypes: [store.visited, store.purchased, consent.changed]\n";
        std::fs::write(source.join("source.yaml"), about).unwrap();
        bed.map(BAD_MAPPING);
        let applied = bed.run(&["topics", "apply"]);
        assert!(applied.status.success(), "{}", said(&applied));
        bed
    }

    /// Sets a key of the configuration; the hub has to be started again to see it.
    pub(crate) fn set(&self, key: &str, value: Value) {
        let path = self.dir.path().join("tributary.yaml");
        let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config[key] = value;
        std::fs::write(path, config.to_string()).unwrap();
    }

    /// Where its admin server listens.
    pub(crate) fn admin_address(&self) -> String {
        format!("127.0.0.1:{}", self.admin_port)
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.dir.path().join("definitions/sources/till")
    }

    /// Gives the source another mapping; the hub has to be started again to see it.
    pub(crate) fn map(&self, mapping: &str) {
        std::fs::write(self.source().join("mapping.vrl"), mapping).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
        command
            .args(["--config", "tributary.yaml"])
            .args(arguments)
            .current_dir(self.dir.path())
            .env("TRIBUTARY_PSEUDONYM_KEY", "a key that is only for tests, 0123456789")
            .env("NEW_PSEUDONYM_KEY", "another key that is only for tests, 987654321")
            .env("TEST_WEBHOOK_SECRET", WEBHOOK_SECRET)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The answer of a command in JSON, whatever its exit code.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).args(["--output", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", said(&output)))
    }

    /// The hub in one process, once it is ready.
    pub(crate) fn hub(&self) -> Running {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let child = self.command(&["run", "all"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let hub = Running(child);
        self.until_ready(true);
        hub
    }

    /// One service in a process beside the hub, once it has taken over partitions of its own.
    pub(crate) fn second(&self, service: &str) -> Running {
        let log = self.dir.path().join("second.log");
        let admin = format!("admin.listen=127.0.0.1:{}", free_port().unwrap());
        let mut command = self.command(&["run", service, "--set", "kafka.instance=1", "--set", &admin]);
        let file = std::fs::File::create(&log).unwrap();
        let running = Running(command.stdout(Stdio::null()).stderr(file).spawn().unwrap());
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let is_at_work = || said().contains("partitions taken over").then_some(());
        assert!(eventually(Duration::from_secs(60), is_at_work).is_some(), "{}", said());
        running
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("hub.log")
    }

    pub(crate) fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        text.lines().rev().take(30).collect::<Vec<_>>().join("\n")
    }

    /// Waits until `/readyz` says so, and gives its answer.
    pub(crate) fn until_ready(&self, ready: bool) -> Value {
        let mut last = None;
        let found = eventually_every(Duration::from_millis(100), Duration::from_secs(120), || {
            last = self.get("/readyz").and_then(|body| serde_json::from_str::<Value>(&body).ok());
            last.clone().filter(|answer| answer["ready"] == ready)
        });
        found.unwrap_or_else(|| panic!("ready is not {ready}: {last:?}\n{}", self.log_tail()))
    }

    /// The body of an answer of the admin server; `None` when nobody listens.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.admin_port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// Posts one event of the till; the status of the answer, or 0 when there was none.
    pub(crate) fn post(&self, event: &Value) -> u16 {
        let body = event.to_string();
        let head = format!(
            "POST /v1/sources/till HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let answer = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.gateway_port)).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
            stream.write_all((head.clone() + &body).as_bytes()).ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            answer.split(' ').nth(1)?.parse().ok()
        };
        answer().unwrap_or(0)
    }

    pub(crate) fn settings(&self) -> KafkaSettings {
        KafkaSettings { bootstrap: self.broker.bootstrap().to_owned(), ..KafkaSettings::default() }
    }

    /// Writes records past the gateway.
    pub(crate) fn publish(&self, records: &[OutRecord]) {
        let publisher = BulkPublisher::new(&self.settings(), Duration::from_secs(30)).unwrap();
        records.iter().for_each(|record| publisher.send(record).unwrap());
        publisher.flush(Duration::from_secs(30)).unwrap();
    }

    /// All committed records of a topic.
    pub(crate) fn records(&self, topic: &str) -> Vec<Record> {
        let mut records = Vec::new();
        read_to_end(&self.settings(), topic, |record| records.push(record)).unwrap();
        records
    }

    /// Waits until the normalizer has taken `events` and every stage what was written for it; gives the audit.
    pub(crate) fn until_settled(&self, events: i64) -> Value {
        self.until_settled_within(events, Duration::from_secs(120))
    }

    /// The same, for so many events that it takes longer.
    pub(crate) fn until_settled_within(&self, events: i64, patience: Duration) -> Value {
        let mut last = Value::Null;
        let settled = eventually_every(Duration::from_millis(500), patience, || {
            last = self.json(&["reconcile"]);
            let accepted = account(&last, "normalizer")["accepted"].as_i64().unwrap_or(0);
            (accepted >= events && last["adds_up"] == true).then_some(())
        });
        assert!(settled.is_some(), "of {events} events: {last:#}\n{}", self.log_tail());
        last
    }

    /// Waits until a line of the metrics is so.
    pub(crate) fn until_metric(&self, line: impl Fn(&str) -> bool) {
        let found = eventually(Duration::from_secs(60), || self.get("/metrics")?.lines().any(&line).then_some(()));
        assert!(found.is_some(), "{}", self.get("/metrics").unwrap_or_default());
    }
}

/// An event of the till, an hour ago.
pub(crate) fn event(id: &str, kind: &str) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    json!({ "id": id, "kind": kind, "member": format!("member-of-{id}"), "at": now - 3_600_000 })
}

/// The same as own producers write it.
pub(crate) fn bare(id: &str, kind: &str) -> OutRecord {
    OutRecord {
        topic: RAW.to_owned(),
        key: id.as_bytes().to_vec(),
        value: Some(event(id, kind).to_string().into_bytes()),
        headers: vec![("tributary.source".to_owned(), b"till".to_vec())],
    }
}

pub(crate) fn account<'a>(audit: &'a Value, stage: &str) -> &'a Value {
    let stages = audit["stages"].as_array().unwrap();
    stages.iter().find(|account| account["stage"] == stage).unwrap_or(&Value::Null)
}

pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
