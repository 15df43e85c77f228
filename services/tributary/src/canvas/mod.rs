//! The canvas: read from files (`schemas/canvas/*.yaml`), checked, compared with what is in force, applied, and summed up.

pub mod args;
mod check;
pub mod file;
pub mod plan;
pub mod sheet;
pub mod topic;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tributary_model::{Canvas, CanvasEntry};

pub use check::faults;
pub use file::parse;
pub use topic::{apply_record, publish};

use crate::error::CliError;

const TEAMS: &str = include_str!("../../../../schemas/canvas/teams.yaml");
const DEMO: &str = include_str!("../../../../schemas/canvas/demo.yaml");

fn wrong(problems: Vec<String>) -> CliError {
    CliError::Definition { what: "canvas", detail: problems.join("\n") }
}

/// The canvas compiled in: which team answers for which channel.
///
/// # Errors
/// [`CliError::Definition`] when the built-in file is broken.
pub fn built_in() -> Result<Vec<CanvasEntry>, CliError> {
    parse("schemas/canvas/teams.yaml", TEAMS).map_err(wrong)
}

/// The canvas of the demo: the built-in teams and the simulated retailer's plan.
///
/// # Errors
/// [`CliError::Definition`] when a built-in file is broken.
pub fn demo() -> Result<Vec<CanvasEntry>, CliError> {
    let mut entries = built_in()?;
    entries.extend(parse("schemas/canvas/demo.yaml", DEMO).map_err(wrong)?);
    Ok(entries)
}

/// The built-in canvas and then all `*.yaml` files of a directory in order of name, later ones replacing earlier ones. A
/// team of a file takes its channels from the built-in team that has them.
///
/// # Errors
/// [`CliError`] with everything that is wrong, naming the file.
pub fn from_directory(directory: &Path) -> Result<Vec<CanvasEntry>, CliError> {
    let mut problems = Vec::new();
    let mut own = Vec::new();
    for path in yaml_files(directory)? {
        match read_file(&path) {
            Ok(entries) => own.extend(entries),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(wrong(problems));
    }
    let claimed: BTreeSet<&str> = own
        .iter()
        .filter(|entry| entry.effective_from.is_none() && !entry.retired)
        .flat_map(|entry| entry.team.iter().flat_map(|team| &team.channels))
        .map(String::as_str)
        .collect();
    let mut entries = built_in()?;
    for team in entries.iter_mut().filter_map(|entry| entry.team.as_mut()) {
        team.channels.retain(|channel| !claimed.contains(channel.as_str()));
    }
    entries.extend(own);
    Ok(latest(entries))
}

/// Of each key the entry that comes last.
fn latest(entries: Vec<CanvasEntry>) -> Vec<CanvasEntry> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<CanvasEntry> = entries.into_iter().rev().filter(|entry| seen.insert(entry.to_key())).collect();
    kept.reverse();
    kept
}

fn yaml_files(directory: &Path) -> Result<Vec<PathBuf>, CliError> {
    let listing = std::fs::read_dir(directory).map_err(|error| CliError::Canvas {
        path: directory.display().to_string(),
        detail: format!("{error}: give a readable directory of *.yaml files as `canvas.directory`"),
    })?;
    let mut files: Vec<PathBuf> = listing
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    Ok(files)
}

fn read_file(path: &Path) -> Result<Vec<CanvasEntry>, Vec<String>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| vec![format!("{name}: {error}: give a readable file, or a directory of *.yaml files")])?;
    parse(&name, &text)
}

/// The entries of some files, or of the `*.yaml` files of directories.
///
/// # Errors
/// Everything that is wrong with them, an entry that is in two of them included.
pub fn read_files(paths: &[PathBuf]) -> Result<Vec<CanvasEntry>, CliError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() { files.extend(yaml_files(path)?) } else { files.push(path.clone()) }
    }
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for path in &files {
        match read_file(path) {
            Ok(found) => entries.extend(found),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        problems.extend(file::twice(&entries));
    }
    if problems.is_empty() { Ok(entries) } else { Err(wrong(problems)) }
}

/// The canvas that the entries make.
#[must_use]
pub fn fold(entries: &[CanvasEntry]) -> Canvas {
    let mut canvas = Canvas::default();
    for entry in entries {
        canvas.apply(entry.clone());
    }
    canvas
}

#[cfg(test)]
mod tests;
