//! All processes, and the supervisor that starts those again that end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tributary_testkit::eventually_every;

use crate::bed::Bed;
use crate::pod::{Pod, Role};
use crate::tables::Tables;

/// The services that run as processes of their own.
pub(crate) const SERVICES: [&str; 5] = ["gateway", "normalizer", "identity", "journey", "insight"];

/// The processes.
pub(crate) struct Fleet<'a> {
    bed: &'a Bed,
    pub(crate) pods: Vec<Pod>,
    /// How many instances each service has.
    counts: BTreeMap<&'static str, u32>,
    is_loaded: bool,
    own_ends: u64,
    replacements: u32,
}

impl<'a> Fleet<'a> {
    /// One process a service, and one that loads `tables`.
    pub(crate) fn start(bed: &'a Bed, tables: &Tables) -> Self {
        let mut pods: Vec<Pod> =
            SERVICES.into_iter().map(|service| Pod::service(bed, service, 0, format!("{service}-0"))).collect();
        let directory = tables.directory().display().to_string();
        let arguments = ["load", "complete-journey", &directory, "--rate", "400"].map(str::to_owned);
        pods.push(Pod::loader(bed, arguments.to_vec()));
        pods.iter_mut().for_each(|pod| pod.start(bed));
        let counts = SERVICES.into_iter().map(|service| (service, 1)).collect();
        Self { bed, pods, counts, is_loaded: false, own_ends: 0, replacements: 0 }
    }

    /// Processes that ended by themselves, other than by finishing their work.
    pub(crate) fn own_ends(&self) -> u64 {
        self.own_ends
    }

    /// Starts a process that was killed, unless it is not wanted any more.
    pub(crate) fn start_again(&mut self, name: &str) {
        let Some(at) = self.pods.iter().position(|pod| pod.name == name) else { return };
        let is_wanted = match self.pods[at].role {
            Role::Loader => !self.is_loaded,
            Role::Service(service) => self.pods[at].instance < self.counts[service] && !self.has_twin(at),
        };
        if is_wanted {
            self.pods[at].start(self.bed);
        } else if self.pods[at].role != Role::Loader {
            self.pods.remove(at);
        }
    }

    /// Another process runs under the same instance number.
    fn has_twin(&self, at: usize) -> bool {
        let one = &self.pods[at];
        self.pods.iter().any(|other| {
            other.role == one.role && other.instance == one.instance && other.name != one.name && other.is_running()
        })
    }

    /// A second process under the same instance number, as a supervisor starts it that takes a silent one for dead.
    pub(crate) fn replace(&mut self, at: usize) {
        let Role::Service(service) = self.pods[at].role else { return };
        self.replacements += 1;
        let name = format!("{service}-{}-replacement-{}", self.pods[at].instance, self.replacements);
        let mut pod = Pod::service(self.bed, service, self.pods[at].instance, name);
        pod.start(self.bed);
        self.pods.push(pod);
    }

    /// Brings a service to `count` instances; those that go are asked to.
    pub(crate) fn scale(&mut self, service: &'static str, count: u32) {
        self.counts.insert(service, count);
        let role = Role::Service(service);
        for instance in 0..count {
            if !self.pods.iter().any(|pod| pod.role == role && pod.instance == instance) {
                let mut pod = Pod::service(self.bed, service, instance, format!("{service}-{instance}"));
                pod.start(self.bed);
                self.pods.push(pod);
            }
        }
        for pod in self.pods.iter().filter(|pod| pod.role == role && pod.instance >= count) {
            pod.ask_to_stop();
        }
    }

    /// Starts those again that have ended; a service that was scaled away or replaced may go.
    pub(crate) fn supervise(&mut self) {
        let mut gone = Vec::new();
        for at in 0..self.pods.len() {
            let Some(status) = self.pods[at].ended() else { continue };
            self.own_ends += u64::from(!status.success());
            let is_wanted = match self.pods[at].role {
                Role::Loader => {
                    self.is_loaded = status.success();
                    !status.success()
                }
                Role::Service(service) if self.pods[at].instance >= self.counts[service] || self.has_twin(at) => {
                    gone.push(self.pods[at].name.clone());
                    false
                }
                Role::Service(_) => true,
            };
            if is_wanted {
                self.pods[at].start(self.bed);
            }
        }
        self.pods.retain(|pod| !gone.contains(&pod.name));
    }

    /// Ends the storm: all connections good, nobody frozen, one instance of each service.
    pub(crate) fn calm(&mut self) {
        for pod in &mut self.pods {
            pod.link.heal();
            if pod.is_frozen {
                pod.thaw();
            }
        }
        for service in SERVICES {
            self.scale(service, 1);
        }
        let idle: Vec<String> = self.pods.iter().filter(|pod| !pod.is_running()).map(|pod| pod.name.clone()).collect();
        idle.iter().for_each(|name| self.start_again(name));
    }

    /// Waits until the loader has ended well.
    pub(crate) fn until_loaded(&mut self, timeout: Duration) {
        let loaded = eventually_every(Duration::from_millis(200), timeout, || {
            self.supervise();
            self.is_loaded.then_some(())
        });
        assert!(loaded.is_some(), "the tables are not loaded after {} s: {}", timeout.as_secs(), self.log_tails());
    }

    /// Waits until every stage has read what was written for it and every account adds up.
    pub(crate) fn until_settled(&mut self, timeout: Duration) -> Value {
        let mut last = Value::Null;
        let settled = eventually_every(Duration::from_secs(2), timeout, || {
            self.supervise();
            let before = last.take();
            last = self.bed.json(&["reconcile"]);
            // Twice the same: what was on its way to the raw topics has come.
            (last["adds_up"] == true && last["stages"] == before["stages"]).then_some(())
        });
        assert!(settled.is_some(), "not settled after {} s: {last:#}\n{}", timeout.as_secs(), self.log_tails());
        last
    }

    /// The ends of all logs.
    fn log_tails(&self) -> String {
        let tail = |pod: &Pod| {
            let text = std::fs::read_to_string(self.bed.dir().join(format!("{}.log", pod.name))).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(8).collect();
            format!("== {}\n{}", pod.name, lines.join("\n"))
        };
        self.pods.iter().map(tail).collect::<Vec<_>>().join("\n")
    }
}
