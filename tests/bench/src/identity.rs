//! Identity in memory: the production owners and sequencer, with queues where the hub has topics.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHasher};
use rustix::time::{ClockId, clock_gettime};
use tributary_identity::{AliasTable, Output, Owners, Rules, Sequencer};
use tributary_model::identity::{
    Alias, IdentifierCommand, IdentityChange, IdentityChangeKind, MergeRequest, PersonCommandKind, Resolved,
};
use tributary_model::{Identifier, MergeState, PersonId, Touchpoint};
use tributary_stream::StateStore;
use uuid::Uuid;

/// Records of a transaction, at most.
const COMMIT_RECORDS: usize = 500;

/// What was done, and the processor's time it took, state and changelog entries included.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Touchpoints resolved.
    pub touchpoints: u64,
    /// Touchpoints that came to a person that had been merged away, and were forwarded.
    pub forwarded: u64,
    /// How often they were forwarded, all in all.
    pub forwards: u64,
    /// What owners were asked or told by others.
    pub commands: u64,
    /// Requests the sequencer decided.
    pub requests: u64,
    /// Persons that became another's.
    pub merges: u64,
    /// Changes that refuse, by reason.
    pub refusals: FxHashMap<String, u64>,
    /// Identifiers that link no more.
    pub quarantined: u64,
    /// Bytes that went to changelogs.
    pub changelog_bytes: u64,
    /// Of the owners.
    pub owners_took: Duration,
    /// Of the sequencer.
    pub sequencer_took: Duration,
}

/// The identity service of one process.
pub struct Identity {
    realm: Uuid,
    owners: Vec<Owners>,
    sequencer: Sequencer,
    aliases: AliasTable,
    /// What person-keyed services keep of those who were merged away.
    tombstones: FxHashMap<PersonId, MergeState>,
    commands: Vec<VecDeque<IdentifierCommand>>,
    requests: VecDeque<MergeRequest>,
    /// Kept between calls, as the hub's processors keep theirs.
    out: Vec<Output>,
    created: Vec<(PersonId, u16)>,
    namespaces: Vec<String>,
    tally: Tally,
}

