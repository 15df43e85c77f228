//! Other people's engines: a folder each below `tests/bench/peers`, with what installs it and what runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// One engine, installed.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The folder's name.
    pub id: String,
    /// Name and version.
    pub name: String,
    /// What it promises.
    pub guarantee: String,
    /// Where its program is.
    pub folder: PathBuf,
    /// Where it is installed.
    pub installed: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Description {
    name: String,
    guarantee: String,
}

/// Installs the engines below `folder` into `target`, in order of name; `only` names those that are wanted, all when empty.
/// An engine that cannot be installed here is given as its name and the reason.
///
/// # Errors
/// When a folder is not as it has to be.
pub fn peers(
    folder: &Path,
    target: &Path,
    only: &[String],
) -> Result<Vec<std::result::Result<Peer, (String, String)>>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let names: Vec<_> = folders.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    if let Some(unknown) = only.iter().find(|wanted| !names.contains(&wanted.as_str())) {
        bail!("there is no peer {unknown}: give some of {}, or none", names.join(", "));
    }
    let mut all = Vec::new();
    for folder in folders {
        let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !only.is_empty() && !only.contains(&id) {
            continue;
        }
        let described = folder.join("peer.json");
        let text = std::fs::read_to_string(&described).with_context(|| format!("reading {}", described.display()))?;
        let Description { name, guarantee } =
            serde_json::from_str(&text).with_context(|| format!("reading {}", described.display()))?;
        let installed = target.join(&id);
        std::fs::create_dir_all(&installed)?;
        let output = Command::new(folder.join("setup"))
            .arg(&installed)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("installing {name}"))?;
        if output.status.success() {
            all.push(Ok(Peer { id, name, guarantee, folder, installed }));
        } else {
            let said = String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or("no reason").to_owned();
            all.push(Err((name, said)));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_no_peer_is_named_with_those_who_are() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let target = tempfile::tempdir().unwrap();
        let told = peers(&folder, target.path(), &["flnk".to_owned()]).unwrap_err().to_string();
        assert_eq!(told, "there is no peer flnk: give some of bytewax, faust, flink, pathway, quix, or none");
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0, "and nothing is installed");
    }
}
