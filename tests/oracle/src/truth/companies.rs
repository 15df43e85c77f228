//! Which accounts there are, whose a touch is, and which of them are one.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::{AccountId, Touchpoint};

use crate::names::account_of;
use crate::truth::people::People;

/// Namespaces of accounts, highest first.
pub(crate) const KINDS: [&str; 4] = ["crm_account_id", "account_id", "company_domain", "household_id"];
/// So many of them may be one with an account of a higher kind.
const MERGING: usize = 3;

/// The place of a namespace; others come last.
pub(crate) fn rank(namespace: &str) -> usize {
    KINDS.iter().position(|kind| *kind == namespace).unwrap_or(KINDS.len())
}

/// The accounts that a touch names, highest first: rank, namespace, id.
pub(crate) fn named(touch: &Touchpoint) -> Vec<(usize, &str, AccountId)> {
    let all = touch.account_identifiers.iter();
    let mut all: Vec<_> = all.map(|name| (rank(&name.namespace), name.namespace.as_str(), account_of(name))).collect();
    all.sort_by_key(|(rank, ..)| *rank);
    all
}

/// Of these, the ones whose touch it is: households and the like, and the highest of those that may be one.
pub(crate) fn owners(touch: &Touchpoint) -> Vec<(usize, &str, AccountId)> {
    let all = named(touch);
    let best = all.iter().map(|(rank, ..)| *rank).filter(|rank| *rank < MERGING).min();
    all.into_iter().filter(|(rank, ..)| *rank >= MERGING || Some(*rank) == best).collect()
}

/// Who is merged into whom.
#[derive(Debug, Default)]
pub(crate) struct Companies {
    /// All accounts that were ever named, with their namespace.
    pub(crate) namespaces: BTreeMap<AccountId, String>,
    /// The accounts of the highest kind with which each was named together.
    claims: BTreeMap<AccountId, BTreeSet<AccountId>>,
}

impl Companies {
    pub(crate) fn of(people: &People) -> Self {
        let mut together: BTreeMap<AccountId, BTreeMap<usize, BTreeSet<AccountId>>> = BTreeMap::new();
        let mut companies = Self::default();
        for (_, event) in people.journeys() {
            let all = named(&event.touchpoint);
            for (rank, namespace, id) in &all {
                companies.namespaces.insert(*id, (*namespace).to_owned());
                for (higher, _, other) in all.iter().filter(|(other, ..)| *rank < MERGING && other < rank) {
                    together.entry(*id).or_default().entry(*higher).or_default().insert(*other);
                }
            }
        }
        companies.claims =
            together.into_iter().filter_map(|(id, claims)| Some((id, claims.into_values().next()?))).collect();
        companies
    }

    /// The account that this one is merged into.
    pub(crate) fn merged_into(&self, id: AccountId) -> Option<AccountId> {
        let claims = self.claims.get(&id)?;
        if claims.len() == 1 { claims.first().copied() } else { None }
    }

    /// Those who claim it, when there are several.
    pub(crate) fn contested_by(&self, id: AccountId) -> Vec<AccountId> {
        let claims = self.claims.get(&id).filter(|claims| claims.len() > 1);
        claims.map(|claims| claims.iter().copied().collect()).unwrap_or_default()
    }

    /// The account under which it is found in the end.
    pub(crate) fn end(&self, id: AccountId) -> AccountId {
        let mut end = id;
        while let Some(next) = self.merged_into(end) {
            end = next;
        }
        end
    }
}