impl Identity {
    /// With so many partitions of owners, each remembering `max_edges` partners an identifier.
    #[must_use]
    pub fn new(realm: Uuid, rules: &Arc<Rules>, partitions: usize, max_edges: usize) -> Self {
        let partitions = partitions.max(1);
        Self {
            realm,
            owners: (0..partitions).map(|_| Owners::new(realm, rules.version(), max_edges)).collect(),
            sequencer: Sequencer::new(realm, Arc::clone(rules)),
            aliases: AliasTable::default(),
            tombstones: FxHashMap::default(),
            commands: vec![VecDeque::new(); partitions],
            requests: VecDeque::new(),
            out: Vec::new(),
            created: Vec::new(),
            namespaces: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Takes in these touchpoints before anything that follows from them is heard, and then all that follows.
    pub fn take(&mut self, touchpoints: Vec<Touchpoint>) {
        let mut inputs: Vec<Vec<Touchpoint>> = vec![Vec::new(); self.owners.len()];
        for touchpoint in touchpoints {
            let first = touchpoint.identifiers.first().map(Identifier::to_key);
            let partition = self.partition(&first.unwrap_or_else(|| touchpoint.touchpoint_id.clone().into_bytes()));
            inputs[partition].push(touchpoint);
        }
        for (partition, input) in inputs.into_iter().enumerate() {
            self.tally.touchpoints += input.len() as u64;
            self.own(partition, input, Owners::on_touchpoint);
        }
        while !self.requests.is_empty() || self.commands.iter().any(|queue| !queue.is_empty()) {
            for partition in 0..self.owners.len() {
                let commands: Vec<IdentifierCommand> = self.commands[partition].drain(..).collect();
                self.tally.commands += commands.len() as u64;
                self.own(partition, commands, Owners::on_command);
            }
            self.sequence();
        }
    }

    /// The person an identifier belongs to, as anybody would look it up.
    #[must_use]
    pub fn person_of(&self, identifier: &Identifier) -> PersonId {
        self.aliases.resolve(PersonId::of(&self.realm, identifier))
    }

    /// True when an owner has ever heard of the identifier.
    #[must_use]
    pub fn knows(&self, identifier: &Identifier) -> bool {
        self.owners[self.partition(&identifier.to_key())].get(identifier).is_some()
    }

    /// How many identifiers there are.
    #[must_use]
    pub fn identifier_count(&self) -> usize {
        self.created.len()
    }

    /// How many persons there are.
    #[must_use]
    pub fn person_count(&self) -> usize {
        self.created.len() - self.aliases.len()
    }

    /// What was done so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Persons with more values of a namespace than `rules` allow one, all of them looked at: who, of what, how many.
    /// Windows aside: of a namespace with a window all values are counted.
    #[must_use]
    pub fn over_limit(&self, rules: &Rules) -> Vec<(PersonId, String, usize)> {
        let resolved = self.created.iter().map(|(person, namespace)| (self.aliases.resolve(*person), *namespace));
        let mut values: Vec<(PersonId, u16)> = resolved.collect();
        values.sort_unstable();
        let same = values.chunk_by(|a, b| a == b);
        let over = same.filter_map(|run| {
            let (person, index) = *run.first()?;
            let namespace = &self.namespaces[usize::from(index)];
            let limit = rules.namespace(namespace).limit?;
            (run.len() > limit).then(|| (person, namespace.clone(), run.len()))
        });
        over.collect()
    }

    fn partition(&self, key: &[u8]) -> usize {
        let mut hasher = FxHasher::default();
        hasher.write(key);
        (hasher.finish() % self.owners.len() as u64) as usize
    }

    /// Runs one task of owners over its input.
    fn own<T>(&mut self, partition: usize, input: Vec<T>, handle: fn(&mut Owners, T, &mut Vec<Output>)) {
        let mut out = std::mem::take(&mut self.out);
        let started = cpu_time();
        let owners = &mut self.owners[partition];
        let mut left = input.into_iter().peekable();
        while left.peek().is_some() {
            left.by_ref().take(COMMIT_RECORDS).for_each(|one| handle(owners, one, &mut out));
            self.tally.changelog_bytes += owners.stores().into_iter().map(commit).sum::<u64>();
        }
        self.tally.owners_took += cpu_time().saturating_sub(started);
        out.drain(..).for_each(|output| self.publish(output));
        self.out = out;
    }

    fn sequence(&mut self) {
        let mut out = std::mem::take(&mut self.out);
        self.tally.requests += self.requests.len() as u64;
        let started = cpu_time();
        while !self.requests.is_empty() {
            let batch = self.requests.len().min(COMMIT_RECORDS);
            for request in self.requests.drain(..batch) {
                self.sequencer.on_request(&request, &mut out);
            }
            self.tally.changelog_bytes += self.sequencer.stores().into_iter().map(commit).sum::<u64>();
        }
        self.tally.sequencer_took += cpu_time().saturating_sub(started);
        out.drain(..).for_each(|output| self.publish(output));
        self.out = out;
    }

    fn publish(&mut self, output: Output) {
        match output {
            Output::Resolved(event) => self.arrive(*event),
            Output::Identifier(command) => self.send(command),
            Output::Merge(request) => self.requests.push_back(request),
            Output::Person(command) if command.kind == PersonCommandKind::Out => {
                // Nobody keeps anything of persons here, so there is nothing to hand over.
                drop(self.tombstones.entry(command.person_id).or_default().on_command(command));
            }
            Output::Person(_) => {}
            Output::Alias(alias) => self.alias(alias),
            Output::Unalias(loser) => self.aliases.apply(&loser.to_key(), None),
            Output::Change(change) => self.note(&change),
        }
    }

    fn send(&mut self, command: IdentifierCommand) {
        let partition = self.partition(&command.identifier.to_key());
        self.commands[partition].push_back(command);
    }

    /// A touchpoint at its person, and from tombstone to tombstone where that one was merged away.
    fn arrive(&mut self, mut event: Resolved) {
        while let Some((forwarded, hint)) =
            self.tombstones.get(&event.person_id).and_then(|state| state.redirect(&event))
        {
            self.tally.forwarded += u64::from(event.hops == 0);
            self.tally.forwards += 1;
            self.send(hint);
            event = forwarded;
        }
    }

    fn alias(&mut self, alias: Alias) {
        self.tally.merges += 1;
        self.aliases.apply(&alias.loser.to_key(), Some(alias));
    }

    fn note(&mut self, change: &IdentityChange) {
        match change.kind {
            IdentityChangeKind::Created => {
                for identifier in &change.identifiers {
                    let namespace = self.namespace(&identifier.namespace);
                    self.created.push((change.person_id, namespace));
                }
            }
            IdentityChangeKind::Refused => {
                let reason = change.reason.clone().unwrap_or_default();
                *self.tally.refusals.entry(reason).or_default() += 1;
            }
            IdentityChangeKind::Quarantined => self.tally.quarantined += 1,
            IdentityChangeKind::Linked
            | IdentityChangeKind::Merged
            | IdentityChangeKind::Unmerged
            | IdentityChangeKind::Rekeyed
            | IdentityChangeKind::Erased => {}
        }
    }

    fn namespace(&mut self, name: &str) -> u16 {
        let known = self.namespaces.iter().position(|namespace| namespace == name);
        let index = known.unwrap_or_else(|| {
            self.namespaces.push(name.to_owned());
            self.namespaces.len() - 1
        });
        index as u16
    }
}

/// As the runtime does: the changes are encoded for the changelog, then committed. Gives the bytes of the entries.
fn commit(store: &mut dyn StateStore) -> u64 {
    let bytes = |(key, value): (Vec<u8>, Option<Vec<u8>>)| (key.len() + value.map_or(0, |value| value.len())) as u64;
    let written = store.changes().into_iter().map(bytes).sum();
    store.commit();
    written
}

/// The processor's time of this thread.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}
