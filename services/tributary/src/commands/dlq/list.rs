//! `tributary dlq list`.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::instant;
use crate::config::HubConfig;
use crate::dlq::args::ListArgs;
use crate::dlq::{Group, Ledger, Letter, Place, read_letters, summarise};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

#[derive(Serialize)]
struct Answer {
    letters: u64,
    open: u64,
    groups: Vec<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    each: Option<Vec<Line>>,
}

#[derive(Serialize)]
struct Line {
    place: Place,
    at: Option<i64>,
    stage: String,
    source: Option<String>,
    code: String,
    message: String,
    origin: String,
    replayed_at: Option<i64>,
}

/// Lists dead letters.
pub(super) fn list(args: &ListArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let filter = args.filter.filter(&[]);
    let ledger = Ledger::read(&settings, &contracts)?;
    let mut groups = BTreeMap::new();
    let mut latest: VecDeque<Line> = VecDeque::new();
    let foreign = read_letters(&settings, &contracts, |letter| {
        if !filter.takes(&letter) {
            return;
        }
        summarise(&mut groups, &letter, &ledger);
        if args.each {
            let line = line(&letter, &ledger);
            let behind = latest.partition_point(|other| (other.at, other.place) <= (line.at, line.place));
            latest.insert(behind, line);
            if latest.len() > args.limit as usize {
                latest.pop_front();
            }
        }
    })?;
    if foreign > 0 {
        output
            .notice(format!("{foreign} records on the dead-letter topic were not written by the hub and are left out"));
    }
    let groups: Vec<Group> = groups.into_values().collect();
    let sum = |of: fn(&Group) -> u64| groups.iter().map(of).sum::<u64>();
    let (letters, open) = (sum(|group| group.letters), sum(|group| group.open));
    let answer = Answer { letters, open, groups, each: args.each.then(|| latest.into()) };
    output.either(&answer, || text(&answer))?;
    Ok(Exit::Done)
}

fn line(letter: &Letter, ledger: &Ledger) -> Line {
    Line {
        place: letter.place,
        at: letter.lettered_at,
        stage: letter.letter.stage.clone(),
        source: letter.source.clone(),
        code: letter.letter.code.clone(),
        message: letter.letter.message.clone(),
        origin: letter.origin(),
        replayed_at: ledger.of(letter.place).map(|replay| replay.replayed_at),
    }
}

fn text(answer: &Answer) -> String {
    if answer.letters == 0 {
        return "no dead letters".to_owned();
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    match &answer.each {
        Some(lines) => {
            table.set_header(["place", "at", "stage", "source", "reason", "origin", "replayed", "message"]);
            for line in lines {
                table.add_row([
                    line.place.to_string(),
                    instant(line.at),
                    line.stage.clone(),
                    line.source.clone().unwrap_or_default(),
                    line.code.clone(),
                    line.origin.clone(),
                    instant(line.replayed_at),
                    line.message.clone(),
                ]);
            }
        }
        None => {
            table.set_header(["stage", "source", "reason", "letters", "open", "first", "last"]);
            for group in &answer.groups {
                table.add_row([
                    group.stage.clone(),
                    group.source.clone(),
                    group.code.clone(),
                    group.letters.to_string(),
                    group.open.to_string(),
                    instant(group.first_at),
                    instant(group.last_at),
                ]);
            }
        }
    }
    let shown = answer.each.as_ref().map(|lines| format!("{} shown, ", lines.len())).unwrap_or_default();
    format!("{table}\n{} dead letters, {shown}{} of them open", answer.letters, answer.open)
}
