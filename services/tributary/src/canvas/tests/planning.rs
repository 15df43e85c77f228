//! What applying does: new, changed, dated, retired, and unchanged when it is applied again.

use tributary_model::time::from_rfc3339;

use super::super::plan::{Change, Plan, Step, Terms, plan};
use super::*;

const DAY: i64 = 86_400_000;
const PLAN: &str = "teams: [{team_id: brand, channels: [display]}, {team_id: media, channels: [paid_search]}]\n\
                    campaigns: [{campaign_id: film, name: Film, team_id: brand, demand_percent: 5, funnel_role: awareness}]\n";

fn terms(effective_from: Option<i64>) -> Terms {
    Terms { effective_from, now_ms: NOW, prune: false }
}

fn of<'a>(plan: &'a Plan, id: &str) -> &'a Step {
    plan.steps.iter().find(|step| step.id == id).unwrap()
}

fn applied(text: &str) -> Canvas {
    plan(&Canvas::default(), &entries(text), Terms { effective_from: None, now_ms: NOW - DAY, prune: false }).result
}

#[test]
fn what_is_new_holds_since_always_and_what_changes_from_now_on() {
    let first = plan(&Canvas::default(), &entries(PLAN), terms(None));
    assert!(first.steps.iter().all(|step| step.change == Change::Added && step.version == 1));
    assert!(first.said().iter().all(|said| said.effective_from.is_none() && said.applied_at == Some(NOW)));
    let known = applied(PLAN);
    assert!(plan(&known, &entries(PLAN), terms(None)).changes_nothing());

    let changed =
        plan(&known, &entries(&PLAN.replace("team_id: brand, demand", "team_id: media, demand")), terms(None));
    let step = of(&changed, "film");
    let Change::Changed { fields } = &step.change else { panic!("{step:?}") };
    assert_eq!((fields.len(), fields[0].field.as_str()), (1, "team_id"));
    assert_eq!((fields[0].old.as_str(), fields[0].new.as_str()), (Some("brand"), Some("media")));
    assert_eq!((step.version, step.effective_from.as_deref().and_then(from_rfc3339)), (2, Some(NOW)));
    assert_eq!(changed.said().len(), 1);
    let owner = |at| changed.result.team_of_parts(Some("film"), "", at).to_owned();
    assert_eq!((owner(NOW - 1), owner(NOW)), ("brand".to_owned(), "media".to_owned()));
}

#[test]
fn a_date_back_or_ahead_holds_from_then_on_and_says_what_that_means() {
    let known = applied(PLAN);
    let other = PLAN.replace("demand_percent: 5", "demand_percent: 50");
    let ahead = plan(&known, &entries(&other), terms(Some(NOW + 9 * DAY)));
    assert_eq!((ahead.said().len(), ahead.notices.len()), (1, 0), "{:?}", ahead.notices);
    let percent = |plan: &Plan, at| plan.result.campaign("film", at).unwrap().demand_percent;
    assert_eq!((percent(&ahead, NOW + 9 * DAY - 1), percent(&ahead, NOW + 9 * DAY)), (5, 50));
    // What is changed now ends when that begins.
    let third = PLAN.replace("demand_percent: 5", "demand_percent: 20");
    let between = plan(&ahead.result, &entries(&third), terms(None));
    assert_eq!((percent(&between, NOW), percent(&between, NOW + 9 * DAY)), (20, 50));
    assert!(between.notices[0].contains("campaign `film`: version 2, which was applied before, takes over"));
    assert_eq!(of(&between, "film").version, 3);
    // The same date again replaces what was said of it.
    let again = plan(&ahead.result, &entries(&third), terms(Some(NOW + 9 * DAY)));
    assert_eq!(
        (percent(&again, NOW + 9 * DAY), again.result.versions(tributary_model::canvas::Kind::Campaign, "film").len()),
        (20, 2)
    );
    let back = plan(&known, &entries(&other), terms(Some(NOW - 9 * DAY)));
    assert_eq!((percent(&back, NOW - 9 * DAY - 1), percent(&back, NOW - 9 * DAY)), (5, 50));
    assert!(back.notices[0].starts_with("1 change(s) hold from a date in the past"), "{:?}", back.notices);
}

#[test]
fn what_was_applied_and_is_not_named_is_retired_and_comes_back() {
    let mut known = applied(PLAN);
    entries("narratives: [{narrative_id: of-a-file, name: F}]").into_iter().for_each(|entry| known.apply(entry));
    let teams = PLAN.split("campaigns:").next().unwrap();
    let pruned = plan(&known, &entries(teams), Terms { prune: true, ..terms(Some(NOW + DAY)) });
    assert_eq!(of(&pruned, "film").change, Change::Retired);
    assert!(
        pruned.notices.iter().any(|notice| notice.starts_with("1 entry(ies) of the files")),
        "{:?}",
        pruned.notices
    );
    assert!(
        pruned.result.campaign("film", NOW + DAY - 1).is_some() && pruned.result.campaign("film", NOW + DAY).is_none()
    );
    assert!(pruned.result.narrative("of-a-file", NOW + DAY).is_some());
    let again = plan(&pruned.result, &entries(teams), Terms { prune: true, ..terms(Some(NOW + DAY)) });
    assert!(again.changes_nothing());
    let back = plan(&pruned.result, &entries(PLAN), terms(Some(NOW + 2 * DAY)));
    assert_eq!((&of(&back, "film").change, of(&back, "film").version), (&Change::Added, 3));
    assert!(back.result.campaign("film", NOW + DAY).is_none() && back.result.campaign("film", NOW + 2 * DAY).is_some());
}

#[test]
fn what_is_shown_and_applied_again_changes_nothing_and_history_makes_the_same_canvas() {
    let known = applied(PLAN);
    let other = PLAN.replace("demand_percent: 5", "demand_percent: 50");
    let known = plan(&known, &entries(&other), terms(Some(NOW - DAY))).result;
    let known = plan(&known, &entries(PLAN), Terms { prune: true, ..terms(Some(NOW + DAY)) }).result;
    let teams = PLAN.split("campaigns:").next().unwrap();
    let known = plan(&known, &entries(teams), Terms { prune: true, ..terms(Some(NOW + 2 * DAY)) }).result;
    let mut shown = known.in_force(NOW);
    shown.iter_mut().for_each(|entry| entry.effective_from = None);
    assert!(plan(&known, &entries(&file::write(&shown).unwrap()), terms(None)).changes_nothing());

    let history = entries(&file::write(&known.every_version()).unwrap());
    let again = plan(&known, &history, terms(None));
    assert!(again.changes_nothing(), "{:#?}", again.said());
    let elsewhere = plan(&Canvas::default(), &history, terms(None)).result;
    let contents = |canvas: &Canvas, at| canvas.in_force(at).iter().map(CanvasEntry::content).collect::<Vec<_>>();
    for at in [0, NOW - DAY, NOW, NOW + DAY, NOW + 2 * DAY] {
        assert_eq!(contents(&elsewhere, at), contents(&known, at));
    }
}
