//! A TCP shim between clients and the test broker. The broker answers an empty fetch at once, so that an idle consumer
//! keeps half a core busy; the shim holds such answers back for a moment. The broker also forgets to answer a member that
//! waits to join when another member joins again within milliseconds, as cooperative rebalancing does; the shim holds
//! requests to join back for half a second. It also names aborted transactions for ever, which makes clients drop what the
//! same producer commits later; the shim takes out those that are past. And it puts its own port where the broker names its address. Everything else
//! passes as it is.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::fetch_answer::{self, int16, int32};

const HOLD_EMPTY_FETCH: Duration = Duration::from_millis(5);
const HOLD_JOIN: Duration = Duration::from_millis(500);
const JOIN_GROUP: i16 = 11;
const FETCH: i16 = 1;
const METADATA: i16 = 3;
const API_VERSIONS: i16 = 18;
const FIND_COORDINATOR: i16 = 10;
const DESCRIBE_CLUSTER: i16 = 60;

/// What was asked under a correlation id: API key and version.
type Asked = Arc<Mutex<HashMap<i32, (i16, i16)>>>;

/// The shim; it ends with the process.
#[derive(Debug)]
pub(crate) struct LongPoll {
    port: u16,
    gate: Arc<Gate>,
}

/// Whether connections come through, and those that have.
#[derive(Debug, Default)]
struct Gate {
    is_cut: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Gate {
    /// Lets a connection through, unless the gate is closed.
    fn admit(&self, stream: &TcpStream) -> bool {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = !self.is_cut.load(Ordering::Acquire);
        if is_open && let Ok(stream) = stream.try_clone() {
            streams.push(stream);
        }
        is_open
    }
}

impl LongPoll {
    /// Listens on a free loopback port for the broker on `broker_port`.
    pub(crate) fn start(broker_port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let gate = Arc::new(Gate::default());
        let admitting = Arc::clone(&gate);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if !admitting.admit(&client) {
                    continue;
                }
                if let Ok(broker) = TcpStream::connect(("127.0.0.1", broker_port)) {
                    serve(client, broker, broker_port, port);
                }
            }
        });
        Ok(Self { port, gate })
    }

    /// Ends all connections and lets no new one through, as if the broker were gone; or lets them through again.
    pub(crate) fn cut(&self, is_cut: bool) {
        let mut streams = self.gate.streams.lock().unwrap_or_else(PoisonError::into_inner);
        self.gate.is_cut.store(is_cut, Ordering::Release);
        if is_cut {
            streams.drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
        }
    }

    /// Where clients connect.
    pub(crate) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn serve(client: TcpStream, broker: TcpStream, broker_port: u16, shim_port: u16) {
    let asked = Asked::default();
    let (Ok(client_reader), Ok(broker_writer)) = (client.try_clone(), broker.try_clone()) else { return };
    for stream in [&client, &broker] {
        drop(stream.set_nodelay(true));
    }
    let noted = Arc::clone(&asked);
    thread::spawn(move || requests(client_reader, broker_writer, &noted));
    thread::spawn(move || answers(broker, client, &asked, broker_port, shim_port));
}

#[allow(clippy::disallowed_methods)]
fn requests(mut client: TcpStream, mut broker: TcpStream, asked: &Asked) {
    while let Ok(frame) = read_frame(&mut client) {
        if let (Some(key), Some(version), Some(id)) = (int16(&frame, 0), int16(&frame, 2), int32(&frame, 4)) {
            asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id, (key, version));
            if key == JOIN_GROUP {
                thread::sleep(HOLD_JOIN);
            }
        }
        if write_frame(&mut broker, &frame).is_err() {
            break;
        }
    }
    drop(broker.shutdown(Shutdown::Both));
}

#[allow(clippy::disallowed_methods)]
fn answers(mut broker: TcpStream, mut client: TcpStream, asked: &Asked, broker_port: u16, shim_port: u16) {
    while let Ok(mut frame) = read_frame(&mut broker) {
        let id = int32(&frame, 0).unwrap_or_default();
        match asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&id) {
            Some((FETCH, version)) if fetch_answer::is_empty(&frame, version) => thread::sleep(HOLD_EMPTY_FETCH),
            Some((FETCH, version)) => frame = fetch_answer::without_past_aborts(&frame, version).unwrap_or(frame),
            Some((API_VERSIONS, version)) => {
                fetch_answer::cap_version(&mut frame, version);
            }
            Some((METADATA | FIND_COORDINATOR | DESCRIBE_CLUSTER, _)) => readdress(&mut frame, broker_port, shim_port),
            _ => {}
        }
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

fn read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let size = usize::try_from(i32::from_be_bytes(size)).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let mut frame = vec![0; size];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

fn write_frame(stream: &mut TcpStream, frame: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(frame.len() + 4);
    bytes.extend_from_slice(&(frame.len() as i32).to_be_bytes());
    bytes.extend_from_slice(frame);
    stream.write_all(&bytes)
}
