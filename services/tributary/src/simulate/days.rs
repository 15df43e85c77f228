//! One shopper's days: what they hear, when they come, what they buy and bring back.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tributary_model::Domain;
use tributary_model::time::{HOUR_MS, MINUTE_MS, SECOND_MS};

use super::Settings;
use super::draft::{Draft, Name};
use super::ledger::Ledger;
use super::people::Person;
use super::plan;
use super::truth::Caused;

/// What later parts need to know of a shopper's life.
#[derive(Debug, Default)]
pub(crate) struct Lived {
    /// First web order that carried the e-mail address: the e-mail belongs to a known buyer from here on.
    pub(crate) web_order_at: Option<i64>,
}

/// What brought a shopper to the shop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause {
    pub(crate) at: i64,
    pub(crate) channel: &'static str,
    pub(crate) campaign: Option<(&'static str, &'static str)>,
}

/// One shopper's life in progress.
pub(crate) struct Life<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) person: &'a Person,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) lived: Lived,
    /// Devices on which the shopper is logged in.
    pub(crate) logged_in: Vec<bool>,
    /// Things that will happen on a later day.
    pub(crate) later: Vec<(u32, Draft)>,
    event_count: u32,
    brand_days: Vec<u32>,
    demand_days: Vec<u32>,
    wants_email: bool,
}

/// Lives all days.
pub(crate) fn live(settings: &Settings, person: &Person, ledger: &mut Ledger) -> Lived {
    let mut life = Life {
        settings,
        person,
        rng: person.rng(settings, 1),
        ledger,
        lived: Lived::default(),
        logged_in: vec![false; person.cookies.len()],
        later: Vec::new(),
        event_count: 0,
        brand_days: Vec::new(),
        demand_days: Vec::new(),
        wants_email: person.wants_email,
    };
    for day in 0..settings.days {
        life.day(day);
    }
    life.lived
}

