//! Writes `schemas/http/openapi.json` anew: `cargo run -p tributary-gateway --example openapi`.

use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas/http/openapi.json");
    let mut text = serde_json::to_string_pretty(&tributary_gateway::openapi::document())?;
    text.push('\n');
    std::fs::write(file, text)?;
    Ok(())
}
