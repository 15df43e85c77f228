//! `tributary privacy erase`.

use std::time::Duration;

use serde::Serialize;
use tributary_model::identity::{IdentifierCommandKind, IdentityChange, IdentityChangeKind};
use tributary_model::ids::realm_uuid;
use tributary_model::time::to_rfc3339;

use super::subject::{Asked, Subject, changes, subject};
use crate::cli::EraseArgs;
use crate::commands::identity::request::{answer, command, publish, reason};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// What was asked for, and what came of it.
#[derive(Serialize)]
struct Answer {
    /// The request's id, on the change that answers it.
    request_id: Option<String>,
    /// Received up to this instant is what is erased, in milliseconds since 1970.
    received_until: Option<i64>,
    /// How many identifiers the person is known by, by namespace, as far as the log of changes tells.
    identifiers: Vec<(String, usize)>,
    /// The answer: `erased` or `refused`.
    change: Option<IdentityChange>,
}

/// Asks for the erasure, and waits for the answer.
pub(super) fn erase(args: &EraseArgs, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let reason = reason(&args.by_hand.reason)?;
    let asked = Asked::parse(&args.person, config)?;
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let known = subject(&asked, &changes(&settings, &contracts)?, config);
    let identifier = match &asked {
        Asked::Identifier(identifier) => Some(identifier),
        Asked::Person(_) => known.identifiers.first(),
    };
    let Some(identifier) = identifier.cloned() else {
        output.notice("nobody is known by this id: give an identifier of the person instead");
        return Ok(Exit::Failed);
    };
    let identifiers = namespaces(&known);
    if !args.by_hand.yes {
        let answer = Answer { request_id: None, received_until: None, identifiers, change: None };
        output.either(&answer, || format!("{} is known by {}", args.person, listed(&answer.identifiers)))?;
        output.notice("nothing was changed: add --yes to do it; it cannot be undone");
        return Ok(Exit::Misconfigured);
    }
    let realm = realm_uuid(&config.realm);
    let command = command(IdentifierCommandKind::Erase, identifier, Vec::new(), &realm, reason);
    let (at, request_id) = (command.received_at, command.touchpoint_id.clone());
    publish(&settings, &contracts, &command)?;
    let is_answer =
        |change: &IdentityChange| matches!(change.kind, IdentityChangeKind::Erased | IdentityChangeKind::Refused);
    let wait = Duration::from_secs(args.by_hand.wait);
    let changes = answer(&settings, &contracts, &request_id, wait, |changes| changes.iter().any(is_answer))?;
    let change = changes.into_iter().find(is_answer);
    let exit = match &change {
        Some(change) if change.kind == IdentityChangeKind::Erased => Exit::Done,
        Some(_) => Exit::Failed,
        None => {
            output
                .notice("the request is written and nobody has answered it yet: is `tributary run identity` at work?");
            Exit::Failed
        }
    };
    let answer = Answer { request_id: Some(request_id), received_until: Some(at), identifiers, change };
    output.either(&answer, || render(&answer, args))?;
    Ok(exit)
}

fn namespaces(known: &Subject) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for identifier in &known.identifiers {
        match counts.last_mut().filter(|(namespace, _)| *namespace == identifier.namespace) {
            Some((_, count)) => *count += 1,
            None => counts.push((identifier.namespace.to_string(), 1)),
        }
    }
    counts
}

fn listed(identifiers: &[(String, usize)]) -> String {
    let all: Vec<String> = identifiers.iter().map(|(namespace, count)| format!("{count} {namespace}")).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

fn render(answer: &Answer, args: &EraseArgs) -> String {
    let who = &args.person;
    let Some(change) = &answer.change else { return format!("{who}: no answer yet") };
    if change.kind != IdentityChangeKind::Erased {
        return format!("{who}: nobody is known by it, or they have been erased already");
    }
    format!(
        "#{}: {who} is erased, with everything that was received up to {}\n\
         `tributary privacy verify {who}` says what is left, and until when",
        change.sequence.unwrap_or_default(),
        to_rfc3339(answer.received_until.unwrap_or_default()),
    )
}
