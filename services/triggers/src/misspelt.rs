//! Fields that a condition names and that do not exist. The compiler of conditions finds those that it has to calculate with;
//! `.person.stag != "loyal"` is a comparison with nothing to it, and always true.

/// A mention of a field that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misspelt {
    /// The field as it is written.
    pub(crate) path: String,
    /// Line and column of it, from 1.
    pub(crate) position: (usize, usize),
}

/// The first field below one of `roots` that `knows` does not know.
pub(crate) fn first(source: &str, roots: &[&str], knows: fn(&[String]) -> bool) -> Option<Misspelt> {
    let code = without_texts(source);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for (start, _) in code.match_indices('.') {
        let is_inner = code[..start].chars().next_back().is_some_and(|c| is_word(c) || c == ')' || c == ']');
        if is_inner {
            continue;
        }
        let mention = &code[start..];
        let end = mention.find(|c: char| !is_word(c) && c != '.').unwrap_or(mention.len());
        let path: Vec<String> = mention[1..end].split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let is_property = path.get(1).is_some_and(|section| section == "properties");
        if path.len() > 1 && roots.contains(&path[0].as_str()) && !is_property && !knows(&path) {
            return Some(Misspelt { path: mention[..end].to_owned(), position: position(source, start) });
        }
    }
    None
}

/// The source with everything between quotes and behind `#` blanked, byte for byte.
fn without_texts(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut closing: Option<char> = None;
    let mut is_escaped = false;
    for c in source.chars() {
        let is_hidden = closing.is_some() || c == '#' || c == '"' || c == '\'';
        match closing {
            Some(_) if is_escaped => is_escaped = false,
            Some(quote) if c == '\\' && quote != '\n' => is_escaped = true,
            Some(quote) if c == quote => closing = None,
            Some(_) => {}
            None if c == '#' => closing = Some('\n'),
            None if c == '"' || c == '\'' => closing = Some(c),
            None => {}
        }
        if is_hidden && c != '\n' { code.extend(std::iter::repeat_n(' ', c.len_utf8())) } else { code.push(c) }
    }
    code
}

fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::knows_path;

    fn found(source: &str) -> Option<(String, (usize, usize))> {
        first(source, &["touchpoint", "person"], knows_path).map(|found| (found.path, found.position))
    }

    #[test]
    fn a_field_that_does_not_exist_is_found_and_others_are_let_be() {
        assert_eq!(found(".person.stag != \"loyal\""), Some((".person.stag".to_owned(), (1, 1))));
        assert_eq!(
            found(".person.stage == \"loyal\" ||\n  exists(.touchpoint.oder_id)"),
            Some((".touchpoint.oder_id".to_owned(), (2, 10)))
        );
        for good in [
            ".person.totals.order_count > 2 && .now_at > 0",
            "contains(string(.touchpoint.properties.path) ?? \".person.stag\", 'a.b') # .person.nope",
            ".touchpoint.items[0].sku == \"x\"",
            "x = .person\nx.stag == 1",
            "(.touchpoint.value_minor > 1.5) ?? false",
        ] {
            assert_eq!(found(good), None, "{good}");
        }
    }
}
