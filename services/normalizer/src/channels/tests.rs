use std::collections::BTreeMap;

use super::{ChannelRules, Traffic};

const BUILTIN: &str = include_str!("../../../../schemas/channels.yaml");

fn rules() -> ChannelRules {
    ChannelRules::parse("channels.yaml", BUILTIN).unwrap()
}

fn group(source: &str, medium: &str, campaign: &str) -> String {
    let traffic = Traffic { source: source.to_owned(), medium: medium.to_owned(), campaign: campaign.to_owned() };
    rules().group(&traffic).to_owned()
}

fn referred(pairs: &[(&str, &str)]) -> String {
    let referral: BTreeMap<String, String> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    rules().group_of_referral(&referral).to_owned()
}

#[test]
fn groups_follow_source_medium_and_campaign() {
    assert_eq!(group("(direct)", "(none)", ""), "direct");
    assert_eq!(group("google", "cpc", ""), "paid_search");
    assert_eq!(group("google", "organic", ""), "organic_search");
    assert_eq!(group("newsletter", "email", "spring"), "email");
    assert_eq!(group("partner", "affiliate", ""), "affiliates");
    assert_eq!(group("dsp", "cpm", ""), "display");
    assert_eq!(group("mobile-app", "push", ""), "push");
    assert_eq!(group("mystery", "mystery", "mystery"), "unassigned");
}

#[test]
fn hosts_count_for_their_sites_and_others_do_not() {
    let sites = |source: &str, medium: &str| group(source, medium, "");
    for host in ["google", "google.com", "www.google.co.uk", "news.google.de"] {
        assert_eq!(sites(host, ""), "organic_search", "{host}");
    }
    assert_eq!(sites("t.co", ""), "organic_social");
    assert_eq!(sites("l.facebook.com", ""), "organic_social");
    assert_eq!(sites("m.youtube.com", "paid"), "paid_video");
    assert_eq!(sites("smile.amazon.de", ""), "organic_shopping");
    for host in ["google.evil-long.example", "notgoogle.com", "facebook.example-shop.com"] {
        assert_eq!(sites(host, ""), "unassigned", "{host}");
    }
}

#[test]
fn campaign_parameters_win_over_click_ids_and_those_over_the_page_before() {
    let url = "https://shop.example/?utm_source=Newsletter&utm_medium=e%2Dmail&gclid=1";
    assert_eq!(referred(&[("url", url), ("referrer", "https://www.bing.com/")]), "email");
    assert_eq!(
        referred(&[("url", "https://shop.example/?gclid=1"), ("referrer", "https://x.example/")]),
        "paid_search"
    );
    assert_eq!(referred(&[("gclid", "1")]), "paid_search");
    assert_eq!(referred(&[("url", "/?fbclid=1")]), "organic_social");
    assert_eq!(referred(&[("utm_source", "google"), ("gclid", "1")]), "paid_search");
    assert_eq!(referred(&[("referrer", "https://www.bing.com/search?q=a")]), "organic_search");
    assert_eq!(referred(&[("referrer", "https://blog.example/post")]), "referral");
    assert_eq!(referred(&[("utm_medium", "Social Media")]), "organic_social");
}

#[test]
fn without_a_trace_or_from_its_own_pages_a_visit_is_direct() {
    assert_eq!(referred(&[]), "direct");
    assert_eq!(referred(&[("url", "https://shop.example/a"), ("referrer", "https://www.shop.example/b")]), "direct");
    assert_eq!(referred(&[("url", ""), ("referrer", "android-app:x")]), "direct");
}

#[test]
fn broken_rules_are_all_reported() {
    let broken = BUILTIN.replace("site: video", "site: films").replace("channel: audio", "channel: radio");
    let problems = ChannelRules::parse("channels.yaml", &broken).unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    let broken = BUILTIN.replace("'audio'", "'('");
    assert_eq!(ChannelRules::parse("channels.yaml", &broken).unwrap_err().len(), 1);
}
