//! Names of others inside of documents: they may hold anything.

/// Text of HTML that is also XML, between tags and inside attributes in double quotes.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ if is_shown(letter) => escaped.push(letter),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

/// Text of Markdown, also inside of a table, in one line.
pub(crate) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '[' | ']' | '|' | '#' | '!' | '~' => escaped.extend(['\\', letter]),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ if is_shown(letter) => escaped.push(letter),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

/// Neither a control character, which no XML may hold, nor one that turns the direction of what follows.
fn is_shown(letter: char) -> bool {
    let is_turning = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !letter.is_control() && !is_turning && !matches!(letter, '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out() {
        assert_eq!(html("<b a=\"1\">&'\0\n"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;\u{fffd}\u{fffd}");
        assert_eq!(markdown("a|b\n[x](y)<i>`*\u{202e}"), "a\\|b\u{fffd}\\[x\\](y)&lt;i&gt;\\`\\*\u{fffd}");
        assert_eq!(
            (html("paid_search 5%"), markdown("paid_search 5%")),
            ("paid_search 5%".into(), "paid_search 5%".into())
        );
    }
}
