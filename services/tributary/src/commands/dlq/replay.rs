//! `tributary dlq replay`.

use std::collections::{BTreeMap, BinaryHeap};
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget};
use serde::Serialize;
use tributary_model::RawEvent;
use tributary_normalizer::{HEADER_SOURCE, Rulebook, explain};
use tributary_rules::{Program, parse_json};
use tributary_schema::Contracts;
use tributary_stream::KafkaSettings;

use crate::commands::now_ms;
use crate::config::HubConfig;
use crate::dlq::args::ReplayArgs;
use crate::dlq::{Correction, Ledger, Letter, Place, Replayed, read_letters, replay as write_back};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// What was asked for, and what came of it.
#[derive(Serialize)]
struct Answer {
    /// Open letters that the filters take.
    found: u64,
    /// Of these, within the limit.
    chosen: u64,
    /// What the definitions here would make of them, on a dry run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outlook: BTreeMap<String, u64>,
    #[serde(flatten)]
    replayed: Option<Replayed>,
}

/// Replays dead letters, or says which it would.
pub(super) fn replay(args: &ReplayArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let correction = correction(args)?;
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let (letters, found) = choose(args, &settings, &contracts)?;
    if matches!(correction, Correction::With(_)) && letters.len() != 1 {
        return Err(CliError::Argument {
            argument: "--with",
            value: args.with.as_deref().unwrap_or(Path::new("")).display().to_string(),
            remedy: format!("it is for one open letter, and {} were chosen: give the place of one", letters.len()),
        });
    }
    let mut answer = Answer { found, chosen: letters.len() as u64, outlook: BTreeMap::new(), replayed: None };
    if !args.yes {
        answer.outlook = outlook(&letters, &correction, hub, &contracts)?;
        output.either(&answer, || text(&answer))?;
        if args.dry_run {
            return Ok(Exit::Done);
        }
        output.notice("nothing was replayed: add --yes to do it, or --dry-run to only look");
        return Ok(Exit::Misconfigured);
    }
    let target = if output.is_json() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(5) };
    let bar = ProgressBar::with_draw_target(Some(letters.len() as u64), target);
    let replayed = write_back(&settings, &contracts, &letters, &correction, now_ms(), |settled| bar.inc(settled));
    bar.finish_and_clear();
    answer.replayed = Some(replayed?);
    output.either(&answer, || text(&answer))?;
    let all_done = answer.replayed.as_ref().is_some_and(|replayed| replayed.skipped.is_empty());
    Ok(if all_done { Exit::Done } else { Exit::Failed })
}

fn correction(args: &ReplayArgs) -> Result<Correction, CliError> {
    let read = |path: &Path| std::fs::read(path).map_err(CliError::system(format!("reading {}", path.display())));
    let wrong =
        |argument, path: &Path, remedy| CliError::Argument { argument, value: path.display().to_string(), remedy };
    if let Some(path) = &args.with {
        let bytes = read(path)?;
        parse_json(&bytes).map_err(|why| wrong("--with", path, format!("the file {why}: give the event as JSON")))?;
        return Ok(Correction::With(bytes));
    }
    let Some(path) = &args.map else { return Ok(Correction::None) };
    let name = path.display().to_string();
    let source = String::from_utf8(read(path)?)
        .map_err(|_| wrong("--map", path, "the file is not UTF-8: give a VRL program".to_owned()))?;
    let program = Program::compile(&name, &source)
        .map_err(|error| CliError::Definition { what: "the program of --map", detail: error.to_string() })?;
    Ok(Correction::Map(Box::new(program)))
}

/// A letter in order of time; the latest is the greatest.
struct ByTime(Letter);

impl ByTime {
    fn order(&self) -> (Option<i64>, Place) {
        (self.0.lettered_at, self.0.place)
    }
}

