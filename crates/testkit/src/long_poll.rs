//! A TCP shim between clients and the test broker. The broker answers an empty fetch at once, so that an idle consumer
//! keeps half a core busy; the shim waits for something new (`news.rs`) and asks again before it hands such an answer on.
//! The broker also forgets to answer a member that waits to join when another member joins again within milliseconds, as cooperative rebalancing does;
//! the shim holds requests to join back for half a second. It also names aborted transactions for ever, which makes clients drop what the
//! same producer commits later; the shim takes out those that are past. It never gives up a member that died in a
//! rebalance; the shim ends its session (`sessions.rs`). It takes offsets
//! into a transaction from whoever gives them; the shim asks who that is (`membership_check.rs`). And it puts its own port where the broker names its address.
//! Everything else passes as it is, unless a fault is switched on.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufReader};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::faults::Faults;
use crate::fetch_answer::{self, int16, int32};
use crate::frame::{read_frame, write_frame};
use crate::membership_check;
use crate::news::{Bell, News, fetched};
use crate::sessions::{Line, Sessions};

/// For so long, at most, an empty answer is held back. It is a quarter of what our readers let a broker wait, so that one
/// that only wants to know where the end is hears it soon.
const LONGEST_WAIT: Duration = Duration::from_millis(25);
const HOLD_JOIN: Duration = Duration::from_millis(500);
/// So much is read at once, which is most frames whole.
const READ_AHEAD: usize = 16_384;
const JOIN_GROUP: i16 = 11;
const FETCH: i16 = 1;
const METADATA: i16 = 3;
const API_VERSIONS: i16 = 18;
const FIND_COORDINATOR: i16 = 10;
const DESCRIBE_CLUSTER: i16 = 60;

/// Connections so far, through all shims.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// What was asked, by correlation id.
type Asked = Arc<Mutex<HashMap<i32, Question>>>;

/// A request that waits for its answer.
#[derive(Debug)]
struct Question {
    key: i16,
    version: i16,
    /// What is needed to ask again.
    fetch: Option<Fetch>,
    /// Topics that have something new once this is answered.
    topics: BTreeSet<String>,
}

/// A request to fetch.
#[derive(Debug)]
struct Fetch {
    frame: Vec<u8>,
    /// How many news there were when the broker was asked.
    since: u64,
    /// The client does not wait any longer.
    until: Instant,
}

impl Question {
    fn new(key: i16, version: i16, frame: &[u8], way: &Way) -> Self {
        let news = &way.news;
        let wait = (key == FETCH).then(|| fetch_answer::longest_wait(frame)).flatten();
        let fetch = wait.map(|wait| {
            let until = Instant::now() + wait.min(way.longest_wait);
            Fetch { frame: frame.to_vec(), since: news.count(), until }
        });
        Self { key, version, fetch, topics: news.heard(frame) }
    }
}

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
    longest_wait: Duration,
    faults: Arc<Faults>,
    asked: Asked,
    sessions: Sessions,
    news: News,
    /// Rung when the client of this connection asks for something.
    bell: Arc<Bell>,
    /// Number of the connection.
    connection: u64,
    /// Held while a frame is written to the client.
    writing: Arc<Mutex<()>>,
}

impl LongPoll {
    /// Listens on a free loopback port for the broker on `broker_port`.
    pub(crate) fn start(broker_port: u16, sessions: Sessions, news: News) -> io::Result<Self> {
        Self::holding(LONGEST_WAIT, broker_port, sessions, news)
    }

