//! Everything that is wrong with a canvas is told at once, with its remedy.

use super::*;

fn faults_of(text: &str) -> String {
    let entries = entries(text);
    faults(&fold(&entries), &entries, NOW, &channels()).join("\n")
}

#[test]
fn every_value_that_is_none_is_told_at_once_with_its_remedy() {
    let problems = parse(
        "plan.yaml",
        "tentpoles: [{tentpole_id: t, name: T, starts_at: yesterday, ends_at: 2026-13-01}]\n\
         narratives: [{narrative_id: n, name: N}, {narrative_id: n, name: M}]\n\
         messages: [{message_id: m, narrative_id: n, approved: true, price: a lot}]\n\
         budgets: [{budget_id: b, kind: brand, team_id: t, amount: 12.345 EUR}, {budget_id: c, kind: brand, team_id: t, amount: 5 euro}]\n",
    )
    .unwrap_err();
    let expected = [
        "tentpole `t`: starts_at \"yesterday\": write a day such as 2026-09-01",
        "tentpole `t`: ends_at \"2026-13-01\"",
        "message `m`: price \"a lot\"",
        "budget `b`: amount \"12.345 EUR\"",
        "budget `c`: amount \"5 euro\": \"euro\" is not an ISO 4217 currency code",
        "narrative `n` is there twice: keep one",
    ];
    for expected in expected {
        let found = problems.iter().filter(|problem| problem.starts_with(&format!("plan.yaml: {expected}"))).count();
        assert_eq!(found, 1, "{expected} in {problems:#?}");
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

#[test]
fn every_fault_is_told_at_once_with_its_remedy() {
    let found = faults_of(
        "teams:\n\
         - {team_id: all, channels: [email]}\n\
         - {team_id: My Team, channels: [email, smoke]}\n\
         tentpoles: [{tentpole_id: t, name: ' ', starts_at: 2026-02-01, ends_at: 2026-01-01}, {tentpole_id: u, name: U}]\n\
         campaigns:\n\
         - {campaign_id: c, name: C, team_id: nobody, tentpole_id: none, narrative_id: nothing, demand_percent: 120, funnel_role: magic}\n\
         - {campaign_id: 'd ', name: D, team_id: all, tentpole_id: t, demand_percent: -1, funnel_role: loyalty, agency: ''}\n\
         - {campaign_id: 'e@2026-01-01T00:00:00Z', name: E, team_id: all, demand_percent: 0, funnel_role: loyalty}\n\
         messages: [{message_id: m, narrative_id: nothing, approved: true, price: -1 EUR}]\n\
         budgets:\n\
         - {budget_id: b, kind: fun, team_id: nobody, tentpole_id: none, campaign_id: none, channel: smoke, amount: -5 EUR}\n\
         - {budget_id: f, kind: trade, team_id: all, tentpole_id: u, campaign_id: 'd ', amount: 5 EUR, starts_at: 2026-01-01, ends_at: 2026-01-01}\n",
    );
    let expected = [
        "team `all`: this is the name of the sum of all teams: use another",
        "team `My Team`: use lower case letters, digits and `-`",
        "team `My Team`: channel `smoke` is not listed in channels.yaml: list it, or name another",
        "channel `email`: is claimed by My Team and all: leave it with one",
        "tentpole `t`: name is empty",
        "tentpole `t`: ends_at 2026-01-01 is not after starts_at 2026-02-01",
        "campaign `c`: no team `nobody`: add it",
        "campaign `c`: no tentpole `none`: add it",
        "campaign `c`: no narrative `nothing`: add it",
        "campaign `c`: demand_percent 120: use 0 to 100",
        "campaign `c`: funnel_role `magic`: use one of awareness, consideration, conversion, loyalty",
        "campaign `d `: the id is empty, begins or ends with a space, or ends like a date: write another",
        "campaign `d `: demand_percent -1: use 0 to 100",
        "campaign `d `: agency is empty: say it, or leave it out",
        "campaign `e@2026-01-01T00:00:00Z`: the id is empty, begins or ends with a space, or ends like a date",
        "message `m`: no narrative `nothing`: add it",
        "message `m`: price -1.00 EUR: use an amount of 0 or more",
        "message `m`: claims an offer or a price of nothing",
        "budget `b`: kind `fun`: use one of trade, retail_media, brand, performance",
        "budget `b`: no team `nobody`: add it",
        "budget `b`: no tentpole `none`: add it",
        "budget `b`: no campaign `none`: add it",
        "budget `b`: channel `smoke` is not listed",
        "budget `b`: amount -5.00 EUR: use an amount of 0 or more",
        "budget `f`: campaign `d ` hangs on tentpole `t`, not on `u`: name one of them",
        "budget `f`: ends_at 2026-01-01 is not after starts_at 2026-01-01",
    ];
    for expected in expected {
        assert_eq!(found.lines().filter(|line| line.starts_with(expected)).count(), 1, "{expected} in\n{found}");
    }
    assert_eq!(found.lines().count(), expected.len(), "{found}");
}

#[test]
fn what_dangles_from_a_date_on_is_told_with_the_date() {
    let plan = "teams: [{team_id: brand, channels: []}, {team_id: brand, channels: [], retired: true, effective_from: 2030-01-01}]\n\
                campaigns: [{campaign_id: c, name: C, team_id: brand, demand_percent: 0, funnel_role: awareness}]\n";
    assert_eq!(faults_of(plan), "campaign `c`: no team `brand`: add it, or retire this too (from 2030-01-01 on)");
    let retired = "- {campaign_id: c, name: C, team_id: brand, demand_percent: 0, funnel_role: awareness, retired: true, effective_from: 2030-01-01}\n";
    let both = plan.replace("campaigns: [", "campaigns:\n- ").replace("awareness}]", "awareness}") + retired;
    assert_eq!(faults_of(&both), "");
}

#[test]
fn of_the_past_only_what_is_said_now_is_judged() {
    let campaign = |id: &str, dated: &str| {
        format!("- {{campaign_id: {id}, name: C, team_id: brand, demand_percent: 0, funnel_role: loyalty{dated}}}\n")
    };
    let team = "teams: [{team_id: brand, channels: [], effective_from: 2026-03-01}]\ncampaigns:\n";
    let known = entries(&format!("{team}{}", campaign("since-always", "")));
    let canvas = |said: &[CanvasEntry]| fold(&[known.as_slice(), said].concat());
    let back = entries("narratives: [{narrative_id: n, name: N, effective_from: 2026-01-01}]\n");
    assert_eq!(faults(&canvas(&back), &back, NOW, &channels()), Vec::<String>::new());
    let before_its_team = entries(&format!("campaigns:\n{}", campaign("early", ", effective_from: 2026-02-01")));
    let found = faults(&canvas(&before_its_team), &before_its_team, NOW, &channels());
    assert_eq!(found, ["campaign `early`: no team `brand`: add it, or retire this too (from 2026-02-01 on)"]);
}
