//! The report as Markdown.

use crate::escape::markdown as text;
use crate::grade::Grade;
use crate::report::SiloReport;
use crate::tables::{Table, tables};
use crate::words::{count, counted};

/// Renders it.
#[must_use]
pub fn markdown(report: &SiloReport) -> String {
    let mut lines = vec!["# Silo report".to_owned(), String::new(), head(report), String::new()];
    lines.extend(["## Repair first".to_owned(), String::new()]);
    match report.repairs.as_slice() {
        [] => lines.push(nothing_to_repair(report)),
        [first, others @ ..] => {
            lines.push(format!("**{}.**", text(&first.what)));
            for other in others {
                lines.push(format!("- then: {} ({} {})", text(&other.what), count(other.affected), other.unit));
            }
            if !others.is_empty() {
                lines.insert(lines.len() - others.len(), String::new());
            }
        }
    }
    for table in tables(report) {
        lines.extend([String::new(), format!("## {}", table.title), String::new()]);
        lines.extend(rows(&table));
        lines.extend(table.notes.iter().flat_map(|note| [String::new(), text(note)]));
    }
    lines.join("\n") + "\n"
}

/// What it is about, in a sentence.
pub(crate) fn head(report: &SiloReport) -> String {
    let Some(until) = &report.as_of else { return "Nothing was found to report on.".to_owned() };
    let from = report.since.as_ref().map(|since| format!("From {since} until")).unwrap_or_else(|| "Until".to_owned());
    let (persons, touches) =
        (counted(report.persons, "known person", "known persons"), counted(report.touches, "touch", "touches"));
    format!("{from} {until}: {persons}, {touches}.")
}

/// Why no repair is named.
pub(crate) fn nothing_to_repair(report: &SiloReport) -> String {
    let ungraded = report.grades.iter().filter(|graded| graded.grade == Grade::NotEnoughData).count();
    match (ungraded, report.grades.len()) {
        (0, _) => "Nothing: no dimension is below A.".to_owned(),
        (some, all) if some == all => "Too little is known to say.".to_owned(),
        (some, all) => format!("Nothing yet: no dimension is below A, and {some} of {all} have not enough data."),
    }
}

fn rows(table: &Table) -> Vec<String> {
    if table.rows.is_empty() {
        return vec!["Nothing was counted.".to_owned()];
    }
    let row = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let header: Vec<String> = table.columns.iter().map(|column| column.title.to_owned()).collect();
    let rule = |is_number: bool| if is_number { "---:" } else { "---" };
    let rules: Vec<String> = table.columns.iter().map(|column| rule(column.is_number).to_owned()).collect();
    let escaped = |cells: &Vec<String>| row(&cells.iter().map(|cell| text(cell)).collect::<Vec<_>>());
    [row(&header), row(&rules)].into_iter().chain(table.rows.iter().map(escaped)).collect()
}
