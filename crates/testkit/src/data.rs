//! Finding the real data, which is used in place and never copied.

use std::path::{Path, PathBuf};

/// A piece of the real data is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} is missing: put the data folder beside the repository as ../shared/data, or set TRIBUTARY_DATA")]
pub struct DataError {
    /// What was looked for.
    pub path: String,
}

/// The data folder: `TRIBUTARY_DATA`, else `../shared/data` beside the repository.
///
/// # Errors
/// [`DataError`] when it is not there.
pub fn data_dir() -> Result<PathBuf, DataError> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let dir = std::env::var_os("TRIBUTARY_DATA").map_or_else(default, PathBuf::from);
    if dir.is_dir() { Ok(dir) } else { Err(DataError { path: dir.display().to_string() }) }
}

/// A file of the data folder.
///
/// # Errors
/// [`DataError`] names the file when it is not there.
pub fn data_file(name: &str) -> Result<PathBuf, DataError> {
    let path = data_dir()?.join(name);
    if path.exists() { Ok(path) } else { Err(DataError { path: path.display().to_string() }) }
}
