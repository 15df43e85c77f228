//! A consumer group: members, generations, cooperative rebalances, and the offsets that its members commit.
//!
//! A rebalance waits until every member has joined or is expelled for its silence. Partitions that are to move are first
//! asked back from their owner and are given out in the rebalance that follows. A static member that comes back under
//! its name gets its partitions at once, and whoever worked under that name is fenced.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Place;
use super::partition::TransactionId;

/// A member; never used twice.
pub type MemberId = u64;

/// What a member learns at a rebalance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sync {
    /// To be given back.
    pub(super) revoked: Vec<Place>,
    /// New.
    pub(super) assigned: Vec<Place>,
}

#[derive(Debug)]
struct Member {
    instance: Option<String>,
    generation: u32,
    /// What it holds or has been given; what is asked back stays in it until it is given back.
    holds: BTreeSet<Place>,
    /// What it is asked to give back.
    revoking: BTreeSet<Place>,
    /// The outcome of the last rebalance, until the member hears of it.
    sync: Option<Sync>,
    has_joined: bool,
    is_silent: bool,
    last_sign: Duration,
}

/// A consumer group.
#[derive(Debug, Default)]
pub(super) struct Group {
    partitions: Vec<Place>,
    members: BTreeMap<MemberId, Member>,
    generation: u32,
    is_rebalancing: bool,
    next_member: MemberId,
    /// Completed rebalances.
    pub(super) rebalances: u64,
    /// Committed offsets.
    pub(super) offsets: BTreeMap<Place, i64>,
    /// Offsets of transactions that have not ended.
    pub(super) pending: BTreeMap<Place, (TransactionId, i64)>,
}

impl Group {
    /// A member joins for these partitions.
    pub(super) fn join(&mut self, partitions: &[Place], instance: Option<&str>, now: Duration) -> MemberId {
        if self.partitions.is_empty() {
            self.partitions = partitions.to_vec();
        }
        self.next_member += 1;
        let id = self.next_member;
        let known = instance.and_then(|name| {
            let same = self.members.iter().find(|(_, member)| member.instance.as_deref() == Some(name));
            same.map(|(id, _)| *id)
        });
        let mut member = Member {
            instance: instance.map(str::to_owned),
            generation: self.generation,
            holds: BTreeSet::new(),
            revoking: BTreeSet::new(),
            sync: None,
            has_joined: false,
            is_silent: false,
            last_sign: now,
        };
        match known.and_then(|old| self.members.remove(&old)) {
            // What it was asked to give back it has given back by dying.
            Some(old) => {
                member.holds = old.holds.difference(&old.revoking).copied().collect();
                let assigned = member.holds.iter().copied().collect();
                member.sync = Some(Sync { revoked: Vec::new(), assigned });
                self.is_rebalancing |= !old.revoking.is_empty();
            }
            None => self.is_rebalancing = true,
        }
        self.members.insert(id, member);
        if self.is_rebalancing {
            self.rebalance();
        }
        id
    }

    /// The member goes.
    pub(super) fn leave(&mut self, id: MemberId) {
        if self.members.remove(&id).is_some() {
            self.rebalance();
        }
    }

    /// Whether somebody else works under this static name now.
    pub(super) fn is_fenced(&self, id: MemberId, instance: Option<&str>) -> bool {
        let Some(name) = instance else { return false };
        self.members.iter().any(|(other, member)| *other != id && member.instance.as_deref() == Some(name))
    }

    /// Marks a member as silent (it is dead, or stalls) or as back.
    pub(super) fn set_silent(&mut self, id: MemberId, is_silent: bool, now: Duration) {
        if let Some(member) = self.members.get_mut(&id) {
            if !is_silent || !member.is_silent {
                member.last_sign = now;
            }
            member.is_silent = is_silent;
        }
    }

