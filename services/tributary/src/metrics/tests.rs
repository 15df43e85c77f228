use std::path::{Path, PathBuf};

use tributary_service::metrics::{Kind, Metric, naming_faults};

use super::{METRICS, catalogue};

/// Where the part of the document begins that is made from the code.
const MARKER: &str =
    "<!-- From here on made from the code: see the test `metrics::tests::the_document_is_the_catalogue`. -->\n";

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md")
}

/// What the document says behind its marker.
fn rendered() -> String {
    let mut text = String::new();
    for (part, metrics) in catalogue() {
        text.push_str(&format!("\n### {part}\n\n| metric | type | labels | what it says |\n|---|---|---|---|\n"));
        metrics.iter().for_each(|metric| text.push_str(&row(metric)));
    }
    text
}

fn row(metric: &Metric) -> String {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
    format!("| `{}` | {kind} | {} | {} |\n", metric.name, labels.join(", "), metric.help)
}

#[test]
fn names_follow_the_rules() {
    assert_eq!(naming_faults(METRICS), Vec::<String>::new());
    let all: Vec<Metric> = catalogue().into_iter().flat_map(|(_, metrics)| metrics).collect();
    assert_eq!(naming_faults(&all), Vec::<String>::new(), "across all parts");
}

#[test]
fn the_document_is_the_catalogue() {
    let text = std::fs::read_to_string(document()).unwrap();
    let (_, made) = text.split_once(MARKER).unwrap();
    let remedy = "write it anew: cargo test -p tributary-tributary --lib write_the_document -- --ignored";
    assert!(made == rendered(), "docs/metrics.md is not what the code exports; {remedy}\n{}", rendered());
}

#[test]
#[ignore = "writes docs/metrics.md anew, for when the code exports something else"]
fn write_the_document() {
    let text = std::fs::read_to_string(document()).unwrap();
    let (written, _) = text.split_once(MARKER).unwrap();
    std::fs::write(document(), format!("{written}{MARKER}{}", rendered())).unwrap();
}
