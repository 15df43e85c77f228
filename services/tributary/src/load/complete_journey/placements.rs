//! Where products stood in the stores and in the weekly mailer: one event for each store and week, about nobody.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::calendar::Calendar;
use super::products::{Product, Products};
use crate::load::error::LoadError;
use crate::load::event::{Timed, TimedReader};
use crate::load::input::ByteCounter;
use crate::load::rows::Rows;
use crate::load::tally::Tally;

/// One row: a product's places in a store in a week; `0` means none.
#[derive(Debug, Serialize)]
struct Placement {
    product_id: String,
    display_location: String,
    mailer_location: String,
    #[serde(flatten)]
    product: Option<Product>,
}

#[derive(Serialize)]
struct StoreWeek<'a> {
    store_id: u64,
    week: u64,
    products: &'a [Placement],
}

/// The rows of one store in the week that is being read, with the line of the first.
type Stores = BTreeMap<u64, (u64, Vec<Placement>)>;

/// The table, sorted by week; one week is held in memory.
pub(super) struct Placements {
    rows: Rows,
    columns: [usize; 5],
    products: Arc<Products>,
    calendar: Calendar,
    week: u64,
    open: Stores,
    /// Events of the week before, last first.
    ready: Vec<Timed>,
    ended: bool,
}

impl Placements {
    pub(super) fn open(path: &Path, products: Arc<Products>, counter: &ByteCounter) -> Result<Self, LoadError> {
        let rows = Rows::open(path, counter)?;
        let columns = rows.columns(["product_id", "store_id", "display_location", "mailer_location", "week"])?;
        let (calendar, open, ready) = (Calendar::new(), Stores::new(), Vec::new());
        Ok(Self { rows, columns, products, calendar, week: 0, open, ready, ended: false })
    }

    /// Makes events of the stores of the current week.
    fn close_week(&mut self) -> Result<(), LoadError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let at = self.calendar.week(self.week);
        let at = at.ok_or_else(|| self.rows.bad_value("week", &self.week.to_string(), "a week from 1"))?;
        for (store_id, (line, products)) in std::mem::take(&mut self.open).into_iter().rev() {
            let week = self.week;
            let body = StoreWeek { store_id, week, products: &products };
            let origin = (self.rows.path(), line);
            self.ready.push(super::event("placements", at, format_args!("{store_id}-{week}"), &body, origin)?);
        }
        Ok(())
    }

    /// Reads one row; false at the end.
    fn read_row(&mut self, tally: &mut Tally) -> Result<bool, LoadError> {
        let more = self.rows.advance()?;
        tally.rows(self.rows.path(), self.rows.count(), "products of the placement events of their store and week");
        if !more {
            self.close_week()?;
            return Ok(false);
        }
        let [product, store, display, mailer, week] = self.columns;
        let number = self.rows.number("week", week)?;
        if number < self.week {
            return Err(self.rows.unsorted("week", &self.week.to_string(), &number.to_string()));
        }
        if number > self.week {
            self.close_week()?;
            self.week = number;
        }
        let product_number = self.rows.number("product_id", product)?;
        let text = |place: usize| self.rows.row()[place].to_owned();
        let placement = Placement {
            product_id: text(product),
            display_location: text(display),
            mailer_location: text(mailer),
            product: self.products.get(product_number).cloned(),
        };
        let (store, line) = (self.rows.number("store_id", store)?, self.rows.line());
        self.open.entry(store).or_insert_with(|| (line, Vec::new())).1.push(placement);
        Ok(true)
    }
}

impl TimedReader for Placements {
    fn advance(&mut self, tally: &mut Tally) -> Result<Option<Timed>, LoadError> {
        while self.ready.is_empty() && !self.ended {
            self.ended = !self.read_row(tally)?;
        }
        let next = self.ready.pop();
        if next.is_some() {
            tally.event("placements");
        }
        Ok(next)
    }
}
