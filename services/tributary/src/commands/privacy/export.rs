//! `tributary privacy export`: everything that the topics hold about one person.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;

use serde::Serialize;
use tributary_identity::AliasTable;
use tributary_model::account::{AccountEvent, AccountMember};
use tributary_model::identity::IdentityChange;
use tributary_model::ids::realm_uuid;
use tributary_model::time::to_rfc3339;
use tributary_model::{
    AccountId, ConsentProof, Decision, DecisionOutcome, Enrolment, Identifier, JourneyEvent, PersonId, TriggerIntent,
    topics,
};
use tributary_stream::list_topics;

use super::consent::last_words;
use crate::cli::ExportArgs;
use crate::commands::now_ms;
use crate::commands::persons::{aliases, each, nobody, person, records_of, standing_journey};
use crate::compose::topics_among;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// What stands for the identifier of somebody else.
const SOMEBODY_ELSE: &str = "(another person's)";
/// What an export cannot hold, and why.
const NOT_HELD: [&str; 4] = [
    "dead letters: they could not be read, so nobody knows whose they are; the dead-letter topic keeps them for 4 weeks",
    "raw events: the raw topics hold what sources sent in clear text for a week, without knowing whose it is",
    "what the topics no longer hold: journeys and decisions are kept for 56 weeks, changes of identity for a year, intents \
     for a week",
    "scorecards and the sums of accounts: they are over many persons",
];

