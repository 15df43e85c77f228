//! A TCP shim between clients and the test broker. The broker answers an empty fetch at once, so that an idle consumer
//! keeps half a core busy; the shim holds such answers back for a moment. The broker also forgets to answer a member that
//! waits to join when another member joins again within milliseconds, as cooperative rebalancing does; the shim holds
//! requests to join back for half a second. It also names aborted transactions for ever, which makes clients drop what the
//! same producer commits later; the shim takes out those that are past. It never gives up a member that died in a
//! rebalance; the shim ends its session (`sessions.rs`). It takes offsets
//! into a transaction from whoever gives them; the shim asks who that is (`membership_check.rs`). And it puts its own port where the broker names its address.
//! Everything else passes as it is, unless a fault is switched on.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::faults::Faults;
use crate::fetch_answer::{self, int16, int32};
use crate::frame::{read_frame, write_frame};
use crate::membership_check;
use crate::sessions::Sessions;

const HOLD_EMPTY_FETCH: Duration = Duration::from_millis(5);
const HOLD_JOIN: Duration = Duration::from_millis(500);
const JOIN_GROUP: i16 = 11;
const FETCH: i16 = 1;
const METADATA: i16 = 3;
const API_VERSIONS: i16 = 18;
const FIND_COORDINATOR: i16 = 10;
const DESCRIBE_CLUSTER: i16 = 60;

/// Connections so far, through all shims.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// What was asked under a correlation id: API key and version.
type Asked = Arc<Mutex<HashMap<i32, (i16, i16)>>>;

/// The shim; it ends with the process.
#[derive(Debug)]
pub(crate) struct LongPoll {
    port: u16,
    faults: Arc<Faults>,
}

/// What every thread of one shim knows.
#[derive(Debug, Clone)]
struct Way {
    broker_port: u16,
    shim_port: u16,
    faults: Arc<Faults>,
    asked: Asked,
    sessions: Sessions,
    /// Number of the connection.
    connection: u64,
    /// Held while a frame is written to the client.
    writing: Arc<Mutex<()>>,
}

impl LongPoll {
    /// Listens on a free loopback port for the broker on `broker_port`.
    pub(crate) fn start(broker_port: u16, sessions: Sessions) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let faults = Arc::new(Faults::default());
        let shared = Arc::clone(&faults);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(broker) = TcpStream::connect(("127.0.0.1", broker_port)) else { continue };
                if shared.admits([&client, &broker]) {
                    let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
                    let (faults, asked, sessions) = (Arc::clone(&shared), Asked::default(), sessions.clone());
                    let writing = Arc::default();
                    let way = Way { broker_port, shim_port: port, faults, asked, sessions, connection, writing };
                    serve(client, broker, &way);
                }
            }
        });
        Ok(Self { port, faults })
    }

    /// The switches of its faults.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Where clients connect.
    pub(crate) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn serve(client: TcpStream, broker: TcpStream, way: &Way) {
    let (Ok(client_reader), Ok(broker_writer)) = (client.try_clone(), broker.try_clone()) else { return };
    for stream in [&client, &broker] {
        drop(stream.set_nodelay(true));
    }
    way.sessions.opened(way.connection, &client);
    let (there, back) = (way.clone(), way.clone());
    thread::spawn(move || requests(client_reader, broker_writer, &there));
    thread::spawn(move || answers(broker, client, &back));
}

#[allow(clippy::disallowed_methods)]
fn requests(mut client: TcpStream, mut broker: TcpStream, way: &Way) {
    while let Ok(frame) = read_frame(&mut client) {
        if let (Some(key), Some(version), Some(id)) = (int16(&frame, 0), int16(&frame, 2), int32(&frame, 4)) {
            way.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id, (key, version));
            if key == JOIN_GROUP {
                thread::sleep(HOLD_JOIN);
            }
        }
        way.faults.pass();
        way.sessions.heard(way.connection, &frame);
        let sent = match membership_check::refusal(&frame, way.broker_port) {
            Some(refusal) => {
                way.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&int32(&frame, 4).unwrap_or_default());
                let _writing = way.writing.lock();
                write_frame(&mut client, &refusal)
            }
            None => write_frame(&mut broker, &frame),
        };
        if sent.is_err() {
            break;
        }
    }
    way.sessions.ended(way.connection);
    drop(broker.shutdown(Shutdown::Both));
}

#[allow(clippy::disallowed_methods)]
fn answers(mut broker: TcpStream, mut client: TcpStream, way: &Way) {
    while let Ok(mut frame) = read_frame(&mut broker) {
        let id = int32(&frame, 0).unwrap_or_default();
        way.sessions.answered(way.connection, id);
        match way.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&id) {
            Some((FETCH, version)) if fetch_answer::is_empty(&frame, version) => thread::sleep(HOLD_EMPTY_FETCH),
            Some((FETCH, version)) => frame = fetch_answer::without_past_aborts(&frame, version).unwrap_or(frame),
            Some((API_VERSIONS, version)) => {
                fetch_answer::cap_version(&mut frame, version);
            }
            Some((METADATA | FIND_COORDINATOR | DESCRIBE_CLUSTER, _)) => {
                readdress(&mut frame, way.broker_port, way.shim_port);
            }
            _ => {}
        }
        way.faults.pass();
        let _writing = way.writing.lock();
        if write_frame(&mut client, &frame).is_err() {
            break;
        }
    }
    drop(client.shutdown(Shutdown::Both));
}

/// Replaces the broker's address (`127.0.0.1` and the port in four bytes) by the shim's.
fn readdress(frame: &mut [u8], broker_port: u16, shim_port: u16) {
    const HOST: &[u8] = b"127.0.0.1";
    let port = i32::from(broker_port).to_be_bytes();
    let mut at = 0;
    while at + HOST.len() + 4 <= frame.len() {
        if &frame[at..at + HOST.len()] == HOST && frame[at + HOST.len()..at + HOST.len() + 4] == port {
            frame[at + HOST.len()..at + HOST.len() + 4].copy_from_slice(&i32::from(shim_port).to_be_bytes());
            at += HOST.len() + 3;
        }
        at += 1;
    }
}
