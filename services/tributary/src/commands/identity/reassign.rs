//! `tributary identity reassign`.

use std::time::Duration;

use serde::Serialize;
use tributary_identity::AliasTable;
use tributary_model::identity::{IdentifierCommandKind, IdentityChange, IdentityChangeKind};
use tributary_model::ids::realm_uuid;
use tributary_model::{Identifier, PersonId};

use super::request::{answer, command, publish, reason, refusal};
use crate::cli::ReassignArgs;
use crate::commands::persons::{aliases, pseudonym};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// What was asked for, and what came of it.
#[derive(Serialize)]
struct Answer {
    /// The request's id, on the changes that answer it.
    request_id: Option<String>,
    /// Whose it was when this was asked.
    person_id: PersonId,
    /// Who it is not.
    from_person_id: PersonId,
    /// Who it is.
    to_person_id: PersonId,
    /// The answers in their order: `unmerged`, then `merged` unless they were one already; or `refused`.
    changes: Vec<IdentityChange>,
}

/// Asks for it, and waits for the answer.
pub(super) fn reassign(args: &ReassignArgs, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let [this, from, to] = [&args.identifier, &args.from, &args.to].map(|text| pseudonym(text, config));
    let (this, from, to) = (this?, from?, to?);
    for (argument, one, other) in [("--from", &this, &from), ("--to", &this, &to), ("--to", &from, &to)] {
        if one == other {
            let remedy = "name three identifiers: whose it is not, and whose it is".to_owned();
            return Err(CliError::Argument { argument, value: "the same identifier again".to_owned(), remedy });
        }
    }
    let reason = reason(&args.by_hand.reason)?;
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let known = aliases(&settings, &contracts)?;
    let realm = realm_uuid(&config.realm);
    let person = |aliases: &AliasTable, identifier: &Identifier| aliases.resolve(PersonId::of(&realm, identifier));
    let mut said = Answer {
        request_id: None,
        person_id: person(&known, &this),
        from_person_id: person(&known, &from),
        to_person_id: person(&known, &to),
        changes: Vec::new(),
    };
    let is_theirs = said.person_id == said.to_person_id;
    if !args.by_hand.yes {
        output.either(&said, || whose(&said, args))?;
        output.notice("nothing was changed: add --yes to do it");
        return Ok(Exit::Misconfigured);
    }
    let command = command(IdentifierCommandKind::Reassign, this, vec![from, to], &realm, reason);
    publish(&settings, &contracts, &command)?;
    // They may be one without a merge when they were one before: then there is one answer.
    let is_all = |changes: &[IdentityChange]| {
        let has = |kind| changes.iter().any(|change| change.kind == kind);
        has(IdentityChangeKind::Refused)
            || has(IdentityChangeKind::Merged)
            || (is_theirs && has(IdentityChangeKind::Unmerged))
    };
    let wait = Duration::from_secs(args.by_hand.wait);
    said.changes = answer(&settings, &contracts, &command.touchpoint_id, wait, is_all)?;
    said.request_id = Some(command.touchpoint_id);
    let is_refused = said.changes.iter().any(|change| change.kind == IdentityChangeKind::Refused);
    if said.changes.is_empty() {
        output.notice("the request is written and nobody has answered it yet: is `tributary run identity` at work?");
    }
    output.either(&said, || render(&said, args))?;
    Ok(if is_refused || said.changes.is_empty() { Exit::Failed } else { Exit::Done })
}

fn whose(said: &Answer, args: &ReassignArgs) -> String {
    let of = |person: PersonId| if person == said.person_id { "of one person with" } else { "of another person than" };
    let (from, to) = (of(said.from_person_id), of(said.to_person_id));
    format!("{} is {from} {}, and {to} {}", args.identifier, args.from, args.to)
}

fn render(said: &Answer, args: &ReassignArgs) -> String {
    let of_kind = |kind| said.changes.iter().find(|change| change.kind == kind);
    if let Some(refused) = of_kind(IdentityChangeKind::Refused) {
        let why = refusal(refused.reason.as_deref().unwrap_or("no reason given"));
        return format!("{} stays whose it is: {why}", args.identifier);
    }
    let Some(unmerged) = of_kind(IdentityChangeKind::Unmerged) else { return "no answer yet".to_owned() };
    let person = of_kind(IdentityChangeKind::Merged).map_or(said.person_id, |merged| merged.person_id);
    let held = format!("and held apart from {}", args.from);
    match unmerged.sequence {
        Some(sequence) => format!("#{sequence}: {} is {person} with {} now, {held}", args.identifier, args.to),
        None => format!("{} is {person} with {} now, {held}; it was of two persons before", args.identifier, args.to),
    }
}
