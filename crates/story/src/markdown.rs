//! The report as text with tables.

use std::collections::BTreeMap;

use tributary_model::time::to_rfc3339;

use crate::report::{Example, Heard, Speaker, StoryReport, Told};

/// The most rows of a table.
const MAX_ROWS: usize = 20;

/// The report as Markdown.
#[must_use]
pub fn markdown(report: &StoryReport) -> String {
    let mut text = String::from("# One story?\n\n");
    let approved =
        report.total.approved_percent().map_or_else(|| "nothing".to_owned(), |share| format!("{share:.1} %"));
    let total = &report.total;
    paragraph(
        &mut text,
        &format!(
            "{} messages of a campaign or wording; approved: {approved}; {} were the first to tell somebody another story; \
             {} contradictions.",
            total.messages,
            total.second_stories,
            total.conflicts.values().sum::<i64>()
        ),
    );
    let heard = [("persons", report.persons), ("accounts", report.accounts)];
    let rows =
        heard.into_iter().filter(|(_, heard)| heard.sum() > 0).map(|(who, heard)| heard_row(who, heard)).collect();
    table(&mut text, "Stories heard", &["who", "none", "one", "two", "three or more", "more than one"], rows);
    for (title, of) in [
        ("By team", &report.teams),
        ("By channel", &report.channels),
        ("By agency", &report.agencies),
        ("By campaign", &report.campaigns),
    ] {
        told_table(&mut text, title, of);
    }
    let rows = report.contradictions.iter().take(MAX_ROWS);
    let rows = rows.map(|one| vec![one.count.to_string(), one.kind.clone(), speaker(&one.by), speaker(&one.with)]);
    table(&mut text, "Who contradicts whom", &["times", "kind", "message", "contradicts"], rows.collect());
    if report.contradictions.len() > MAX_ROWS {
        paragraph(&mut text, &format!("{} more are in the JSON.", report.contradictions.len() - MAX_ROWS));
    }
    table(
        &mut text,
        "Examples",
        &["kind", "when", "message", "contradicts", "open with"],
        report.examples.iter().map(example).collect(),
    );
    text
}

fn heard_row(who: &str, heard: Heard) -> Vec<String> {
    let Heard { none, one, two, more } = heard;
    #[allow(clippy::cast_precision_loss, reason = "for people to read")]
    let share = 100.0 * (two + more) as f64 / heard.sum() as f64;
    let mut row = vec![who.to_owned()];
    row.extend([none, one, two, more].map(|count| count.to_string()));
    row.push(format!("{share:.1} %"));
    row
}

/// Those who contradict most come first.
fn told_table(text: &mut String, title: &str, of: &BTreeMap<String, Told>) {
    let kinds: Vec<&String> = {
        let mut kinds: Vec<&String> = of.values().flat_map(|told| told.conflicts.keys()).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    };
    let mut header = vec!["", "messages", "approved", "second stories"];
    header.extend(kinds.iter().map(|kind| kind.as_str()));
    let mut all: Vec<(&String, &Told)> = of.iter().collect();
    let faults = |told: &Told| told.second_stories + told.conflicts.values().sum::<i64>();
    all.sort_by_key(|(name, told)| (-faults(told), name.as_str()));
    let rows = all.into_iter().take(MAX_ROWS).map(|(name, told)| {
        let approved = told.approved_percent().map_or_else(String::new, |share| format!("{share:.1} %"));
        let mut row = vec![escaped(name), told.messages.to_string(), approved, told.second_stories.to_string()];
        row.extend(kinds.iter().map(|kind| told.conflicts.get(*kind).copied().unwrap_or(0).to_string()));
        row
    });
    table(text, title, &header, rows.collect());
}

fn example(example: &Example) -> Vec<String> {
    vec![
        example.kind.clone(),
        to_rfc3339(example.occurred_at),
        format!("{} ({})", speaker(&example.by), escaped(&example.touchpoint_id)),
        match example.with_touchpoint_id.as_str() {
            "" => "–".to_owned(),
            id => format!("{} ({})", speaker(&example.with), escaped(id)),
        },
        format!("tributary journey {}", example.person_id),
    ]
}

/// Who spoke, in one line: team, type, campaign and message.
fn speaker(speaker: &Speaker) -> String {
    if speaker.team_id.is_empty() {
        return "what is not kept any more".to_owned();
    }
    let mut parts = vec![escaped(&speaker.team_id), escaped(&speaker.event_type)];
    parts.extend(speaker.campaign_id.iter().chain(&speaker.message_id).map(|name| escaped(name)));
    parts.join(" · ")
}

fn table(text: &mut String, title: &str, header: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let mut lines = format!("## {title}\n\n| {} |\n|{}\n", header.join(" | "), "---|".repeat(header.len()));
    for row in rows {
        lines.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text.push_str(&lines);
    text.push('\n');
}

fn paragraph(text: &mut String, words: &str) {
    text.push_str(words);
    text.push_str("\n\n");
}

/// A name of somebody else's inside of a table.
fn escaped(name: &str) -> String {
    let letter = |letter: char| match letter {
        '|' | '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '&' => format!("\\{letter}"),
        _ if letter.is_control() => "\u{fffd}".to_owned(),
        _ => letter.to_string(),
    };
    name.chars().map(letter).collect()
}
