use std::collections::VecDeque;

use tributary_model::{Arm, Decision, Fate, Identifier, PersonId, Touchpoint};
use tributary_schema::Contracts;

use super::*;
use crate::testing::{START, account_rules, person, stages, touch, touchpoint};

/// Decides once for an account with two touches.
struct Once;

impl AccountStep for Once {
    type State = bool;

    fn on_account(&self, account: &AccountEvent, evidence: Option<&str>, fired: &mut bool, effects: &mut StepEffects) {
        if account.touch_count < 2 || std::mem::replace(fired, true) {
            return;
        }
        effects.decisions.push(Decision {
            decision_id: account.account_id.to_string(),
            trigger_id: "once".to_owned(),
            trigger_version: 1,
            team_id: "sales".to_owned(),
            person_id: PersonId(account.account_id.0),
            decided_at: account.last_at,
            arm: Arm::Treated,
            fate: Fate::Withheld,
            reason: None,
            detail: None,
            channel: String::new(),
            priority: 0,
            evidence: evidence.map(str::to_owned).into_iter().collect(),
            valid_until_at: account.last_at,
            account_id: Some(account.account_id),
            consent: None,
            judged_at: None,
            experiment: None,
            channel_reason: None,
            action: "message".to_owned(),
        });
    }

    fn absorb(&self, fired: &mut bool, other: bool) {
        *fired |= other;
    }
}

/// The stage on one partition, with a log for each of its topics.
struct Partition {
    contracts: Arc<Contracts>,
    processor: AccountsProcessor<Once>,
    logs: [VecDeque<Record>; 2],
    latest: std::collections::BTreeMap<AccountId, AccountEvent>,
    decisions: Vec<Decision>,
}

impl Partition {
    fn new() -> Self {
        Self {
            contracts: Contracts::single_object().unwrap(),
            processor: AccountsProcessor::new(&Config::default(), stages(), account_rules(), Once),
            logs: Default::default(),
            latest: std::collections::BTreeMap::new(),
            decisions: Vec::new(),
        }
    }

    fn append(&mut self, topic: &str, key: Vec<u8>, value: Vec<u8>) {
        let (topic, value) = (topic.to_owned(), Some(value));
        let log = usize::from(topic == topics::ACCOUNT_COMMANDS);
        let record = Record { topic, partition: 0, offset: 0, timestamp_ms: None, key, value, headers: Vec::new() };
        self.logs[log].push_back(record);
    }

    fn touch(&mut self, name: &str, made: Touchpoint, accounts: &[(&str, &str)]) {
        let account_identifiers = accounts.iter().map(|(space, value)| Identifier::new(*space, *value)).collect();
        let event =
            JourneyEvent { revision: 1, ..touch(person(name), Touchpoint { account_identifiers, ..made }).event };
        let value = self.contracts.encode(topics::ACCOUNT_TOUCHES, &event).unwrap();
        for id in &event.account_ids {
            self.append(topics::ACCOUNT_TOUCHES, id.to_key(), value.clone());
        }
    }

    /// Handles all that is there, commands first or touches first, and each record twice: the first time for nothing.
    fn run(&mut self, first: usize) {
        while let Some(log) = [first, 1 - first].into_iter().find(|log| !self.logs[*log].is_empty()) {
            let record = self.logs[log].front().unwrap().clone();
            let mut written = Vec::new();
            for is_aborted in [true, false] {
                let mut effects = Effects::new(Arc::clone(&self.contracts));
                self.processor.process(&record, &mut effects).unwrap();
                if is_aborted {
                    self.processor.stores().into_iter().for_each(StateStore::abort);
                    self.processor.on_abort();
                } else {
                    self.processor.before_commit(&mut effects).unwrap();
                    self.processor.stores().into_iter().for_each(StateStore::commit);
                }
                written.push(effects.records().to_vec());
            }
            assert_eq!(written[0], written[1], "what is done again is done the same");
            self.logs[log].pop_front();
            for record in written.remove(1) {
                let value = record.value.unwrap();
                match record.topic.as_str() {
                    topics::ACCOUNTS => {
                        let event: AccountEvent = self.contracts.decode(&value).unwrap();
                        self.latest.insert(event.account_id, event);
                    }
                    topics::DECISIONS => self.decisions.push(self.contracts.decode(&value).unwrap()),
                    topic => self.append(topic, record.key, value),
                }
            }
        }
    }
}

fn view(id: &str, at: i64) -> Touchpoint {
    touchpoint(id, "page.viewed", START + at)
}

fn id(namespace: &str, value: &str) -> AccountId {
    AccountId::of(&Config::default().realm_uuid(), &Identifier::new(namespace, value))
}

#[test]
fn a_decision_is_made_once_though_its_transaction_is_aborted() {
    let mut partition = Partition::new();
    for index in 0..4 {
        partition.touch("ada", view(&format!("t{index}"), index), &[("crm_account_id", "a")]);
    }
    partition.run(0);
    let [decision] = partition.decisions.as_slice() else { panic!("{:?}", partition.decisions) };
    assert_eq!((decision.evidence.as_slice(), decision.decided_at), (["t1".to_owned()].as_slice(), START + 1));
    assert_eq!(partition.latest[&id("crm_account_id", "a")].touch_count, 4);
}

#[test]
fn what_a_merged_account_has_fired_is_not_fired_again_for_the_other() {
    for first in [0, 1] {
        let mut partition = Partition::new();
        partition.touch("ada", view("t1", 1), &[("company_domain", "d")]);
        partition.touch("bob", view("t2", 2), &[("company_domain", "d")]);
        partition.run(first);
        partition.touch("bob", view("t3", 3), &[("company_domain", "d"), ("crm_account_id", "a")]);
        partition.run(first);
        partition.touch("cyd", view("t4", 4), &[("company_domain", "d")]);
        partition.run(first);
        let survivor = &partition.latest[&id("crm_account_id", "a")];
        assert_eq!((survivor.touch_count, survivor.merged_accounts.len()), (4, 1));
        assert_eq!(partition.latest[&id("company_domain", "d")].merged_into, Some(survivor.account_id));
        assert_eq!(partition.decisions.len(), 1, "{:?}", partition.decisions);
    }
}

#[test]
fn a_command_that_goes_round_in_a_circle_is_poison() {
    let mut partition = Partition::new();
    let account_id = id("crm_account_id", "a");
    let command = AccountCommand { account_id, hops: MAX_HOPS + 1, delta: Delta::default().encode().unwrap() };
    let value = partition.contracts.encode(topics::ACCOUNT_COMMANDS, &command).unwrap();
    partition.append(topics::ACCOUNT_COMMANDS, account_id.to_key(), value);
    let record = partition.logs[1].front().unwrap().clone();
    let mut effects = Effects::new(Arc::clone(&partition.contracts));
    let failure = partition.processor.process(&record, &mut effects).unwrap_err();
    assert!(matches!(failure, Failure::Poison { code: "account_circle", .. }), "{failure}");
}
