//! Somebody asks to be erased while the hub works, and it is killed in the middle: nothing of them is left, and whoever comes
//! back is somebody new.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tributary_model::topics;
use tributary_testkit::eventually;

use crate::bed::{Bed, said};
use crate::identity::{MAPPING, event, purchase, revenue, touches};

/// What `privacy verify` answers, and its exit code.
fn verify(bed: &Bed, identifiers: &[&str]) -> (Value, Option<i32>) {
    let arguments: Vec<&str> = ["privacy", "verify"].iter().chain(identifiers).copied().collect();
    let output = bed.command(&arguments).args(["--output", "json"]).output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output))), output.status.code())
}

/// Checkpoints that name somebody, of those that are on disk.
fn on_disk(bed: &Bed, identifiers: &[&str]) -> usize {
    verify(bed, identifiers).0["checkpoints"].as_array().unwrap().len()
}

fn found(report: &Value, part: &str) -> Vec<String> {
    let findings = report[part].as_array().unwrap().iter();
    findings.map(|finding| finding["topic"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn who_is_erased_through_a_kill_is_found_nowhere_and_comes_back_as_somebody_new() {
    let bed = Bed::new();
    bed.map(MAPPING);
    bed.set("state", json!({ "directory": "state", "checkpoint_interval_s": 1 }));
    let hub = bed.hub();
    let ada = ["email:ada@example.org", "loyalty_id:L-1"];
    let ada_knows = json!({ "loyalty_id": "L-1", "email": "ada@example.org" });
    let bob_knows = json!({ "loyalty_id": "L-2", "email": "bob@example.org" });
    let before = [
        event("a1", &ada_knows),
        purchase("a2", &json!({ "email": "ada@example.org" }), 10.0),
        event("b1", &bob_knows),
        purchase("b2", &json!({ "email": "bob@example.org" }), 20.0),
    ];
    before.iter().for_each(|event| assert_eq!(bed.post(event), 200));
    bed.until_settled(4);
    let sold = revenue(&bed);
    let (report, code) = verify(&bed, &ada[..1]);
    assert_eq!((code, report["identifiers"].as_u64(), &report["erasures"]), (Some(3), Some(2), &json!([])));
    for topic in ["tributary.identity.owners.changelog", "tributary.journey.touches.changelog"] {
        assert!(found(&report, "found").contains(&topic.to_owned()), "{report:#}");
    }
    let is_on_disk = || (on_disk(&bed, &ada) >= 2).then_some(());
    assert!(eventually(Duration::from_secs(60), is_on_disk).is_some(), "owners and journeys have checkpoints");

    let only_shown = bed.run(&["privacy", "erase", ada[0], "--reason", "asked us to"]);
    assert!(said(&only_shown).contains("nothing was changed: add --yes"), "{}", said(&only_shown));
    let nobody = bed.run(&["privacy", "erase", "email:nobody@example.org", "--reason", "a typo", "--yes"]);
    assert!(said(&nobody).contains("nobody is known by it"), "{}", said(&nobody));
    assert_eq!((only_shown.status.code(), nobody.status.code()), (Some(2), Some(1)));

    let written = bed.records(topics::IDENTITY_REQUESTS).len();
    let mut asked = bed.command(&["privacy", "erase", ada[1], "--reason", "asked us to", "--yes", "--wait", "120"]);
    let asked = asked.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let is_written = || (bed.records(topics::IDENTITY_REQUESTS).len() > written).then_some(());
    assert!(eventually(Duration::from_secs(60), is_written).is_some());
    drop(hub); // SIGKILL, while it works on the request.
    let hub = bed.hub();
    assert_eq!(bed.post(&event("b3", &bob_knows)), 200);
    let asked = asked.wait_with_output().unwrap();
    assert!(asked.status.success() && said(&asked).contains("is erased"), "{}", said(&asked));
    bed.until_settled(5);

    let (report, code) = verify(&bed, &ada);
    assert_eq!((code, &report["found"]), (Some(0), &json!([])), "{report:#}");
    assert_eq!(report["erasures"].as_array().unwrap().len(), 1, "one for both: {report:#}");
    for topic in [topics::TOUCHPOINTS, topics::JOURNEYS, crate::bed::RAW] {
        assert!(found(&report, "remaining").contains(&topic.to_owned()), "{report:#}");
    }
    let is_off_disk = || (on_disk(&bed, &ada) == 0).then_some(());
    assert!(eventually(Duration::from_secs(120), is_off_disk).is_some(), "each has been written anew");
    let story = bed.run(&["journey", ada[0]]);
    assert!(said(&story).contains("nobody is known by this email"), "{}", said(&story));
    assert_eq!((touches(&bed, "email:bob@example.org"), revenue(&bed)), (3, sold));

    let back = [event("a3", &ada_knows), purchase("a4", &json!({ "email": "ada@example.org" }), 5.0)];
    back.iter().for_each(|event| assert_eq!(bed.post(event), 200));
    let audit = bed.until_settled(7);
    assert_eq!(audit["unexplained"], 0, "{audit:#}");
    assert_eq!((touches(&bed, ada[0]), touches(&bed, ada[1])), (2, 2), "one person, and nothing of before");
    assert_eq!(verify(&bed, &ada).1, Some(3), "they are known again");
    drop(hub);
}
