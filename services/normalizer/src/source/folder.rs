//! Source folders, compiled in or on disk, as names and texts.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use include_dir::{Dir, include_dir};

use crate::error::Problem;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../schemas/sources");

/// The files of one source.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    pub(super) name: String,
    /// The folder's path, for messages.
    pub(super) origin: String,
    /// Its files by name.
    pub(super) files: BTreeMap<String, String>,
    /// The files of its folder `samples` by name.
    pub(super) samples: BTreeMap<String, String>,
}

/// The folders that are compiled in.
pub(super) fn builtin() -> BTreeMap<String, Folder> {
    let texts = |dir: &Dir<'_>| {
        let named = dir.files().filter_map(|file| {
            let name = file.path().file_name()?.to_str()?.to_owned();
            Some((name, file.contents_utf8()?.to_owned()))
        });
        named.collect::<BTreeMap<_, _>>()
    };
    let folders = BUILTIN.dirs().filter_map(|dir| {
        let name = dir.path().file_name()?.to_str()?.to_owned();
        let samples = dir.get_dir(dir.path().join("samples")).map(texts).unwrap_or_default();
        let folder = Folder { origin: format!("schemas/sources/{name}"), files: texts(dir), samples, name };
        Some((folder.name.clone(), folder))
    });
    folders.collect()
}

/// The folders under `dir`.
pub(super) fn read_all(dir: &Path) -> Result<BTreeMap<String, Folder>, Problem> {
    let unreadable = |error: io::Error| {
        let remedy = "check normalizer.source_dirs and the rights on it";
        Problem::new(dir.display().to_string(), "", format!("cannot be read: {error}"), remedy)
    };
    let mut folders = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.')) else {
            continue;
        };
        if path.is_dir() {
            let samples_dir = path.join("samples");
            let samples = if samples_dir.is_dir() { texts(&samples_dir).map_err(unreadable)? } else { BTreeMap::new() };
            let files = texts(&path).map_err(unreadable)?;
            let folder = Folder { name: name.to_owned(), origin: path.display().to_string(), files, samples };
            folders.insert(folder.name.clone(), folder);
        }
    }
    Ok(folders)
}

fn texts(dir: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_data = [".yaml", ".vrl", ".json"].iter().any(|end| name.ends_with(end));
        if is_data && path.is_file() {
            texts.insert(name.to_owned(), fs::read_to_string(&path)?);
        }
    }
    Ok(texts)
}
