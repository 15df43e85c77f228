//! The files and packages that the rules are about.

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

/// Folders that hold nothing we wrote.
const FOREIGN_FOLDERS: [&str; 4] = ["target", "node_modules", "__pycache__", ".git"];

/// A text file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl File {
    /// True for tests: everything in a folder `tests`, and files named `tests.rs`.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// Its lines with their numbers from 1, without those of a test module at the end of the file.
    pub fn production_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.is_test();
        self.lines().take_while(move |(_, line)| !is_test && *line != "#[cfg(test)]")
    }

    /// Its lines with their numbers from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// The repository as the rules see it.
#[derive(Debug)]
pub struct Workspace {
    /// What cargo says of the packages.
    pub metadata: Metadata,
    /// All text files, in order of path.
    pub files: Vec<File>,
}

/// Why the repository could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// A file or folder could not be read.
    #[error("{path}: {source}")]
    Read {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Cargo did not answer.
    #[error("cargo metadata: {0}")]
    Metadata(#[from] cargo_metadata::Error),
}

impl Workspace {
    /// Reads the workspace that this package is in.
    ///
    /// # Errors
    /// [`WorkspaceError`] when a file cannot be read or cargo does not answer.
    pub fn read() -> Result<Self, WorkspaceError> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec()?;
        let mut files = Vec::new();
        read_folder(&root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { metadata, files })
    }

    /// Files whose path ends so.
    pub fn files_ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.ends_with(ending))
    }
}

fn read_folder(root: &Path, folder: &str, files: &mut Vec<File>) -> Result<(), WorkspaceError> {
    let path = root.join(folder);
    let failed = |source| WorkspaceError::Read { path: path.clone(), source };
    for entry in std::fs::read_dir(&path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let relative = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            if !FOREIGN_FOLDERS.contains(&name.as_str()) {
                read_folder(root, &relative, files)?;
            }
        } else if kind.is_file() && !FOREIGN_FOLDERS.contains(&name.as_str()) {
            // In a worktree `.git` is a file.
            let bytes = std::fs::read(entry.path()).map_err(failed)?;
            // What is not text is an image or an archive: no rule is about it.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File { path: relative, text });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_ends_where_the_test_module_begins() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {}\n".to_owned();
        let file = File { path: "crates/a/src/lib.rs".to_owned(), text };
        assert_eq!(file.production_lines().collect::<Vec<_>>(), [(1, "fn a() {}")]);
        for path in ["tests/broker/src/lib.rs", "crates/a/tests/b.rs", "crates/a/src/b/tests.rs"] {
            assert_eq!(File { path: path.to_owned(), ..file.clone() }.production_lines().count(), 0, "{path}");
        }
    }
}
