//! What a product is: brand, department, category.

use std::path::Path;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::load::error::LoadError;
use crate::load::input::ByteCounter;
use crate::load::rows::Rows;
use crate::load::tally::Tally;

/// What is said about a product; empty where the table says nothing.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Product {
    pub(super) department: Arc<str>,
    pub(super) brand: Arc<str>,
    pub(super) product_category: Arc<str>,
}

/// All products, in memory: about 10 MB for 92,000.
#[derive(Debug, Default)]
pub(super) struct Products {
    by_id: FxHashMap<u64, Product>,
}

impl Products {
    pub(super) fn read(path: &Path, counter: &ByteCounter, tally: &mut Tally) -> Result<Self, LoadError> {
        let mut rows = Rows::open(path, counter)?;
        let [id, department, brand, category] =
            rows.columns(["product_id", "department", "brand", "product_category"])?;
        let mut texts = FxHashSet::default();
        let mut products = Self::default();
        while rows.advance()? {
            let number = rows.number("product_id", id)?;
            let mut text = |place: usize| intern(&mut texts, &rows.row()[place]);
            let product =
                Product { department: text(department), brand: text(brand), product_category: text(category) };
            products.by_id.insert(number, product);
        }
        tally.rows(path, rows.count(), "brand and category of basket lines and placements");
        Ok(products)
    }

    pub(super) fn get(&self, id: u64) -> Option<&Product> {
        self.by_id.get(&id)
    }
}

fn intern(texts: &mut FxHashSet<Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = texts.get(text) {
        return Arc::clone(known);
    }
    let new: Arc<str> = text.into();
    texts.insert(Arc::clone(&new));
    new
}
