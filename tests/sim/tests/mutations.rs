//! The mutations still apply: each is a fault that the simulation has to notice, and `just mutations` shows that it does.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn patches() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mutations");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut patches: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "patch")).collect();
    patches.sort();
    patches
}

#[test]
fn each_says_what_it_breaks() {
    let patches = patches();
    assert!(patches.len() >= 8, "{} mutations", patches.len());
    for patch in patches {
        let text = std::fs::read_to_string(&patch).unwrap();
        let reason = text.lines().next().unwrap_or_default();
        assert!(reason.len() > 20 && !reason.starts_with("---"), "{}: say first what it breaks", patch.display());
    }
}

#[test]
fn each_applies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("skipped: there is no git here to apply the mutations with");
        return;
    }
    for patch in patches() {
        let checked = Command::new("git")
            .args(["apply", "--check", "--verbose"])
            .arg(&patch)
            .current_dir(&root)
            // Unpacked from an archive somewhere inside another repository, paths are still taken from here.
            .env("GIT_CEILING_DIRECTORIES", root.parent().unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        let remedy = "bring the patch up to date with the code it breaks";
        assert!(checked.status.success(), "{} does not apply: {said}\n{remedy}", patch.display());
        assert!(said.contains("Checking patch"), "{} changes nothing: {said}", patch.display());
    }
}
