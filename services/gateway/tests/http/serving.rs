//! The server: a real socket, and an end that loses nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tributary_gateway::{Config, GatewayError};
use tributary_schema::Contracts;
use tributary_service::Shutdown;
use tributary_service::config;

use crate::client::basic;
use crate::support::{self, Memory, SEGMENT_KEY};

const DEADLINE: Duration = Duration::from_secs(20);

struct Running {
    address: std::net::SocketAddr,
    shutdown: Shutdown,
    server: tokio::task::JoinHandle<Result<(), GatewayError>>,
}

async fn start(config: Config, memory: Memory) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let sources = support::directory(&config);
    let contracts = Contracts::single_object().unwrap();
    let server = tokio::spawn(tributary_gateway::serve(config, sources, contracts, memory, listener, shutdown.clone()));
    Running { address, shutdown, server }
}

async fn request(address: std::net::SocketAddr) -> String {
    let body = r#"{"type":"page","userId":"u"}"#;
    let (name, value) = basic(SEGMENT_KEY);
    let head = format!(
        "POST /v1/page HTTP/1.1\r\nhost: x\r\n{name}: {value}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn until(condition: impl Fn() -> bool) {
    tokio::time::timeout(DEADLINE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn running_requests_end_before_the_server_does() {
    let memory = Memory::default();
    let release = memory.hang();
    let running = start(support::config(), memory.clone()).await;
    let pending = tokio::spawn(request(running.address));
    until(|| memory.calls() == 1).await;
    running.shutdown.trigger();
    assert!(!running.server.is_finished());
    release.notify_one();
    let answer = tokio::time::timeout(DEADLINE, pending).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(r#"{"success":true}"#), "{answer}");
    tokio::time::timeout(DEADLINE, running.server).await.unwrap().unwrap().unwrap();
    assert_eq!(memory.records().len(), 1);
    assert!(TcpStream::connect(running.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let body_timeout = config::Duration::from_millis(50);
    let running = start(Config { body_timeout, ..support::config() }, Memory::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let (name, value) = basic(SEGMENT_KEY);
    let head = format!("POST /v1/page HTTP/1.1\r\nhost: x\r\n{name}: {value}\r\ncontent-length: 100\r\n\r\n{{");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("after 50ms"), "{answer}");
    running.shutdown.trigger();
    tokio::time::timeout(DEADLINE, running.server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn draining_has_an_end() {
    let memory = Memory::default();
    let _release: Arc<tokio::sync::Notify> = memory.hang();
    let drain_timeout = config::Duration::from_millis(50);
    let running = start(Config { drain_timeout, ..support::config() }, memory.clone()).await;
    let pending = tokio::spawn(request(running.address));
    until(|| memory.calls() == 1).await;
    running.shutdown.trigger();
    let ended = tokio::time::timeout(DEADLINE, running.server).await.unwrap().unwrap();
    let error = ended.unwrap_err();
    assert!(matches!(error, GatewayError::DrainTimeout { .. }));
    assert!(error.to_string().contains("50ms"), "{error}");
    pending.abort();
}
