//! The whole hub as a process of its own on a real broker: real data to the facts, through a kill, and bad input.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tributary_insight::credit_model::CreditModel;
use tributary_testkit::{Broker, data_file, eventually, eventually_every, free_port};

const WRITE_KEY: &str = "a-write-key-for-tests";

/// A broker, a configuration, and the hub's processes on them.
struct Bed {
    dir: TempDir,
    gateway_port: u16,
    admin_port: u16,
    _broker: Broker,
}

/// A process that is killed when it goes out of sight.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        if self.0.kill().is_ok() {
            drop(self.0.wait());
        }
    }
}

impl Bed {
    fn new() -> Self {
        let broker = Broker::start().unwrap();
        let bed = Self {
            dir: TempDir::new().unwrap(),
            gateway_port: free_port().unwrap(),
            admin_port: free_port().unwrap(),
            _broker: broker,
        };
        let config = json!({
            "kafka": { "bootstrap": bed._broker.bootstrap(), "session_timeout_ms": 6000 },
            "gateway": {
                "listen": format!("127.0.0.1:{}", bed.gateway_port),
                "write_keys": { "segment": [{ "env": "TEST_WRITE_KEY" }], "shopify": [{ "env": "TEST_WRITE_KEY_TWO" }] },
            },
            "insight": { "dimensions": ["store", "category"], "windows": ["week"] },
            "state": { "directory": "state", "checkpoint_interval_s": 1 },
            "admin": { "listen": format!("127.0.0.1:{}", bed.admin_port) },
        });
        std::fs::write(bed.dir.path().join("tributary.yaml"), config.to_string()).unwrap();
        bed
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
        command
            .args(["--config", "tributary.yaml"])
            .args(arguments)
            .current_dir(self.dir.path())
            .env("TRIBUTARY_PSEUDONYM_KEY", "a key that is only for tests, 0123456789")
            .env("TEST_WRITE_KEY", WRITE_KEY)
            .env("TEST_WRITE_KEY_TWO", "another-write-key")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The answer of a command in JSON, whatever its exit code.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).args(["--output", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    fn hub(&self) -> Running {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let child = self.command(&["run", "all"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let ready = eventually(Duration::from_secs(120), || {
            self.http(self.admin_port, "GET /readyz", &[], b"").filter(|answer| answer.status == 200)
        });
        assert!(ready.is_some(), "the hub is not ready: {}", self.log_tail());
        Running(child)
    }

    fn log(&self) -> std::path::PathBuf {
        self.dir.path().join("hub.log")
    }

    fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        text.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    }

    /// One request; `None` when nobody listens yet.
    fn http(&self, port: u16, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let (method, path) = request.split_once(' ').unwrap();
        let length = body.len();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n");
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
        // The server may answer and close before it has read a body that is too large.
        drop(stream.write_all(body));
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let text = String::from_utf8_lossy(&answer).into_owned();
        let status = text.split(' ').nth(1)?.parse().ok()?;
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        Some(Answer { status, body })
    }

    fn post(&self, path: &str, key: &str, body: &[u8]) -> Answer {
        let authorization = format!("Bearer {key}");
        let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
        self.http(self.gateway_port, &format!("POST {path}"), &headers, body).unwrap()
    }

    /// The value of a metric of a stage; 0 while it is not there.
    fn metric(&self, stage: &str, name: &str, label: &str) -> f64 {
        let Some(metrics) = self.http(self.admin_port, "GET /metrics", &[], b"") else { return 0.0 };
        let stage = format!("stage=\"{stage}\"");
        let mut lines = metrics.body.lines().filter(|line| line.starts_with(name) && line.contains(label));
        let line = lines.find(|line| line.contains(&stage));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    }

    /// Waits until the normalizer has taken `events` and every stage what was written for it.
    fn until_settled(&self, events: i64, timeout: Duration) -> Value {
        let mut last = Value::Null;
        let settled = eventually_every(Duration::from_secs(1), timeout, || {
            last = self.json(&["reconcile"]);
            let accepted = account(&last, "normalizer")["accepted"].as_i64().unwrap_or(0);
            (accepted >= events && last["adds_up"] == true).then_some(())
        });
        assert!(settled.is_some(), "of {events} events: {last:#}\n{}", self.log_tail());
        last
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    body: String,
}

fn account<'a>(reconciled: &'a Value, stage: &str) -> &'a Value {
    let stages = reconciled["stages"].as_array().unwrap();
    stages.iter().find(|account| account["stage"] == stage).unwrap_or(&Value::Null)
}

fn peak_memory_mb(process: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}

#[test]
fn complete_journey_reaches_its_facts_to_the_cent_through_a_kill() {
    let facts: Value =
        serde_json::from_slice(&std::fs::read(data_file("complete-journey/facts.json").unwrap()).unwrap()).unwrap();
    let dir = data_file("complete-journey/facts.json").unwrap().canonicalize().unwrap();
    let dir = dir.parent().map(Path::to_owned).unwrap();
    let bed = Bed::new();
    let applied = bed.run(&["topics", "apply"]);
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let started = Instant::now();
    let hub = bed.hub();
    // The test broker answers a fetch with all it has, whatever the limits say; a backlog of minutes would be one answer of
    // hundreds of megabytes, again and again. So the load does not run away from the hub, however slow the machine is.
    let mut load = bed.command(&["load", "complete-journey", "--max-lag", "4000"]);
    let load = load.arg(&dir).args(["--output", "json"]).stdout(Stdio::piped()).spawn();
    let mut load = Running(load.unwrap());
    let under_way = eventually_every(Duration::from_secs(1), Duration::from_secs(600), || {
        (bed.metric("normalizer", "tributary_stream_accepted_records_total", "tributary.raw.store") > 20_000.0)
            .then_some(())
    });
    assert!(under_way.is_some(), "{}", bed.log_tail());
    drop(hub); // SIGKILL
    let hub = bed.hub();
    let mut report = String::new();
    load.0.stdout.take().unwrap().read_to_string(&mut report).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let events = report["events"].as_i64().unwrap();
    let reconciled = bed.until_settled(events, Duration::from_secs(1500));
    let normalizer = account(&reconciled, "normalizer");
    let (seconds, memory_mb) = (started.elapsed().as_secs(), peak_memory_mb(&hub));
    eprintln!("{events} events of 974,002 lines settled in {seconds} s; peak memory of the hub {memory_mb} MB");
    assert_eq!(normalizer["accepted"].as_i64(), Some(events));
    assert_eq!(normalizer["dead_lettered"], 0, "{reconciled:#}");

    let cards = bed.json(&["scorecard", "all"]);
    let card = cards["scorecards"].as_array().unwrap().iter().find(|card| card["key"]["currency"] == "USD").unwrap();
    let measures = &card["measures"];
    let fact = |name: &str| facts[name].as_i64();
    assert_eq!(measures["lines"].as_i64(), fact("transaction_lines"));
    assert_eq!(measures["conversions"].as_i64(), fact("baskets"));
    assert_eq!(measures["buyers"].as_i64(), fact("households"));
    assert_eq!(measures["locations"].as_object().map(|stores| stores.len() as i64), fact("stores"));
    assert_eq!(measures["revenue_minor"].as_i64(), fact("sales_value_cents"));
    for kind in ["retail", "coupon", "coupon_match"] {
        assert_eq!(measures["discounts_minor"][kind].as_i64(), fact(&format!("{kind}_disc_cents")), "{kind}");
    }
    for model in CreditModel::ALL.map(CreditModel::name) {
        assert_eq!(measures["credit_minor"][model].as_i64(), fact("sales_value_cents"), "{model}");
    }
    // By week and store it is the same money, and so is what the weeks' credit of each team comes to.
    for (arguments, lines) in [
        (["scorecard", "all", "--window", "week"].as_slice(), true),
        (&["scorecard", "store", "--dimension", "store"], true),
        (&["scorecard", "store", "--dimension", "store", "--window", "week"], true),
        (&["scorecard", "--window", "week"], false),
    ] {
        let cards = bed.json(arguments);
        let cards = cards["scorecards"].as_array().unwrap().iter().filter(|card| card["key"]["currency"] == "USD");
        let (all, teams): (Vec<&Value>, Vec<&Value>) = cards.partition(|card| card["key"]["team_id"] == "all");
        let sum = |cards: &[&Value], of: &str| cards.iter().filter_map(|card| card.pointer(of)?.as_i64()).sum::<i64>();
        let of = if all.is_empty() { &teams } else { &all };
        assert!(of.len() > 10, "{arguments:?}: {}", of.len());
        assert_eq!(Some(sum(of, "/measures/revenue_minor")), fact("sales_value_cents"), "{arguments:?}");
        if lines {
            assert_eq!(Some(sum(of, "/measures/lines")), fact("transaction_lines"), "{arguments:?}");
        } else {
            for model in CreditModel::ALL.map(CreditModel::name) {
                let credit = sum(&teams, &format!("/measures/credit_minor/{model}"));
                assert_eq!(Some(credit), fact("sales_value_cents"), "{arguments:?} {model}");
            }
        }
    }
    // Some products have no category: what was sold of the others is the same by week and in all.
    let of_categories = |window: &str| {
        let cards = bed.json(&["scorecard", "store", "--dimension", "category", "--window", window]);
        let cards = cards["scorecards"].as_array().unwrap().iter();
        let sold = cards.filter(|card| card["key"]["currency"] == "USD").map(|card| &card["measures"]);
        let add = |(money, lines): (i64, i64), sold: &Value| {
            (money + sold["revenue_minor"].as_i64().unwrap(), lines + sold["lines"].as_i64().unwrap())
        };
        sold.fold((0, 0), add)
    };
    let (money, lines) = of_categories("total");
    assert_eq!(of_categories("week"), (money, lines));
    let (all_money, all_lines) = (fact("sales_value_cents").unwrap(), fact("transaction_lines").unwrap());
    assert!(money <= all_money && money > all_money / 100 * 99, "{money} of {all_money}");
    assert!(lines <= all_lines && lines > all_lines / 100 * 99, "{lines} of {all_lines}");
    // What was loaded is not loaded again.
    let again = bed.command(&["load", "complete-journey"]).arg(&dir).args(["--output", "json"]).output().unwrap();
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["sent"], 0);
}

#[test]
fn bad_input_is_refused_with_one_clear_message_and_the_good_goes_on() {
    let bed = Bed::new();
    assert!(bed.run(&["topics", "apply"]).status.success());
    let _hub = bed.hub();
    let event = |id: &str, more: Value| {
        let mut event =
            json!({ "messageId": id, "userId": "u-1", "event": "Product Viewed", "properties": { "product_id": "p" } });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event.to_string().into_bytes()
    };
    let refused = |body: &[u8], key: &str, path: &str| {
        let answer = bed.post(path, key, body);
        (answer.status, answer.body)
    };
    let (status, body) = refused(b"{\"userId\": \"u-1\", \"event\": ", WRITE_KEY, "/v1/track");
    assert!(status == 400 && body.contains("line 1"), "{status} {body}");
    let (status, body) = refused(&event("m-1", json!({})), "wrong", "/v1/track");
    assert!(status == 401 && body.contains("write key"), "{status} {body}");
    let (status, body) = refused(b"{}", WRITE_KEY, "/v1/sources/nosuch");
    assert!(status == 404 && body.contains("nosuch"), "{status} {body}");
    let (status, body) = refused(&event("m-2", json!({ "note": "x".repeat(40_000) })), WRITE_KEY, "/v1/track");
    assert!((400..500).contains(&status) && body.contains("32"), "{status} {body}");
    let (status, body) = refused(&event("m-3", json!({ "timestamp": "2999-01-01T00:00:00Z" })), WRITE_KEY, "/v1/track");
    assert!(status == 400 && body.contains("timestamp") && body.contains("2999"), "{status} {body}");
    let good = bed.post("/v1/track", WRITE_KEY, &event("m-4", json!({})));
    assert_eq!(good.status, 200, "{}", good.body);
    // What the gateway cannot judge ends as a dead letter with its reason.
    let odd = bed.post("/v1/sources/shopify", "another-write-key", br#"{"nothing": "that shopify sends"}"#);
    assert_eq!(odd.status, 200, "{}", odd.body);
    let reconciled = bed.until_settled(2, Duration::from_secs(60));
    let normalizer = account(&reconciled, "normalizer");
    assert_eq!(
        (normalizer["accepted"].as_i64(), normalizer["processed"].as_i64()),
        (Some(2), Some(1)),
        "{reconciled:#}"
    );
    let story = bed.json(&["journey", "customer_id:u-1"]);
    assert!(story.to_string().contains("product.viewed"), "{story:#}");
    let metrics = bed.http(bed.admin_port, "GET /metrics", &[], b"").unwrap();
    assert!(metrics.body.contains("tributary_stream_records"), "{}", metrics.body);
}

#[test]
fn a_merge_ends_in_one_journey() {
    let bed = Bed::new();
    assert!(bed.run(&["topics", "apply"]).status.success());
    let _hub = bed.hub();
    let send = |path: &str, event: Value| {
        let answer = bed.post(path, WRITE_KEY, event.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    send("/v1/page", json!({ "messageId": "a-1", "anonymousId": "cookie-1", "name": "Home" }));
    send(
        "/v1/track",
        json!({ "messageId": "a-2", "userId": "u-7", "event": "Product Viewed", "properties": { "product_id": "p" } }),
    );
    bed.until_settled(2, Duration::from_secs(60));
    let count = |identifier: &str| bed.json(&["journey", identifier])["lines"].as_array().map_or(0, Vec::len);
    assert_eq!((count("anonymous_id:cookie-1"), count("customer_id:u-7")), (1, 1));
    send("/v1/identify", json!({ "messageId": "a-3", "anonymousId": "cookie-1", "userId": "u-7" }));
    let one = eventually_every(Duration::from_millis(500), Duration::from_secs(60), || {
        (count("anonymous_id:cookie-1") == 3 && count("customer_id:u-7") == 3).then_some(())
    });
    assert!(one.is_some(), "{:#}\n{}", bed.json(&["journey", "customer_id:u-7"]), bed.log_tail());
}

#[test]
fn a_domain_is_found_in_the_account_that_it_is_named_with() {
    let bed = Bed::new();
    assert!(bed.run(&["topics", "apply"]).status.success());
    let _hub = bed.hub();
    let send = |path: &str, event: Value| {
        let answer = bed.post(path, WRITE_KEY, event.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    send("/v1/identify", json!({ "messageId": "g-1", "userId": "u-8", "traits": { "email": "bob@engines.test" } }));
    let group =
        json!({ "messageId": "g-2", "userId": "u-7", "groupId": "A-1", "traits": { "domain": "engines.test" } });
    send("/v1/group", group);
    bed.until_settled(2, Duration::from_secs(60));
    let answer = bed.json(&["account", "company_domain:engines.test"]);
    let account = &answer["account"];
    assert_eq!(
        (account["namespace"].as_str(), account["touch_count"].as_i64()),
        (Some("account_id"), Some(2)),
        "{answer:#}"
    );
    assert_eq!(
        (account["person_count"].as_i64(), &account["merged_accounts"]),
        (Some(2), &answer["found_by"]),
        "{answer:#}"
    );
    assert_eq!(bed.json(&["account", "account_id:A-1"])["account"], *account);
    let nobody = bed.run(&["account", "crm_account_id:nobody"]);
    assert!(
        !nobody.status.success() && String::from_utf8_lossy(&nobody.stderr).contains("no account is known"),
        "{nobody:?}"
    );
}

#[test]
fn a_killed_hub_goes_on_from_its_checkpoints() {
    let bed = Bed::new();
    assert!(bed.run(&["topics", "apply"]).status.success());
    let hub = bed.hub();
    let view_once_each = |round: &str| {
        for person in 0..40 {
            let event = json!({
                "messageId": format!("{round}-{person}"), "userId": format!("u-{person}"),
                "event": "Product Viewed", "properties": { "product_id": "p" },
            });
            let answer = bed.post("/v1/track", WRITE_KEY, event.to_string().as_bytes());
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    };
    view_once_each("first");
    bed.until_settled(40, Duration::from_secs(60));
    let written = eventually(Duration::from_secs(60), || {
        let partitions = bed.metric("journey", "tributary_stream_checkpoint_seconds_count", "");
        (partitions >= 4.0).then_some(())
    });
    assert!(written.is_some(), "{}", bed.log_tail());
    drop(hub); // SIGKILL
    let _hub = bed.hub();
    let from_checkpoints = eventually(Duration::from_secs(60), || {
        let entries = bed.metric("journey", "tributary_stream_restored_records_total", "source=\"checkpoint\"");
        (entries >= 40.0).then_some(())
    });
    assert!(from_checkpoints.is_some(), "{}", bed.log_tail());
    view_once_each("second");
    bed.until_settled(80, Duration::from_secs(60));
    for person in [0, 39] {
        let story = bed.json(&["journey", &format!("customer_id:u-{person}")]);
        assert_eq!(story["lines"].as_array().map_or(0, Vec::len), 2, "{story:#}");
    }
}