/// Everything about one person.
#[derive(Serialize)]
struct Export {
    exported_at: String,
    realm: String,
    person_id: PersonId,
    /// Every other id that the person ever had.
    former_person_ids: Vec<PersonId>,
    /// The pseudonyms of the person's identifiers.
    identifiers: BTreeSet<Identifier>,
    consents: Vec<ConsentProof>,
    accounts: Vec<Membership>,
    /// What was told about the person's identity, oldest first.
    identity_changes: Vec<IdentityChange>,
    /// The journey as it stands, oldest first: each touchpoint with the context known at its place.
    journey: Vec<JourneyEvent>,
    decisions: Vec<Decision>,
    /// What happened after them.
    outcomes: Vec<DecisionOutcome>,
    /// In which experiments it takes part.
    enrolments: Vec<Enrolment>,
    /// What teams were asked to do.
    intents: Vec<TriggerIntent>,
    not_held: [&'static str; 4],
}

/// The person as one of an account.
#[derive(Serialize)]
struct Membership {
    account_id: AccountId,
    touch_count: u64,
    first_at: i64,
    last_at: i64,
    /// What the account's record says of the person, if it names the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<AccountMember>,
}

/// Writes it.
pub(super) fn export(args: &ExportArgs, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let aliases = aliases(&settings, &contracts)?;
    let asked = person(&args.person.person, config, &aliases)?;
    let person_id = asked.person_id;
    let mut intents = Vec::new();
    let existing = list_topics(&settings)?.into_iter().map(|(name, _)| name).collect();
    for topic in topics_among(config, &existing)?.into_iter().map(|topic| topic.name) {
        if topic.starts_with(&topics::triggers("")) {
            intents.extend(records_of::<TriggerIntent>(&settings, &contracts, &aliases, person_id, &topic)?);
        }
    }
    let mut changes: Vec<IdentityChange> = Vec::new();
    each(&settings, &contracts, topics::IDENTITY_CHANGES, |_| true, |change| changes.push(change))?;
    let realm = realm_uuid(&config.realm);
    let named = changes.iter().flat_map(|change| &change.identifiers).chain(&asked.identifier);
    let is_own = |identifier: &&Identifier| aliases.resolve(PersonId::of(&realm, identifier)) == person_id;
    let identifiers: BTreeSet<Identifier> = named.filter(is_own).cloned().collect();
    let journey = standing_journey(&settings, &contracts, &aliases, person_id)?;
    let mut accounts = memberships(&journey);
    each(
        &settings,
        &contracts,
        topics::ACCOUNTS,
        |_| true,
        |account: AccountEvent| {
            let named = account.members.into_iter().find(|member| aliases.resolve(member.person_id) == person_id);
            if let Some(membership) = accounts.iter_mut().find(|known| known.account_id == account.account_id) {
                membership.member = named;
            }
        },
    )?;
    let export = Export {
        exported_at: to_rfc3339(now_ms()),
        realm: config.realm.clone(),
        person_id,
        former_person_ids: aliases.ids_of(person_id),
        consents: last_words(&journey, config),
        accounts,
        identity_changes: own_changes(changes, &identifiers, person_id, &aliases),
        identifiers,
        decisions: records_of(&settings, &contracts, &aliases, person_id, topics::DECISIONS)?,
        outcomes: records_of(&settings, &contracts, &aliases, person_id, topics::OUTCOMES)?,
        enrolments: records_of(&settings, &contracts, &aliases, person_id, topics::ENROLMENTS)?,
        journey,
        intents,
        not_held: NOT_HELD,
    };
    if export.journey.is_empty() && export.identity_changes.is_empty() {
        output.notice(nobody(&args.person.person));
        return Ok(Exit::Failed);
    }
    match &args.file {
        None => output.json(&export)?,
        Some(path) => {
            let wrong = || format!("writing {}", path.display());
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let file = file.map_err(CliError::system(wrong()))?;
            serde_json::to_writer_pretty(file, &export).map_err(|error| CliError::system(wrong())(error.into()))?;
            output.notice(format!("everything about {person_id} is in {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

/// What was told about a person, without naming anybody else.
fn own_changes(
    changes: Vec<IdentityChange>,
    own: &BTreeSet<Identifier>,
    person_id: PersonId,
    aliases: &AliasTable,
) -> Vec<IdentityChange> {
    let is_own = |person: PersonId| aliases.resolve(person) == person_id;
    let is_about = |change: &IdentityChange| {
        is_own(change.person_id) || change.identifiers.iter().any(|identifier| own.contains(identifier))
    };
    let mut about: Vec<IdentityChange> = changes.into_iter().filter(is_about).collect();
    for change in &mut about {
        for identifier in change.identifiers.iter_mut().filter(|identifier| !own.contains(identifier)) {
            identifier.value = SOMEBODY_ELSE.into();
        }
        // Told at the other: seen from here, the other is nobody.
        if !is_own(change.person_id) {
            change.person_id = person_id;
        }
        change.other_person_id = change.other_person_id.filter(|other| is_own(*other));
    }
    about.sort_by_key(|change| (change.occurred_at, change.sequence));
    about
}

fn memberships(journey: &[JourneyEvent]) -> Vec<Membership> {
    let mut accounts: BTreeMap<AccountId, Membership> = BTreeMap::new();
    for event in journey {
        let at = event.touchpoint.occurred_at;
        for account_id in &event.account_ids {
            let new =
                || Membership { account_id: *account_id, touch_count: 0, first_at: at, last_at: at, member: None };
            let known = accounts.entry(*account_id).or_insert_with(new);
            known.touch_count += 1;
            known.last_at = at;
        }
    }
    accounts.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_model::identity::{Alias, IdentityChangeKind};
    use uuid::Uuid;

    #[test]
    fn changes_tell_of_nobody_else() {
        let (realm, own, other) = (Uuid::nil(), Identifier::new("email", "own"), Identifier::new("email", "other"));
        let (person_id, stranger) = (PersonId::of(&realm, &own), PersonId::of(&realm, &other));
        let former = PersonId(Uuid::from_u128(9));
        let mut aliases = AliasTable::default();
        let alias = Alias { loser: former, winner: person_id, sequence: 1 };
        aliases.apply(&former.to_key(), Some(alias));
        let change = |kind, person_id, other_person_id, identifiers: &[&Identifier], occurred_at| IdentityChange {
            kind,
            person_id,
            other_person_id,
            identifiers: identifiers.iter().map(|identifier| (*identifier).clone()).collect(),
            reason: None,
            touchpoint_id: String::new(),
            occurred_at,
            rule_version: "1".to_owned(),
            sequence: None,
            undoes: None,
        };
        let changes = vec![
            change(IdentityChangeKind::Refused, stranger, Some(person_id), &[&other, &own], 3),
            change(IdentityChangeKind::Merged, person_id, Some(former), &[&own], 2),
            change(IdentityChangeKind::Created, stranger, None, &[&other], 1),
        ];
        let told = own_changes(changes, &BTreeSet::from([own.clone()]), person_id, &aliases);
        assert_eq!(
            told.iter().map(|change| change.kind).collect::<Vec<_>>(),
            [IdentityChangeKind::Merged, IdentityChangeKind::Refused]
        );
        assert_eq!(told[0].other_person_id, Some(former));
        assert_eq!((told[1].person_id, told[1].other_person_id), (person_id, Some(person_id)));
        assert_eq!(told[1].identifiers, [Identifier::new("email", SOMEBODY_ELSE), own]);
    }
}
