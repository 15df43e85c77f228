//! The documents: well-formed, by themselves, and safe from the names in them.

use proptest::prelude::*;
use roxmltree::{Document, Node, ParsingOptions};
use tributary_model::time::{DAY_MS, MINUTE_MS};
use tributary_model::{Domain, OutcomeKind, WithheldReason};
use tributary_silo::report::SiloReport;
use tributary_silo::{SiloFold, html, markdown};

use crate::history::{outcome, sent, touch, withheld};

const HOSTILE: &str = "</td><script>alert('x')</script> & \"b\" | `c` \u{0}\u{202e}\n# d ]]> <!-- [e](javascript:f)";

/// A report in which everything has something in it, with this as the name of whatever sources name.
fn full(name: &str) -> SiloReport {
    let mut fold = SiloFold::default();
    for id in 0..40 {
        let mut mail = touch(id, &format!("{name}{id}")).from(name, Domain::Channel).by(&[name, "email"]);
        mail = mail.told(1 + i32::try_from(id % 3).unwrap(), if id < 30 { &["offer"] } else { &[] });
        fold.journey(&mail.of_team(name, name, Some(name)).received_after(90 * MINUTE_MS).0);
        fold.journey(&touch(id + 20, &format!("s{id}")).sale().0);
        fold.journey(&touch(id, &format!("n{id}")).by(&[]).sale().at(60 * DAY_MS).0);
        let (sent, held_back) = (sent(id, name, 0), withheld(id + 50, name, WithheldReason::Suppressed));
        for kind in [OutcomeKind::Acted, OutcomeKind::Converted, OutcomeKind::Leaked].iter().take(id as usize % 4) {
            fold.outcome(&outcome(&sent, *kind, i64::from(id) * MINUTE_MS));
        }
        fold.decision(&sent);
        fold.decision(&held_back);
    }
    fold.report()
}

/// All elements of a page.
fn elements(page: &str, each: &mut dyn FnMut(Node<'_, '_>)) {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error}\n{page}"));
    assert!(document.root_element().has_tag_name(("http://www.w3.org/1999/xhtml", "html")));
    document.descendants().filter(Node::is_element).for_each(each);
}

fn texts(page: &str, tag: &str) -> Vec<String> {
    let mut texts = Vec::new();
    elements(page, &mut |node| {
        if node.tag_name().name() == tag {
            texts.push(
                node.descendants().filter(Node::is_text).filter_map(|text| text.text().map(str::to_owned)).collect(),
            );
        }
    });
    texts
}

/// Neither anything from elsewhere nor anything that runs.
fn assert_safe(page: &str) {
    elements(page, &mut |node| {
        let name = node.tag_name().name();
        assert!(!["script", "iframe", "object", "embed", "img", "link", "a", "form"].contains(&name), "{name}");
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(!name.starts_with("on") && !["href", "src"].contains(&name), "{name}");
            assert!(!value.contains("url(") && !value.contains("javascript:"), "{name} {value}");
        }
    });
    let style = texts(page, "style").concat();
    assert!(style.contains("prefers-color-scheme: dark") && !style.contains("url(") && !style.contains("@import"));
}

#[test]
fn the_page_is_well_formed_by_itself_and_has_its_pictures() {
    let page = html(&full("mailer"));
    assert_safe(&page);
    let titles = texts(&page, "title");
    for title in
        ["Of the persons of one domain", "Hand-over by source", "Hand-over by team", "Narratives that a person"]
    {
        assert!(titles.iter().any(|found| found.starts_with(title)), "{titles:?}");
    }
    // 40 persons of the channel, of whom the till knows those from 20 on.
    assert!(titles.contains(&"of channel in store: 50.0 %".to_owned()), "{titles:?}");
    assert!(titles.iter().any(|title| title == "mailer: 9 in 10 within 1.4 h"), "{titles:?}");
    assert_eq!(texts(&page, "svg").len(), 4);
    assert_eq!(texts(&page, "h2").len(), 10);
    assert!(texts(&page, "td").contains(&"mailer".to_owned()));
}

#[test]
fn an_empty_report_is_a_page_too() {
    let report = SiloFold::default().report();
    let page = html(&report);
    assert_safe(&page);
    assert!(texts(&page, "b").iter().all(|grade| grade == "not enough data"));
    assert!(markdown(&report).contains("not enough data (0 of 30)"));
}

#[test]
fn hostile_names_stay_texts() {
    let report = full(HOSTILE);
    let page = html(&report);
    assert_safe(&page);
    let shown = HOSTILE.replace(['\u{0}', '\u{202e}', '\n'], "\u{fffd}");
    assert!(texts(&page, "td").contains(&shown), "the name itself is read back");
    let text = markdown(&report);
    assert!(!text.contains("<script") && !text.contains('\u{0}') && !text.contains("[e]("), "{text}");
    assert!(text.contains("&lt;script&gt;"));
    // A name opens neither a row nor a column of its own.
    let rows = |text: &str| text.lines().map(|line| line.replace("\\|", "").matches('|').count()).collect::<Vec<_>>();
    assert_eq!(rows(&text), rows(&markdown(&full("mailer"))));
}

#[test]
fn the_documents_and_the_data_say_the_same() {
    let report = full("mailer");
    let data = serde_json::to_value(&report).unwrap();
    assert_eq!(data["grades"].as_array().unwrap().len(), 6);
    assert_eq!(data["grades"][0]["dimension"], "match_rate");
    assert_eq!(data["match_rates"]["pairs"][0]["from"], "channel");
    assert_eq!(data["hand_over"]["sources"][0]["source"], "mailer");
    for repair in data["repairs"].as_array().unwrap() {
        let what = repair["what"].as_str().unwrap();
        let listed = [texts(&html(&report), "strong"), texts(&html(&report), "li")].concat();
        assert!(markdown(&report).contains(what), "{what}");
        assert!(listed.iter().any(|line| line.starts_with(what)), "{what} in {listed:?}");
    }
    for grade in &report.grades {
        assert!(markdown(&report).contains(&grade.evidence), "{}", grade.evidence);
    }
}

#[test]
fn nobody_is_named() {
    let report = full("mailer");
    let data = serde_json::to_string(&report).unwrap();
    for document in [markdown(&report), html(&report), data] {
        assert!(!document.contains(&crate::history::person(1).to_string()), "a person's id");
        assert!(!document.contains("card 1") && !document.contains("of 0000"), "an identifier's value");
        assert!(document.contains("till") && document.contains("loyalty_id"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_name_leaves_the_page_well_formed(name in "\\PC{0,12}|[<>&\"'\\x00-\\x1f|`]{1,8}") {
        let report = full(&name);
        assert_safe(&html(&report));
        let text = markdown(&report);
        prop_assert!(!text.contains(char::from(0)) && !text.contains(char::from(13)), "{text}");
    }
}
