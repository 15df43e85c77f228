//! `tributary identity merge` and `unmerge`.

use std::time::{Duration, Instant};

use serde::Serialize;
use tributary_model::identity::{IdentifierCommand, IdentifierCommandKind, IdentityChange, IdentityChangeKind};
use tributary_model::ids::realm_uuid;
use tributary_model::{Identifier, PersonId, topics};
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, read_to_end};
use uuid::Uuid;

use crate::cli::PairArgs;
use crate::commands::now_ms;
use crate::commands::persons::{aliases, pseudonym};
use crate::commands::publish::publish_one;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Pause between two looks for the answer.
const LOOK: Duration = Duration::from_millis(200);

/// What was asked for, and what came of it.
#[derive(Serialize)]
struct Answer {
    /// The request's id, on the change that answers it.
    request_id: Option<String>,
    /// Whether the two were one person when this was asked.
    were_one: bool,
    /// The answer: `merged`, `unmerged` or `refused`.
    change: Option<IdentityChange>,
}

/// Asks for it, and waits for the answer.
pub(super) fn request(
    kind: IdentifierCommandKind,
    args: &PairArgs,
    config: &HubConfig,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let (left, right) = (pseudonym(&args.identifier, config)?, pseudonym(&args.other, config)?);
    if left == right {
        let remedy = "it is the same identifier as the other: name two".to_owned();
        return Err(CliError::Argument { argument: "identifier", value: args.identifier.clone(), remedy });
    }
    let reason = reason(&args.by_hand.reason)?;
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let aliases = aliases(&settings, &contracts)?;
    let realm = realm_uuid(&config.realm);
    let person = |identifier: &Identifier| aliases.resolve(PersonId::of(&realm, identifier));
    let were_one = person(&left) == person(&right);
    let is_idle = were_one && kind == IdentifierCommandKind::Link;
    if !args.by_hand.yes || is_idle {
        let is = if were_one { "one person" } else { "two persons" };
        let answer = Answer { request_id: None, were_one, change: None };
        output.either(&answer, || format!("{} and {} are {is}", args.identifier, args.other))?;
        if !is_idle {
            output.notice("nothing was changed: add --yes to do it");
        }
        return Ok(if is_idle { Exit::Done } else { Exit::Misconfigured });
    }
    let command = command(kind, left, vec![right], &realm, reason);
    let request_id = command.touchpoint_id.clone();
    publish(&settings, &contracts, &command)?;
    let is_answer = |changes: &[IdentityChange]| !changes.is_empty();
    let change = answer(&settings, &contracts, &request_id, Duration::from_secs(args.by_hand.wait), is_answer)?.pop();
    let exit = match &change {
        Some(change) if change.kind == IdentityChangeKind::Refused => Exit::Failed,
        Some(_) => Exit::Done,
        None => {
            output
                .notice("the request is written and nobody has answered it yet: is `tributary run identity` at work?");
            Exit::Failed
        }
    };
    let answer = Answer { request_id: Some(request_id), were_one, change };
    output.either(&answer, || render(&answer, args))?;
    Ok(exit)
}

/// What is said of why it is asked for.
///
/// # Errors
/// [`CliError`] when nothing is said.
pub(in crate::commands) fn reason(text: &str) -> Result<String, CliError> {
    let reason = text.trim().to_owned();
    if reason.is_empty() {
        let remedy = "say why, for those who will ask".to_owned();
        return Err(CliError::Argument { argument: "--reason", value: text.to_owned(), remedy });
    }
    Ok(reason)
}

/// A request about an identifier and others; its id is that of its touchpoint.
pub(in crate::commands) fn command(
    kind: IdentifierCommandKind,
    identifier: Identifier,
    then: Vec<Identifier>,
    realm: &Uuid,
    reason: String,
) -> IdentifierCommand {
    let at = now_ms();
    IdentifierCommand {
        kind,
        person_id: PersonId::of(realm, &identifier),
        identifier,
        first_seen_at: at,
        with: None,
        then,
        previous_person_id: None,
        touchpoint_id: format!("by-hand:{at}-{}", std::process::id()),
        occurred_at: at,
        by_hand: Some(reason),
        from: None,
        received_at: at,
        sequence: 0,
    }
}

/// Writes a request for the owner of its identifier.
///
/// # Errors
/// [`CliError`] when no broker answers or takes it.
pub(in crate::commands) fn publish(
    settings: &KafkaSettings,
    contracts: &Contracts,
    command: &IdentifierCommand,
) -> Result<(), CliError> {
    publish_one(settings, contracts, topics::IDENTITY_REQUESTS, command.identifier.to_key(), command)
}

/// The changes that answer a request, in the order in which they were decided, once they are all there or time is over.
pub(in crate::commands) fn answer(
    settings: &KafkaSettings,
    contracts: &Contracts,
    request_id: &str,
    wait: Duration,
    is_all: impl Fn(&[IdentityChange]) -> bool,
) -> Result<Vec<IdentityChange>, CliError> {
    let until = Instant::now() + wait;
    loop {
        let mut answer = Vec::new();
        read_to_end(settings, topics::IDENTITY_CHANGES, |record| {
            let change = record.value.as_deref().and_then(|value| contracts.decode::<IdentityChange>(value).ok());
            let is_answer = |change: &IdentityChange| {
                change.touchpoint_id == request_id && change.kind != IdentityChangeKind::Linked
            };
            answer.extend(change.filter(is_answer));
        })?;
        answer.sort_by_key(|change| change.sequence);
        if is_all(&answer) || Instant::now() >= until {
            return Ok(answer);
        }
        std::thread::park_timeout(LOOK);
    }
}

fn render(answer: &Answer, args: &PairArgs) -> String {
    let both = format!("{} and {}", args.identifier, args.other);
    let Some(change) = &answer.change else { return format!("{both}: no answer yet") };
    let (person, other) = (change.person_id, change.other_person_id);
    let other = other.map(|other| other.to_string()).unwrap_or_default();
    match (change.kind, change.sequence) {
        (IdentityChangeKind::Refused, _) => {
            let reason = change.reason.as_deref().unwrap_or("no reason given");
            format!("{both} stay as they are: {}", refusal(reason))
        }
        (IdentityChangeKind::Unmerged, Some(sequence)) => {
            format!("#{sequence}: {both} are {person} and {other} now, and are held apart")
        }
        (IdentityChangeKind::Unmerged, None) => format!("{both} were two persons already, and are held apart now"),
        (_, sequence) => format!("#{}: {both} are {person} now", sequence.unwrap_or_default()),
    }
}

/// What a reason means to the one who asked.
pub(super) fn refusal(reason: &str) -> String {
    let (kind, namespace) = reason.split_once(':').unwrap_or((reason, ""));
    match kind {
        "unknown" => format!("no event has named this {namespace} yet (check its spelling, realm and pseudonym key)"),
        "unique" => format!("the persons have different values of {namespace}, which names one person"),
        "limit" => format!("one person would have more values of {namespace} than the rules allow"),
        "one_person" => "whose it is not and whose it is are one person".to_owned(),
        "same" => "two of the identifiers are the same".to_owned(),
        "shared" => format!("the {namespace} is in quarantine: too many persons share it"),
        "too_many" => format!("{namespace} identifiers would have to move at once: take it apart in smaller pieces"),
        "hold" => format!("somebody holds another {namespace} of theirs apart: see `tributary identity explain`"),
        _ => reason.to_owned(),
    }
}
