//! The official Segment SDKs deliver through the gateway: every message arrives once, as it was sent.
//!
//! Needs `node`, `npm` and `python3`, and on the first run the registries of npm and PyPI.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use support::{Memory, Published, SEGMENT_KEY};
use tokio::net::TcpListener;
use tributary_schema::Contracts;
use tributary_service::Shutdown;

/// Enough messages for several batches of the SDKs, which send 20 at once here.
const BULK: usize = 130;

fn scripts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/sdk")
}

/// Where the SDKs are installed, in the target folder.
fn installed(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sdk").join(name)
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} did not start: is it installed?"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}:\n{text}", output.status);
    Ok(text)
}

/// Runs `install` when the file that says what is needed has changed since.
fn install_once(folder: &Path, wanted: &Path, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let wanted = std::fs::read(wanted).with_context(|| wanted.display().to_string())?;
    let stamp = folder.join(".installed");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    install()?;
    Ok(std::fs::write(stamp, wanted)?)
}

/// Tests of one process do not install at the same time.
static INSTALLING: Mutex<()> = Mutex::new(());

fn node() -> Result<Command> {
    let _one_at_a_time = INSTALLING.lock().unwrap();
    let (folder, source) = (installed("node"), scripts().join("node"));
    install_once(&folder, &source.join("package-lock.json"), || {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(source.join(file), folder.join(file))?;
        }
        run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder))?;
        Ok(())
    })?;
    // Node looks for packages beside the script.
    std::fs::copy(source.join("send.mjs"), folder.join("send.mjs"))?;
    let mut command = Command::new("node");
    command.arg(folder.join("send.mjs"));
    Ok(command)
}

fn python() -> Result<Command> {
    let _one_at_a_time = INSTALLING.lock().unwrap();
    let (folder, source) = (installed("python"), scripts().join("python"));
    let interpreter = folder.join("bin").join("python");
    let requirements = source.join("requirements.txt");
    install_once(&folder, &requirements, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        run(Command::new(&interpreter).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
        Ok(())
    })?;
    let mut command = Command::new(interpreter);
    command.arg(source.join("send.py"));
    Ok(command)
}

/// One of everything, a message with a time of its own, and many small ones.
fn messages() -> Vec<Value> {
    let text = std::fs::read_to_string(scripts().join("messages.json")).unwrap();
    let mut messages: Vec<Value> = serde_json::from_str(&text).unwrap();
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let hour_ago = i64::try_from(since.as_millis()).unwrap() / 1000 * 1000 - 3_600_000;
    messages.push(json!({
        "type": "track", "messageId": "m-timed", "userId": "u-1", "event": "Timed",
        "timestamp": tributary_model::time::to_rfc3339(hour_ago), "properties": {}
    }));
    messages.extend((0..BULK).map(|n| {
        json!({
            "type": "track", "messageId": format!("m-bulk-{n}"), "userId": format!("u-{}", n % 7), "event": "Product Viewed",
            "properties": { "sku": format!("sku-{n}"), "price": n as f64 + 0.25 }
        })
    }));
    messages
}

/// Lets `sdk` send `messages` to a gateway and gives what was published, or what the SDK complained about.
async fn deliver(memory: &Memory, mut sdk: Command, key: &str, messages: &[Value]) -> Result<String> {
    let config = support::config();
    let sources = support::directory(&config);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let shutdown = Shutdown::new();
    let contracts = Contracts::single_object()?;
    let server =
        tokio::spawn(tributary_gateway::serve(config, sources, contracts, memory.clone(), listener, shutdown.clone()));
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), serde_json::to_vec(messages)?)?;
    sdk.env("GATEWAY_URL", url).env("WRITE_KEY", key).env("MESSAGES", file.path());
    let outcome = tokio::task::spawn_blocking(move || run(&mut sdk)).await?;
    shutdown.trigger();
    server.await??;
    outcome
}

/// Every message arrived once, with all that was sent in it.
fn assert_arrived(events: Vec<Published>, messages: &[Value], library: &str) {
    assert_eq!(events.len(), messages.len());
    let by_id: BTreeMap<String, Published> =
        events.into_iter().map(|event| (event.raw.event_id.clone().unwrap(), event)).collect();
    for message in messages {
        let id = message["messageId"].as_str().unwrap();
        let event = &by_id[id];
        assert_eq!(event.topic, "tributary.raw.channel");
        assert_eq!(event.key, format!("segment:{id}"));
        for (name, sent) in message.as_object().unwrap() {
            let arrived = &event.body[name];
            match name.as_str() {
                "timestamp" => assert_eq!(instant(arrived), instant(sent), "{id}"),
                _ => assert_eq!(arrived, sent, "{name} of {id}"),
            }
        }
        for name in ["userId", "anonymousId", "previousId", "groupId", "event"] {
            if message.get(name).is_none() {
                assert!(event.body[name].is_null(), "{name} of {id} is made up: {}", event.body[name]);
            }
        }
        assert!(instant(&event.body["timestamp"]).is_some() && instant(&event.body["sentAt"]).is_some(), "{id}");
        assert!(event.body["context"]["library"]["name"].as_str().unwrap().contains(library), "{id}");
        assert!(event.raw.received_at >= instant(&event.body["timestamp"]).unwrap() - 60_000);
    }
}

fn instant(value: &Value) -> Option<i64> {
    tributary_model::time::from_rfc3339(value.as_str()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_for_node_delivers() {
    let (memory, messages) = (Memory::default(), messages());
    deliver(&memory, node().unwrap(), SEGMENT_KEY, &messages).await.unwrap();
    assert!(memory.calls() > 1, "several batches");
    assert_arrived(memory.events(), &messages, "node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_for_python_delivers_plain_and_compressed() {
    for gzip in ["0", "1"] {
        let (memory, messages) = (Memory::default(), messages());
        let mut sdk = python().unwrap();
        sdk.env("GZIP", gzip);
        deliver(&memory, sdk, SEGMENT_KEY, &messages).await.unwrap();
        assert!(memory.calls() > 1, "several batches");
        assert_arrived(memory.events(), &messages, "python");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdks_send_again_what_the_broker_did_not_take() {
    for sdk in [node, python] {
        let (memory, messages) = (Memory::default(), messages().split_off(BULK));
        memory.full_next(1);
        deliver(&memory, sdk().unwrap(), SEGMENT_KEY, &messages).await.unwrap();
        assert_eq!(memory.records().len(), messages.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdks_report_what_was_refused() {
    let messages = messages().split_off(BULK);
    for (sdk, told) in [(node as fn() -> Result<Command>, "401"), (python, "the write key is of no source")] {
        let memory = Memory::default();
        let failed = deliver(&memory, sdk().unwrap(), "wrong", &messages).await.unwrap_err().to_string();
        assert!(failed.contains(told), "{failed}");
        assert_eq!(memory.calls(), 0);
    }
}
