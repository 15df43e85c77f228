//! Freezes the current schemas: writes every one that differs from its newest published version as the next version
//! under `schemas/avro/published/`. Run it when a version is released.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/avro/published");
    std::fs::create_dir_all(&dir)?;
    for name in tributary_schema::names() {
        let text = tributary_schema::flattened_schema(&name)? + "\n";
        let file = |version: u32| dir.join(format!("{name}.{version}.avsc"));
        let next = (1..).find(|version| !file(*version).exists()).unwrap_or(1);
        if next > 1 && std::fs::read_to_string(file(next - 1))? == text {
            continue;
        }
        std::fs::write(file(next), text)?;
        eprintln!("published {name} version {next}");
    }
    Ok(())
}
