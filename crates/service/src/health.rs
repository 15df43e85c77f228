//! Whether the process can take work, and what it waits for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// The readiness of a process, made of named components; clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Health {
    components: Arc<Mutex<BTreeMap<String, Option<String>>>>,
}

/// One part of the process that has to be ready; it is not until it says so.
#[derive(Debug, Clone)]
pub struct Component {
    name: String,
    health: Health,
}

/// What `/readyz` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthReport {
    /// Whether all components are ready.
    pub ready: bool,
    /// The components by name.
    pub components: BTreeMap<String, ComponentReport>,
}

/// One component in a [`HealthReport`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComponentReport {
    /// Whether it is ready.
    pub ready: bool,
    /// What it waits for, when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Health {
    /// No components: ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.components.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a component that is not ready, because it is starting.
    #[must_use]
    pub fn component(&self, name: impl Into<String>) -> Component {
        let name = name.into();
        self.lock().insert(name.clone(), Some("starting".to_owned()));
        Component { name, health: self.clone() }
    }

    /// Whether all components are ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock().values().all(Option::is_none)
    }

    /// All components as they are now.
    #[must_use]
    pub fn report(&self) -> HealthReport {
        let components: BTreeMap<_, _> = self
            .lock()
            .iter()
            .map(|(name, reason)| (name.clone(), ComponentReport { ready: reason.is_none(), reason: reason.clone() }))
            .collect();
        HealthReport { ready: components.values().all(|component| component.ready), components }
    }
}

impl Component {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has last said that it can take work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.health.lock().get(&self.name).is_some_and(Option::is_none)
    }

    /// It can take work.
    pub fn ready(&self) {
        self.health.lock().insert(self.name.clone(), None);
    }

    /// It cannot take work now; `reason` says what it waits for.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.health.lock().insert(self.name.clone(), Some(reason.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ready_when_every_component_is() {
        let health = Health::new();
        assert!(health.is_ready());
        let (store, table) = (health.component("store"), health.component("table"));
        store.ready();
        assert!(store.is_ready() && !table.is_ready() && !health.is_ready());
        table.not_ready("reading the canvas: 3 of 9 partitions");
        let report = health.report();
        assert!(!report.ready);
        assert!(report.components["store"].ready);
        assert_eq!(report.components["table"].reason.as_deref(), Some("reading the canvas: 3 of 9 partitions"));
        table.ready();
        assert!(health.is_ready());
        store.not_ready("broker gone");
        assert!(!health.is_ready());
    }
}