    /// Expels members that were silent for too long; gives how many.
    pub(super) fn expire(&mut self, now: Duration, session_timeout: Duration) -> usize {
        let is_dead = |member: &Member| member.is_silent && now.saturating_sub(member.last_sign) > session_timeout;
        let before = self.members.len();
        self.members.retain(|_, member| !is_dead(member));
        let expelled = before - self.members.len();
        if expelled > 0 {
            self.rebalance();
        }
        expelled
    }

    /// Asks all members to join again.
    pub(super) fn rebalance(&mut self) {
        self.is_rebalancing = true;
        self.members.values_mut().for_each(|member| member.has_joined = false);
    }

    /// A member asks what there is to do. `None`: the group does not know it. `pick` chooses among a number of things.
    pub(super) fn serve(&mut self, id: MemberId, pick: &mut dyn FnMut(usize) -> usize) -> Option<Option<Sync>> {
        let generation = self.generation;
        let member = self.members.get_mut(&id)?;
        if let Some(sync) = member.sync.take() {
            member.generation = generation;
            return Some(Some(sync));
        }
        if self.is_rebalancing && !member.has_joined && member.revoking.is_empty() {
            member.has_joined = true;
            self.complete(pick);
        }
        Some(None)
    }

    /// A member has given back what it was asked for.
    pub(super) fn give_back(&mut self, id: MemberId) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if member.sync.is_some() || member.revoking.is_empty() {
            return;
        }
        for place in std::mem::take(&mut member.revoking) {
            member.holds.remove(&place);
        }
        self.rebalance();
    }

    /// Whether a commit of this member is to be taken.
    pub(super) fn may_commit(&self, id: MemberId) -> bool {
        self.members.get(&id).is_some_and(|member| member.generation == self.generation && member.sync.is_none())
    }

    /// True when no rebalance is under way and every member has heard of the last one.
    pub(super) fn is_stable(&self) -> bool {
        !self.is_rebalancing && self.members.values().all(|member| member.sync.is_none() && member.revoking.is_empty())
    }

    fn complete(&mut self, pick: &mut dyn FnMut(usize) -> usize) {
        if !self.members.values().all(|member| member.has_joined) {
            return;
        }
        self.is_rebalancing = false;
        self.generation += 1;
        self.rebalances += 1;
        let share = self.partitions.len().div_ceil(self.members.len().max(1));
        let mut free: Vec<Place> = self.partitions.clone();
        let mut wanted: BTreeMap<MemberId, BTreeSet<Place>> = BTreeMap::new();
        for (id, member) in &self.members {
            free.retain(|place| !member.holds.contains(place));
            let mut kept: Vec<Place> = member.holds.iter().copied().collect();
            while kept.len() > share {
                kept.remove(pick(kept.len()));
            }
            wanted.insert(*id, kept.into_iter().collect());
        }
        while !free.is_empty() {
            let place = free.remove(pick(free.len()));
            let least = wanted.values().map(BTreeSet::len).min().unwrap_or(0);
            let poorest: Vec<MemberId> =
                wanted.iter().filter(|(_, has)| has.len() == least).map(|(id, _)| *id).collect();
            if let Some(share) = wanted.get_mut(&poorest[pick(poorest.len())]) {
                share.insert(place);
            }
        }
        for (id, member) in &mut self.members {
            let wanted = wanted.remove(id).unwrap_or_default();
            let revoked: Vec<Place> = member.holds.difference(&wanted).copied().collect();
            let assigned: Vec<Place> = wanted.difference(&member.holds).copied().collect();
            member.holds.extend(&assigned);
            member.revoking = revoked.iter().copied().collect();
            member.sync = Some(Sync { revoked, assigned });
        }
    }

    /// Takes one partition from its owner, to be given out anew.
    pub(super) fn shake(&mut self, pick: &mut dyn FnMut(usize) -> usize) {
        if self.is_stable() && self.members.len() > 1 {
            let ids: Vec<MemberId> = self.members.keys().copied().collect();
            let id = ids[pick(ids.len())];
            if let Some(member) = self.members.get_mut(&id)
                && !member.holds.is_empty()
            {
                let places: Vec<Place> = member.holds.iter().copied().collect();
                let place = places[pick(places.len())];
                member.revoking.insert(place);
                member.sync = Some(Sync { revoked: vec![place], assigned: Vec::new() });
            }
        }
        self.rebalance();
    }

    /// Ends the pending offsets of a transaction.
    pub(super) fn mark(&mut self, id: TransactionId, is_commit: bool) {
        let ended: Vec<(Place, i64)> =
            self.pending.iter().filter(|(_, (of, _))| *of == id).map(|(place, (_, next))| (*place, *next)).collect();
        for (place, next) in ended {
            self.pending.remove(&place);
            if is_commit {
                self.offsets.insert(place, next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::ZERO;

    fn places(count: i32) -> Vec<Place> {
        (0..count).map(|partition| (0, partition)).collect()
    }

    fn serve(group: &mut Group, id: MemberId) -> Option<Option<Sync>> {
        group.serve(id, &mut |_| 0)
    }

    #[test]
    fn partitions_move_only_after_they_were_given_back() {
        let mut group = Group::default();
        let first = group.join(&places(4), None, T0);
        assert_eq!(serve(&mut group, first), Some(None));
        let sync = serve(&mut group, first).unwrap().unwrap();
        assert_eq!(sync, Sync { revoked: Vec::new(), assigned: places(4) });
        assert!(group.may_commit(first));

        let second = group.join(&places(4), None, T0);
        assert!(group.may_commit(first), "while members join, commits are still taken");
        serve(&mut group, second);
        serve(&mut group, first);
        assert!(!group.may_commit(first), "it has not heard of the new generation");
        let asked = serve(&mut group, first).unwrap().unwrap();
        assert_eq!((asked.revoked.len(), asked.assigned.len()), (2, 0));
        assert!(group.may_commit(first), "it may commit what it has to give back");
        assert_eq!(serve(&mut group, second), Some(Some(Sync::default())), "nothing is free yet");

        group.give_back(first);
        serve(&mut group, second);
        serve(&mut group, first);
        assert_eq!(serve(&mut group, second).unwrap().unwrap().assigned, asked.revoked);
        assert_eq!(serve(&mut group, first), Some(Some(Sync::default())));
        assert!(group.is_stable());
    }

    #[test]
    fn the_silent_are_expelled_and_know_nothing_of_it() {
        let mut group = Group::default();
        let first = group.join(&places(1), None, T0);
        serve(&mut group, first);
        serve(&mut group, first);
        let second = group.join(&places(1), None, T0);
        group.set_silent(first, true, T0);
        serve(&mut group, second);
        assert!(!group.is_stable(), "the rebalance waits for the silent one");
        assert_eq!(group.expire(Duration::from_secs(5), Duration::from_secs(10)), 0);
        assert_eq!(group.expire(Duration::from_secs(11), Duration::from_secs(10)), 1);
        serve(&mut group, second);
        assert_eq!(serve(&mut group, second).unwrap().unwrap().assigned, places(1));
        assert!(!group.may_commit(first));
        assert_eq!(serve(&mut group, first), None);
    }

    #[test]
    fn a_static_member_is_back_at_once_and_its_predecessor_fenced() {
        let mut group = Group::default();
        let first = group.join(&places(2), Some("a"), T0);
        serve(&mut group, first);
        serve(&mut group, first);
        let again = group.join(&places(2), Some("a"), T0);
        assert_eq!(serve(&mut group, again).unwrap().unwrap().assigned, places(2));
        assert!(group.is_fenced(first, Some("a")) && !group.is_fenced(again, Some("a")));
        assert!(group.may_commit(again) && !group.may_commit(first));
        assert_eq!(group.rebalances, 1);
    }
}
