//! `tributary canvas show`: the canvas as it is in force, or in all its versions.

use serde::Serialize;
use serde_json::{Map, Value};
use tributary_model::canvas::Kind;
use tributary_model::time::to_rfc3339;
use tributary_model::{Canvas, CanvasEntry};

use crate::canvas::args::{ShowArgs, ShowFormat};
use crate::canvas::{file, topic};
use crate::commands::now_ms;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// One version for programs: as its file has it, with what the hub notes of it.
#[derive(Serialize)]
struct Shown {
    kind: Kind,
    id: String,
    version: i32,
    effective_from: Option<String>,
    applied_at: Option<String>,
    retired: bool,
    entry: Map<String, Value>,
}

/// Prints it.
///
/// # Errors
/// [`CliError`] when there is nothing of that kind and id, or no broker answers.
pub(super) fn show(args: &ShowArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let (kind, id) = subject(args.what.as_deref())?;
    let (canvas, left_out) = topic::read(hub, &hub.kafka()?)?;
    left_out.iter().for_each(|reason| output.notice(reason));
    let mut entries = versions(&canvas, args);
    entries.retain(|entry| {
        entry.subject().is_some_and(|(of, its)| kind.is_none_or(|kind| kind == of) && id.is_none_or(|id| id == its))
    });
    if let (Some(what), Some(_), true) = (&args.what, id, entries.is_empty()) {
        let remedy = "is not on the canvas then: `tributary canvas show --history` names all".to_owned();
        return Err(CliError::Argument { argument: "entry", value: what.clone(), remedy });
    }
    if args.format == Some(ShowFormat::Json) || (args.format.is_none() && output.is_json()) {
        output.json(&entries.iter().map(shown).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if !args.history {
        // Without dates, so that what is edited and applied again holds from then on and the past stays as it was.
        entries.iter_mut().for_each(|entry| entry.effective_from = None);
    }
    let yaml = file::write(&entries).map_err(|detail| CliError::Definition { what: "canvas", detail })?;
    output.text(yaml.trim_end())?;
    Ok(Exit::Done)
}

fn subject(what: Option<&str>) -> Result<(Option<Kind>, Option<&str>), CliError> {
    let Some(what) = what else { return Ok((None, None)) };
    let (kind, id) = what.split_once(':').map_or((what, None), |(kind, id)| (kind, Some(id)));
    let Some(kind) = Kind::named(kind) else {
        let remedy = format!("name one of {}", Kind::ALL.map(Kind::name).join(", "));
        return Err(CliError::Argument { argument: "kind", value: kind.to_owned(), remedy });
    };
    Ok((Some(kind), id))
}

fn versions(canvas: &Canvas, args: &ShowArgs) -> Vec<CanvasEntry> {
    if args.history { canvas.every_version() } else { canvas.in_force(args.at.unwrap_or_else(now_ms)) }
}

fn shown(entry: &CanvasEntry) -> Shown {
    let (kind, id) = entry.subject().unwrap_or((Kind::Team, ""));
    Shown {
        kind,
        id: id.to_owned(),
        version: entry.version,
        effective_from: entry.effective_from.map(to_rfc3339),
        applied_at: entry.applied_at.map(to_rfc3339),
        retired: entry.retired,
        entry: file::fields(&entry.content()),
    }
}
