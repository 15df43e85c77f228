//! A broker, the hub as a process, and its configuration: the shipped triggers and nine more, caps, quiet hours, arbitration,
//! and a global control group.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tributary_model::time::DAY_MS;
use tributary_schema::Contracts;
use tributary_stream::KafkaSettings;
use tributary_testkit::{Broker, eventually, eventually_every, free_port, is_ready};

use crate::rules;

/// Where the definitions of triggers are.
const TRIGGERS: &str = "triggers";

/// What all processes share.
pub(crate) struct Bed {
    dir: TempDir,
    admin_port: u16,
    broker: Broker,
}

/// The hub; killed when it goes out of sight.
pub(crate) struct Hub(Child);

impl Drop for Hub {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with(rules::configuration(TRIGGERS), json!({}))
    }

    /// One that leaves nothing to chance: one partition; no clock, which moves event time on where nothing comes; and without
    /// the trigger about accounts, which hear of a touch and of who belongs to them on two topics, in any order. Its
    /// transactions are small, so that a kill comes between some.
    pub(crate) fn without_chance() -> Self {
        let mut triggers = rules::configuration(TRIGGERS);
        triggers["disabled"] = json!(["account-hot-to-sales"]);
        Self::with(triggers, json!({ "partitions": 1, "idle_after_ms": DAY_MS, "commit_records": 20 }))
    }

    fn with(triggers: Value, mut kafka: Value) -> Self {
        let bed =
            Self { dir: TempDir::new().unwrap(), admin_port: free_port().unwrap(), broker: Broker::start().unwrap() };
        rules::write(&bed.dir.path().join(TRIGGERS));
        kafka["bootstrap"] = json!(bed.broker.bootstrap());
        kafka["session_timeout_ms"] = json!(6000);
        let config = json!({
            "kafka": kafka,
            "state": { "directory": "state", "checkpoint_interval_s": 5 },
            "canvas": { "directory": Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/canvas") },
            "triggers": triggers,
            "gateway": { "listen": format!("127.0.0.1:{}", free_port().unwrap()) },
            "admin": { "listen": format!("127.0.0.1:{}", bed.admin_port) },
        });
        std::fs::write(bed.dir.path().join("tributary.yaml"), config.to_string()).unwrap();
        for arguments in [&["check"][..], &["topics", "apply"]] {
            let done = bed.command(arguments).output().unwrap();
            assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        }
        bed
    }

    pub(crate) fn settings(&self) -> KafkaSettings {
        KafkaSettings { bootstrap: self.broker.bootstrap().to_owned(), ..KafkaSettings::default() }
    }

    pub(crate) fn contracts(&self) -> std::sync::Arc<Contracts> {
        self.settings().contracts().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
        command
            .args(["--config", "tributary.yaml"])
            .args(arguments)
            .current_dir(self.dir.path())
            .env("TRIBUTARY_PSEUDONYM_KEY", "a key that is only for tests, 0123456789")
            .stdin(Stdio::null());
        command
    }

    /// Starts the hub, ready.
    pub(crate) fn hub(&self) -> Hub {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("hub.log")).unwrap();
        let hub = Hub(self.command(&["run", "all"]).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let ready = eventually(Duration::from_secs(120), || is_ready(self.admin_port).then_some(()));
        assert!(ready.is_some(), "the hub is not ready: {}", self.log_tail());
        hub
    }

    fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.dir.path().join("hub.log")).unwrap_or_default();
        text.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    }

    /// Waits until every stage has read what was written for it.
    pub(crate) fn until_settled(&self, timeout: Duration) {
        let mut last = Value::Null;
        let settled = eventually_every(Duration::from_millis(300), timeout, || {
            let before = last.take();
            let output = self.command(&["reconcile", "--output", "json"]).output().unwrap();
            last = serde_json::from_slice(&output.stdout).unwrap_or_default();
            (last["adds_up"] == true && last["stages"] == before["stages"]).then_some(())
        });
        assert!(settled.is_some(), "not settled after {} s: {last:#}\n{}", timeout.as_secs(), self.log_tail());
    }
}
