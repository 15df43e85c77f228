//! The compiler's words, with the name of the rule before line and column.

use vrl::compiler::ExpressionError;
use vrl::diagnostic::{Diagnostic, DiagnosticList, DiagnosticMessage, Formatter};

use crate::error::RuleError;

/// The most diagnostics of one rule that are shown.
const MOST_DIAGNOSTICS: usize = 5;
/// Notes of the compiler that say nothing about the rule.
const NOISE: [&str; 2] = ["= try your code in the VRL REPL", "= see language documentation at"];
/// The longest excerpt of a rule in an error, in characters.
const EXCERPT_CHARS: usize = 60;

/// Diagnostics as text: message, `name:line:column`, the line and a caret under the place. One broken line makes the
/// compiler misread those after it, so only the first of them are shown.
pub(crate) fn render(name: &str, source: &str, diagnostics: DiagnosticList) -> String {
    let mut shown: Vec<Diagnostic> = diagnostics.into_iter().collect();
    let more = shown.len().saturating_sub(MOST_DIAGNOSTICS);
    shown.truncate(MOST_DIAGNOSTICS);
    let text = Formatter::new(source, shown).to_string();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| !NOISE.iter().any(|noise| line.contains(noise)))
        .map(|line| line.replacen("┌─ :", &format!("┌─ {name}:"), 1))
        .collect();
    if more > 0 {
        lines.push(format!("and {more} more, which may go with the first"));
    }
    lines.join("\n").trim().to_owned()
}

/// What a failure while running comes down to. The message of the failed function is left out, because it quotes data.
pub(crate) fn runtime_error(name: &str, source: &str, error: &ExpressionError) -> RuleError {
    let labels = error.labels();
    let span = labels.iter().find(|label| label.primary).or(labels.first()).map_or(0..0, |label| label.span.range());
    let (line, column) = position(source, span.start);
    let name = name.to_owned();
    match error {
        ExpressionError::Abort { message, .. } => {
            let message = message.clone().unwrap_or_else(|| "the rule refuses this input".to_owned());
            RuleError::Aborted { name, line, column, message }
        }
        _ => RuleError::Failed { name, line, column, excerpt: excerpt(source, span) },
    }
}

/// Line and column, both from 1, of a byte offset.
fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

fn excerpt(source: &str, span: std::ops::Range<usize>) -> String {
    let text = source.get(span).unwrap_or_default();
    let first_line = text.lines().next().unwrap_or_default();
    let short: String = first_line.chars().take(EXCERPT_CHARS).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
