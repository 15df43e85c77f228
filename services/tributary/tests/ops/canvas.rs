//! The canvas of a hub that runs: applied, compared, shown, dated, pruned, and held against what came of it, without a restart.

use std::time::Duration;

use serde_json::{Value, json};
use tributary_model::time::to_rfc3339;
use tributary_model::{JourneyEvent, topics};
use tributary_schema::Contracts;
use tributary_stream::OutRecord;
use tributary_testkit::eventually_every;

use crate::bed::{Bed, RAW, said};

const SOURCE: &str =
    "domain: store\ndescription: Screens\nauth: none\nevent_id: [/id]\ntypes: [display.shown, store.visited]\n";
const PLAN: &str = "\
teams: [{team_id: pop-up, channels: []}]
tentpoles: [{tentpole_id: launch, name: The launch, starts_at: 2026-01-01, ends_at: 2030-01-01}]
narratives: [{narrative_id: made-to-last, name: Made to last}, {narrative_id: cheap, name: Cheap}]
";
const CAMPAIGN: &str = "\
campaigns:
  - {campaign_id: film, name: The film, team_id: brand, tentpole_id: launch, partner: marketplace, narrative_id: made-to-last,
     demand_percent: 10, funnel_role: awareness}
budgets:
  - {budget_id: film, kind: brand, team_id: brand, tentpole_id: launch, campaign_id: film, partner: marketplace,
     amount: 1000.00 EUR}
  - {budget_id: shelf, kind: trade, team_id: trade, tentpole_id: launch, partner: other-shop, amount: 70.00 EUR}
";

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}

/// Runs `tributary canvas`, which has to end with `code`, and gives what it said.
#[track_caller]
fn canvas(bed: &Bed, arguments: &[&str], code: i32) -> String {
    let output = bed.command(&["canvas"]).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
    said(&output)
}

fn write(bed: &Bed, text: &str) {
    std::fs::write(bed.dir.path().join("canvas.yaml"), text).unwrap();
}

/// Shows somebody the film.
fn show_film(bed: &Bed, id: &str, member: &str, at: i64) {
    let event = json!({
        "id": id, "type": "display.shown", "occurred_at": to_rfc3339(at), "channel": "display", "direction": "outbound",
        "campaign_id": "film", "identifiers": { "loyalty_id": member }, "cost": { "currency": "EUR", "amount": "0.50" },
    });
    let headers = vec![("tributary.source".to_owned(), b"till".to_vec())];
    let value = Some(event.to_string().into_bytes());
    bed.publish(&[OutRecord { topic: RAW.to_owned(), key: id.as_bytes().to_vec(), value, headers }]);
}

fn journeys(bed: &Bed) -> Vec<JourneyEvent> {
    let contracts = Contracts::single_object().unwrap();
    let records = bed.records(topics::JOURNEYS);
    records.iter().filter_map(|record| contracts.decode(record.value.as_deref()?).ok()).collect()
}

fn told(bed: &Bed, id: &str) -> Option<JourneyEvent> {
    journeys(bed).into_iter().rfind(|event| event.touchpoint.touchpoint_id.ends_with(id) && !event.retracted)
}

/// Waits until the event is in its journey.
fn until_told(bed: &Bed, id: &str) -> JourneyEvent {
    let found = eventually_every(Duration::from_millis(200), Duration::from_secs(60), || told(bed, id));
    found.unwrap_or_else(|| panic!("{id} is in no journey: {}", bed.log_tail()))
}

/// Shows the film at `at` until the hub counts it under this team: then it has read what was applied.
fn until_owned_by(bed: &Bed, team: &str, at: i64) {
    let mut round = 0;
    let found = eventually_every(Duration::from_millis(200), Duration::from_secs(60), || {
        round += 1;
        let id = format!("probe-{team}-{round}");
        show_film(bed, &id, &id, at);
        (until_told(bed, &id).team_id == team).then_some(())
    });
    assert!(found.is_some(), "the film is not {team}'s: {}", bed.log_tail());
}

