//! `accounts`: the newest record of each account is the roll-up of its touches and of those that are one with it.

use std::collections::BTreeMap;

use tributary_model::account::AccountEvent;
use tributary_model::{AccountId, PersonId};

use crate::check::read::{Reader, text};
use crate::check::report::Report;
use crate::outputs::Outputs;
use crate::truth::World;
use crate::truth::accounts::accounts;

const TOPIC: &str = "tributary.accounts";
const ACCOUNT_TOUCHES: &str = "tributary.account-touches";
const ACCOUNT_COMMANDS: &str = "tributary.account-commands";

pub(super) fn check(world: &World, ids: &[PersonId], outputs: &Outputs, reader: &Reader<'_>, report: &mut Report) {
    let mut latest: BTreeMap<AccountId, AccountEvent> = BTreeMap::new();
    for record in reader.all::<AccountEvent>(TOPIC, report) {
        let account = record.value;
        if record.key != account.account_id.to_string() {
            report.add(TOPIC, account.account_id, "the account as key", record.key);
        }
        let before = latest.get(&account.account_id).map_or(0, |before| before.revision);
        if account.revision <= before {
            let found = format!("revision {}", account.revision);
            report.add(TOPIC, account.account_id, format!("a revision above {before}"), found);
        }
        latest.insert(account.account_id, account);
    }
    let mut statements: BTreeMap<String, i64> = BTreeMap::new();
    for record in outputs.records(ACCOUNT_TOUCHES).chain(outputs.records(ACCOUNT_COMMANDS)) {
        *statements.entry(text(&record.key)).or_default() += 1;
    }
    for account in latest.values().filter(|_| !statements.is_empty()) {
        let told = statements.get(&account.account_id.to_string()).copied().unwrap_or(0);
        report.count(TOPIC, account.account_id, "as revision: the statements it folds", told, account.revision);
    }
    for (id, expected) in accounts(&world.people, ids) {
        match latest.remove(&id) {
            Some(found) => report.fields(TOPIC, id, &expected, &AccountEvent { revision: 0, ..found }),
            None => report.add(TOPIC, id, format!("an account of {} touches", expected.touch_count), "none"),
        }
    }
    for id in latest.keys() {
        report.add(TOPIC, id, "no such account", "one");
    }
}
