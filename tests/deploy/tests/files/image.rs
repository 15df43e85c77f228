//! The Dockerfile: pinned, one binary, not root.

use regex::Regex;

use crate::bed::text;

#[test]
fn the_image_is_pinned_builds_the_binary_and_is_not_root() {
    let file = text("Dockerfile");
    let base = Regex::new(r"(?m)^FROM (\S+)").unwrap();
    let images: Vec<&str> = base.captures_iter(&file).map(|found| found.get(1).unwrap().as_str()).collect();
    let pinned = Regex::new(r"^[a-z]+:\d+\.\d+(\.\d+)?-slim(-[a-z]+)?$").unwrap();
    assert!(images.len() == 2 && images.iter().all(|image| pinned.is_match(image)), "{images:?}");
    let toolchain = text("Cargo.toml");
    let oldest = Regex::new(r#"(?m)^rust-version = "(\d+\.\d+)"$"#).unwrap();
    let oldest = &oldest.captures(&toolchain).unwrap()[1];
    assert!(images[0].starts_with(&format!("rust:{oldest}.")), "{} is not the workspace's {oldest}", images[0]);
    let (_, last) = file.rsplit_once("\nFROM ").unwrap();
    let user = Regex::new(r"(?m)^USER (\d+):(\d+)$").unwrap();
    let user = user.captures(last).unwrap();
    assert!(user[1] != *"0" && user[2] != *"0");
    assert!(
        text("charts/tributary/values.yaml").contains(&format!("runAsUser: {}", &user[1])),
        "another user than the chart's"
    );
    assert!(last.contains("ENTRYPOINT [\"tributary\"]"));
    let ignored = text(".dockerignore");
    for path in [".git", ".env", "target"] {
        assert!(ignored.lines().any(|line| line == path), "{path} would be sent to the builder");
    }
}
