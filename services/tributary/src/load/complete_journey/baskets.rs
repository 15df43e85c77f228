//! Till lines as baskets.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use csv::StringRecord;
use rustc_hash::FxHashSet;
use serde::Serialize;

use super::products::{Product, Products};
use crate::load::clock;
use crate::load::error::LoadError;
use crate::load::event::{Timed, TimedReader};
use crate::load::input::ByteCounter;
use crate::load::rows::Rows;
use crate::load::tally::Tally;

const COLUMNS: [&str; 11] = [
    "household_id",
    "store_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "retail_disc",
    "coupon_disc",
    "coupon_match_disc",
    "week",
    "transaction_timestamp",
];
const TIMESTAMP: usize = 10;

/// One line of a basket: texts as the table has them.
#[derive(Serialize)]
struct Line<'a> {
    product_id: &'a str,
    quantity: &'a str,
    sales_value: &'a str,
    retail_disc: &'a str,
    coupon_disc: &'a str,
    coupon_match_disc: &'a str,
    #[serde(flatten)]
    product: Option<&'a Product>,
}

#[derive(Serialize)]
struct Basket<'a> {
    basket_id: &'a str,
    household_id: &'a str,
    store_id: &'a str,
    week: &'a str,
    transaction_timestamp: &'a str,
    lines: Vec<Line<'a>>,
}

/// The lines of a basket that may still get more.
struct Group {
    basket: u64,
    first_line: u64,
    rows: Vec<StringRecord>,
}

/// The table, sorted by time. All lines of a basket carry the same time, so the baskets of one instant are held until
/// time moves on: their lines need not stand together. A basket that comes back later is refused.
pub(super) struct Baskets {
    rows: Rows,
    places: [usize; 11],
    products: Arc<Products>,
    /// The instant being read, as text and in milliseconds.
    now: (String, i64),
    open: Vec<Group>,
    ready: VecDeque<(i64, Group)>,
    /// Baskets already closed: 8 bytes each.
    closed: FxHashSet<u64>,
    households: FxHashSet<u64>,
    stores: FxHashSet<u64>,
    ended: bool,
}

impl Baskets {
    pub(super) fn open(path: &Path, products: Arc<Products>, counter: &ByteCounter) -> Result<Self, LoadError> {
        let rows = Rows::open(path, counter)?;
        let places = rows.columns(COLUMNS)?;
        Ok(Self {
            rows,
            places,
            products,
            now: (String::new(), i64::MIN),
            open: Vec::new(),
            ready: VecDeque::new(),
            closed: FxHashSet::default(),
            households: FxHashSet::default(),
            stores: FxHashSet::default(),
            ended: false,
        })
    }

    fn close_instant(&mut self) {
        let at = self.now.1;
        for group in self.open.drain(..) {
            self.closed.insert(group.basket);
            self.ready.push_back((at, group));
        }
    }

    /// Moves to the instant of the current row.
    fn move_to(&mut self) -> Result<(), LoadError> {
        let text = &self.rows.row()[self.places[TIMESTAMP]];
        if text == self.now.0 {
            return Ok(());
        }
        let expected = "an instant such as 2017-01-01 12:26:30";
        let at = clock::instant(text).ok_or_else(|| self.rows.bad_value("transaction_timestamp", text, expected))?;
        if at < self.now.1 {
            return Err(self.rows.unsorted("transaction_timestamp", &self.now.0, text));
        }
        let next = (text.to_owned(), at);
        if at > self.now.1 {
            self.close_instant();
        }
        self.now = next;
        Ok(())
    }

    /// Reads one line; false at the end.
    fn read_row(&mut self) -> Result<bool, LoadError> {
        if !self.rows.advance()? {
            self.close_instant();
            return Ok(false);
        }
        self.move_to()?;
        let [household, store, basket, ..] = self.places;
        let id = self.rows.number("basket_id", basket)?;
        let line = self.rows.line();
        if self.closed.contains(&id) {
            let expected = "a basket whose lines all carry one transaction_timestamp; this one began earlier";
            return Err(self.rows.bad_value("basket_id", &id.to_string(), expected));
        }
        self.households.insert(self.rows.number("household_id", household)?);
        self.stores.insert(self.rows.number("store_id", store)?);
        let row = self.rows.row();
        match self.open.iter_mut().rev().find(|group| group.basket == id) {
            None => self.open.push(Group { basket: id, first_line: line, rows: vec![row.clone()] }),
            Some(group) => {
                let first = &group.rows[0];
                if first[household] != row[household] || first[store] != row[store] {
                    let what =
                        format!("basket {id} began on line {} with another household or store", group.first_line);
                    return Err(self.rows.bad_row(what));
                }
                group.rows.push(row.clone());
            }
        }
        Ok(true)
    }

    fn event(&self, at: i64, group: &Group, unknown_products: &mut u64) -> Result<Timed, LoadError> {
        let [household, store, basket, product, quantity, sales, retail, coupon, coupon_match, week, timestamp] =
            self.places;
        let mut lines = Vec::with_capacity(group.rows.len());
        for row in &group.rows {
            let known = row[product].parse().ok().and_then(|id| self.products.get(id));
            *unknown_products += u64::from(known.is_none());
            lines.push(Line {
                product_id: &row[product],
                quantity: &row[quantity],
                sales_value: &row[sales],
                retail_disc: &row[retail],
                coupon_disc: &row[coupon],
                coupon_match_disc: &row[coupon_match],
                product: known,
            });
        }
        let first = &group.rows[0];
        let body = Basket {
            basket_id: &first[basket],
            household_id: &first[household],
            store_id: &first[store],
            week: &first[week],
            transaction_timestamp: &first[timestamp],
            lines,
        };
        super::event("basket", at, group.basket, &body, (self.rows.path(), group.first_line))
    }
}

impl TimedReader for Baskets {
    fn advance(&mut self, tally: &mut Tally) -> Result<Option<Timed>, LoadError> {
        while self.ready.is_empty() && !self.ended {
            self.ended = !self.read_row()?;
        }
        tally.rows(self.rows.path(), self.rows.count(), "lines of the basket events");
        let Some((at, group)) = self.ready.pop_front() else {
            tally.facts.insert("baskets", self.closed.len() as u64);
            tally.facts.insert("households", self.households.len() as u64);
            tally.facts.insert("stores", self.stores.len() as u64);
            return Ok(None);
        };
        let mut unknown_products = 0;
        let timed = self.event(at, &group, &mut unknown_products)?;
        *tally.facts.entry("lines_of_unknown_products").or_default() += unknown_products;
        tally.event("basket");
        Ok(Some(timed))
    }
}
