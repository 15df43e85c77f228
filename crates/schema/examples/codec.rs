//! Times the codec beside the Avro library, for four records as they are under way in the hub: nanoseconds for each
//! encoding and decoding, medians over rounds in which both take turns. Run it with `--release`.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use tributary_model::identity::Resolved;
use tributary_model::journey::{ExposureContext, PathStep, PlanContext, SessionContext, StoryContext, Totals};
use tributary_model::scorecard::{MeasureDelta, Measures, ScorecardKey};
use tributary_model::{Consent, Direction, Discount, Domain, Identifier, Item, JourneyEvent, Money, Touchpoint};
use tributary_schema::{AvroRecord, Contracts};

const ROUNDS: usize = 41;
const CALLS: u32 = 4_000;
const HEADER_BYTES: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    eprintln!(
        "{:<14} {:>6}  {:>9} {:>9} {:>6}  {:>9} {:>9} {:>6}  {:>9}",
        "ns a call", "bytes", "encode", "library", "times", "decode", "library", "times", "reusing"
    );
    let contracts = Contracts::single_object()?;
    compare(&contracts, &touchpoint())?;
    compare(&contracts, &resolved()?)?;
    compare(&contracts, &journey_event()?)?;
    compare(&contracts, &measure_delta())?;
    Ok(())
}

/// Times both on one record and prints a line.
fn compare<T: AvroRecord>(contracts: &Contracts, record: &T) -> Result<(), Box<dyn Error>> {
    let schema = Schema::parse_str(&tributary_schema::flattened_schema(T::NAME)?)?;
    let writer = GenericDatumWriter::builder(&schema).build()?;
    let reader = GenericDatumReader::builder(&schema).build()?;
    let encoded = contracts.encode("topic", record)?;
    let library_encode = || {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&encoded[..HEADER_BYTES]);
        writer.write_ser(&mut bytes, record).map(|_| bytes)
    };
    if library_encode()? != encoded {
        return Err(format!("the encodings of {} differ", T::NAME).into());
    }
    let mut buffer = Vec::new();
    let [ours, theirs, reusing, reading, their_reading] = medians([
        &mut || drop(black_box(contracts.encode("topic", black_box(record)))),
        &mut || drop(black_box(library_encode())),
        &mut || {
            buffer.clear();
            drop(black_box(contracts.encode_into("topic", black_box(record), &mut buffer)));
        },
        &mut || drop(black_box(contracts.decode::<T>(black_box(&encoded)))),
        &mut || drop(black_box(reader.read_deser::<T>(&mut black_box(&encoded[HEADER_BYTES..])))),
    ]);
    eprintln!(
        "{:<14} {:>6}  {ours:>9.0} {theirs:>9.0} {:>6.1}  {reading:>9.0} {their_reading:>9.0} {:>6.1}  {reusing:>9.0}",
        T::NAME,
        encoded.len(),
        theirs / ours,
        their_reading / reading,
    );
    Ok(())
}

/// Nanoseconds that each of the calls takes.
fn medians<const N: usize>(mut calls: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (call, times) in calls.iter_mut().zip(&mut times) {
            let started = Instant::now();
            (0..CALLS).for_each(|_| call());
            times.push(started.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
        }
    }
    times.map(|mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    })
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn item(sku: &str, price: i64) -> Item {
    Item {
        sku: sku.to_owned(),
        quantity: 2,
        unit_price_minor: Some(price),
        unit_cost_minor: Some(price / 3),
        line_value_minor: Some(2 * price - 250),
        discounts: vec![Discount { kind: "coupon".to_owned(), amount_minor: 250 }],
        category: text("running-shoes"),
        brand: text("Fleet"),
    }
}

