//! The retailer's campaigns and what they truly cause. Their place in the plan is in `schemas/canvas/demo.yaml`.

/// How long a brand exposure works, in days.
pub(crate) const BRAND_DAYS: u32 = 14;
/// How long a demand exposure works, in days.
pub(crate) const DEMAND_DAYS: u32 = 3;

pub(crate) const BRAND_FILM: &str = "brand-film";
pub(crate) const BRAND_MAIL: &str = "brand-mail";
pub(crate) const WEEKLY_EMAIL: &str = "weekly-email";
pub(crate) const RETAIL_MEDIA: &str = "onsite-retail-media";
pub(crate) const PAID_SEARCH: &str = "search-kitchen";
pub(crate) const PARTNER_SMS: &str = "partner-sms";
pub(crate) const WIN_NEW: &str = "win-new-shoppers";
pub(crate) const ACCOUNT_PLAN: &str = "account-outreach";
/// The campaign, and the experiment, of the voucher.
pub const VOUCHER_LETTER: &str = "voucher-letter";

pub(crate) const FILM_MESSAGE: &str = "film-made-to-last";
pub(crate) const MAIL_MESSAGE: &str = "letter-made-to-last";
pub(crate) const WEEKLY_MESSAGES: [&str; 3] = ["weekly-kitchen", "weekly-home", "weekly-care"];
pub(crate) const RETAIL_MEDIA_MESSAGE: &str = "onsite-solana";
pub(crate) const SEARCH_MESSAGE: &str = "search-made-to-last";
pub(crate) const OUTREACH_MESSAGE: &str = "call-made-to-last";
pub(crate) const VOUCHER_MESSAGE: &str = "voucher-made-to-last";

/// Planted: an offer for the espresso machine.
pub(crate) const OFFER_MESSAGE: &str = "espresso-20-off";
/// Planted: another offer for it, which contradicts the first.
pub const CONTRADICTING_OFFER_MESSAGE: &str = "espresso-30-off";
/// Planted: speaks to people who never bought.
pub const ACQUISITION_MESSAGE: &str = "welcome-first-order";
/// Planted: brand has not approved it.
pub const UNAPPROVED_MESSAGE: &str = "last-chance-shouting";

/// By how much the messages somebody has heard multiply the chance of a purchase: brand alone a little, demand alone
/// more, demand on the ground of brand most.
pub(crate) fn effect(brand_count: usize, demand_count: usize) -> f64 {
    let brand = 0.10 * brand_count.min(4) as f64;
    let demand = 0.35 * demand_count.min(2) as f64;
    let together = if brand_count > 0 && demand_count > 0 { 0.30 } else { 0.0 };
    1.0 + brand + demand + together
}

/// Chance that a purchase happens, of a base and what multiplies it.
pub(crate) fn chance(base: f64, effect: f64) -> f64 {
    (base * effect).min(0.95)
}

/// All campaigns of the simulation.
pub const CAMPAIGNS: [&str; 9] = [
    BRAND_FILM,
    BRAND_MAIL,
    WEEKLY_EMAIL,
    RETAIL_MEDIA,
    PAID_SEARCH,
    PARTNER_SMS,
    WIN_NEW,
    ACCOUNT_PLAN,
    VOUCHER_LETTER,
];

/// All messages of the simulation.
pub const MESSAGES: [&str; 13] = [
    FILM_MESSAGE,
    MAIL_MESSAGE,
    WEEKLY_MESSAGES[0],
    WEEKLY_MESSAGES[1],
    WEEKLY_MESSAGES[2],
    RETAIL_MEDIA_MESSAGE,
    SEARCH_MESSAGE,
    OUTREACH_MESSAGE,
    VOUCHER_MESSAGE,
    OFFER_MESSAGE,
    CONTRADICTING_OFFER_MESSAGE,
    ACQUISITION_MESSAGE,
    UNAPPROVED_MESSAGE,
];
