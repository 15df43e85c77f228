//! YAML into typed files, with the place of what is wrong.

use serde::de::DeserializeOwned;

use crate::error::Problem;

/// Reads a YAML file's text.
pub(crate) fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Problem> {
    serde_saphyr::from_str(text).map_err(|error| {
        let message = error.to_string();
        let first = message.lines().next().unwrap_or("is not YAML").trim().to_owned();
        Problem::new(file, "", first, "see docs/adding-a-source.md for what belongs into it")
    })
}
