//! What has to hold at every moment, and at the end; told as sentences, so that a fault put in on purpose can be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tributary_identity::{AliasTable, Output, Rules};
use tributary_model::identity::{
    IdentifierCommandKind, IdentityChange, IdentityChangeKind, MergeRequest, MergeRequestKind, MergeSide,
};
use tributary_model::{Erasure, Identifier, PersonId, Touchpoint};

use super::{Network, REALM};

/// Watches the sequencer's decisions and the persons they make.
pub(crate) struct Watch {
    /// Whether all persons are looked at after every merge; takes its time where there are many.
    pub(crate) every_person: bool,
    rules: Arc<Rules>,
    /// When each identifier that came to the sequencer was first seen, as its first request said.
    seen_at: BTreeMap<Identifier, i64>,
    /// Identifiers that were erased, with until when.
    erased: BTreeMap<Identifier, i64>,
    /// As whom erased identifiers start again, whether their owners have heard of it yet or not.
    successors: BTreeMap<Identifier, PersonId>,
    created: BTreeSet<Identifier>,
    /// Newer names of identifiers, each with the first.
    first_names: BTreeMap<Identifier, Identifier>,
    linked: BTreeSet<Identifier>,
    pub(crate) quarantined: BTreeSet<Identifier>,
    pub(crate) merge_count: usize,
    /// Pairs that were declared to be apart.
    pub(crate) held: BTreeSet<(Identifier, Identifier)>,
    pub(crate) split_count: usize,
    pub(crate) erasure_count: usize,
    pub(crate) refusals: BTreeMap<String, usize>,
    pub(crate) violations: Vec<String>,
}

impl Watch {
    pub(crate) fn new(rules: Arc<Rules>) -> Self {
        Self {
            every_person: true,
            rules,
            seen_at: BTreeMap::new(),
            erased: BTreeMap::new(),
            successors: BTreeMap::new(),
            created: BTreeSet::new(),
            first_names: BTreeMap::new(),
            linked: BTreeSet::new(),
            quarantined: BTreeSet::new(),
            merge_count: 0,
            held: BTreeSet::new(),
            split_count: 0,
            erasure_count: 0,
            refusals: BTreeMap::new(),
            violations: Vec::new(),
        }
    }

    pub(crate) fn request(&mut self, request: MergeRequest) {
        let is_erased =
            |side: &MergeSide| self.erased.get(&side.identifier).is_some_and(|until| request.received_at <= *until);
        if is_erased(&request.left) || is_erased(&request.right) {
            return;
        }
        if request.kind == MergeRequestKind::Rekey {
            let first = self.first_name(&request.left.identifier);
            self.seen_at.remove(&request.right.identifier);
            self.first_names.entry(request.right.identifier).or_insert(first);
            return;
        }
        for side in [Some(request.left), Some(request.right), request.from].into_iter().flatten() {
            let first = self.first_name(&side.identifier);
            self.seen_at.entry(first).or_insert(side.first_seen_at);
        }
    }

    pub(crate) fn created_count(&self) -> usize {
        self.created.len()
    }

    fn first_name(&self, identifier: &Identifier) -> Identifier {
        self.first_names.get(identifier).unwrap_or(identifier).clone()
    }

    pub(crate) fn output(&mut self, output: &Output, aliases: &AliasTable) {
        if let Output::Identifier(command) = output
            && command.kind == IdentifierCommandKind::Forget
        {
            self.seen_at.remove(&command.identifier);
            self.first_names.retain(|name, first| *name != command.identifier && *first != command.identifier);
            self.erased.insert(command.identifier.clone(), command.received_at);
            let erasure = Erasure { sequence: command.sequence, at: command.received_at };
            self.successors.insert(command.identifier.clone(), erasure.successor(&command.identifier));
        }
        let Output::Change(change) = output else { return };
        match change.kind {
            IdentityChangeKind::Created => self.once("created", change, |watch| &mut watch.created),
            IdentityChangeKind::Linked => self.once("linked", change, |watch| &mut watch.linked),
            IdentityChangeKind::Quarantined => self.once("quarantined", change, |watch| &mut watch.quarantined),
            IdentityChangeKind::Rekeyed => self.merge_count += 1,
            IdentityChangeKind::Merged => {
                self.merge_count += 1;
                if change.identifiers.iter().any(|identifier| self.quarantined.contains(identifier)) {
                    self.violations.push(format!("a quarantined identifier linked: {change:?}"));
                }
            }
            IdentityChangeKind::Refused => self.refused(change, aliases),
            IdentityChangeKind::Unmerged => {
                let [left, right] = &change.identifiers[..] else { panic!("{change:?}") };
                self.held.insert((left.clone(), right.clone()));
                // What was linked may be alone again.
                self.linked.clear();
                self.split_count += usize::from(change.undoes.is_some());
            }
            IdentityChangeKind::Erased => {
                if !change.identifiers.is_empty() {
                    self.violations.push(format!("an erasure names somebody: {change:?}"));
                }
                self.erasure_count += 1;
                // Whoever was erased may come back and be new again.
                self.linked.clear();
                self.created.clear();
            }
        }
    }

