//! One process of the hub with its own way to the broker; what a pod is to its cluster.

use std::fs::OpenOptions;
use std::process::{Child, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tributary_testkit::{Link, free_port};

use crate::bed::Bed;

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A service of the hub.
    Service(&'static str),
    /// Loads the tables.
    Loader,
}

/// One process.
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) instance: u32,
    pub(crate) link: Link,
    arguments: Vec<String>,
    child: Option<Child>,
    pub(crate) is_frozen: bool,
}

impl Pod {
    pub(crate) fn service(bed: &Bed, service: &'static str, instance: u32, name: String) -> Self {
        Self::new(bed, Role::Service(service), instance, name, vec!["run".to_owned(), service.to_owned()])
    }

    pub(crate) fn loader(bed: &Bed, arguments: Vec<String>) -> Self {
        Self::new(bed, Role::Loader, 0, "loader".to_owned(), arguments)
    }

    fn new(bed: &Bed, role: Role, instance: u32, name: String, arguments: Vec<String>) -> Self {
        let link = bed.link();
        bed.write_config(&name, link.bootstrap(), instance, free_port().unwrap());
        Self { name, role, instance, link, arguments, child: None, is_frozen: false }
    }

    /// Starts the process unless it runs.
    pub(crate) fn start(&mut self, bed: &Bed) {
        if self.child.is_some() {
            return;
        }
        let log =
            OpenOptions::new().create(true).append(true).open(bed.dir().join(format!("{}.log", self.name))).unwrap();
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let child = bed.command(&self.name, &arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.child = Some(child);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// SIGKILL; returns when it is gone.
    pub(crate) fn kill(&mut self) {
        self.is_frozen = false;
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            if child.kill().is_ok() {
                drop(child.wait());
            }
        }
    }

    /// SIGTERM: it may end in its own time.
    pub(crate) fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGSTOP: it stands still and knows nothing of it.
    pub(crate) fn freeze(&mut self) {
        self.is_frozen = true;
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub(crate) fn thaw(&mut self) {
        self.is_frozen = false;
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            // One that has ended by itself hears nothing.
            kill_process(Pid::from_child(child), signal).unwrap_or_default();
        }
    }

    /// How it ended, if it has by now.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().unwrap()?;
        self.child = None;
        Some(status)
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        self.kill();
    }
}
