//! Dead letters: counted, explained, mended, and replayed exactly once through a kill and two operators at a time.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tributary_model::topics;
use tributary_stream::HEADER_REPLAYED_FROM;
use tributary_testkit::eventually_every;

use crate::bed::{Bed, GOOD_MAPPING, RAW, Running, account, bare, event, said};

const BAD: usize = 900;

#[test]
fn letters_of_a_bad_mapping_are_replayed_once_each_when_it_is_mended() {
    let bed = Bed::new();
    let hub = bed.hub();
    let odd: Vec<_> = (0..BAD - 1).map(|number| bare(&format!("odd-{number}"), "odd")).collect();
    bed.publish(&odd);
    bed.publish(&[bare("fine-1", "fine")]);
    assert_eq!(bed.post(&event("odd-posted", "odd")), 200);
    let audit = bed.until_settled(BAD as i64 + 1);
    assert_eq!(account(&audit, "normalizer")["dead_lettered"], BAD, "{audit:#}");
    assert_eq!(audit["open_letters"], BAD);

    let listed = bed.json(&["dlq", "list"]);
    assert_eq!((listed["letters"].as_u64(), listed["open"].as_u64()), (Some(BAD as u64), Some(BAD as u64)));
    let group = &listed["groups"][0];
    let words = ["stage", "source", "code"].map(|name| group[name].as_str().unwrap());
    assert_eq!(words, ["normalizer", "till", "mapping_failed"], "{listed:#}");
    assert_eq!(bed.json(&["dlq", "list", "--source", "shopify"])["letters"], 0);
    assert_eq!(bed.json(&["dlq", "list", "--until", "2d"])["letters"], 0);

    let outlook = |bed: &Bed| bed.json(&["dlq", "replay", "--dry-run"])["outlook"].clone();
    assert_eq!(outlook(&bed), json!({ "dead letter again: mapping_failed": BAD }));
    drop(hub);
    bed.map(GOOD_MAPPING);
    assert_eq!(outlook(&bed), json!({ "touchpoint": BAD }));
    let _hub = bed.hub();
    let asked = bed.run(&["dlq", "replay"]);
    assert!(asked.status.code() == Some(2) && said(&asked).contains("--yes"), "{}", said(&asked));
    assert_eq!(bed.json(&["dlq", "list"])["open"], BAD, "nothing is replayed without --yes");

    replay_through_kills_and_two_at_once(&bed);
    let audit = bed.until_settled(2 * BAD as i64 + 1);
    let normalizer = account(&audit, "normalizer");
    assert_eq!(normalizer["accepted"], 2 * BAD + 1, "each letter was written back exactly once: {audit:#}");
    assert_eq!((&normalizer["processed"], &normalizer["dropped"]), (&json!(BAD + 1), &json!({})), "{audit:#}");
    assert_eq!((&audit["replayed"]["normalizer"], &audit["open_letters"]), (&json!(BAD), &json!(0)));
    assert_eq!(bed.records(topics::TOUCHPOINTS).len(), BAD + 1);
    let from: BTreeSet<String> =
        bed.records(RAW).iter().filter_map(|record| record.header(HEADER_REPLAYED_FROM).map(str::to_owned)).collect();
    assert_eq!(from.len(), BAD, "each names its letter");
    let again = bed.json(&["dlq", "replay", "--yes"]);
    assert_eq!((again["found"].as_u64(), again["replayed"].as_u64()), (Some(0), Some(0)), "{again:#}");
    let scanned = bed.run(&["reconcile", "--scan"]);
    assert!(scanned.status.success(), "{}", said(&scanned));
}

/// Kills a replay once it has written something back, then lets two run at the same time until nothing is open.
fn replay_through_kills_and_two_at_once(bed: &Bed) {
    let open = || bed.json(&["dlq", "list"])["open"].as_u64().unwrap();
    let start = || {
        let mut command = bed.command(&["dlq", "replay", "--yes", "--output", "json"]);
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    };
    let mut first = start();
    let begun = eventually_every(Duration::from_millis(1), Duration::from_secs(60), || {
        (!bed.records(topics::REPLAYS).is_empty() || first.0.try_wait().unwrap().is_some()).then_some(())
    });
    assert!(begun.is_some());
    drop(first); // SIGKILL
    let none_open = eventually_every(Duration::from_millis(10), Duration::from_secs(120), || {
        let mut both = [start(), start()];
        // One of them may be fenced by the other; that is what keeps them from writing a letter twice.
        for replay in &mut both {
            replay.0.wait().unwrap();
        }
        (open() == 0).then_some(())
    });
    assert!(none_open.is_some(), "{} are open", open());
}

