//! What the retailer sells.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::draft::Line;

/// A product with its price and what it costs the retailer, in cents.
pub(crate) struct Product {
    pub(crate) sku: &'static str,
    pub(crate) category: &'static str,
    pub(crate) brand: &'static str,
    price_minor: i64,
    cost_minor: i64,
}

const fn product(
    sku: &'static str,
    category: &'static str,
    brand: &'static str,
    price_minor: i64,
    cost_minor: i64,
) -> Product {
    Product { sku, category, brand, price_minor, cost_minor }
}

/// The sku that the planted contradictory offers are about.
pub(crate) const ESPRESSO_MACHINE: &str = "KIT-1001";

pub(crate) const PRODUCTS: [Product; 12] = [
    product(ESPRESSO_MACHINE, "kitchen", "Aurora", 24_900, 16_200),
    product("KIT-1002", "kitchen", "Aurora", 1_290, 610),
    product("KIT-1003", "kitchen", "Fjell", 4_590, 2_480),
    product("GRO-2001", "grocery", "Own label", 349, 270),
    product("GRO-2002", "grocery", "Own label", 189, 151),
    product("GRO-2003", "grocery", "Solana", 799, 545),
    product("GRO-2004", "grocery", "Solana", 1_149, 820),
    product("HOM-3001", "home", "Fjell", 3_490, 1_730),
    product("HOM-3002", "home", "Fjell", 8_990, 4_980),
    product("CAR-4001", "care", "Lumen", 995, 420),
    product("CAR-4002", "care", "Lumen", 1_895, 760),
    product("CAR-4003", "care", "Own label", 459, 240),
];

/// One to four lines; coupons take ten percent off some of them.
pub(crate) fn basket(rng: &mut ChaCha8Rng, coupon: bool) -> Vec<Line> {
    let count = rng.random_range(1..=4);
    (0..count)
        .map(|_| {
            let product = &PRODUCTS[rng.random_range(0..PRODUCTS.len())];
            let quantity = if product.category == "grocery" { rng.random_range(1..=3) } else { 1 };
            let full_minor = product.price_minor * quantity;
            let coupon_minor = if coupon { full_minor / 10 } else { 0 };
            Line {
                sku: product.sku,
                category: product.category,
                brand: product.brand,
                quantity,
                unit_price_minor: product.price_minor,
                unit_cost_minor: product.cost_minor,
                coupon_minor,
                line_value_minor: full_minor - coupon_minor,
            }
        })
        .collect()
}
