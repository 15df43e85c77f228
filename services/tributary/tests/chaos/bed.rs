//! A broker, a directory, and the configurations and commands of the hub on them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tributary_stream::KafkaSettings;
use tributary_testkit::{Broker, Link, free_port};

/// The write key of the shoppers' web shop.
pub(crate) const WRITE_KEY: &str = "a-write-key-for-tests";
/// A member that is silent for this long has lost its partitions.
pub(crate) const SESSION_TIMEOUT_MS: u64 = 6_000;

/// What all processes share.
pub(crate) struct Bed {
    dir: TempDir,
    gateway_port: u16,
    broker: Broker,
}

/// Each third process keeps checkpoints alone, each third also copies, and each third has its state on disk.
fn state(instance: u32) -> Value {
    let mut state = json!({ "directory": "state", "checkpoint_interval_s": 5 });
    match instance % 3 {
        1 => state["standby"] = true.into(),
        2 => {
            state["store"] = "disk".into();
            state["cache_mbytes"] = 1.into();
        }
        _ => {}
    }
    state
}

impl Bed {
    /// A broker with the hub's topics.
    pub(crate) fn new() -> Self {
        let bed =
            Self { dir: TempDir::new().unwrap(), gateway_port: free_port().unwrap(), broker: Broker::start().unwrap() };
        bed.write_config("calm", bed.broker.bootstrap(), 0, free_port().unwrap());
        let applied = bed.command("calm", &["topics", "apply"]).output().unwrap();
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        bed
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn gateway_port(&self) -> u16 {
        self.gateway_port
    }

    /// A way to the broker with faults of its own.
    pub(crate) fn link(&self) -> Link {
        self.broker.link().unwrap()
    }

    /// The straight way to the broker.
    pub(crate) fn settings(&self) -> KafkaSettings {
        KafkaSettings { bootstrap: self.broker.bootstrap().to_owned(), ..KafkaSettings::default() }
    }

    /// Writes the configuration of the process `name`.
    pub(crate) fn write_config(&self, name: &str, bootstrap: &str, instance: u32, admin_port: u16) {
        let config = json!({
            "kafka": {
                "bootstrap": bootstrap,
                "instance": instance,
                "session_timeout_ms": SESSION_TIMEOUT_MS,
                "static_membership": self.broker.keeps_static_members(),
            },
            "state": state(instance),
            "gateway": {
                "listen": format!("127.0.0.1:{}", self.gateway_port),
                "write_keys": { "segment": [{ "env": "TEST_WRITE_KEY" }] },
            },
            "admin": { "listen": format!("127.0.0.1:{admin_port}") },
        });
        std::fs::write(self.config_path(name), config.to_string()).unwrap();
    }

    fn config_path(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.yaml"))
    }

    /// A command of the hub under the configuration `name`.
    pub(crate) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
        command
            .arg("--config")
            .arg(self.config_path(name))
            .args(arguments)
            .current_dir(self.dir.path())
            .env("TRIBUTARY_PSEUDONYM_KEY", "a key that is only for tests, 0123456789")
            .env("TEST_WRITE_KEY", WRITE_KEY)
            .stdin(Stdio::null());
        command
    }

    /// The answer of a command in JSON, whatever its exit code.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command("calm", arguments).args(["--output", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}