    fn once(&mut self, what: &str, change: &IdentityChange, set: impl Fn(&mut Self) -> &mut BTreeSet<Identifier>) {
        for identifier in &change.identifiers {
            if !set(self).insert(identifier.clone()) {
                self.violations.push(format!("{identifier} was {what} twice"));
            }
        }
    }

    /// A link that was refused would have broken the rule that is named.
    fn refused(&mut self, change: &IdentityChange, aliases: &AliasTable) {
        let reason = change.reason.clone().unwrap_or_default();
        let is_due = match reason.split_once(':') {
            Some(("shared", namespace)) => change
                .identifiers
                .iter()
                .any(|identifier| identifier.namespace == namespace && self.quarantined.contains(identifier)),
            Some(("unknown" | "same" | "one_person", _)) => change.touchpoint_id == "by-hand",
            Some(("hold", _)) => {
                let sides = [Some(change.person_id), change.other_person_id];
                let all: BTreeSet<Identifier> =
                    sides.into_iter().flatten().flat_map(|person| self.identifiers_of(person, aliases)).collect();
                self.held.iter().any(|(left, right)| all.contains(left) && all.contains(right))
            }
            Some((_, namespace)) => {
                let sides = [Some(change.person_id), change.other_person_id];
                let union = sides.into_iter().flatten().flat_map(|person| self.identifiers_of(person, aliases));
                self.exceeded(&union.collect::<Vec<_>>()).contains(namespace)
            }
            // Who asks is told, and nobody is named.
            None => reason == "erased" && change.touchpoint_id == "by-hand" && change.identifiers.is_empty(),
        };
        if !is_due {
            self.violations.push(format!("refused without need: {change:?}"));
        }
        *self.refusals.entry(reason).or_default() += 1;
    }

    /// No person has more than the rules allow.
    pub(crate) fn persons(&mut self, aliases: &AliasTable) {
        if !self.every_person {
            return;
        }
        let mut by_person: BTreeMap<PersonId, Vec<Identifier>> = BTreeMap::new();
        for identifier in self.seen_at.keys() {
            by_person.entry(aliases.resolve(self.start_of(identifier))).or_default().push(identifier.clone());
        }
        for (person, identifiers) in by_person {
            for namespace in self.exceeded(&identifiers) {
                self.violations.push(format!("{person} exceeds the limit of {namespace}: {identifiers:?}"));
            }
        }
    }

    fn start_of(&self, identifier: &Identifier) -> PersonId {
        self.successors.get(identifier).copied().unwrap_or_else(|| PersonId::of(&REALM, identifier))
    }

    fn identifiers_of(&self, person: PersonId, aliases: &AliasTable) -> Vec<Identifier> {
        let is_theirs = |identifier: &&Identifier| aliases.resolve(self.start_of(identifier)) == person;
        self.seen_at.keys().filter(is_theirs).cloned().collect()
    }

    /// Namespaces of which these identifiers are too many for one person.
    fn exceeded(&self, identifiers: &[Identifier]) -> BTreeSet<String> {
        let mut exceeded = BTreeSet::new();
        for identifier in identifiers {
            let rule = self.rules.namespace(&identifier.namespace);
            let (Some(limit), Some(from)) = (rule.limit, self.seen_at.get(identifier)) else { continue };
            let until = rule.window_ms.map_or(i64::MAX, |window| from + window);
            let from = if rule.window_ms.is_some() { *from } else { i64::MIN };
            let in_window = |other: &&Identifier| {
                let at = self.seen_at.get(*other).copied().unwrap_or(i64::MIN);
                other.namespace == identifier.namespace && (from..until).contains(&at)
            };
            if identifiers.iter().filter(in_window).count() > limit {
                exceeded.insert(identifier.namespace.to_string());
            }
        }
        exceeded
    }
}

