//! A slice of the real data by households, and what must come out of it, worked out from the rows alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::{Reader, StringRecord, Writer};
use tributary_testkit::data_file;

/// What one household has done.
#[derive(Debug, Default, Clone)]
pub(crate) struct Household {
    /// Ids of the touchpoints at it, without the source.
    pub(crate) touches: BTreeSet<String>,
    /// Sales in cents.
    pub(crate) cents: i64,
    /// Baskets.
    pub(crate) baskets: i64,
}

/// The slice.
#[derive(Debug)]
pub(crate) struct Tables {
    directory: PathBuf,
    households: BTreeMap<u64, Household>,
    /// Touchpoints that name nobody.
    nameless: BTreeSet<String>,
    lines: u64,
}

/// One table of the data set, as it was published.
struct Table {
    rows: Reader<Box<dyn Read>>,
    columns: StringRecord,
}

impl Table {
    fn open(name: &str) -> Self {
        let plain = data_file(&format!("complete-journey/{name}.csv"));
        let bytes: Box<dyn Read> = match plain {
            Ok(path) => Box::new(File::open(path).unwrap()),
            Err(_) => {
                let path = data_file(&format!("complete-journey/{name}.csv.zst")).unwrap();
                Box::new(zstd::Decoder::new(File::open(path).unwrap()).unwrap())
            }
        };
        let mut rows = Reader::from_reader(bytes);
        let columns = rows.headers().unwrap().clone();
        Self { rows, columns }
    }

    fn place(&self, column: &str) -> usize {
        self.columns.iter().position(|name| name == column).unwrap_or_else(|| panic!("no column {column}"))
    }

    /// Writes the rows that `keeps` to `directory` and hands each of them to `each`.
    fn slice(
        mut self,
        directory: &Path,
        name: &str,
        keeps: impl Fn(&StringRecord) -> bool,
        mut each: impl FnMut(&StringRecord),
    ) {
        let mut writer = Writer::from_path(directory.join(format!("{name}.csv"))).unwrap();
        writer.write_record(&self.columns).unwrap();
        for row in self.rows.records().map(Result::unwrap).filter(keeps) {
            writer.write_record(&row).unwrap();
            each(&row);
        }
        writer.flush().unwrap();
    }
}

/// An amount of the tables in cents; what binary arithmetic left over (`1.776357e-15`) is nothing.
fn cents(text: &str) -> i64 {
    let amount: f64 = text.parse().unwrap();
    (amount * 100.0).round() as i64
}

impl Tables {
    /// Writes the rows of one household in `one_in` to `directory`, with the plans and products they refer to and the
    /// placements of one store in as many.
    pub(crate) fn slice(directory: &Path, one_in: u64) -> Self {
        fs::create_dir_all(directory).unwrap();
        let number = |row: &StringRecord, place: usize| row[place].parse::<u64>().unwrap();
        let mut tables =
            Self { directory: directory.to_owned(), households: BTreeMap::new(), nameless: BTreeSet::new(), lines: 0 };
        for name in ["products", "campaign_descriptions"] {
            Table::open(name).slice(directory, name, |_| true, |_| {});
        }
        let mut with_coupons = BTreeSet::new();
        let coupons = Table::open("coupons");
        let campaign = coupons.place("campaign_id");
        coupons.slice(
            directory,
            "coupons",
            |_| true,
            |row| {
                with_coupons.insert(row[campaign].to_owned());
            },
        );

        let table = Table::open("demographics");
        let household = table.place("household_id");
        let chosen = |row: &StringRecord, place: usize| number(row, place).is_multiple_of(one_in);
        table.slice(
            directory,
            "demographics",
            |row| chosen(row, household),
            |row| {
                tables.touch(number(row, household), format!("household-{}", &row[household]));
            },
        );
        let table = Table::open("campaigns");
        let (campaign, household) = (table.place("campaign_id"), table.place("household_id"));
        table.slice(
            directory,
            "campaigns",
            |row| chosen(row, household),
            |row| {
                tables.touch(number(row, household), format!("mailing-{}-{}", &row[campaign], &row[household]));
                if with_coupons.contains(&row[campaign]) {
                    tables.touch(number(row, household), format!("offer-{}-{}", &row[campaign], &row[household]));
                }
            },
        );
        let table = Table::open("coupon_redemptions");
        let [household, coupon, campaign, date] =
            ["household_id", "coupon_upc", "campaign_id", "redemption_date"].map(|column| table.place(column));
        table.slice(
            directory,
            "coupon_redemptions",
            |row| chosen(row, household),
            |row| {
                let id = format!("redemption-{}-{}-{}-{}", &row[household], &row[coupon], &row[campaign], &row[date]);
                tables.touch(number(row, household), id);
            },
        );
        tables.slice_transactions(one_in);
        tables.slice_promotions(one_in);
        tables
    }

    fn slice_transactions(&mut self, one_in: u64) {
        let table = Table::open("transactions");
        let [household, basket, sales] = ["household_id", "basket_id", "sales_value"].map(|column| table.place(column));
        let directory = self.directory.clone();
        let keeps = |row: &StringRecord| row[household].parse::<u64>().unwrap().is_multiple_of(one_in);
        table.slice(&directory, "transactions", keeps, |row| {
            self.lines += 1;
            let household = self.households.entry(row[household].parse().unwrap()).or_default();
            household.cents += cents(&row[sales]);
            household.baskets += i64::from(household.touches.insert(format!("basket-{}", &row[basket])));
        });
    }

    fn slice_promotions(&mut self, one_in: u64) {
        let name = "promotions_top300_products";
        let table = Table::open(name);
        let [store, week, display, mailer] =
            ["store_id", "week", "display_location", "mailer_location"].map(|column| table.place(column));
        let directory = self.directory.clone();
        let keeps = |row: &StringRecord| row[store].parse::<u64>().unwrap().is_multiple_of(one_in);
        table.slice(&directory, name, keeps, |row| {
            for (what, place) in [("display", display), ("mailer", mailer)] {
                if &row[place] != "0" {
                    self.nameless.insert(format!("{what}-{}-{}", &row[store], &row[week]));
                }
            }
        });
    }

    fn touch(&mut self, household: u64, id: String) {
        self.households.entry(household).or_default().touches.insert(id);
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn households(&self) -> impl Iterator<Item = &Household> {
        self.households.values()
    }

    pub(crate) fn nameless(&self) -> &BTreeSet<String> {
        &self.nameless
    }

    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Touchpoints that come of the slice.
    pub(crate) fn events(&self) -> usize {
        self.nameless.len() + self.households.values().map(|household| household.touches.len()).sum::<usize>()
    }
}
