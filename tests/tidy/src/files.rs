//! What every source file looks like: short, about one idea, and at home on every machine.

use regex::Regex;

use crate::{File, Finding};

/// A file ends by this many lines.
pub const MAX_FILE_LINES: usize = 500;
/// A file aims at this many lines.
pub const AIM_FILE_LINES: usize = 300;
/// A function ends by this many lines.
pub const MAX_FUNCTION_LINES: usize = 70;
/// `main.rs` parses, builds, runs and drains in fewer lines than this.
pub const MAX_MAIN_LINES: usize = 60;

/// Rust files that are too long.
#[must_use]
pub fn too_long(file: &File) -> Option<Finding> {
    let lines = file.lines().count();
    if file.path.ends_with("/main.rs") && lines >= MAX_MAIN_LINES {
        let remedy = "move what it decides into the library beside it";
        return Some(Finding::new(&file.path, format!("{lines} lines; a main ends before {MAX_MAIN_LINES}"), remedy));
    }
    let remedy = format!("give each idea a file of its own name; aim at {AIM_FILE_LINES}");
    (lines > MAX_FILE_LINES)
        .then(|| Finding::new(&file.path, format!("{lines} lines; a file ends by {MAX_FILE_LINES}"), remedy))
}

/// True when the file is longer than what files aim at.
#[must_use]
pub fn is_beyond_aim(file: &File) -> bool {
    file.lines().count() > AIM_FILE_LINES
}

/// Functions that are too long. Relies on rustfmt: the closing brace stands under the first letter of the function.
#[must_use]
pub fn long_functions(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines: Vec<&str> = file.text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let declaration = line.trim_start();
        let indent = &line[..line.len() - declaration.len()];
        let Some(name) = function_name(declaration) else { continue };
        // A declaration over several lines that ends without a body, as in a trait.
        let end_of_signature = format!("{indent})");
        let signature_end = lines[index..].iter().find(|line| line.starts_with(&end_of_signature));
        if declaration.ends_with('(') && signature_end.is_some_and(|line| line.ends_with(';')) {
            continue;
        }
        let closing = format!("{indent}}}");
        let Some(length) = lines[index..].iter().position(|line| *line == closing).map(|end| end + 1) else { continue };
        if length > MAX_FUNCTION_LINES {
            findings.push(Finding::at(
                file,
                index + 1,
                format!("fn {name} has {length} lines; a function ends by {MAX_FUNCTION_LINES}"),
                "name its steps and make each a function",
            ));
        }
    }
    findings
}

/// The name of the function with a body that this line declares.
fn function_name(declaration: &str) -> Option<&str> {
    let mut rest = declaration;
    for word in ["pub ", "pub(crate) ", "pub(super) ", "const ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    let ends_here = declaration.ends_with(';') || declaration.ends_with('}');
    (!ends_here).then(|| name.split(['(', '<']).next().unwrap_or(name))
}

/// Rust files that do not say what they are for; test modules beside their code need not.
#[must_use]
pub fn without_purpose(file: &File) -> Option<Finding> {
    if file.text.starts_with("//!") || file.path.ends_with("/tests.rs") {
        return None;
    }
    let what = "the file does not begin with `//!`";
    let remedy = if file.path.ends_with("/lib.rs") {
        "say what comes in, what goes out, what state it keeps and what it promises"
    } else {
        "say in a sentence or two which one idea lives here"
    };
    Some(Finding::new(&file.path, what, remedy))
}

/// Absolute paths that exist on one machine only.
#[must_use]
pub fn machine_paths(file: &File) -> Vec<Finding> {
    let folders = ["work", "root", "home", "Users", "farm"].join("|");
    let tmp = "tmp";
    let pattern = format!(r#"(?:^|[\s"'`(=:,])(/(?:{folders}|{tmp})/[A-Za-z0-9._-]+)"#);
    let Ok(pattern) = Regex::new(&pattern) else { return Vec::new() };
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        for found in pattern.captures_iter(line).filter_map(|captures| captures.get(1)) {
            findings.push(Finding::at(
                file,
                number,
                format!("{} is a path of one machine", found.as_str()),
                "make it relative to the repository, a temporary folder, or a setting",
            ));
        }
    }
    findings
}

/// Tests that are switched off without saying why.
#[must_use]
pub fn ignored_tests(file: &File) -> Vec<Finding> {
    let bare = file.lines().filter(|(_, line)| line.trim() == "#[ignore]");
    bare.map(|(number, _)| {
        let remedy = "mend the test, or write `#[ignore = \"why\"]`";
        Finding::at(file, number, "a test is switched off without a reason", remedy)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: impl Into<String>) -> File {
        File { path: path.to_owned(), text: text.into() }
    }

    #[test]
    fn long_files_mains_and_functions_are_found() {
        assert_eq!(too_long(&file("a/src/lib.rs", "x\n".repeat(500))), None);
        assert!(too_long(&file("a/src/lib.rs", "x\n".repeat(501))).is_some());
        assert!(too_long(&file("a/src/main.rs", "x\n".repeat(60))).is_some());
        let function = |lines: usize| {
            let body = "        x();\n".repeat(lines - 2);
            file("a/src/lib.rs", format!("impl A {{\n    pub(crate) async fn b<T>(c: T) {{\n{body}    }}\n}}\n"))
        };
        assert_eq!(long_functions(&function(70)), Vec::new());
        let found = long_functions(&function(71));
        assert_eq!(found[0].what, "fn b has 71 lines; a function ends by 70");
        assert_eq!(found[0].place, "a/src/lib.rs:2");
    }

    #[test]
    fn a_declaration_without_a_body_is_not_measured_by_the_next_body() {
        let declaration = "    fn a(\n        &self,\n    ) -> bool;\n";
        let others = "    fn b(&self) -> bool;\n".repeat(70);
        let text = format!("trait T {{\n{declaration}{others}    fn c(&self) {{\n        x()\n    }}\n}}\n");
        assert_eq!(long_functions(&file("a/src/lib.rs", text)), Vec::new());
    }

    #[test]
    fn files_say_what_they_are_for() {
        assert_eq!(without_purpose(&file("a/src/b.rs", "//! B.\n")), None);
        assert!(without_purpose(&file("a/src/b.rs", "use c;\n")).is_some());
    }

    #[test]
    fn paths_of_one_machine_are_found_and_others_are_not() {
        let bad = ["/ho", "me/ada/x"].concat();
        assert_eq!(machine_paths(&file("a", format!("open(\"{bad}\")"))).len(), 1);
        assert_eq!(machine_paths(&file("a", format!("https://example.org{bad} and ..{bad}"))), Vec::new());
        assert_eq!(machine_paths(&file("a", "../shared/data /metrics /v1/batch")), Vec::new());
    }

    #[test]
    fn tests_are_not_switched_off_in_silence() {
        assert_eq!(ignored_tests(&file("a", "    #[ignore]\n    #[ignore = \"needs a disk\"]\n")).len(), 1);
    }
}
