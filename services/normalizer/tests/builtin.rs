//! The sources that are compiled in: their mappings compile and their samples hold.

use tributary_normalizer::{Config, check};

#[test]
fn builtin_sources_and_their_samples_hold() {
    let problems = check(&Config::default());
    let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(listed.is_empty(), "{}", listed.join("\n"));
}