impl PartialEq for ByTime {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for ByTime {}

impl PartialOrd for ByTime {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByTime {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

/// The earliest open letters that the filters take, in order of time, and how many there are in all.
fn choose(args: &ReplayArgs, settings: &KafkaSettings, contracts: &Contracts) -> Result<(Vec<Letter>, u64), CliError> {
    let filter = args.filter.filter(&args.places);
    let ledger = Ledger::read(settings, contracts)?;
    let mut earliest = BinaryHeap::new();
    let mut seen = Vec::new();
    let mut found = 0;
    read_letters(settings, contracts, |letter| {
        if args.places.contains(&letter.place) {
            seen.push(letter.place);
        }
        if filter.takes(&letter) && ledger.of(letter.place).is_none() {
            found += 1;
            earliest.push(ByTime(letter));
            if earliest.len() > args.limit as usize {
                earliest.pop();
            }
        }
    })?;
    if let Some(missing) = args.places.iter().find(|place| !seen.contains(place)) {
        return Err(CliError::Argument {
            argument: "place",
            value: missing.to_string(),
            remedy: "no dead letter is there; `tributary dlq list --each` shows what there is".to_owned(),
        });
    }
    Ok((earliest.into_sorted_vec().into_iter().map(|letter| letter.0).collect(), found))
}

/// What the definitions of this configuration would make of each letter, counted.
fn outlook(
    letters: &[Letter],
    correction: &Correction,
    hub: &HubConfig,
    contracts: &Contracts,
) -> Result<BTreeMap<String, u64>, CliError> {
    let rulebook = Rulebook::load(&hub.normalizer)
        .map_err(|error| CliError::Definition { what: "sources", detail: error.to_string() })?;
    let mut outlook = BTreeMap::new();
    for letter in letters {
        let becomes = match correction.value(letter, contracts) {
            Err(why) => why,
            Ok(value) if letter.is_raw() => becomes(letter, value.as_deref(), &rulebook, contracts),
            Ok(_) => format!("back to stage {}, as it was", letter.letter.stage),
        };
        *outlook.entry(becomes).or_insert(0) += 1;
    }
    Ok(outlook)
}

fn becomes(letter: &Letter, value: Option<&[u8]>, rulebook: &Rulebook, contracts: &Contracts) -> String {
    let input = &letter.letter.input;
    let event = match (input.header(HEADER_SOURCE), value) {
        (Some(source), Some(body)) => {
            let received_at = input.timestamp_ms.unwrap_or_default();
            Some((source.to_owned(), received_at, body.to_vec()))
        }
        (None, Some(value)) => {
            contracts.decode::<RawEvent>(value).ok().map(|event| (event.source, event.received_at, event.body))
        }
        (_, None) => None,
    };
    let Some((source, received_at, body)) = event else { return "dead letter again: undecodable".to_owned() };
    let Ok(body) = serde_json::from_slice(&body) else { return "dead letter again: malformed_json".to_owned() };
    let outcome = explain(rulebook, &source, received_at, &body);
    let word = |name: &str| outcome.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    match (word("dead_letter"), word("drop")) {
        (Some(code), _) => format!("dead letter again: {code}"),
        (None, Some(reason)) => format!("drop: {reason}"),
        (None, None) => "touchpoint".to_owned(),
    }
}

fn text(answer: &Answer) -> String {
    let mut lines = vec![format!("{} open dead letters match, {} of them within --limit", answer.found, answer.chosen)];
    for (becomes, count) in &answer.outlook {
        lines.push(format!("  {count:>8}  would become: {becomes}"));
    }
    if let Some(replayed) = &answer.replayed {
        lines.push(format!("{} replayed", replayed.replayed));
        if replayed.replayed_before > 0 {
            lines.push(format!("{} had been replayed by somebody else meanwhile", replayed.replayed_before));
        }
        for skipped in &replayed.skipped {
            lines.push(format!("✗ {} is left: {}", skipped.place, skipped.why));
        }
    }
    lines.join("\n")
}
