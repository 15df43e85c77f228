//! What every package's `Cargo.toml` has to say.

use crate::{File, Finding};

/// Fields of `[package]` that come from the workspace.
const SHARED_FIELDS: [&str; 6] = ["version", "edition", "rust-version", "license", "repository", "publish"];

/// Where a package's manifest decides for itself what the workspace decides for all.
#[must_use]
pub fn findings(manifest: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in SHARED_FIELDS {
        let shared = format!("{field}.workspace = true");
        if !manifest.lines().any(|(_, line)| line == shared) {
            findings.push(Finding::new(
                &manifest.path,
                format!("[package] {field} is not the workspace's"),
                format!("write `{shared}`"),
            ));
        }
    }
    if !manifest.text.contains("[lints]\nworkspace = true\n") {
        let remedy = "write `workspace = true` under [lints]";
        findings.push(Finding::new(&manifest.path, "the workspace's lints are not on", remedy));
    }
    if !manifest.lines().any(|(_, line)| line.starts_with("description = \"")) {
        let remedy = "say in one sentence what the package is for";
        findings.push(Finding::new(&manifest.path, "there is no description", remedy));
    }
    let mut in_dependencies = false;
    for (number, line) in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if in_dependencies && line.contains('=') && !line.starts_with('#') && !line.contains("workspace = true")
        {
            findings.push(Finding::at(
                manifest,
                number,
                format!("`{line}` has a version of its own"),
                "put the version into [workspace.dependencies] of the root and write `<name>.workspace = true`",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_lints_come_from_the_workspace() {
        let shared = SHARED_FIELDS.map(|field| format!("{field}.workspace = true\n")).concat();
        let good = format!(
            "[package]\ndescription = \"A.\"\n{shared}\n[lints]\nworkspace = true\n\n[dependencies]\na.workspace = true\n"
        );
        let file = |text: String| File { path: "crates/a/Cargo.toml".to_owned(), text };
        assert_eq!(findings(&file(good.clone())), Vec::new());
        let own = findings(&file(format!("{good}b = \"1\"\n[dev-dependencies]\nc = {{ version = \"2\" }}\n")));
        assert_eq!(own.len(), 2);
        assert_eq!(own[0].place, "crates/a/Cargo.toml:15");
        assert_eq!(findings(&file("[package]\nversion = \"1\"\n".to_owned())).len(), SHARED_FIELDS.len() + 2);
    }
}
