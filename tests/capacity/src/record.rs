//! Costs as they stand in their file: a line for each figure, or for figures that belong together.

use crate::costs::{Changelog, Costs, Stage, State, Write};
use crate::figure::Figure;

/// The costs as YAML, which [`Costs::read`] reads.
#[must_use]
pub fn yaml(costs: &Costs) -> String {
    let mut out = "runtime:\n".to_owned();
    for (name, figure) in costs.figures() {
        if let Some(name) = name.strip_prefix("runtime.") {
            out.push_str(&format!("  {name}: {}\n", flow(&figure)));
        }
    }
    out.push_str("\nstages:\n");
    let stages: Vec<String> = costs.stages.iter().map(stage).collect();
    out.push_str(&stages.join("\n"));
    out
}

fn stage(stage: &Stage) -> String {
    let mut out = format!("  - name: {}\n    service: {}\n", stage.name, stage.service);
    out.push_str(&format!("    reads: [{}]\n", stage.reads.join(", ")));
    if stage.alone {
        out.push_str("    alone: true\n");
    }
    out.push_str(&format!("    cpu_us: {}\n    thread_us: {}\n", flow(&stage.cpu_us), flow(&stage.thread_us)));
    out.push_str("    writes:\n");
    for Write { topic, per, records, bytes, most_per_transaction } in &stage.writes {
        let most = most_per_transaction.as_ref().map(|most| ("most_per_transaction", most));
        let figures = [("records", records), ("bytes", bytes)].into_iter().chain(most);
        out.push_str(&format!("      - {{ topic: {topic}, per: {per}{} }}\n", named(figures)));
    }
    if let Some(Changelog { records, bytes }) = &stage.changelog {
        out.push_str(&format!("    changelog: {{ records: {}, bytes: {} }}\n", flow(records), flow(bytes)));
    }
    if !stage.state.is_empty() {
        out.push_str("    state:\n");
    }
    for State { of, entries, memory_bytes, changelog_bytes, days, most_per_partition } in &stage.state {
        let always = [("entries", entries), ("memory_bytes", memory_bytes), ("changelog_bytes", changelog_bytes)];
        let days = days.as_ref().map(|days| ("days", days));
        let most = most_per_partition.as_ref().map(|most| ("most_per_partition", most));
        let figures = always.into_iter().chain(days).chain(most);
        out.push_str(&format!("      - {{ of: {}{} }}\n", of.name(), named(figures)));
    }
    out
}

fn named<'a>(figures: impl Iterator<Item = (&'a str, &'a Figure)>) -> String {
    figures.map(|(name, figure)| format!(", {name}: {}", flow(figure))).collect()
}

fn flow(figure: &Figure) -> String {
    let source = figure.source.text();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || " ._/-".contains(letter);
    let source = if source.chars().all(is_plain) {
        source
    } else {
        format!("\"{}\"", source.replace('\\', "\\\\").replace('"', "\\\""))
    };
    format!("{{ value: {}, source: {source} }}", figure.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Source;

    const TEXT: &str = include_str!("../costs.yaml");

    #[test]
    fn the_file_is_as_it_is_written() {
        let written = yaml(&Costs::read(TEXT).unwrap());
        let body = TEXT.lines().skip_while(|line| line.starts_with('#') || line.is_empty());
        assert_eq!(written.lines().collect::<Vec<_>>(), body.collect::<Vec<_>>());
    }

    #[test]
    fn whatever_a_source_says_is_read_again() {
        let mut costs = Costs::read(TEXT).unwrap();
        for command in ["just bench-x --rate 5", "a, {b}: \"c\" \\ # d"] {
            let figure = Figure { value: 1.5, source: Source::Measured(command.to_owned()) };
            costs.set("journey.cpu_us", figure).unwrap();
            assert_eq!(Costs::read(&yaml(&costs)).unwrap(), costs);
        }
    }
}
