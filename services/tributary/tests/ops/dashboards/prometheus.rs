//! A real Prometheus with the chart's rules, and what it answers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tributary_testkit::{eventually_every, free_port};

use crate::bed::Running;

pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Its binary, where `./test` has put it.
fn binary() -> PathBuf {
    let tools = std::env::var_os("TRIBUTARY_TEST_TOOLS").map_or_else(|| repository("target/tools"), PathBuf::from);
    let path = tools.join("prometheus/prometheus");
    assert!(path.is_file(), "{} is not there: run ./test once, which puts it there", path.display());
    path
}

/// A process with its data in a folder that goes with it.
pub(crate) struct Prometheus {
    _process: Running,
    dir: TempDir,
    port: u16,
}

impl Prometheus {
    /// Scrapes a target every second and evaluates the rules as often; ready when this returns.
    pub(crate) fn scraping(target: &str) -> Self {
        let (dir, port) = (TempDir::new().unwrap(), free_port().unwrap());
        let settings = json!({
            "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
            "rule_files": [repository("charts/tributary/rules/*.yaml")],
            "scrape_configs": [{ "job_name": "tributary", "static_configs": [{ "targets": [target] }] }],
        });
        let file = dir.path().join("prometheus.yml");
        std::fs::write(&file, settings.to_string()).unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let process = Command::new(binary())
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let prometheus = Self { _process: Running(process), dir, port };
        let is_ready = || prometheus.get("/-/ready").filter(|body| body.contains("Ready")).map(drop);
        let ready = eventually_every(Duration::from_millis(100), Duration::from_secs(60), is_ready);
        assert!(ready.is_some(), "Prometheus does not become ready:\n{}", prometheus.log());
        prometheus
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The body of an answer; HTTP/1.0, so that it comes in one piece.
    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n").as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        String::from_utf8(answer).ok()?.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// The data of an answer of the API, which has to be a success.
    pub(crate) fn data(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let body = self.get(&format!("/api/v1/{path}?{}", pairs.join("&"))).unwrap_or_default();
        let mut answer: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"));
        assert_eq!(answer["status"], "success", "{parameters:?}: {answer}");
        answer["data"].take()
    }

    /// Whether a query gives at least one number now.
    pub(crate) fn gives_a_number(&self, query: &str) -> bool {
        let data = self.data("query", &[("query", query)]);
        let samples = data["result"].as_array().unwrap().iter();
        let mut values = samples.filter_map(|sample| sample["value"][1].as_str()?.parse::<f64>().ok());
        values.any(f64::is_finite)
    }
}

/// Percent-encoded for a query string.
fn encoded(text: &str) -> String {
    let of_byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(of_byte).collect()
}