impl Life<'_> {
    /// An event of this shopper with the next id.
    pub(crate) fn event(&mut self, domain: Domain, event_type: &'static str, at: i64) -> Draft {
        self.event_count += 1;
        Draft::new(format!("p{}-{}", self.person.index, self.event_count), domain, event_type, at)
    }

    pub(crate) fn record(&mut self, draft: Draft) {
        self.ledger.record(self.person.index, draft);
    }

    /// A moment of `day` between two hours.
    pub(crate) fn moment(&mut self, day: u32, from_hour: i64, to_hour: i64) -> i64 {
        self.settings.day_at(day) + self.rng.random_range(from_hour * HOUR_MS..to_hour * HOUR_MS)
    }

    /// Whether a visit on `day` ends in a purchase, and what would have happened without the campaigns.
    pub(crate) fn decides_to_buy(&mut self, day: u32) -> Option<Caused> {
        let since = |days: &[u32], span: u32| days.iter().filter(|heard| **heard + span >= day).count();
        let brand = since(&self.brand_days, plan::BRAND_DAYS);
        let demand = since(&self.demand_days, plan::DEMAND_DAYS);
        let draw: f64 = self.rng.random();
        let buys = |effect: f64| draw < plan::chance(self.person.base_chance, effect);
        if !buys(plan::effect(brand, demand)) {
            return None;
        }
        let one = if buys(1.0) {
            Caused { anyway: 1, ..Caused::default() }
        } else if buys(plan::effect(brand, 0)) {
            Caused { by_brand: 1, ..Caused::default() }
        } else if buys(plan::effect(0, demand)) {
            Caused { by_demand: 1, ..Caused::default() }
        } else {
            Caused { by_both: 1, ..Caused::default() }
        };
        Some(one)
    }

    fn day(&mut self, day: u32) {
        if day == 0 {
            self.give_consent();
        }
        self.join_loyalty(day);
        let mut causes = Vec::new();
        self.hear_brand(day, &mut causes);
        self.hear_email(day, &mut causes);
        self.hear_paid(day, &mut causes);
        if self.rng.random_bool(self.person.visit_chance) {
            let at = self.moment(day, 10, 21);
            causes.push(Cause { at, channel: "direct", campaign: None });
        }
        if let Some(cause) = causes.first().copied() {
            self.visit(day, cause);
        }
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition(|(when, _)| *when <= day);
        self.later = later;
        let due: Vec<(u32, Draft)> = due;
        for (_, draft) in due {
            self.record(draft);
        }
    }

    fn give_consent(&mut self) {
        if let Some(email) = self.person.email.clone().filter(|_| self.wants_email) {
            let at = self.moment(0, 0, 1);
            let mut draft = self.event(Domain::Channel, "consent.changed", at).by(vec![("email", email)]).on("email");
            draft.consent = Some(true);
            self.record(draft);
        }
    }

    fn join_loyalty(&mut self, day: u32) {
        let Some(card) = self.person.loyalty.as_ref().filter(|card| card.joined_day == day) else {
            return;
        };
        let names = self.person.card_names(card);
        let at = self.moment(day, 1, 5);
        let mut draft = self.event(Domain::Store, "loyalty.joined", at).by(names).on("in_store");
        draft.location = Some(self.person.store.clone());
        self.record(draft);
    }

    fn hear_brand(&mut self, day: u32, causes: &mut Vec<Cause>) {
        if (2..=20).contains(&day) && self.rng.random_bool(0.12) {
            let at = self.moment(day, 6, 10);
            let cookie = self.any_cookie();
            let shown = self.event(Domain::Channel, "ad.shown", at).by(vec![cookie.clone()]).on("display").said(
                plan::BRAND_FILM,
                plan::FILM_MESSAGE,
                2,
            );
            self.record(shown);
            self.brand_days.push(day);
            if self.rng.random_bool(0.03) {
                let campaign = (plan::BRAND_FILM, plan::FILM_MESSAGE);
                self.click_ad(at + 4 * SECOND_MS, cookie, "display", campaign, 0, causes);
            }
        }
        let mailed = matches!(day, 3 | 17) && self.person.index.is_multiple_of(3);
        if let Some(card) = self.person.card_on(day).filter(|_| mailed) {
            let card_id = card.id.clone();
            let at = self.moment(day, 6, 10);
            let sent = self
                .event(Domain::Channel, "mail.sent", at)
                .by(vec![("loyalty_id", card_id)])
                .on("direct_mail")
                .said(plan::BRAND_MAIL, plan::MAIL_MESSAGE, 65);
            self.record(sent);
            self.brand_days.push(day);
        }
    }

    fn hear_email(&mut self, day: u32, causes: &mut Vec<Cause>) {
        if !self.wants_email || day as usize % 7 != self.person.index % 7 {
            return;
        }
        let Some(email) = self.person.email.clone() else { return };
        let message = plan::WEEKLY_MESSAGES[(day / 7) as usize % plan::WEEKLY_MESSAGES.len()];
        let campaign = (plan::WEEKLY_EMAIL, message);
        let at = self.moment(day, 5, 7);
        let names = vec![("email", email)];
        let sent = self.event(Domain::Channel, "email.sent", at).by(names.clone()).on("email");
        self.record(sent.said(campaign.0, message, 1));
        let react = |life: &mut Self, event_type, at| {
            let draft = life.event(Domain::Channel, event_type, at).by(names.clone()).on("email");
            life.record(draft.about(campaign.0, message));
        };
        if self.rng.random_bool(0.01) {
            return react(self, "email.bounced", at + 20 * SECOND_MS);
        }
        react(self, "email.delivered", at + 20 * SECOND_MS);
        if !self.rng.random_bool(0.3) {
            return;
        }
        let opened_at = at + self.rng.random_range(5 * MINUTE_MS..4 * HOUR_MS);
        react(self, "email.opened", opened_at);
        self.demand_days.push(day);
        if self.rng.random_bool(0.25) {
            let clicked_at = opened_at + 15 * SECOND_MS;
            react(self, "email.clicked", clicked_at);
            causes.push(Cause { at: clicked_at + 2 * SECOND_MS, channel: "email", campaign: Some(campaign) });
        } else if self.rng.random_bool(0.02) {
            self.unsubscribe(opened_at + MINUTE_MS, names, campaign);
        }
    }

    fn unsubscribe(&mut self, at: i64, names: Vec<Name>, campaign: (&'static str, &'static str)) {
        let mut draft = self.event(Domain::Channel, "email.unsubscribed", at).by(names).on("email");
        draft.consent = Some(false);
        self.record(draft.about(campaign.0, campaign.1));
        self.wants_email = false;
    }

    fn hear_paid(&mut self, day: u32, causes: &mut Vec<Cause>) {
        if self.rng.random_bool(0.05) {
            let at = self.moment(day, 6, 10);
            let cookie = self.any_cookie();
            let mut shown = self.event(Domain::Channel, "ad.shown", at).by(vec![cookie.clone()]).on("retail_media");
            shown.partner = Some("marketplace-one");
            self.record(shown.said(plan::RETAIL_MEDIA, plan::RETAIL_MEDIA_MESSAGE, 3));
            self.demand_days.push(day);
            if self.rng.random_bool(0.08) {
                let campaign = (plan::RETAIL_MEDIA, plan::RETAIL_MEDIA_MESSAGE);
                self.click_ad(at + 6 * SECOND_MS, cookie, "retail_media", campaign, 0, causes);
            }
        }
        if self.rng.random_bool(0.02) {
            let at = self.moment(day, 10, 20);
            let cookie = self.any_cookie();
            let campaign = (plan::PAID_SEARCH, plan::SEARCH_MESSAGE);
            let shown = self.event(Domain::Channel, "ad.shown", at).by(vec![cookie.clone()]).on("paid_search");
            self.record(shown.said(campaign.0, campaign.1, 0));
            self.demand_days.push(day);
            self.click_ad(at + 3 * SECOND_MS, cookie, "paid_search", campaign, 45, causes);
        }
    }

    fn click_ad(
        &mut self,
        at: i64,
        cookie: Name,
        channel: &'static str,
        campaign: (&'static str, &'static str),
        cost_minor: i64,
        causes: &mut Vec<Cause>,
    ) {
        let mut clicked = self.event(Domain::Channel, "ad.clicked", at).by(vec![cookie]).on(channel);
        clicked.cost_minor = (cost_minor > 0).then_some(cost_minor);
        self.record(clicked.about(campaign.0, campaign.1));
        causes.push(Cause { at: at + 2 * SECOND_MS, channel, campaign: Some(campaign) });
    }

    fn any_cookie(&mut self) -> Name {
        let device = self.rng.random_range(0..self.person.cookies.len());
        ("anonymous_id", self.person.cookies[device].clone())
    }
}
