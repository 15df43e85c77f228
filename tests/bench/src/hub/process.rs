//! The hub's process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tributary_testkit::{free_port, is_ready};

const LONG: Duration = Duration::from_secs(120);
/// Fires at once, for every form.
const TRIGGER: &str = "{id: bench-form, version: 1, team: sales, action: notify, pattern: [{on: form.submitted}], \
                       reentry: {per: touchpoint}, payload: {event: '{{touchpoint.touchpoint_id}}'}}";

/// What a bench wants of the hub.
#[derive(Debug, Clone, Default)]
pub struct HubSettings {
    /// Its binary; the one beside this program when left out.
    pub binary: Option<PathBuf>,
    /// True for the one trigger of the bench alone, false for it beside the shipped ones.
    pub own_trigger_alone: bool,
    /// Partitions of the keyed topics; the default when 0.
    pub partitions: u32,
}

/// The hub; killed when it goes out of sight.
#[derive(Debug)]
pub struct Hub {
    child: Child,
    /// Where its log goes.
    pub log: PathBuf,
    gateway: u16,
}

impl Hub {
    /// Starts all services in one process in `directory`, and returns when it is ready.
    ///
    /// # Errors
    /// When there is no binary, or it does not get ready.
    pub fn start(settings: &HubSettings, bootstrap: &str, directory: &Path) -> Result<Self> {
        let beside = || Some(std::env::current_exe().ok()?.with_file_name("tributary"));
        let binary = settings.binary.clone().or_else(beside).filter(|path| path.is_file());
        let binary = binary.context("there is no hub: build it with `cargo build --release --bin tributary`")?;
        let (port, gateway) = (free_port()?, free_port()?);
        let triggers = directory.join("triggers");
        std::fs::create_dir_all(&triggers)?;
        std::fs::write(triggers.join("bench-form.yaml"), TRIGGER)?;
        let directories = if settings.own_trigger_alone {
            "triggers: {directories: [triggers]}".to_owned()
        } else {
            let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/triggers").canonicalize()?;
            format!("triggers: {{directories: [triggers, '{}']}}", shipped.display())
        };
        let partitions = if settings.partitions == 0 { 4 } else { settings.partitions };
        // Event time moves with the events alone: what timers do when nothing comes is no part of what is measured.
        let config = format!(
            "kafka: {{bootstrap: '{bootstrap}', idle_after_ms: 3600000, partitions: {partitions}}}\n{directories}\n\
             gateway: {{listen: '127.0.0.1:{gateway}', write_keys: {{events-ecommerce: [{{env: BENCH_WRITE_KEY}}]}}}}\n\
             admin: {{listen: '127.0.0.1:{port}'}}\nlog: {{filter: warn}}\naudit: {{interval: 0s}}\n"
        );
        std::fs::write(directory.join("hub.yaml"), config)?;
        let log = directory.join("hub.log");
        let child = Command::new(binary)
            .args(["--config", "hub.yaml", "run", "all", "--apply-topics"])
            .current_dir(directory)
            .env("TRIBUTARY_PSEUDONYM_KEY", "a key that is only for figures, 0123456789")
            .env("BENCH_WRITE_KEY", WRITE_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()?;
        let mut hub = Self { child, log, gateway };
        let deadline = Instant::now() + LONG;
        while !is_ready(port) {
            hub.check()?;
            ensure!(Instant::now() < deadline, "the hub is not ready after {} s", LONG.as_secs());
            std::thread::park_timeout(Duration::from_millis(100));
        }
        Ok(hub)
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its gateway listens on the loopback.
    #[must_use]
    pub fn gateway_port(&self) -> u16 {
        self.gateway
    }

    /// Makes sure that it still runs.
    ///
    /// # Errors
    /// When it has ended.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            bail!("the hub ended: {status}: {}", said.lines().last().unwrap_or("it said nothing"));
        }
        Ok(())
    }
}

/// Opens the gateway of the hub that is measured.
pub(super) const WRITE_KEY: &str = "only-for-figures";

impl Drop for Hub {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}
