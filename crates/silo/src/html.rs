//! The report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere. It is XML as
//! well, so that whatever reads XML can read it.

use crate::escape::html as text;
use crate::grade::Grade;
use crate::markdown::{head, nothing_to_repair};
use crate::pictures::{delays, heat_map, stories};
use crate::report::SiloReport;
use crate::tables::{Table, tables};
use crate::words::{count, counted};

const STYLE: &str = "
:root { color-scheme: light dark; --page: #ffffff; --ink: #1c2430; --quiet: #5a6472; --line: #d5dae1; --card: #f4f6f9;
  --mark: #2563c9; --second: #7ba4e0; --third: #b9cfee; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14181f; --ink: #e6e9ee; --quiet: #a0a9b6; --line: #343c48; --card: #1d232c;
    --mark: #7fb0ff; --second: #4a7ac4; --third: #2f4d7c; --bad: #ff8a80; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
.quiet { color: var(--quiet); }
.first { border-left: .3rem solid var(--bad); background: var(--card); padding: .8rem 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { color: var(--quiet); overflow-wrap: normal; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.grades { display: flex; flex-wrap: wrap; gap: .7rem; padding: 0; list-style: none; }
.grades li { background: var(--card); border-radius: .4rem; padding: .6rem .9rem; min-width: 8rem; flex: 1; }
.grades b { display: block; font-size: 1.7rem; } .grades .none { font-size: .95rem; font-weight: normal; }
svg { max-width: 100%; height: auto; font: 13px system-ui, sans-serif; fill: var(--ink); }
";

/// Renders it.
#[must_use]
pub fn html(report: &SiloReport) -> String {
    let mut body = vec![
        "<h1>Silo report</h1>".to_owned(),
        paragraph("quiet", &head(report)),
        grades(report),
        "<h2>Repair first</h2>".to_owned(),
        repairs(report),
    ];
    for table in tables(report) {
        body.push(format!("<h2>{}</h2>", text(table.title)));
        body.extend(picture(&table, report));
        body.push(rows(&table));
        body.extend(table.notes.iter().map(|note| paragraph("quiet", note)));
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n\
         <meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>Silo report</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{}\n</body>\n</html>\n",
        body.join("\n")
    )
}

fn paragraph(class: &str, words: &str) -> String {
    format!("<p class=\"{class}\">{}</p>", text(words))
}

/// The picture that goes with a table.
fn picture(table: &Table, report: &SiloReport) -> Option<String> {
    match table.title {
        "Match rates" => Some(heat_map(&report.match_rates)),
        "Hand-over by source" => {
            let sources = report.hand_over.sources.iter();
            delays("Hand-over by source", sources.filter_map(|source| Some((source.source.as_str(), source.delay?))))
        }
        "Hand-over by team" => {
            let teams = report.hand_over.teams.iter();
            delays("Hand-over by team", teams.filter_map(|team| Some((team.team.as_str(), team.delay?))))
        }
        "Stories heard" => stories(&report.consistency),
        _ => None,
    }
}

fn grades(report: &SiloReport) -> String {
    let item = |graded: &crate::report::GradedDimension| {
        let class = if graded.grade == Grade::NotEnoughData { " class=\"none\"" } else { "" };
        let number = if graded.grade == Grade::NotEnoughData {
            format!("{} of {} needed", count(graded.count), count(graded.needed))
        } else {
            counted(graded.count, "case", "cases")
        };
        let (title, label) = (text(graded.dimension.title()), text(graded.grade.label()));
        format!("<li>{title}<b{class}>{label}</b><span class=\"quiet\">{}</span></li>", text(&number))
    };
    format!("<ul class=\"grades\">{}</ul>", report.grades.iter().map(item).collect::<String>())
}

fn repairs(report: &SiloReport) -> String {
    let Some((first, others)) = report.repairs.split_first() else {
        return paragraph("quiet", &nothing_to_repair(report));
    };
    let item = |other: &crate::report::Repair| {
        format!("<li>{} ({} {})</li>", text(&other.what), count(other.affected), text(other.unit))
    };
    let others: String = others.iter().map(item).collect();
    let list = if others.is_empty() { String::new() } else { format!("<p>Then:</p><ol>{others}</ol>") };
    format!("<p class=\"first\"><strong>{}.</strong></p>{list}", text(&first.what))
}

fn rows(table: &Table) -> String {
    if table.rows.is_empty() {
        return paragraph("quiet", "Nothing was counted.");
    }
    let class = |place: usize| match table.columns.get(place) {
        Some(column) if column.is_number => " class=\"number\"",
        _ => "",
    };
    let head: String = (table.columns.iter().enumerate())
        .map(|(place, column)| format!("<th{}>{}</th>", class(place), text(column.title)))
        .collect();
    let row = |cells: &Vec<String>| {
        let cell = |(place, cell): (usize, &String)| format!("<td{}>{}</td>", class(place), text(cell));
        format!("<tr>{}</tr>", cells.iter().enumerate().map(cell).collect::<String>())
    };
    let body: String = table.rows.iter().map(row).collect();
    format!("<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")
}
