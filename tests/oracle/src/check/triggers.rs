//! The shipped triggers, as far as what they decide can be judged from outside: `schemas/triggers/`, written down anew.

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// At most so many messages in so many days.
pub(super) struct Cap {
    pub(super) scope: &'static str,
    pub(super) max: usize,
    pub(super) days: i64,
    /// Whether an earlier send (first) counts against the cap of a trigger (second).
    pub(super) counts: fn(&Rule, &Rule) -> bool,
}

/// One trigger.
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) team: &'static str,
    pub(super) action: &'static str,
    /// Types of the touch that completes the pattern; empty for any.
    pub(super) ends: &'static [&'static str],
    /// How long must nothing happen after it.
    pub(super) absent_ms: i64,
    pub(super) validity_ms: i64,
    pub(super) has_holdout: bool,
    /// Whether it is about accounts instead of persons.
    pub(super) is_of_account: bool,
    pub(super) caps: &'static [Cap],
}

impl Rule {
    pub(super) fn ends_with(&self, kind: &str) -> bool {
        self.ends.is_empty() || self.ends.contains(&kind)
    }
}

const OF_TRIGGER: fn(&Rule, &Rule) -> bool = |other, rule| other.id == rule.id;
const OF_TEAM: fn(&Rule, &Rule) -> bool = |other, rule| other.team == rule.team;
const OF_ALL: fn(&Rule, &Rule) -> bool = |_, _| true;

const NOTICE: Rule = Rule {
    id: "",
    team: "",
    action: "notify",
    ends: &[],
    absent_ms: 0,
    validity_ms: DAY_MS,
    has_holdout: false,
    is_of_account: false,
    caps: &[],
};
const MESSAGE: Rule = Rule { action: "message", ..NOTICE };
const PURCHASES: &[&str] = &["order.placed", "store.purchased"];

const RULES: [Rule; 21] = [
    Rule {
        id: "advocate-invite",
        team: "brand",
        ends: &["product.reviewed"],
        validity_ms: 2 * DAY_MS,
        has_holdout: true,
        caps: &[Cap { scope: "of all", max: 5, days: 7, counts: OF_ALL }],
        ..MESSAGE
    },
    Rule { id: "bought-online-suppress-ads", team: "media", action: "suppress", ends: &["order.placed"], ..NOTICE },
    Rule {
        id: "email-ignored-other-channel",
        team: "email",
        ends: &["email.delivered"],
        absent_ms: 3 * DAY_MS,
        validity_ms: 3 * DAY_MS,
        has_holdout: true,
        caps: &[
            Cap { scope: "of the team", max: 2, days: 7, counts: OF_TEAM },
            Cap { scope: "of all", max: 5, days: 7, counts: OF_ALL },
        ],
        ..MESSAGE
    },
    Rule {
        id: "lead-not-called",
        team: "sales",
        ends: &["lead.created", "lead.qualified"],
        absent_ms: DAY_MS,
        validity_ms: 2 * DAY_MS,
        ..NOTICE
    },
    Rule {
        id: "loyalty-reached-thanks",
        team: "email",
        ends: PURCHASES,
        validity_ms: 2 * DAY_MS,
        has_holdout: true,
        ..MESSAGE
    },
    Rule {
        id: "opportunity-stalled",
        team: "sales",
        ends: &["opportunity.created", "opportunity.stage_changed"],
        absent_ms: 14 * DAY_MS,
        validity_ms: 3 * DAY_MS,
        ..NOTICE
    },
    Rule { id: "poor-review-to-brand", team: "brand", ends: &["product.reviewed"], validity_ms: 7 * DAY_MS, ..NOTICE },
    Rule {
        id: "repeated-returns-to-brand",
        team: "brand",
        ends: &["order.refunded", "store.returned"],
        validity_ms: 7 * DAY_MS,
        ..NOTICE
    },
    Rule {
        id: "tentpole-shelf-response",
        team: "retail-media",
        ends: &["ad.clicked"],
        validity_ms: 7 * DAY_MS,
        ..NOTICE
    },
    Rule { id: "text-unanswered-care", team: "care", ends: &["sms.replied"], absent_ms: HOUR_MS, ..NOTICE },
    Rule { id: "account-hot-to-sales", team: "sales", validity_ms: 2 * DAY_MS, is_of_account: true, ..NOTICE },
    Rule {
        id: "bought-in-store-suppress-ads",
        team: "media",
        action: "suppress",
        ends: &["store.purchased"],
        ..NOTICE
    },
    Rule {
        id: "cart-abandoned",
        team: "ecommerce",
        ends: &["cart.updated", "checkout.started"],
        absent_ms: HOUR_MS,
        validity_ms: 2 * DAY_MS,
        has_holdout: true,
        caps: &[
            Cap { scope: "of the trigger", max: 1, days: 7, counts: OF_TRIGGER },
            Cap { scope: "of all", max: 5, days: 7, counts: OF_ALL },
        ],
        ..MESSAGE
    },
    Rule {
        id: "coupon-unredeemed",
        team: "email",
        ends: &["coupon.offered"],
        absent_ms: 7 * DAY_MS,
        validity_ms: 3 * DAY_MS,
        has_holdout: true,
        caps: &[
            Cap { scope: "of the team", max: 2, days: 7, counts: OF_TEAM },
            Cap { scope: "of all", max: 5, days: 7, counts: OF_ALL },
        ],
        ..MESSAGE
    },
    Rule {
        id: "lapsing-loyal-customer",
        team: "email",
        ends: PURCHASES,
        absent_ms: 30 * DAY_MS,
        validity_ms: 7 * DAY_MS,
        has_holdout: true,
        caps: &[Cap { scope: "of all", max: 3, days: 7, counts: OF_ALL }],
        ..MESSAGE
    },
    Rule {
        id: "lead-hot-to-sales",
        team: "sales",
        ends: &[
            "page.viewed",
            "product.viewed",
            "email.clicked",
            "email.opened",
            "ad.clicked",
            "form.submitted",
            "event.attended",
        ],
        ..NOTICE
    },
    Rule { id: "open-case-suppress-marketing", team: "care", action: "suppress", ends: &["case.opened"], ..NOTICE },
    Rule {
        id: "post-return-care",
        team: "care",
        ends: &["order.refunded", "store.returned"],
        validity_ms: 2 * DAY_MS,
        ..MESSAGE
    },
    Rule { id: "pricing-visit-to-sales", team: "sales", ends: &["page.viewed"], ..NOTICE },
    Rule { id: "story-conflict-brand", team: "brand", validity_ms: 7 * DAY_MS, ..NOTICE },
    Rule { id: "welcome-new-customer", team: "email", ends: PURCHASES, has_holdout: true, ..MESSAGE },
];

/// The trigger with this id.
pub(super) fn rule(id: &str) -> Option<&'static Rule> {
    static TABLE: [Rule; 21] = RULES;
    TABLE.iter().find(|rule| rule.id == id)
}
