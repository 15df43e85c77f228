//! Loading files: every event once, in order of time, with errors that name file, line and remedy.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tributary_model::{Domain, RawEvent};
use tributary_schema::Contracts;
use tributary_stream::OutRecord;
use tributary_tributary::load::{
    Load, LoadError, LoadOptions, LoadReport, LoadedEvent, ProgressFile, Sink, SinkError, SourceEntry, Tally, run,
};

const RECEIVED_AT: i64 = 1_800_000_000_000;

fn write(directory: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn sources() -> Vec<SourceEntry> {
    vec![SourceEntry { name: "till".to_owned(), domain: Domain::Store, event_id: vec!["/shop".into(), "/no".into()] }]
}

fn read(what: &str, paths: &[PathBuf]) -> Result<(Vec<LoadedEvent>, Tally), LoadError> {
    let mut reader = Load::open(what, paths, &sources())?.into_reader();
    let (mut events, mut tally) = (Vec::new(), Tally::default());
    while let Some(event) = reader.advance(&mut tally)? {
        events.push(event);
    }
    Ok((events, tally))
}

fn body(event: &LoadedEvent) -> Value {
    serde_json::from_slice(&event.body).unwrap()
}

/// The error's text without the directory of the test.
fn refusal(what: &str, paths: &[PathBuf], directory: &TempDir) -> String {
    let error = read(what, paths).map(|(events, _)| events.len()).unwrap_err();
    error.to_string().replace(&format!("{}/", directory.path().display()), "")
}

fn zstd(content: &str) -> Vec<u8> {
    zstd::encode_all(content.as_bytes(), 3).unwrap()
}

fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn csv_rows_and_json_objects_become_events_in_the_order_of_the_files() {
    let directory = TempDir::new().unwrap();
    let table = "shop,no,total\nS1,1,\"1,50\"\nS1,2,0.10\n";
    let paths = [
        write(&directory, "a.csv", table),
        write(&directory, "b.csv.gz", gzip(table)),
        write(&directory, "c.csv.zst", zstd(table)),
        write(&directory, "one.json", "{\"shop\":\"S1\",\"no\":3}"),
        write(&directory, "array.json", "[\n {\"no\":4,\"text\":\"]}\\\"\"},\n {\"no\":5}\n]\n"),
        write(&directory, "lines.ndjson", "{\"no\":6}\n\n{\"no\":7,\"deep\":{\"a\":[1,[2]]}}\n"),
        write(&directory, "page.json", "{\n \"orders\": [\n  {\"no\":8},\n  {\"no\":9}\n ]\n}\n"),
        write(&directory, "no-page.json", "{\"lines\": [1, 2]}"),
    ];
    let (events, tally) = read("till", &paths).unwrap();
    assert_eq!(body(&events[0]), json!({"shop": "S1", "no": "1", "total": "1,50"}));
    assert_eq!(events[0].event_id.as_deref(), Some("S1.1"));
    for copy in [&events[2..4], &events[4..6]] {
        let bodies: Vec<&[u8]> = copy.iter().map(|event| event.body.as_slice()).collect();
        assert_eq!(bodies, [&events[0].body, &events[1].body]);
    }
    let numbers: Vec<Value> = events[6..].iter().map(|event| body(event)["no"].clone()).collect();
    assert_eq!(numbers, [json!(3), json!(4), json!(5), json!(6), json!(7), json!(8), json!(9), Value::Null]);
    assert_eq!(events[7].event_id, None, "a part of the id is missing");
    let lines: Vec<u64> = events.iter().map(|event| event.line).collect();
    assert_eq!(lines, [2, 3, 2, 3, 2, 3, 1, 2, 3, 1, 3, 3, 4, 1]);
    assert_eq!((tally.total_rows(), tally.total_events()), (14, 14));
}

#[test]
fn records_go_to_the_domain_s_raw_topic_under_source_and_id() {
    let directory = TempDir::new().unwrap();
    let paths = [write(&directory, "a.ndjson", "{\"shop\":\"S1\",\"no\":1}\n{\"no\":2}\n")];
    let contracts = Contracts::single_object().unwrap();
    let (events, _) = read("till", &paths).unwrap();
    let record = events[0].to_record(RECEIVED_AT, &contracts).unwrap();
    assert_eq!((record.topic.as_str(), record.key.as_slice()), ("tributary.raw.store", &b"till:S1.1"[..]));
    let raw: RawEvent = contracts.decode(record.value.as_deref().unwrap()).unwrap();
    assert_eq!((raw.source.as_str(), raw.received_at), ("till", RECEIVED_AT));
    assert_eq!(raw.body, b"{\"shop\":\"S1\",\"no\":1}");
    let key = |event: &LoadedEvent| event.to_record(RECEIVED_AT, &contracts).unwrap().key;
    assert_eq!(key(&events[1]), key(&events[1].clone()), "without an id the content decides");
    assert_ne!(key(&events[1]), key(&LoadedEvent { body: b"{}".to_vec(), ..events[1].clone() }));
}

#[test]
fn broken_input_is_refused_with_file_line_and_remedy() {
    let directory = TempDir::new().unwrap();
    let refused = |name: &str, content: &[u8]| refusal("till", &[write(&directory, name, content)], &directory);
    assert_eq!(
        refused("short.csv", b"a,b\n1,2\n3\n"),
        "short.csv line 3: the row has 1 fields, the header has 2: mend or remove that row and load again"
    );
    assert_eq!(
        refused("latin1.csv", b"a,b\n1,2\n3,\xe9\n"),
        "latin1.csv line 3: field 2 is not UTF-8: mend or remove that row and load again"
    );
    assert_eq!(
        refused("twice.csv", b"a,a\n1,2\n"),
        "twice.csv line 1: the header names column \"a\" twice: mend or remove that row and load again"
    );
    assert!(refused("empty.csv", b"").contains("empty.csv line 1: the file is empty, a header was expected"));
    let bad = refused("bad.ndjson", b"{\"a\":1}\n{\"a\":}\n");
    assert!(bad.starts_with("bad.ndjson line 2: not valid JSON: expected value at line 1 column 6"), "{bad}");
    assert_eq!(
        refused("cut.json", b"[{\"a\":1},\n{\"a\":"),
        "cut.json line 2: the file ends inside this value: it is cut off: every event is one JSON object, alone, in an \
         array, or one a line"
    );
    assert!(refused("open.json", b"[{\"a\":1}\n").contains("open.json line 2: the file ends inside"));
    assert!(refused("words.json", b"[1]").contains("words.json line 1: found `1` where an object was expected"));
    assert!(refused("comma.json", b"{\"a\":1},{\"a\":2}").contains("comma.json line 1: found `,` between two values"));
    assert!(refused("data.xlsx", b"").contains("data.xlsx has no known format: name it .csv, .json"));
}

#[test]
fn a_cut_archive_is_refused_behind_what_was_read() {
    let directory = TempDir::new().unwrap();
    let mut table = "shop,no\n".to_owned();
    for number in 0..200_000_u64 {
        table.push_str(&format!("S{},{}\n", number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 977, number));
    }
    for (name, packed) in [("long.csv.zst", zstd(&table)), ("long.csv.gz", gzip(&table))] {
        let half = write(&directory, name, &packed[..packed.len() / 2]);
        let error = read("till", &[half]).map(|(events, _)| events.len()).unwrap_err();
        let LoadError::Damaged { line, .. } = &error else { panic!("{error}") };
        assert!(*line > 1_000, "rows before the damage are read: {error}");
        assert!(error.to_string().contains("fetch the file again"), "{error}");
        let whole = write(&directory, name, &packed);
        assert_eq!(read("till", &[whole]).unwrap().0.len(), 200_000);
    }
}

#[test]
fn what_is_not_there_is_named_before_anything_is_read() {
    let directory = TempDir::new().unwrap();
    let here = write(&directory, "a.csv", "a\n1\n");
    let gone = directory.path().join("gone.csv");
    assert_eq!(
        refusal("till", &[here.clone(), gone], &directory),
        "gone.csv is missing: check the path; nothing was loaded from it"
    );
    assert_eq!(
        refusal("tlil", &[here], &directory),
        "there is no data set or source \"tlil\": known are complete-journey, olist, snowplow, till; a new source is a \
         folder under schemas/sources"
    );
    assert!(refusal("till", &[], &directory).starts_with("nothing to load for till: name at least one file"));
    let folder = [directory.path().to_owned()];
    assert_eq!(
        refusal("complete-journey", &folder, &directory),
        "products.csv is missing: give the directory that holds all eight tables of the data set, as .csv, .csv.zst or \
         .csv.gz"
    );
    assert!(refusal("olist", &folder, &directory).contains("leads.csv is missing: give the directory"));
    assert!(refusal("snowplow", &folder, &directory).contains("events.csv is missing: give a directory with"));
    assert!(refusal("till", &folder, &directory).contains("is a directory: name the files in it"));
    let gone = [directory.path().join("gone")];
    for what in ["complete-journey", "olist", "snowplow", "till"] {
        assert!(refusal(what, &gone, &directory).contains("missing"), "{what}");
    }
}

/// An invented household's month in the tables of the Complete Journey.
fn journey(directory: &TempDir) -> PathBuf {
    write(
        directory,
        "products.csv",
        "product_id,manufacturer_id,department,brand,product_category,product_type,package_size\n\
         71,1,GROCERY,National,TEA,GREEN,20 CT\n72,2,GROCERY,Private,SOUP,TOMATO,1 CAN\n",
    );
    write(directory, "demographics.csv", "household_id,age,income\n8,35-44,50-74K\n");
    write(
        directory,
        "campaign_descriptions.csv",
        "campaign_id,campaign_type,start_date,end_date\n5,Type A,2017-01-02,2017-02-01\n",
    );
    write(
        directory,
        "coupons.csv.zst",
        zstd("coupon_upc,product_id,campaign_id\n900,71,5\n900,72,5\n901,71,5\n901,71,5\n"),
    );
    write(directory, "campaigns.csv", "campaign_id,household_id\n5,8\n");
    write(
        directory,
        "coupon_redemptions.csv.gz",
        gzip("household_id,coupon_upc,campaign_id,redemption_date\n8,900,5,2017-01-03\n"),
    );
    write(
        directory,
        "promotions_top300_products.csv",
        "product_id,store_id,display_location,mailer_location,week\n71,31,9,0,1\n72,31,0,A,1\n71,30,2,D,1\n71,31,1,0,2\n",
    );
    transactions(directory, TILL);
    directory.path().to_owned()
}

const TILL_HEADER: &str = "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,\
                           coupon_match_disc,week,transaction_timestamp\n";
/// Basket 100 and 101 were paid in the same second, and their lines are mixed.
const TILL: &str = "8,31,100,71,1,1.43,0.15,0.0,0.0,1,2017-01-01 12:26:30\n\
                    9,30,101,72,2,2.0,0.0,0.0,0.0,1,2017-01-01 12:26:30\n\
                    8,31,100,79,0,1.776357e-15,0.0,0.0,0.0,1,2017-01-01 12:26:30\n\
                    8,31,102,72,1,0.5,0.0,0.5,0.25,2,2017-01-03 12:00:00\n";

fn transactions(directory: &TempDir, rows: &str) {
    write(directory, "transactions.csv.zst", zstd(&format!("{TILL_HEADER}{rows}")));
}

#[test]
fn the_complete_journey_is_one_stream_in_order_of_time() {
    let directory = TempDir::new().unwrap();
    let (events, tally) = read("complete-journey", &[journey(&directory)]).unwrap();
    let ids: Vec<&str> = events.iter().filter_map(|event| event.event_id.as_deref()).collect();
    assert_eq!(
        ids,
        [
            "household-8",
            "placements-30-1",
            "placements-31-1",
            "basket-100",
            "basket-101",
            "placements-31-2",
            "mailing-5-8",
            "redemption-8-900-5-2017-01-03",
            "basket-102",
        ]
    );
    let basket = body(&events[3]);
    assert_eq!(basket["occurred_at"], "2017-01-01T12:26:30Z");
    assert_eq!(basket["household_id"], "8");
    assert_eq!(basket["lines"].as_array().unwrap().len(), 2, "lines that stand apart come together");
    assert_eq!(
        basket["lines"][0],
        json!({
            "product_id": "71", "quantity": "1", "sales_value": "1.43", "retail_disc": "0.15", "coupon_disc": "0.0",
            "coupon_match_disc": "0.0", "department": "GROCERY", "brand": "National", "product_category": "TEA"
        })
    );
    assert_eq!(basket["lines"][1]["sales_value"], "1.776357e-15", "amounts stay the texts of the table");
    let mailing = body(&events[6]);
    assert_eq!((&mailing["coupons"], &mailing["coupon_products"]), (&json!(2), &json!(2)));
    assert_eq!(mailing["occurred_at"], "2017-01-02T05:00:00Z", "midnight in New York");
    assert_eq!(body(&events[2])["products"][1]["product_category"], "SOUP");
    let rows: Vec<(&str, u64)> = tally.files.iter().map(|file| (file.file.as_str(), file.rows)).collect();
    for expected in [
        ("products.csv", 2),
        ("demographics.csv", 1),
        ("campaign_descriptions.csv", 1),
        ("coupons.csv.zst", 4),
        ("campaigns.csv", 1),
        ("coupon_redemptions.csv.gz", 1),
        ("promotions_top300_products.csv", 4),
        ("transactions.csv.zst", 4),
    ] {
        assert!(rows.contains(&expected), "{expected:?} in {rows:?}");
    }
    let facts = ["baskets", "households", "stores", "lines_of_unknown_products"].map(|fact| tally.facts[fact]);
    assert_eq!(facts, [3, 2, 2, 1]);
}

#[test]
fn the_complete_journey_s_faults_are_named() {
    let directory = TempDir::new().unwrap();
    let folder = [journey(&directory)];
    let refused = |rows: &str| {
        transactions(&directory, rows);
        refusal("complete-journey", &folder, &directory)
    };
    assert_eq!(
        refused("8,31,100,71,1,1,0,0,0,1,2017-01-02 12:00:00\n8,31,101,71,1,1,0,0,0,1,2017-01-01 12:00:00\n"),
        "transactions.csv.zst line 3: transaction_timestamp goes back from 2017-01-02 12:00:00 to 2017-01-01 12:00:00: \
         sort the rows by transaction_timestamp and load again"
    );
    assert_eq!(
        refused("8,31,100,71,1,1,0,0,0,1,2017-01-01 12:00:00\n8,31,100,72,1,1,0,0,0,1,2017-01-02 12:00:00\n"),
        "transactions.csv.zst line 3: basket_id is \"100\", expected a basket whose lines all carry one \
         transaction_timestamp; this one began earlier: mend that row and load again"
    );
    assert!(
        refused("8,31,100,71,1,1,0,0,0,1,2017-01-01 12:00:00\n9,31,100,72,1,1,0,0,0,1,2017-01-01 12:00:00\n")
            .contains("line 3: basket 100 began on line 2 with another household or store")
    );
    assert!(
        refused("8,31,100,71,1,1,0,0,0,1,yesterday\n").contains(
            "line 2: transaction_timestamp is \"yesterday\", expected an instant such as 2017-01-01 12:26:30"
        )
    );
    transactions(&directory, TILL);
    write(&directory, "campaigns.csv", "campaign_id,household_id\n6,8\n");
    assert!(
        refusal("complete-journey", &folder, &directory)
            .contains("campaigns.csv line 2: campaign_id is \"6\", expected a campaign of campaign_descriptions.csv")
    );
    write(&directory, "campaigns.csv", "campaign,household_id\n6,8\n");
    assert_eq!(
        refusal("complete-journey", &folder, &directory),
        "campaigns.csv line 1 has no column \"campaign_id\": its columns are campaign, household_id; give the file as \
         the publisher made it"
    );
}

#[test]
fn olist_s_leads_and_deals_are_one_stream_in_order_of_time() {
    let directory = TempDir::new().unwrap();
    write(
        &directory,
        "leads.csv",
        "mql_id,first_contact_date,landing_page_id,origin\nm2,2018-02-01,p,social\nm1,2018-01-05,p,\n",
    );
    write(&directory, "closed_deals.csv", "mql_id,seller_id,won_date\nm1,s1,2018-01-20 03:00:00\n");
    let (events, tally) = read("olist", &[directory.path().to_owned()]).unwrap();
    let ids: Vec<&str> = events.iter().filter_map(|event| event.event_id.as_deref()).collect();
    assert_eq!(ids, ["lead-m1", "deal-m1", "lead-m2"]);
    assert_eq!((events[0].domain, events[0].line), (Domain::Crm, 3));
    assert_eq!(tally.events.iter().collect::<Vec<_>>(), [(&"deal", &1), (&"lead", &2)]);
}

#[test]
fn snowplow_s_table_becomes_the_json_of_its_sdks() {
    let directory = TempDir::new().unwrap();
    let table = "event_id,collector_tstamp,derived_tstamp,page_url,contexts_com_acme_cart_1_0_2,\
                 contexts_com_acme_user_1_0_0,unstruct_event_com_acme_action_1_0_0\n\
                 e2,2022-12-22 13:25:48.745000+00:00,,,\"[{\"\"total\"\": \"\"25.20\"\"}]\",[],\n\
                 e1,2022-12-22 13:25:47,2022-12-22 13:25:46.5,https://shop.example/,,,\"{\"\"type\"\": \"\"view\"\"}\"\n";
    let (events, _) = read("snowplow", &[write(&directory, "events.csv", table)]).unwrap();
    assert_eq!(events[0].event_id.as_deref(), Some("e1"));
    assert_eq!(
        body(&events[1]),
        json!({
            "event_id": "e2", "collector_tstamp": "2022-12-22 13:25:48.745000+00:00",
            "contexts_com_acme_cart_1": [{"total": "25.20"}]
        })
    );
    assert_eq!(body(&events[0])["unstruct_event_com_acme_action_1"], json!({"type": "view"}));
    let (of_folder, _) = read("snowplow", &[directory.path().to_owned()]).unwrap();
    assert_eq!(of_folder, events);
    let broken = table.replace("[{\"\"total", "[{total");
    let refused = refusal("snowplow", &[write(&directory, "events.csv", broken)], &directory);
    assert!(refused.contains("events.csv line 2: column contexts_com_acme_cart_1 is not valid JSON"), "{refused}");
}

/// Takes records and acknowledges them on flush, until it breaks.
#[derive(Default)]
struct Fragile {
    waiting: Vec<OutRecord>,
    acknowledged: Vec<OutRecord>,
    breaks_after: Option<usize>,
    taken: usize,
}

impl Sink for Fragile {
    fn send(&mut self, record: OutRecord) -> Result<(), SinkError> {
        if self.breaks_after == Some(self.taken) {
            return Err(SinkError("the broker is gone".to_owned()));
        }
        self.taken += 1;
        self.waiting.push(record);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.acknowledged.append(&mut self.waiting);
        Ok(())
    }
}

fn load_into(
    sink: &mut Fragile,
    path: &Path,
    progress: &Path,
    contracts: &Arc<Contracts>,
) -> Result<LoadReport, LoadError> {
    let load = Load::open("till", &[path.to_owned()], &sources())?;
    let progress = Some(ProgressFile::new(progress));
    let options = LoadOptions { progress, flush_every: 10, ..LoadOptions::new(RECEIVED_AT) };
    run(load, sink, contracts, &options, &mut |_| {})
}

#[test]
fn loading_goes_on_behind_the_last_acknowledged_event() {
    let directory = TempDir::new().unwrap();
    let contracts = Contracts::single_object().unwrap();
    let rows: String = (0..95).map(|number| format!("{{\"no\":{number}}}\n")).collect();
    let path = write(&directory, "a.ndjson", &rows);
    let progress = directory.path().join("a.progress");
    let mut whole = Fragile::default();
    load_into(&mut whole, &path, &directory.path().join("other.progress"), &contracts).unwrap();
    assert_eq!(whole.acknowledged.len(), 95);

    for breaks_after in [0, 1, 10, 37, 94] {
        if progress.exists() {
            std::fs::remove_file(&progress).unwrap();
        }
        let mut first = Fragile { breaks_after: Some(breaks_after), ..Fragile::default() };
        let error = load_into(&mut first, &path, &progress, &contracts).unwrap_err();
        let safe = breaks_after / 10 * 10;
        assert_eq!(
            error.to_string(),
            format!("after {safe} acknowledged events: the broker is gone; load again to go on from there")
        );
        let mut second = Fragile::default();
        let report = load_into(&mut second, &path, &progress, &contracts).unwrap();
        assert_eq!((report.events, report.skipped, report.sent), (95, safe as u64, 95 - safe as u64));
        assert_eq!(report.tally.total_rows(), 95, "the summary is of the whole input");
        let both: Vec<_> = first.acknowledged.into_iter().chain(second.acknowledged).collect();
        assert_eq!(both, whole.acknowledged, "each event once, in order");
    }
    let mut third = Fragile::default();
    let report = load_into(&mut third, &path, &progress, &contracts).unwrap();
    assert_eq!((report.sent, third.acknowledged.len()), (0, 0), "all of it is loaded");
}

#[test]
fn progress_of_other_input_is_refused() {
    let directory = TempDir::new().unwrap();
    let contracts = Contracts::single_object().unwrap();
    let path = write(&directory, "a.ndjson", "{\"no\":1}\n");
    let progress = directory.path().join("a.progress");
    load_into(&mut Fragile::default(), &path, &progress, &contracts).unwrap();
    write(&directory, "a.ndjson", "{\"no\":2}\n");
    let error = load_into(&mut Fragile::default(), &path, &progress, &contracts).unwrap_err().to_string();
    assert!(
        error.ends_with("the files have changed since it was written: remove it to load from the start"),
        "{error}"
    );
    std::fs::write(&progress, "{").unwrap();
    let error = load_into(&mut Fragile::default(), &path, &progress, &contracts).unwrap_err().to_string();
    assert!(error.contains("a.progress") && error.contains("remove it"), "{error}");
}