    /// One that holds an empty answer back for so long at most.
    fn holding(longest_wait: Duration, broker_port: u16, sessions: Sessions, news: News) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let faults = Arc::new(Faults::default());
        let shared = Arc::clone(&faults);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(broker) = TcpStream::connect(("127.0.0.1", broker_port)) else { continue };
                if shared.admits([&client, &broker]) {
                    let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
                    let way = Way {
                        broker_port,
                        shim_port: port,
                        longest_wait,
                        faults: Arc::clone(&shared),
                        asked: Asked::default(),
                        sessions: sessions.clone(),
                        news: news.clone(),
                        bell: Arc::default(),
                        connection,
                        writing: Arc::default(),
                    };
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
    let asking = Arc::new(Mutex::new(broker_writer));
    let asking_again = Arc::clone(&asking);
    thread::spawn(move || requests(client_reader, &asking, &there));
    thread::spawn(move || answers(broker, &asking_again, client, &back));
}

#[allow(clippy::disallowed_methods)]
fn requests(mut client: TcpStream, broker: &Mutex<TcpStream>, way: &Way) {
    let mut line = Line::new(way.broker_port);
    let Ok(reader) = client.try_clone() else { return };
    let mut reader = BufReader::with_capacity(READ_AHEAD, reader);
    while let Ok(frame) = read_frame(&mut reader) {
        if int16(&frame, 0) == Some(JOIN_GROUP) {
            thread::sleep(HOLD_JOIN);
        }
        way.faults.pass();
        way.sessions.heard(way.connection, &frame);
        let sent = match membership_check::refusal(&frame, &mut line) {
            Some(refusal) => {
                let _writing = way.writing.lock();
                write_frame(&mut client, &refusal)
            }
            None => ask(broker, &frame, way),
        };
        if sent.is_err() {
            break;
        }
    }
    way.sessions.ended(way.connection);
    drop(broker.lock().unwrap_or_else(PoisonError::into_inner).shutdown(Shutdown::Both));
}

/// Hands a request on, and notes what its answer will be to.
fn ask(broker: &Mutex<TcpStream>, frame: &[u8], way: &Way) -> io::Result<()> {
    let mut broker = broker.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(key), Some(version), Some(id)) = (int16(frame, 0), int16(frame, 2), int32(frame, 4)) {
        let question = Question::new(key, version, frame, way);
        way.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id, question);
    }
    way.bell.ring();
    write_frame(&mut broker, frame)
}

/// Asks for the same again when there is something new; true when it did. It does not when the client has waited for long
/// enough, or has asked for something else meanwhile: answers keep the order of the questions.
fn ask_again(broker: &Mutex<TcpStream>, id: i32, question: Question, way: &Way) -> bool {
    let Question { key, version, fetch: Some(mut fetch), topics } = question else { return false };
    way.bell.silence();
    if !way.asked.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
        return false;
    }
    way.news.wait(&fetched(&fetch.frame), fetch.since, &way.bell, fetch.until);
    // Whoever has it asks for something else. Waiting for it here could hold up the answers that the broker waits to give.
    let Ok(mut broker) = broker.try_lock() else { return false };
    fetch.since = way.news.count();
    let mut asked = way.asked.lock().unwrap_or_else(PoisonError::into_inner);
    if Instant::now() >= fetch.until || !asked.is_empty() || write_frame(&mut broker, &fetch.frame).is_err() {
        return false;
    }
    asked.insert(id, Question { key, version, fetch: Some(fetch), topics });
    true
}

fn answers(broker: TcpStream, asking: &Mutex<TcpStream>, mut client: TcpStream, way: &Way) {
    let mut reader = BufReader::with_capacity(READ_AHEAD, broker);
    while let Ok(mut frame) = read_frame(&mut reader) {
        let id = int32(&frame, 0).unwrap_or_default();
        way.sessions.answered(way.connection, id);
        let question = way.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(question) = &question {
            way.news.tell(&question.topics);
        }
        match question {
            Some(question) if question.key == FETCH => {
                let version = question.version;
                if !fetch_answer::is_empty(&frame, version) {
                    frame = fetch_answer::without_past_aborts(&frame, version).unwrap_or(frame);
                } else if ask_again(asking, id, question, way) {
                    continue;
                }
            }
            Some(Question { key: API_VERSIONS, version, .. }) => {
                fetch_answer::cap_version(&mut frame, version);
            }
            Some(Question { key: METADATA | FIND_COORDINATOR | DESCRIBE_CLUSTER, .. }) => {
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

#[cfg(test)]
mod tests;
