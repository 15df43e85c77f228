//! Which triggers a touch can concern, by its event type, so that it looks at no others.

use rustc_hash::FxHashMap;

use crate::definition::Definition;
use crate::filter::TypePattern;

/// A trigger that an event type plays a part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    /// Its position among the definitions.
    pub(crate) trigger: usize,
    /// The step it plays it in.
    pub(crate) step: usize,
    /// The type can complete the pattern.
    pub(crate) completes: bool,
    /// The type can be one of the touches before, so that one that comes late may complete the pattern later on.
    pub(crate) contributes: bool,
}

/// Roles by event type.
#[derive(Debug, Default)]
pub(crate) struct Index {
    exact: FxHashMap<String, Vec<Role>>,
    prefixes: Vec<(String, Role)>,
}

impl Index {
    pub(crate) fn new(definitions: &[Definition]) -> Self {
        let mut index = Self::default();
        for (trigger, definition) in definitions.iter().enumerate() {
            let steps = &definition.pattern.steps;
            for (step, described) in steps.iter().enumerate() {
                let completes = step + 1 == steps.len();
                let role = Role { trigger, step, completes, contributes: !completes || described.count > 1 };
                for pattern in &described.filter.types {
                    index.add(pattern, role);
                }
            }
        }
        index
    }

    fn add(&mut self, pattern: &TypePattern, role: Role) {
        match pattern {
            TypePattern::Exact(name) => self.exact.entry(name.clone()).or_default().push(role),
            TypePattern::Prefix(prefix) => self.prefixes.push((prefix.clone(), role)),
        }
    }

    /// The roles of an event type; a trigger may come more than once.
    pub(crate) fn roles(&self, event_type: &str) -> impl Iterator<Item = Role> {
        let exact = self.exact.get(event_type).into_iter().flatten().copied();
        let prefixed = self.prefixes.iter().filter(move |(prefix, _)| event_type.starts_with(prefix.as_str()));
        exact.chain(prefixed.map(|(_, role)| *role))
    }
}
