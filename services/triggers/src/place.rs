//! Where a key stands in the text of a definition, with a caret under it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// The longest part of a line that is shown, in characters.
const MOST_CHARS: usize = 120;

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters are meant.
    pub width: usize,
    /// The line as it stands there.
    pub text: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // Lines are shown around the place; what is left of it must not push the caret out of sight.
        let skipped = (self.column + self.width).saturating_sub(MOST_CHARS);
        let shown: String = self.text.chars().skip(skipped).take(MOST_CHARS).collect();
        let before: String = shown.chars().take(self.column - 1 - skipped.min(self.column - 1)).collect();
        let indent: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        write!(f, "  {number} | {}\n  {margin} | {indent}{}", shown.trim_end(), "^".repeat(self.width.max(1)))
    }
}

/// The place of a key such as `pattern[1].within`: of the key itself, or of the last one on the way to it that is there.
pub(crate) fn of_key(text: &str, key: &str) -> Option<Place> {
    let root: Spanned<Node> = read(text)?;
    let found = find(&root, key)?;
    let (location, width) = match &found.key {
        Some(name) => (name.referenced, name.value.chars().count()),
        None => (found.value.referenced, 1),
    };
    at(text, location, width)
}

/// The place in a text that the `line` and `column` of the value of `key` come to, when that value is a text itself.
pub(crate) fn inside_value(text: &str, key: &str, (line, column): (usize, usize)) -> Option<Place> {
    let root: Spanned<Node> = read(text)?;
    let found = find(&root, key).filter(|found| found.is_exact)?;
    let Node::Leaf(Some(source)) = &found.value.value else { return None };
    let wanted = source.lines().nth(line.checked_sub(1)?)?;
    let inner = wanted.trim();
    let first = usize::try_from(found.value.referenced.line()).ok()?.checked_sub(1)?;
    let lines = text.lines().enumerate().skip(first + line - 1);
    let (index, outer) = lines.into_iter().find(|(_, outer)| !inner.is_empty() && outer.contains(inner))?;
    let start = outer.find(inner).map(|bytes| outer[..bytes].chars().count())?;
    let indent = wanted.chars().take_while(|c| c.is_whitespace()).count();
    let column = (start + column).checked_sub(indent)?.max(1);
    Some(Place { line: index + 1, column, width: 1, text: outer.to_owned() })
}

/// The place of a location.
pub(crate) fn at(text: &str, location: Location, width: usize) -> Option<Place> {
    let line = usize::try_from(location.line()).ok()?;
    let column = usize::try_from(location.column()).ok()?.max(1);
    let shown = text.lines().nth(line.checked_sub(1)?)?;
    Some(Place { line, column, width, text: shown.to_owned() })
}

fn read(text: &str) -> Option<Spanned<Node>> {
    let strict = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, strict).ok()
}

/// A value of the text, without its type.
enum Node {
    Leaf(Option<String>),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

struct Found<'a> {
    key: Option<&'a Spanned<String>>,
    value: &'a Spanned<Node>,
    is_exact: bool,
}

/// Goes down to a key as far as there is a way.
fn find<'a>(root: &'a Spanned<Node>, key: &str) -> Option<Found<'a>> {
    let mut found: Option<Found<'a>> = None;
    let mut rest = key;
    let mut here = root;
    while !rest.is_empty() {
        let step = match &here.value {
            Node::Leaf(_) => None,
            Node::List(items) => {
                let (index, after) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).unzip();
                let item = index.and_then(|index| items.get(index.parse::<usize>().ok()?));
                item.map(|item| (None, item, after.unwrap_or_default()))
            }
            Node::Map(entries) => {
                let fits = |name: &str| {
                    rest.strip_prefix(name).filter(|after| after.is_empty() || after.starts_with(['.', '[']))
                };
                let longest = entries.iter().filter(|(name, _)| fits(&name.value).is_some());
                let longest = longest.max_by_key(|(name, _)| name.value.len());
                longest.map(|(name, value)| (Some(name), value, fits(&name.value).unwrap_or_default()))
            }
        };
        let Some((name, value, after)) = step else { break };
        rest = after.strip_prefix('.').unwrap_or(after);
        here = value;
        found = Some(Found { key: name, value, is_exact: rest.is_empty() });
    }
    found
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Leaf(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Leaf(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Leaf(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Leaf(None))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(None))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(None))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Leaf(Some(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "id: a\npattern:\n  - on: [x.y]\n  - {on: z.w, withn: 7d}\npayload:\n  a.b: \"{{nope}}\"\n\
                        condition: |\n  .now_at > 0 &&\n    .person.stag == \"x\"\n";

    fn place(key: &str) -> (usize, usize, usize) {
        let place = of_key(TEXT, key).unwrap();
        (place.line, place.column, place.width)
    }

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        assert_eq!(place("id"), (1, 1, 2));
        assert_eq!(place("pattern[0].on"), (3, 5, 2));
        assert_eq!(place("pattern[1].withn"), (4, 15, 5));
        assert_eq!(place("payload.a.b"), (6, 3, 3));
        assert_eq!(place("pattern[1].count").0, 4, "what is missing is shown where it is missing");
        assert_eq!(of_key(TEXT, "team"), None);
    }

    #[test]
    fn a_place_inside_a_text_is_found_in_the_file() {
        let place = inside_value(TEXT, "condition", (2, 3)).unwrap();
        assert_eq!((place.line, place.column), (9, 5));
        assert_eq!(place.to_string(), "  9 |     .person.stag == \"x\"\n    |     ^");
        let inline = inside_value("where: '.a == 1'", "where", (1, 4)).unwrap();
        assert_eq!((inline.line, inline.column), (1, 12));
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!("{}key: 1", " ".repeat(0) + &"x".repeat(300));
        let place = Place { line: 1, column: 301, width: 3, text };
        let shown = place.to_string();
        let (line, carets) = shown.split_once('\n').unwrap();
        assert!(line.contains("key"), "{shown}");
        assert_eq!(line.find("key"), carets.find("^^^"), "{shown}");
    }
}