#[test]
fn a_letter_is_explained_without_personal_data_and_corrected() {
    let bed = Bed::new();
    bed.map(GOOD_MAPPING);
    let _hub = bed.hub();
    let mut misspelt = event("m-1", "fine");
    let at = misspelt.as_object_mut().unwrap().remove("at").unwrap();
    misspelt["when"] = at.clone();
    assert_eq!(bed.post(&misspelt), 200);
    let mut other = misspelt.clone();
    other["id"] = json!("m-2");
    bed.publish(&[tributary_stream::OutRecord { value: Some(other.to_string().into_bytes()), ..bare("m-2", "fine") }]);
    bed.until_settled(2);
    let each = bed.json(&["dlq", "list", "--each"]);
    let lines = each["each"].as_array().unwrap().clone();
    assert_eq!(lines.len(), 2, "{each:#}");
    let place = lines[0]["place"].as_str().unwrap();

    let shown = bed.run(&["dlq", "show", place]);
    let text = said(&shown);
    assert!(shown.status.success() && text.contains("what to do") && text.contains("--with or --map"), "{text}");
    assert!(!text.contains("member-of"), "{text}");
    let raw = said(&bed.run(&["dlq", "show", place, "--raw"]));
    assert!(raw.contains("member-of-m-1"), "{raw}");

    let with = bed.dir.path().join("corrected.json");
    let mut corrected: Value = if lines[0]["place"] == place { misspelt.clone() } else { other };
    corrected["at"] = at;
    std::fs::write(&with, corrected.to_string()).unwrap();
    let too_many = bed.run(&["dlq", "replay", "--with", "corrected.json", "--yes"]);
    assert!(too_many.status.code() == Some(2) && said(&too_many).contains("2 were chosen"), "{}", said(&too_many));
    let one = bed.json(&["dlq", "replay", place, "--with", "corrected.json", "--yes"]);
    assert_eq!(one["replayed"], 1, "{one:#}");
    std::fs::write(bed.dir.path().join("fix.vrl"), ".at = .when\n").unwrap();
    let rest =
        bed.json(&["dlq", "replay", "--reason", lines[1]["code"].as_str().unwrap(), "--map", "fix.vrl", "--yes"]);
    assert_eq!(rest["replayed"], 1, "{rest:#}");
    let audit = bed.until_settled(4);
    assert_eq!(account(&audit, "normalizer")["processed"], 2, "{audit:#}");
    assert_eq!(bed.records(topics::TOUCHPOINTS).len(), 2);
    let listed = bed.json(&["dlq", "list"]);
    assert_eq!((listed["letters"].as_u64(), listed["open"].as_u64()), (Some(2), Some(0)));
}

#[test]
fn wrong_arguments_are_named_with_their_remedy() {
    let bed = Bed::new();
    std::fs::write(bed.dir.path().join("broken.vrl"), ".at = upcase(\n").unwrap();
    std::fs::write(bed.dir.path().join("broken.json"), "{").unwrap();
    for (arguments, code, words) in [
        (&["dlq", "show", "3-17"][..], 2, &["3-17", "as 3/17"][..]),
        (&["dlq", "show", "0/17"][..], 2, &["0/17", "dlq list --each"][..]),
        (&["dlq", "show", "99/0"][..], 2, &["99/0", "partitions"][..]),
        (&["dlq", "list", "--since", "yesterday"][..], 2, &["yesterday", "2h"][..]),
        (&["dlq", "list", "--origin", "a/b"][..], 2, &["a/b", "TOPIC/PARTITION"][..]),
        (&["dlq", "replay", "0/5", "--yes"][..], 2, &["0/5", "no dead letter is there"][..]),
        (&["dlq", "replay", "--map", "broken.vrl"][..], 2, &["broken.vrl", "^"][..]),
        (&["dlq", "replay", "--with", "broken.json"][..], 2, &["broken.json", "line 1"][..]),
        (&["dlq", "replay", "--with", "no-such-file.json"][..], 1, &["no-such-file.json"][..]),
    ] {
        let output = bed.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
        words.iter().for_each(|word| assert!(said(&output).contains(word), "{word}: {}", said(&output)));
    }
    assert!(said(&bed.run(&["dlq", "list"])).contains("no dead letters"));
}
