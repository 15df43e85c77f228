//! A broker for tests: one process with a fresh data directory, killed when the value goes.

use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::link::Link;
use crate::long_poll::LongPoll;
use crate::news::News;
use crate::ports::free_port;
use crate::sessions::Sessions;
use crate::wait::eventually;

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The broker's program is not there.
    #[error(
        "the test broker {path} is not there: run ./test once, which installs it, or set TRIBUTARY_TEST_BOOTSTRAP to a Kafka"
    )]
    NotInstalled {
        /// Where it was looked for.
        path: String,
    },
    /// The system refused.
    #[error("the test broker could not be started: {0}")]
    Io(#[from] io::Error),
    /// It started and does not listen.
    #[error("the test broker does not listen on 127.0.0.1:{port} after 30 s")]
    Silent {
        /// The port it was given.
        port: u16,
    },
}

/// A broker that speaks Kafka's protocol; with `TRIBUTARY_TEST_BOOTSTRAP` set, the Kafka named there.
#[derive(Debug)]
pub struct Broker {
    bootstrap: String,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    port: u16,
    sessions: Sessions,
    news: News,
    shim: LongPoll,
    _data: TempDir,
}

impl Broker {
    /// Starts a broker on a free loopback port, behind a shim that holds back empty fetch answers.
    ///
    /// # Errors
    /// [`BrokerError`] says what is missing.
    pub fn start() -> Result<Self, BrokerError> {
        if let Ok(bootstrap) = std::env::var("TRIBUTARY_TEST_BOOTSTRAP") {
            return Ok(Self { bootstrap, process: None });
        }
        let program = program();
        if !program.is_file() {
            return Err(BrokerError::NotInstalled { path: program.display().to_string() });
        }
        let program = behind_wrapper(&program).unwrap_or(program);
        let data = TempDir::new()?;
        keep_from_saving(data.path())?;
        let port = free_port()?;
        let child = Command::new(&program)
            .args(["start", "--only", "kafka", "--kafka-port", &port.to_string(), "--data-dir"])
            .arg(data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let sessions = Sessions::watch(port);
        let news = News::default();
        let shim = LongPoll::start(port, sessions.clone(), news.clone())?;
        let mut process = Process { child, port, sessions, news, shim, _data: data };
        let up = eventually(Duration::from_secs(30), || TcpStream::connect(("127.0.0.1", port)).ok());
        if up.is_none() {
            process.child.kill()?;
            return Err(BrokerError::Silent { port });
        }
        Ok(Self { bootstrap: process.shim.bootstrap(), process: Some(process) })
    }

    /// Ends all connections and lets no new one through, as if the broker were gone; with `false` it is back. Does nothing
    /// with a broker from outside.
    pub fn cut(&self, is_cut: bool) {
        if let Some(process) = &self.process {
            if is_cut {
                process.shim.faults().block();
            } else {
                process.shim.faults().heal();
            }
        }
    }

    /// Stops the broker's process where it is, so that it answers nothing while connections stay; with `false` it goes on.
    /// Does nothing with a broker from outside.
    ///
    /// # Errors
    /// When the system refuses the signal.
    pub fn hang(&self, hangs: bool) -> io::Result<()> {
        let Some(process) = &self.process else { return Ok(()) };
        let signal = if hangs { "-STOP" } else { "-CONT" };
        let status = Command::new("kill").args([signal, &process.child.id().to_string()]).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("kill {signal} ended with {status}"))) }
    }

    /// The broker's address.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// True when members of a group may be static (KIP-345) where several share it. On the test broker they may not: when a
    /// static leader comes back in a stable group, it takes the leader's new assignment and tells nobody else, so that two
    /// members work on one partition.
    #[must_use]
    pub fn keeps_static_members(&self) -> bool {
        self.process.is_none()
    }

    /// A way to the broker of its own, whose faults touch nobody else. On a Kafka named by `TRIBUTARY_TEST_BOOTSTRAP` it is
    /// the straight way, without faults: a Kafka names addresses that the test kit does not know.
    ///
    /// # Errors
    /// [`BrokerError::Io`] when no port is free.
    pub fn link(&self) -> Result<Link, BrokerError> {
        Ok(match &self.process {
            Some(process) => {
                let (sessions, news) = (process.sessions.clone(), process.news.clone());
                Link::shimmed(LongPoll::start(process.port, sessions, news)?)
            }
            None => Link::straight(self.bootstrap.clone()),
        })
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // SIGKILL: on SIGTERM it would write its memory to disk first. Nothing is left to do if that fails.
            if process.child.kill().is_ok() {
                drop(process.child.wait());
            }
        }
    }
}

/// Keeps the broker from saving. Every second it stops the world to copy all that it has, and then writes that to a file,
/// which takes most of a core once there are some hundred megabytes. Where the file should come it finds a pipe that nobody
/// reads, and the thread that saves waits there for ever. The data dies with the broker in any case.
fn keep_from_saving(data: &Path) -> io::Result<()> {
    let status = Command::new("mkfifo").arg(data.join("kafka.tmp")).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("mkfifo ended with {status}"))) }
}

/// Where `./test` has installed the broker: `TRIBUTARY_TEST_BROKER`, else `target/tools/bin/noida-db`.
fn program() -> PathBuf {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin/noida-db");
    std::env::var_os("TRIBUTARY_TEST_BROKER").map_or_else(default, PathBuf::from)
}

/// The broker itself, when `program` is the Python script that starts it: a signal to the script would not reach the broker,
/// which would outlive the test.
fn behind_wrapper(program: &Path) -> Option<PathBuf> {
    let libraries = program.parent()?.parent()?.join("lib").read_dir().ok()?;
    let candidates = libraries.flatten().map(|python| python.path().join("site-packages/noida_db/noida-db"));
    candidates.into_iter().find(|candidate| candidate.is_file())
}
