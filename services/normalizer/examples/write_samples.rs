//! Writes into sample files what their events become now, to be read and corrected before it is committed:
//! `cargo run -p tributary-normalizer --example write_samples -- schemas/sources/<source>/samples/*.json`

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value};
use tributary_normalizer::{Config, Rulebook, explain};

fn main() -> Result<()> {
    for path in std::env::args().skip(1) {
        write(Path::new(&path)).with_context(|| path.clone())?;
    }
    Ok(())
}

fn write(path: &Path) -> Result<()> {
    let mut folders = path.ancestors().skip(2);
    let source_dir = folders.next().context("the file is not in <source>/samples")?;
    let source = source_dir.file_name().and_then(|name| name.to_str()).context("the source has no name")?;
    let root = folders.next().context("the source is in no directory")?.to_path_buf();
    let rulebook = Rulebook::load(&Config { source_dirs: vec![root], ..Config::default() })?;
    let mut sample: Map<String, Value> = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let received_at = sample.get("received_at").and_then(Value::as_str).context("received_at is missing")?;
    let received_at = tributary_model::time::from_rfc3339(received_at).context("received_at is not RFC 3339")?;
    let input = sample.get("input").context("input is missing")?;
    let outcome = explain(&rulebook, source, received_at, input);
    sample.retain(|key, _| !matches!(key.as_str(), "expected" | "drop" | "dead_letter"));
    if let Value::Object(outcome) = outcome {
        sample.extend(outcome.into_iter().filter(|(key, _)| key != "message"));
    }
    std::fs::write(path, serde_json::to_string_pretty(&sample)? + "\n")?;
    Ok(())
}
