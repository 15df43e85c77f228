//! What the people of a story do, across all sources, and by which events it comes out that they are one.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tributary_model::{Consent, Discount};

use crate::plan;
use crate::workload::cast::Person;
use crate::workload::draft::Draft;
use crate::workload::segment::{self, Caller, Visit};
use crate::workload::spec::{Spec, item};
use crate::workload::{DAY_MS, DAYS, HOUR_MS, MINUTE_MS, START_AT, retail, shopify};

/// The address that a till fills in for everybody.
const TILL_EMAIL: &str = "till@example.org";

/// The scenes of so many people, and those that nobody is known to have played in.
pub(crate) fn all(rng: &mut ChaCha8Rng, persons: usize) -> Vec<Draft> {
    let mut stage = Stage { rng, drafts: Vec::new(), next: 0 };
    for number in 0..persons {
        let person = Person::random(stage.rng, number);
        stage.visits(&person);
        stage.messages(&person);
        stage.links(&person);
        stage.shopping(&person);
        stage.store(&person);
        stage.service(&person);
        if number % 8 == 0 {
            stage.nobody(number as u32);
        }
    }
    stage.drafts
}

struct Stage<'a> {
    rng: &'a mut ChaCha8Rng,
    drafts: Vec<Draft>,
    next: u32,
}

