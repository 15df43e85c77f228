mod checking;
mod planning;
mod sheets;

use super::*;

pub(super) const NOW: i64 = 1_780_000_000_000;

/// The entries of a file that is right.
pub(super) fn entries(text: &str) -> Vec<CanvasEntry> {
    parse("test.yaml", text).unwrap()
}

pub(super) fn channels() -> BTreeSet<String> {
    tributary_normalizer::channel_names(&tributary_normalizer::Config::default()).unwrap()
}

#[test]
fn the_built_in_canvases_hold_together() {
    let entries = demo().unwrap();
    let canvas = fold(&entries);
    assert_eq!(faults(&canvas, &entries, NOW, &channels()), Vec::<String>::new());
    assert_eq!(canvas.team_of_parts(None, "in_store", NOW), "store");
    assert_eq!(canvas.team_of_parts(Some("partner-sms"), "sms", NOW), "trade");
    for message in crate::simulate::MESSAGES {
        assert!(canvas.message(message, NOW).is_some(), "no message {message}");
    }
    for campaign in crate::simulate::CAMPAIGNS {
        assert!(canvas.campaign(campaign, NOW).is_some(), "no campaign {campaign}");
    }
    assert_eq!((canvas.tentpoles(NOW).count(), canvas.narratives(NOW).count(), canvas.budgets(NOW).count()), (1, 3, 5));
}

#[test]
fn what_is_written_reads_back() {
    let mut all = demo().unwrap();
    all.extend(entries(
        "messages:\n\
         - {message_id: '1e3', narrative_id: 'yes', approved: false, offer_subject: '0123', offer_claim: '9.99',\n   \
            price: 79.99 EUR, stage: 'null', effective_from: 2026-09-01T08:00:00.250Z, retired: true}\n\
         narratives: [{narrative_id: 'yes', name: 'No: \"never\" #1', text: \"two\\nlines and a  long one that no writer of YAML may fold in a way that does not read back: a b c d e f g h i j k l m n: o p #q\", effective_from: 2026-09-01}]\n",
    ));
    let text = file::write(&all).unwrap();
    let mut read = parse("written.yaml", &text).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"));
    read.sort_by_key(CanvasEntry::to_key);
    all.sort_by_key(CanvasEntry::to_key);
    assert_eq!(read, all, "{text}");
    assert!(text.contains("amount: 12000.00 USD") && text.contains("starts_at: \"2026-03-01\""), "{text}");
}

#[test]
fn a_team_of_a_file_takes_its_channels_from_the_built_in_team() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("teams.yaml"), "teams: [{team_id: growth, channels: [email, display]}]")
        .unwrap();
    let entries = from_directory(directory.path()).unwrap();
    let canvas = fold(&entries);
    assert_eq!(faults(&canvas, &entries, NOW, &channels()), Vec::<String>::new());
    let owner = |channel| canvas.team_of_parts(None, channel, NOW);
    assert_eq!(
        (owner("email"), owner("sms"), owner("display"), owner("audio")),
        ("growth", "email", "growth", "brand")
    );
}

#[test]
fn files_are_read_with_all_their_problems_and_an_entry_that_is_in_two_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("a.yaml"), "narratives: [{narrative_id: n, name: N}]").unwrap();
    std::fs::write(path("b.yaml"), "narratives: [{narrative_id: n, name: M}]").unwrap();
    let read = |names: &[&str]| read_files(&names.iter().map(|name| path(name)).collect::<Vec<_>>());
    let error = read(&["a.yaml", "b.yaml"]).unwrap_err().to_string();
    assert_eq!(error, "canvas: narrative `n` is there twice: keep one");
    std::fs::write(path("b.yaml"), "teams:\n  - team_id: brand\n    chanels: []\n").unwrap();
    let error = read(&["a.yaml", "b.yaml", "c.yaml"]).unwrap_err().to_string();
    assert!(error.contains("b.yaml") && error.contains("chanels"), "{error}");
    assert!(error.contains("c.yaml") && error.contains("give a readable file"), "{error}");
    assert_eq!(read(&["a.yaml"]).unwrap().len(), 1);
}
