//! The way of an event through all stages in instructions: what a change adds to it, or takes from it, on any machine.
//!
//! Callgrind counts what the stages execute for a thousand events, without the client and without the clock. Times would not do:
//! machines are shared, and a guard that sometimes fails for nothing is soon ignored.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Instructions for one event: `optimised | instructions`, of which the line counts that says how this test was built.
const LIMITS: &str = include_str!("instructions.txt");
/// More is a regression.
const PERCENT_ABOVE: f64 = 5.0;
/// Less is an improvement, and the limit has to follow it, or it would let what was won go again.
const PERCENT_BELOW: f64 = 15.0;
const EVENTS: u64 = 1_000;

/// Valgrind on the path, or where `./test` puts it out of Debian's package.
fn valgrind() -> (PathBuf, Option<PathBuf>) {
    let tools = std::env::var_os("TRIBUTARY_TEST_TOOLS").map(|tools| Path::new(&tools).join("valgrind"));
    match tools.filter(|tools| tools.join("bin/valgrind").is_file()) {
        Some(tools) => (tools.join("bin/valgrind"), Some(tools.join("libexec/valgrind"))),
        None => (PathBuf::from("valgrind"), None),
    }
}

#[test]
fn an_event_costs_no_more_instructions_than_it_did() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("callgrind.out");
    let (program, library) = valgrind();
    let mut command = Command::new(&program);
    if let Some(library) = library {
        command.env("VALGRIND_LIB", library);
    }
    let output = command
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*InlineHub*take*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env!("CARGO_BIN_EXE_bench"))
        .args(["population", "100", "5", &EVENTS.to_string(), "--untimed"])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}: run ./test, which installs valgrind", program.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&out).unwrap();
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).expect("callgrind gives no total");
    // All events are counted, also those before: 5,000 that warm up, 500 of everybody, and the thousand.
    let each = total.trim().parse::<f64>().unwrap() / (5_000 + 100 * 5 + EVENTS) as f64;
    let limit = limit();
    let percent = (each / limit - 1.0) * 100.0;
    println!("{each:.0} instructions for an event, {percent:+.1} % of the {limit:.0} in instructions.txt");
    assert!(
        percent <= PERCENT_ABOVE,
        "{each:.0} instructions for an event are {percent:.1} % more than {limit:.0} (built without CARGO_INCREMENTAL=0, as \
         ./test sets it, it may be more)"
    );
    assert!(
        percent >= -PERCENT_BELOW,
        "{each:.0} instructions for an event are {percent:.1} % of {limit:.0}: write the new figure into instructions.txt"
    );
}

fn limit() -> f64 {
    let built = if cfg!(debug_assertions) { "debug" } else { "release" };
    let lines = LIMITS.lines().filter_map(|line| line.split_once('|'));
    let of_build = lines.filter(|(name, _)| name.trim() == built).find_map(|(_, limit)| limit.trim().parse().ok());
    of_build.unwrap_or_else(|| panic!("instructions.txt has no line for {built}"))
}