#[test]
fn a_canvas_is_applied_to_a_running_hub_and_each_touch_is_judged_by_the_plan_of_its_time() {
    let bed = Bed::new();
    std::fs::write(bed.source().join("source.yaml"), SOURCE).unwrap();
    bed.map(".body\n");
    let hub = bed.hub();

    // What is wrong is told at once, and nothing is applied.
    write(&bed, &CAMPAIGN.replace("awareness", "magic").replace("team_id: trade", "team_id: nobody"));
    let refused = canvas(&bed, &["apply", "canvas.yaml"], 2);
    for fault in ["no tentpole `launch`", "no narrative `made-to-last`", "funnel_role `magic`", "no team `nobody`"] {
        assert!(refused.contains(fault), "{fault}: {refused}");
    }
    assert_eq!(canvas(&bed, &["show", "campaign"], 0).trim(), "{}");

    // Compared, rehearsed, applied; and then there is nothing to be applied any more.
    write(&bed, &format!("{PLAN}{CAMPAIGN}"));
    let different = canvas(&bed, &["diff", "canvas.yaml"], 3);
    assert!(different.contains("+ campaign:film: added, since always (version 1)"), "{different}");
    assert!(canvas(&bed, &["apply", "canvas.yaml", "--dry-run"], 0).contains("nothing was applied"));
    let applied = canvas(&bed, &["apply", "canvas.yaml"], 0);
    assert!(applied.contains("made the topic tributary.metrics.pop-up"), "{applied}");
    assert_eq!(canvas(&bed, &["apply", "canvas.yaml"], 0).trim(), "7 unchanged");
    assert!(canvas(&bed, &["diff", "canvas.yaml"], 0).contains("= campaign:film: unchanged"));
    let entries = bed.records(topics::CANVAS).len();

    // What is shown is what can be applied, and it changes nothing.
    std::fs::write(bed.dir.path().join("shown.yaml"), canvas(&bed, &["show"], 0)).unwrap();
    canvas(&bed, &["diff", "shown.yaml", "--prune"], 0);
    canvas(&bed, &["apply", "shown.yaml"], 0);
    assert_eq!(bed.records(topics::CANVAS).len(), entries);

    // From a date on it is another team's, with another story.
    until_owned_by(&bed, "brand", now() - 60_000);
    let date = now() - 1_800_000;
    write(
        &bed,
        &format!(
            "{PLAN}{}",
            CAMPAIGN.replace(
                "team_id: brand, tentpole_id: launch, partner: marketplace, narrative_id: made-to-last",
                "team_id: pop-up, tentpole_id: launch, partner: marketplace, narrative_id: cheap"
            )
        ),
    );
    let from = to_rfc3339(date);
    let different = canvas(&bed, &["diff", "canvas.yaml", "--effective-from", &from], 3);
    assert!(different.contains("team_id: brand → pop-up"), "{different}");
    assert!(different.contains("narrative_id: made-to-last → cheap"), "{different}");
    let applied = canvas(&bed, &["apply", "canvas.yaml", "--effective-from", &from], 0);
    assert!(applied.contains(&format!("~ campaign:film: changed from {from} on (version 2)")), "{applied}");
    assert!(applied.contains("note: 1 change(s) hold from a date in the past"), "{applied}");
    until_owned_by(&bed, "pop-up", now() - 60_000);
    show_film(&bed, "after", "ada", date);
    assert_eq!(
        (until_told(&bed, "after").team_id.as_str(), told(&bed, "after").unwrap().story.narrative_count),
        ("pop-up", 1)
    );
    show_film(&bed, "before", "ada", date - 1);
    assert_eq!(until_told(&bed, "before").team_id, "brand");
    let heard = eventually_every(Duration::from_millis(200), Duration::from_secs(60), || {
        told(&bed, "after").filter(|event| event.story.narrative_count == 2)
    });
    assert!(heard.is_some(), "the story before the date is another: {:#?}", told(&bed, "after"));

    // The sheet of the tentpole, and what a partner sees of it.
    let records = bed.records(RAW).len() as i64;
    bed.until_settled(records);
    let sheets = bed.json(&["canvas", "budget", "launch"]);
    let total = &sheets[0]["lines"][0];
    assert_eq!(
        (total["budget_minor"]["EUR"].as_i64(), total["results"]["touches"].as_i64()),
        (Some(107_000), Some(records))
    );
    let partner = canvas(&bed, &["budget", "launch", "--partner", "marketplace"], 0);
    assert!(
        partner.contains("1000.00 EUR") && !partner.contains("70.00") && !partner.contains("other-shop"),
        "{partner}"
    );
    let csv = canvas(&bed, &["budget", "--format", "csv"], 0);
    assert!(
        csv.starts_with("tentpole,by,subject,currency,touches") && csv.contains("launch,kind,trade,EUR,,,,,,70.00"),
        "{csv}"
    );
    assert!(canvas(&bed, &["budget", "lunch"], 2).contains("name one of launch"));

    // What the files do not name any more is retired, and stays in the history.
    write(&bed, PLAN);
    let pruned = canvas(&bed, &["apply", "canvas.yaml", "--prune"], 0);
    assert!(pruned.contains("- campaign:film: retired from") && pruned.contains("- budget:shelf"), "{pruned}");
    assert!(canvas(&bed, &["show", "campaign:film"], 2).contains("is not on the canvas then"));
    let team_at = |at: i64| {
        let shown = bed.json(&["canvas", "show", "campaign:film", "--at", &to_rfc3339(at)]);
        shown[0]["entry"]["team_id"].as_str().map(str::to_owned)
    };
    assert_eq!((team_at(date - 1), team_at(date)), (Some("brand".to_owned()), Some("pop-up".to_owned())));
    let history = bed.json(&["canvas", "show", "campaign:film", "--history"]);
    let versions: Vec<(i64, bool)> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|version| (version["version"].as_i64().unwrap(), version["retired"] == Value::Bool(true)))
        .collect();
    assert_eq!(versions, [(1, false), (2, false), (3, true)]);
    std::fs::write(bed.dir.path().join("history.yaml"), canvas(&bed, &["show", "--history"], 0)).unwrap();
    canvas(&bed, &["diff", "history.yaml", "--prune"], 0);

    // Files hold what has no date, also after a restart; what was applied with one counts from it on.
    drop(hub);
    let folder = bed.dir.path().join("definitions/canvas");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("plan.yaml"), CAMPAIGN.replace("team_id: brand, t", "team_id: media, t")).unwrap();
    let hub = bed.hub();
    assert_eq!((team_at(date - 1), team_at(date)), (Some("media".to_owned()), Some("pop-up".to_owned())));
    show_film(&bed, "long-before", "bob", date - 60_000);
    assert_eq!(until_told(&bed, "long-before").team_id, "media");
    drop(hub);
}
