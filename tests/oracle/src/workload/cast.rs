//! The people of a story, and the names by which systems know them: never so many that a limit would be reached.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::workload::segment::Caller;
use crate::workload::shopify::Shopper;

/// One human.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) number: usize,
    /// Browsers, at least one.
    pub(crate) cookies: Vec<String>,
    /// Addresses, at least one.
    pub(crate) emails: Vec<String>,
    pub(crate) phone: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) shopify: Option<u64>,
    pub(crate) card: Option<String>,
    pub(crate) contact: Option<String>,
    pub(crate) lead: Option<String>,
    pub(crate) currency: &'static str,
}

impl Person {
    /// No more than three values of one namespace, where five are allowed, and each seen together with fewer than ten
    /// others, orders aside: no limit is ever reached, in whatever order.
    pub(crate) fn random(rng: &mut ChaCha8Rng, number: usize) -> Self {
        let cookies = (0..rng.random_range(1..=3)).map(|index| format!("cookie-{number}-{index}")).collect();
        let domain =
            if rng.random_ratio(1, 4) { format!("works{}.test", number % 5) } else { "example.org".to_owned() };
        let emails = (0..rng.random_range(1..=2)).map(|index| format!("p{number}.{index}@{domain}")).collect();
        let mut sometimes = |named: String| rng.random_ratio(1, 2).then_some(named);
        Self {
            number,
            cookies,
            emails,
            phone: sometimes(format!("+4420794{number:05}")),
            customer: sometimes(format!("C-{number:06}")),
            card: sometimes(format!("card-{number}")),
            lead: sometimes(format!("lead-{number}")),
            shopify: rng.random_ratio(1, 2).then_some(30_000_000 + number as u64),
            contact: rng.random_ratio(1, 3).then(|| format!("contact-{number}")),
            currency: if rng.random_ratio(1, 6) { "EUR" } else { "USD" },
        }
    }

    pub(crate) fn cookie(&self, rng: &mut ChaCha8Rng) -> String {
        self.cookies[rng.random_range(0..self.cookies.len())].clone()
    }

    pub(crate) fn email(&self, rng: &mut ChaCha8Rng) -> String {
        self.emails[rng.random_range(0..self.emails.len())].clone()
    }

    /// A visitor of the web shop, logged in or not.
    pub(crate) fn caller(&self, rng: &mut ChaCha8Rng) -> Caller {
        let customer = self.customer.clone().filter(|_| rng.random_ratio(1, 3));
        Caller { anonymous: Some(self.cookie(rng)), customer }
    }

    /// A customer of the Shopify shop: as a guest with an address, or with an account.
    pub(crate) fn shopper(&self, rng: &mut ChaCha8Rng) -> Shopper {
        Shopper {
            customer: self.shopify,
            email: Some(self.email(rng)),
            phone: self.phone.clone().filter(|_| rng.random_ratio(1, 2)),
            cart: None,
        }
    }
}