impl Network {
    /// What is wrong at the end, whatever the rules: every touchpoint stands once, with the person of the identifier it
    /// came by, no merge is half done, and nobody but tombstones was left behind.
    pub(crate) fn violations(&mut self, touchpoints: &[Touchpoint]) -> Vec<String> {
        let mut found = std::mem::take(&mut self.watch.violations);
        let mut persons = Vec::new();
        for task in &self.persons {
            task.store.for_each(|id, person| persons.push((*id, person.clone())));
        }
        let mut places: BTreeMap<&str, Vec<(PersonId, &Identifier)>> = BTreeMap::new();
        for (id, person) in &persons {
            if person.merge.is_pending() {
                found.push(format!("{id} waits for a state that never came"));
            }
            if person.merge.is_merged_away() && !person.events.is_empty() {
                found.push(format!("{id} is a tombstone with {} events", person.events.len()));
            }
            if person.merge.is_merged_away() && self.aliases.resolve(*id) == *id {
                found.push(format!("{id} was merged away without an alias"));
            }
            for (touchpoint_id, came) in &person.events {
                places.entry(touchpoint_id).or_default().push((*id, &came.via));
            }
        }
        for touchpoint in touchpoints {
            let id = touchpoint.touchpoint_id.as_str();
            match places.get(id).map(Vec::as_slice) {
                Some([(person, via)]) if *person == self.person_of(via) => {
                    if !touchpoint.identifiers.contains(via) {
                        found.push(format!("{id} came by {via}, which it does not name"));
                    }
                }
                Some([(person, via)]) => found.push(format!("{id} by {via} is at {person}")),
                Some(several) => found.push(format!("{id} is at {} persons", several.len())),
                None => found.push(format!("{id} is lost")),
            }
        }
        let named: BTreeSet<&Identifier> = touchpoints.iter().flat_map(|touch| &touch.identifiers).collect();
        let is_named =
            |identifier: &&Identifier| named.contains(identifier) || !self.watch.first_names.contains_key(*identifier);
        if named != self.watch.created.iter().filter(is_named).collect() {
            found.push("not every identifier was created once".to_owned());
        }
        found
    }

    /// What is wrong when no rule refuses a link: persons have to be the connected components of the evidence.
    pub(crate) fn component_violations(&self, touchpoints: &[Touchpoint]) -> Vec<String> {
        let mut component: BTreeMap<&Identifier, usize> = BTreeMap::new();
        for touchpoint in touchpoints {
            let next = component.len();
            let known: BTreeSet<usize> =
                touchpoint.identifiers.iter().filter_map(|identifier| component.get(identifier).copied()).collect();
            let target = known.first().copied().unwrap_or(next);
            component.values_mut().filter(|of| known.contains(of)).for_each(|of| *of = target);
            component.extend(touchpoint.identifiers.iter().map(|identifier| (identifier, target)));
        }
        let mut expected: BTreeMap<usize, BTreeSet<&Identifier>> = BTreeMap::new();
        let mut found: BTreeMap<PersonId, BTreeSet<&Identifier>> = BTreeMap::new();
        let mut hinted: BTreeMap<Option<PersonId>, BTreeSet<&Identifier>> = BTreeMap::new();
        for (identifier, of) in component {
            expected.entry(of).or_default().insert(identifier);
            found.entry(self.person_of(identifier)).or_default().insert(identifier);
            let hint = self.owner_hint(identifier).map(|person| self.aliases.resolve(person));
            hinted.entry(hint).or_default().insert(identifier);
        }
        let expected: BTreeSet<_> = expected.into_values().collect();
        let mut violations = Vec::new();
        if expected != found.values().cloned().collect() {
            violations.push(format!("the persons are {found:?}, the components {expected:?}"));
        }
        if expected != hinted.into_values().collect() {
            violations.push("the owners' hints do not resolve to their identifiers' persons".to_owned());
        }
        if self.watch.created.len() - self.watch.merge_count != expected.len() {
            violations.push("persons created less persons merged are not the persons there are".to_owned());
        }
        violations
    }
}