fn touchpoint() -> Touchpoint {
    let properties = [
        ("browser", "firefox"),
        ("page", "/checkout/thanks"),
        ("utm_medium", "email"),
        ("utm_source", "newsletter"),
        ("device", "mobile"),
    ];
    Touchpoint {
        touchpoint_id: "webshop:order-2026-0004711".to_owned(),
        source: "webshop".to_owned(),
        domain: Domain::Ecommerce,
        event_type: "order.placed".to_owned(),
        occurred_at: 1_795_939_201_250,
        received_at: 1_795_939_203_117,
        identifiers: vec![
            Identifier::new("email", "q1nVb0YwJ0mPz8k2Lr7sXA"),
            Identifier::new("loyalty_id", "Zc3hT5uWmQe9aB1dKf6gYw"),
            Identifier::new("webshop_visitor", "0pLxR8vNs4jTqU2iHy7oMg"),
        ],
        refused_identifiers: Vec::new(),
        account_identifiers: Vec::new(),
        channel: "email".to_owned(),
        direction: Direction::Inbound,
        campaign_id: text("autumn-launch-2026"),
        message_id: text("autumn-hero-b"),
        decision_id: None,
        agency: text("northlight"),
        partner: None,
        cost: None,
        value: Some(Money::new("EUR", 34_180)),
        items: vec![item("FL-1044-BLK-42", 12_990), item("FL-2090-SCK-M", 4_350)],
        order_id: text("2026-0004711"),
        location: None,
        consents: vec![Consent { channel: "email".to_owned(), purpose: "marketing".to_owned(), granted: true }],
        duplicate_of: None,
        properties: properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

fn resolved() -> Result<Resolved, Box<dyn Error>> {
    let touchpoint = touchpoint();
    Ok(Resolved {
        person_id: "6ba7b811-9dad-51d1-80b4-00c04fd430c8".parse()?,
        via: touchpoint.identifiers[0].clone(),
        hops: 1,
        touchpoint,
    })
}

fn step(touchpoint_id: &str, channel: &str) -> PathStep {
    PathStep {
        touchpoint_id: touchpoint_id.to_owned(),
        occurred_at: 1_795_402_800_000,
        channel: channel.to_owned(),
        campaign_id: text("autumn-launch-2026"),
        team_id: "performance".to_owned(),
        agency: text("northlight"),
        partner: None,
        tentpole_id: text("autumn-2026"),
        flight_at: Some(1_795_392_000_000),
        message_id: text("autumn-hero-b"),
    }
}

fn journey_event() -> Result<JourneyEvent, Box<dyn Error>> {
    Ok(JourneyEvent {
        person_id: "6ba7b811-9dad-51d1-80b4-00c04fd430c8".parse()?,
        account_ids: vec!["7d444840-9dc0-51d1-b245-5ffdce74fad2".parse()?],
        revision: 2,
        retracted: false,
        team_id: "performance".to_owned(),
        touchpoint: touchpoint(),
        session: SessionContext {
            session_id: "6ba7b811-9dad-51d1-80b4-00c04fd430c8:1795938801250".to_owned(),
            started_at: 1_795_938_801_250,
            position: 7,
        },
        stage: "customer".to_owned(),
        previous_stage: text("engaged"),
        exposure: ExposureContext {
            count_30d: 9,
            brand_count_30d: 3,
            last_at: Some(1_795_852_800_000),
            last_channel: text("paid_social"),
        },
        totals: Totals {
            touch_count: 41,
            order_count: 3,
            value_minor: 81_340,
            margin_minor: 30_112,
            currency: text("EUR"),
            other_currency_count: 0,
            first_at: 1_780_000_000_000,
            last_order_at: Some(1_795_939_201_250),
        },
        story: StoryContext { narrative_count: 1, exposure_count: 8, approved_count: 8, ..StoryContext::default() },
        path: vec![
            step("ads:impression-88123", "paid_social"),
            step("ads:impression-90411", "paid_search"),
            step("mail:send-5512", "email"),
            step("mail:send-6101", "email"),
        ],
        plan: Some(Box::new(PlanContext {
            tentpole_id: text("autumn-2026"),
            flight_at: Some(1_795_392_000_000),
            demand_percent: Some(70),
            funnel_role: text("conversion"),
            narrative_id: text("made-for-the-long-run"),
            is_approved: true,
        })),
    })
}

fn measure_delta() -> MeasureDelta {
    let named = |entries: &[(&str, i64)]| -> BTreeMap<String, i64> {
        entries.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect()
    };
    MeasureDelta {
        key: ScorecardKey {
            team_id: "performance".to_owned(),
            dimension: "campaign".to_owned(),
            subject: "autumn-launch-2026".to_owned(),
            window: "hour".to_owned(),
            window_start_at: 1_795_936_800_000,
            currency: "EUR".to_owned(),
        },
        delta: Measures {
            touches: 12,
            exposures: 9,
            persons: 8,
            conversions: 2,
            lines: 4,
            revenue_minor: 68_360,
            margin_minor: 21_004,
            discounts_minor: named(&[("coupon", 500), ("retail", 1_200)]),
            credit_minor: named(&[
                ("first", 34_180),
                ("last", 0),
                ("last_non_direct", 34_180),
                ("linear", 17_090),
                ("position_based", 20_508),
                ("time_decay", 15_381),
            ]),
            planned_exposures: 9,
            approved_exposures: 9,
            ..Measures::default()
        },
        change_count: 12,
        occurred_at: 1_795_939_201_250,
    }
}
