//! Mail campaigns: what was sent to which household, with how many coupons, and which coupons came back.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use super::calendar::Calendar;
use crate::load::error::LoadError;
use crate::load::input::ByteCounter;
use crate::load::rows::Rows;
use crate::load::sorted::Sorted;
use crate::load::tally::Tally;

/// A campaign and what came with it.
#[derive(Debug)]
struct Plan {
    at: i64,
    campaign_type: String,
    start_date: String,
    end_date: String,
    coupons: FxHashSet<u64>,
    products: FxHashSet<u64>,
}

/// All campaigns by id.
#[derive(Debug)]
pub(super) struct Plans {
    by_campaign: FxHashMap<u64, Plan>,
}

impl Plans {
    pub(super) fn read(
        descriptions: &Path,
        coupons: &Path,
        counter: &ByteCounter,
        tally: &mut Tally,
    ) -> Result<Self, LoadError> {
        let mut by_campaign = read_descriptions(descriptions, counter, tally)?;
        let mut rows = Rows::open(coupons, counter)?;
        let [coupon, product, campaign] = rows.columns(["coupon_upc", "product_id", "campaign_id"])?;
        while rows.advance()? {
            let id = rows.number("campaign_id", campaign)?;
            let plan = by_campaign.get_mut(&id).ok_or_else(|| undescribed(&rows, id))?;
            plan.coupons.insert(rows.number("coupon_upc", coupon)?);
            plan.products.insert(rows.number("product_id", product)?);
        }
        tally.rows(coupons, rows.count(), "number of coupons and products in the campaign's mailings");
        Ok(Self { by_campaign })
    }
}

fn read_descriptions(path: &Path, counter: &ByteCounter, tally: &mut Tally) -> Result<FxHashMap<u64, Plan>, LoadError> {
    let calendar = Calendar::new();
    let mut rows = Rows::open(path, counter)?;
    let [campaign, kind, start, end] = rows.columns(["campaign_id", "campaign_type", "start_date", "end_date"])?;
    let mut plans = FxHashMap::default();
    while rows.advance()? {
        let text = |place: usize| rows.row()[place].to_owned();
        let plan = Plan {
            at: calendar.day(&rows, "start_date", start)?,
            campaign_type: text(kind),
            start_date: text(start),
            end_date: text(end),
            coupons: FxHashSet::default(),
            products: FxHashSet::default(),
        };
        plans.insert(rows.number("campaign_id", campaign)?, plan);
    }
    tally.rows(path, rows.count(), "type and dates of mailings");
    Ok(plans)
}

fn undescribed(rows: &Rows, campaign: u64) -> LoadError {
    rows.bad_value("campaign_id", &campaign.to_string(), "a campaign of campaign_descriptions.csv")
}

#[derive(Serialize)]
struct Mailing<'a> {
    campaign_id: &'a str,
    household_id: &'a str,
    campaign_type: &'a str,
    start_date: &'a str,
    end_date: &'a str,
    /// Different coupons of the campaign; a household of a type A campaign got sixteen of them, unknown which.
    coupons: usize,
    /// Products that some coupon of the campaign is for.
    coupon_products: usize,
}

pub(super) fn mailings(
    path: &Path,
    plans: &Plans,
    counter: &ByteCounter,
    tally: &mut Tally,
) -> Result<Sorted, LoadError> {
    let rows = Rows::open(path, counter)?;
    let [campaign, household] = rows.columns(["campaign_id", "household_id"])?;
    Sorted::read(rows, "mailing", "one mailing event a row", tally, |rows| {
        let id = rows.number("campaign_id", campaign)?;
        let plan = plans.by_campaign.get(&id).ok_or_else(|| undescribed(rows, id))?;
        let (campaign_id, household_id) = (&rows.row()[campaign], &rows.row()[household]);
        let body = Mailing {
            campaign_id,
            household_id,
            campaign_type: &plan.campaign_type,
            start_date: &plan.start_date,
            end_date: &plan.end_date,
            coupons: plan.coupons.len(),
            coupon_products: plan.products.len(),
        };
        let key = format_args!("{campaign_id}-{household_id}");
        super::event("mailing", plan.at, key, &body, (rows.path(), rows.line()))
    })
}

#[derive(Serialize)]
struct Redemption<'a> {
    household_id: &'a str,
    coupon_upc: &'a str,
    campaign_id: &'a str,
    redemption_date: &'a str,
}

pub(super) fn redemptions(path: &Path, counter: &ByteCounter, tally: &mut Tally) -> Result<Sorted, LoadError> {
    let calendar = Calendar::new();
    let rows = Rows::open(path, counter)?;
    let [household, coupon, campaign, date] =
        rows.columns(["household_id", "coupon_upc", "campaign_id", "redemption_date"])?;
    Sorted::read(rows, "redemption", "one redemption event a row", tally, |rows| {
        let at = calendar.day(rows, "redemption_date", date)?;
        let row = rows.row();
        let body = Redemption {
            household_id: &row[household],
            coupon_upc: &row[coupon],
            campaign_id: &row[campaign],
            redemption_date: &row[date],
        };
        let key = format_args!("{}-{}-{}-{}", &row[household], &row[coupon], &row[campaign], &row[date]);
        super::event("redemption", at, key, &body, (rows.path(), rows.line()))
    })
}