impl Stage<'_> {
    fn id(&mut self) -> String {
        self.next += 1;
        format!("e-{}", self.next)
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        500_000 + self.next
    }

    fn at(&mut self) -> i64 {
        START_AT + self.rng.random_range(0..DAYS * DAY_MS)
    }

    /// Between a second and so long after an instant.
    fn soon(&mut self, at: i64, within: i64) -> i64 {
        at + self.rng.random_range(1_000..within)
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.rng.random_ratio(1, count)
    }

    fn amount(&mut self) -> i64 {
        self.rng.random_range(101..20_000)
    }

    fn pick(&mut self, names: impl Iterator<Item = &'static str>) -> &'static str {
        let names: Vec<&str> = names.collect();
        names[self.rng.random_range(0..names.len())]
    }

    fn add(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// In plain words, now and then by an own producer.
    fn plain(&mut self, spec: Spec) {
        let draft = Draft::plain(spec);
        let draft = if self.one_in(4) { draft.bare() } else { draft };
        self.add(draft);
    }

    /// Visits of the web shop, some of which leave a cart behind.
    fn visits(&mut self, person: &Person) {
        for _ in 0..self.rng.random_range(1..=3) {
            let caller = person.caller(self.rng);
            let visit = Visit::ALL[self.rng.random_range(0..Visit::ALL.len())];
            let mut at = self.at();
            let campaign = self.one_in(3).then(|| self.pick(plan::campaigns()));
            let id = self.id();
            self.add(segment::page(&id, at, &caller, visit, campaign));
            // Up to just under, exactly at, or over the half hour that parts two sessions.
            at += [5 * MINUTE_MS, 30 * MINUTE_MS - 1, 30 * MINUTE_MS, HOUR_MS][self.rng.random_range(0..4)];
            let (id, sku, into_cart) = (self.id(), self.rng.random_range(0..7), self.one_in(3));
            self.add(segment::product(&id, at, &caller, visit, sku, into_cart));
            if self.one_in(4) {
                let (id, at, worth) = (self.id(), self.soon(at, 20 * MINUTE_MS), self.amount());
                self.add(segment::checkout(&id, at, &caller, worth));
            }
        }
    }

    /// What we said to them, and what they answered.
    fn messages(&mut self, person: &Person) {
        for _ in 0..self.rng.random_range(1..=3) {
            let (campaign, message) = (self.pick(plan::campaigns()), self.pick(plan::messages()));
            let (at, id) = (self.at(), self.id());
            let email = vec![("email", person.email(self.rng))];
            let spec = match self.rng.random_range(0..5) {
                0 => {
                    let cookie = vec![("anonymous_id", person.cookie(self.rng))];
                    let mut ad = Spec::new("events-channel", id, "ad.shown", at).who(cookie).on("display");
                    ad.cost = Some(("USD", self.rng.random_range(1..90)));
                    ad.partner = Some("marketplace-one".to_owned());
                    ad.agency = Some(format!("agency-{}", ad.cost.map_or(0, |(_, cost)| cost % 2)));
                    ad.spoken(campaign, message)
                }
                1 => match &person.phone {
                    Some(phone) => {
                        let phone = vec![("phone", phone.clone())];
                        Spec::new("events-channel", id, "sms.sent", at).who(phone).on("sms").spoken("", message)
                    }
                    None => Spec::new("events-channel", id, "email.bounced", at).who(email).on("email").spoken("", ""),
                },
                _ => Spec::new("events-channel", id, "email.sent", at).who(email).on("email").spoken(campaign, message),
            };
            let answer = self.one_in(2).then(|| spec.clone());
            self.plain(spec);
            if let Some(asked) = answer.filter(|asked| asked.kind == "email.sent") {
                let (id, at) = (self.id(), self.soon(asked.at, 5 * HOUR_MS));
                let mut opened = Spec { id, at, outbound: false, ..asked };
                opened.kind = if self.one_in(2) { "email.opened" } else { "email.clicked" }.to_owned();
                self.plain(opened);
            }
        }
        if let Some(card) = person.card.clone().filter(|_| self.rng.random_ratio(1, 2)) {
            let at = self.at();
            self.add(retail::mailing(at, &card, "5"));
            if self.one_in(2) {
                let at = self.soon(at, 6 * DAY_MS);
                self.add(retail::redemption(at, &card, "5"));
            }
        }
    }

    /// The events that tell that two names are one person, at any time and in any order: chains, so that merges are
    /// merged again.
    fn links(&mut self, person: &Person) {
        for cookie in &person.cookies {
            if person.customer.is_none() || self.one_in(4) {
                continue;
            }
            let caller = Caller { anonymous: Some(cookie.clone()), customer: person.customer.clone() };
            let email = self.one_in(2).then(|| person.email(self.rng));
            let (id, at) = (self.id(), self.at());
            self.add(segment::identify(&id, at, &caller, email.as_deref(), None));
        }
        for pair in person.cookies.windows(2) {
            if self.one_in(2) {
                let (id, at) = (self.id(), self.at());
                self.add(segment::alias(&id, at, &pair[0], &pair[1]));
            }
        }
        for pair in person.emails.windows(2) {
            let caller = Caller { anonymous: person.cookies.first().cloned(), customer: None };
            let (id, at, phone) = (self.id(), self.at(), person.phone.as_deref());
            self.add(segment::identify(&id, at, &caller, Some(&pair[1]), phone));
            let mut both = Spec::new("events-crm", self.id(), "person.identified", self.at()).on("sales");
            both.ids = pair.iter().map(|email| ("email", email.clone())).collect();
            self.plain(both);
        }
        let email = ("email", person.email(self.rng));
        let known = [
            ("crm_contact_id", &person.contact, "events-crm", "person.identified", "sales"),
            ("loyalty_id", &person.card, "events-store", "loyalty.joined", "in_store"),
            ("crm_lead_id", &person.lead, "events-crm", "lead.created", "sales"),
        ];
        for (namespace, value, source, kind, channel) in known {
            if let Some(value) = value.clone().filter(|_| self.rng.random_ratio(3, 4)) {
                let spec = Spec::new(source, self.id(), kind, self.at()).on(channel);
                self.plain(spec.who(vec![(namespace, value), email.clone()]));
            }
        }
        if let Some(number) = person.shopify {
            let (at, email, yes) = (self.at(), person.email(self.rng), self.rng.random_ratio(2, 3));
            self.add(shopify::customer(number, at, &email, yes));
        }
    }

    /// Orders in two web shops, and what goes back.
    fn shopping(&mut self, person: &Person) {
        if self.one_in(2) {
            let (id, at, caller) = (self.id(), self.at(), person.caller(self.rng));
            let (order, money) = (format!("O-{id}"), (person.currency, self.amount()));
            self.add(segment::order(&id, at, &caller, "Order Completed", &order, money));
            if self.one_in(3) {
                let (id, at) = (self.id(), self.soon(at, 9 * DAY_MS));
                let (event, back) = if self.one_in(2) {
                    ("Order Refunded", self.rng.random_range(1..=money.1))
                } else {
                    ("Order Cancelled", money.1)
                };
                self.add(segment::order(&id, at, &caller, event, &order, (person.currency, back)));
            }
        }
        if self.one_in(2) {
            let mut shopper = person.shopper(self.rng);
            let (number, at, money) = (u64::from(self.number()), self.at(), (person.currency, self.amount()));
            if self.one_in(2) {
                let token = format!("tok{number}");
                let cart_at = at - self.rng.random_range(MINUTE_MS..3 * HOUR_MS);
                self.add(shopify::cart(&token, cart_at));
                shopper.cart = Some(token);
            }
            self.add(shopify::order(number, at, &shopper, money));
            if self.one_in(2) {
                let (refund, at) = (u64::from(self.number()), self.soon(at, 9 * DAY_MS));
                let back = self.rng.random_range(1..=money.1);
                self.add(shopify::refund(refund, at, number, (money.0, back)));
            }
        }
    }

    /// Visits of stores, with and without a card, and what is brought back.
    fn store(&mut self, person: &Person) {
        if let Some(card) = &person.card {
            for _ in 0..self.rng.random_range(0..=2) {
                let (number, at, minor) = (self.number(), self.at(), self.amount());
                self.add(retail::basket(number, at, card, minor));
            }
        }
        // The till's address comes with a customer's number only: numbers are unique, so it can link nobody to another.
        if let Some(customer) = person.customer.clone().filter(|_| self.rng.random_ratio(2, 3)) {
            let (id, at, minor) = (self.id(), self.at(), self.amount());
            let mut spec = Spec::new("events-store", id.as_str(), "store.purchased", at).on("in_store");
            spec = spec.who(vec![("customer_id", customer)]).worth("USD", minor);
            spec.shared = vec![("email", TILL_EMAIL.to_owned())];
            spec.order = Some(format!("T-{id}"));
            spec.location = Some(format!("store-{}", self.rng.random_range(1..4)));
            let mut line = item(self.rng.random_range(0..7), 2, minor / 2, Some(minor / 5));
            line.discounts = vec![Discount { kind: "coupon".to_owned(), amount_minor: 30 }];
            spec.items = vec![line, item(self.rng.random_range(0..7), 1, 99, None)];
            let returned = self.one_in(2).then(|| spec.clone());
            self.plain(spec);
            if let Some(bought) = returned {
                let (id, at) = (self.id(), self.soon(bought.at, 12 * DAY_MS));
                let mut back = Spec { id, at, kind: "store.returned".to_owned(), ..bought };
                back.value = back.value.map(|(currency, minor)| (currency, -minor));
                back.items.truncate(1);
                self.plain(back);
            }
        }
    }

    /// Sales, service and consent.
    fn service(&mut self, person: &Person) {
        if let Some(contact) = person.contact.clone() {
            let who = vec![("crm_contact_id", contact.clone())];
            let opportunity = format!("opp-{}", person.number % 3);
            let mut opened = Spec::new("events-crm", self.id(), "opportunity.created", self.at()).on("sales");
            // A company of one account, or one that several claim; every other opportunity says so.
            let is_shared = person.number.is_multiple_of(3);
            let firm = if is_shared { "shared.test".to_owned() } else { format!("firm-{}.test", person.number % 12) };
            let domain = ("company_domain", firm);
            opened.accounts = vec![("crm_account_id", format!("account-{}", person.number % 4))];
            opened.accounts.extend(person.number.is_multiple_of(2).then(|| domain.clone()));
            let role = ["ceo", "Champion", "End-User", "florist"][person.number % 4];
            opened = opened.who(who.clone()).with("opportunity_id", opportunity).with("role", role);
            opened = opened.with("opportunity_stage", ["proposal", "negotiation"][person.number % 2]);
            let closed = self.one_in(2).then(|| opened.clone());
            self.plain(opened);
            if let Some(opened) = closed {
                let (id, at) = (self.id(), self.soon(opened.at, 15 * DAY_MS));
                let is_won = self.one_in(2);
                let kind = if is_won { "opportunity.won" } else { "opportunity.lost" }.to_owned();
                let value = is_won.then(|| ("USD", self.amount()));
                self.plain(Spec { id, at, kind, value, ..opened });
            }
            let mut called = Spec::new("events-crm", self.id(), "call.held", self.at()).on("sales").who(who);
            called.accounts = vec![domain];
            self.plain(called.spoken("", ""));
            let lead_at = START_AT + self.rng.random_range(0..DAYS) * DAY_MS;
            self.add(retail::lead(&contact, lead_at));
            if self.one_in(3) {
                let won_at = self.soon(lead_at, 20 * DAY_MS);
                self.add(retail::deal(&contact, &format!("seller-{}", person.number % 3), won_at));
            }
        }
        if self.one_in(4) {
            let email = vec![("email", person.email(self.rng))];
            let opened = Spec::new("events-crm", self.id(), "case.opened", self.at()).on("call_center").who(email);
            let opened = opened.with("case_id", format!("case-{}", person.number));
            let closed = self.one_in(2).then(|| opened.clone());
            self.plain(opened);
            if let Some(opened) = closed {
                let (id, at) = (self.id(), self.soon(opened.at, 8 * DAY_MS));
                self.plain(Spec { id, at, kind: "case.closed".to_owned(), ..opened });
            }
        }
        self.consent(person);
    }

    fn consent(&mut self, person: &Person) {
        if self.one_in(4) {
            let (id, at, caller) = (self.id(), self.at(), person.caller(self.rng));
            self.add(segment::unsubscribed(&id, at, &caller));
        }
        if self.one_in(5) {
            let mut spec = Spec::new("events-channel", self.id(), "consent.changed", self.at()).on("email");
            spec.ids = vec![("email", person.email(self.rng))];
            let (purpose, granted) = (["marketing", "service"][self.rng.random_range(0..2)], self.one_in(2));
            spec.consents = vec![Consent { channel: "*".to_owned(), purpose: purpose.to_owned(), granted }];
            self.plain(spec);
        }
        if let Some(customer) = person.customer.clone().filter(|_| self.rng.random_ratio(1, 4)) {
            let (id, at) = (self.id(), self.at());
            let caller = Caller { anonymous: None, customer: Some(customer) };
            self.add(segment::group(&id, at, &caller, &format!("group-{}", person.number % 3)));
        }
    }

    /// What names nobody, or only what is nobody's.
    fn nobody(&mut self, number: u32) {
        let at = self.at();
        self.add(retail::placements(100 + number, at));
        let (till, at, minor) = (u64::from(self.number()), self.at(), self.amount());
        self.add(shopify::till_order(till, at, minor));
        let mut spec = Spec::new("events-store", self.id(), "store.purchased", self.at()).on("in_store");
        spec = spec.worth("USD", self.amount());
        spec.location = Some("store-1".to_owned());
        spec.blocked = vec![("email", "test@example.org".to_owned()), ("phone", "000".to_owned())];
        self.plain(spec);
    }
}
