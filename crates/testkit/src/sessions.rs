//! Ends the sessions of group members that have gone silent. The test broker never gives up a member that died while its
//! group was being rebalanced, and the group waits for it for ever; as Kafka would after the session timeout, this makes
//! such a member leave.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::fetch_answer::{int16, int32};
use crate::frame::{read_frame, write_frame};

const JOIN_GROUP: i16 = 11;
const HEARTBEAT: i16 = 12;
const LEAVE_GROUP: i16 = 13;
const SYNC_GROUP: i16 = 14;
const DESCRIBE_GROUPS: i16 = 15;
/// Where a request names its client.
const HEADER: usize = 8;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Added to every session timeout: requests wait in the shim for a moment.
const GRACE: Duration = Duration::from_secs(1);

/// A member of a group: the group's name and the member's id.
type Member = (String, String);

/// What the broker has been asked and has not answered: connection and correlation id.
type Question = (u64, i32);

#[derive(Debug)]
struct Session {
    heard: Instant,
    /// The request to join or to sync that it waits for: meanwhile it has nothing to say.
    waits_for: Option<Question>,
}

#[derive(Debug, Default)]
struct State {
    timeouts: HashMap<String, Duration>,
    sessions: HashMap<Member, Session>,
    clients: HashMap<u64, TcpStream>,
}

/// The sessions of the members behind the shims of one broker. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions {
    state: Arc<Mutex<State>>,
}

impl Sessions {
    /// Watches over members of groups of the broker on `broker_port`.
    pub(crate) fn watch(broker_port: u16) -> Self {
        let sessions = Self::default();
        let watched = sessions.clone();
        thread::spawn(move || watched.work(broker_port));
        sessions
    }

    #[allow(clippy::disallowed_methods)]
    fn work(&self, broker_port: u16) {
        loop {
            thread::sleep(LOOK_EVERY);
            self.look_for_unknown(broker_port);
            for (group, member) in self.take_expired(Instant::now()) {
                // A broker that is gone has no groups any more.
                drop(leave(broker_port, &group, &member));
            }
            for connection in self.take_forgotten(Instant::now()) {
                // The client connects again and asks again.
                let client = self.state().clients.remove(&connection);
                drop(client.map(|client| client.shutdown(Shutdown::Both)));
            }
        }
    }

    /// Members that the broker has and that have said nothing: who dies before it hears its id is one.
    fn look_for_unknown(&self, broker_port: u16) {
        let groups: Vec<String> = self.state().timeouts.keys().cloned().collect();
        for group in groups {
            let Ok(members) = members_of(broker_port, &group) else { continue };
            let mut state = self.state();
            for member in members {
                let timeout = state.timeouts.get(&group).copied().unwrap_or_default();
                // It is heard of as if it had just begun to wait for its first answer, which may take a session.
                let heard = Instant::now() + timeout;
                state.sessions.entry((group.clone(), member)).or_insert(Session { heard, waits_for: None });
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection of a client has begun.
    pub(crate) fn opened(&self, connection: u64, client: &TcpStream) {
        if let Ok(client) = client.try_clone() {
            self.state().clients.insert(connection, client);
        }
    }

    /// A request goes to the broker.
    pub(crate) fn heard(&self, connection: u64, frame: &[u8]) {
        let Some(request) = Request::read(frame) else { return };
        let mut state = self.state();
        if let Some(timeout) = request.session_timeout {
            state.timeouts.insert(request.group.clone(), timeout);
        }
        let mut member = (request.group, request.member);
        if member.1.is_empty() {
            member.1 = nobody_yet(connection); // It is told its id by the answer.
        }
        match request.key {
            LEAVE_GROUP => drop(state.sessions.remove(&member)),
            key => {
                let heard = Instant::now();
                let session = state.sessions.entry(member).or_insert(Session { heard, waits_for: None });
                session.heard = heard;
                if key != HEARTBEAT {
                    session.waits_for = Some((connection, request.id));
                }
            }
        }
    }

    /// The broker has answered.
    pub(crate) fn answered(&self, connection: u64, id: i32) {
        let mut state = self.state();
        if state.sessions.values().all(|session| session.waits_for != Some((connection, id))) {
            return; // As with nearly every answer: nothing that a member waits for.
        }
        for session in state.sessions.values_mut().filter(|s| s.waits_for == Some((connection, id))) {
            *session = Session { heard: Instant::now(), waits_for: None };
        }
        let nobody = nobody_yet(connection);
        state.sessions.retain(|(_, member), session| *member != nobody || session.waits_for.is_some());
    }

    /// Connections on which somebody has waited for so long that the broker must have forgotten to answer.
    pub(crate) fn take_forgotten(&self, now: Instant) -> Vec<u64> {
        let mut state = self.state();
        let State { timeouts, sessions, .. } = &mut *state;
        let mut forgotten = Vec::new();
        for ((group, _), session) in sessions {
            let patience = timeouts.get(group).map_or(Duration::from_secs(30), |timeout| *timeout * 3);
            if let Some((connection, _)) = session.waits_for
                && now.saturating_duration_since(session.heard) > patience
            {
                *session = Session { heard: now, waits_for: None };
                forgotten.push(connection);
            }
        }
        forgotten
    }

    /// A connection has ended: nobody waits there any more.
    pub(crate) fn ended(&self, connection: u64) {
        let mut state = self.state();
        state.clients.remove(&connection);
        let nobody = nobody_yet(connection);
        state.sessions.retain(|(_, member), _| *member != nobody);
        for session in state.sessions.values_mut() {
            if session.waits_for.is_some_and(|(of, _)| of == connection) {
                *session = Session { heard: Instant::now(), waits_for: None };
            }
        }
    }

    fn take_expired(&self, now: Instant) -> Vec<Member> {
        let mut state = self.state();
        let State { timeouts, sessions, .. } = &mut *state;
        let is_expired = |(group, _): &Member, session: &Session| {
            let timeout = timeouts.get(group).copied().unwrap_or(Duration::from_secs(10));
            session.waits_for.is_none() && now.saturating_duration_since(session.heard) > timeout + GRACE
        };
        sessions.extract_if(|member, session| is_expired(member, session)).map(|(member, _)| member).collect()
    }
}

/// Stands for the member on a connection that has not heard its id yet. No id of a broker begins so.
fn nobody_yet(connection: u64) -> String {
    format!("\0{connection}")
}

/// What a request of a group member says (Kafka protocol guide; versions before compact strings).
#[derive(Debug, PartialEq, Eq)]
struct Request {
    key: i16,
    id: i32,
    group: String,
    member: String,
    session_timeout: Option<Duration>,
}

impl Request {
    fn read(frame: &[u8]) -> Option<Self> {
        let (key, version, id) = (int16(frame, 0)?, int16(frame, 2)?, int32(frame, 4)?);
        let client = usize::try_from(int16(frame, HEADER)?).unwrap_or(0);
        let (group, at) = text(frame, HEADER + 2 + client)?;
        let (session_timeout, at) = match key {
            JOIN_GROUP if version <= 5 => {
                let millis = u64::try_from(int32(frame, at)?).ok()?;
                (Some(Duration::from_millis(millis)), at + if version >= 1 { 8 } else { 4 })
            }
            SYNC_GROUP | HEARTBEAT if version <= 3 => (None, at + 4),
            LEAVE_GROUP if version <= 2 => (None, at),
            _ => return None,
        };
        let (member, _) = text(frame, at)?;
        Some(Self { key, id, group, member, session_timeout })
    }
}

/// The ids of a group's members, from the answer to a request to describe it (version 0).
fn members_of(broker_port: u16, group: &str) -> io::Result<Vec<String>> {
    let mut frame = header(DESCRIBE_GROUPS, 0);
    frame.extend_from_slice(&1_i32.to_be_bytes());
    push_text(&mut frame, group);
    let answer = ask(broker_port, &frame)?;
    read_members(&answer).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

fn read_members(answer: &[u8]) -> Option<Vec<String>> {
    // Correlation id, number of groups, error code; then id, state, type of protocol and protocol of the group.
    let mut at = 10;
    for _ in 0..4 {
        at = text(answer, at)?.1;
    }
    let count = int32(answer, at)?;
    at += 4;
    let mut members = Vec::new();
    for _ in 0..count {
        let (member, behind) = text(answer, at)?;
        at = text(answer, text(answer, behind)?.1)?.1; // Client's id and host.
        for _ in 0..2 {
            at += 4 + usize::try_from(int32(answer, at)?).unwrap_or(0); // Metadata and assignment.
        }
        members.push(member);
    }
    Some(members)
}

/// The string at a place, and the place behind it.
fn text(frame: &[u8], at: usize) -> Option<(String, usize)> {
    let end = at + 2 + usize::try_from(int16(frame, at)?).ok()?;
    Some((String::from_utf8(frame.get(at + 2..end)?.to_vec()).ok()?, end))
}

/// Makes a member leave its group.
fn leave(broker_port: u16, group: &str, member: &str) -> io::Result<()> {
    ask(broker_port, &leave_request(group, member)).map(drop)
}

/// Asks the broker past the shim.
fn ask(broker_port: u16, request: &[u8]) -> io::Result<Vec<u8>> {
    Line::new(broker_port).ask(request)
}

/// A connection to the broker past the shim, made when it is first needed.
#[derive(Debug)]
pub(crate) struct Line {
    broker_port: u16,
    broker: Option<TcpStream>,
}

impl Line {
    /// To the broker on this port.
    pub(crate) fn new(broker_port: u16) -> Self {
        Self { broker_port, broker: None }
    }

    /// Asks, and asks once more by a new connection when the one at hand has ended.
    pub(crate) fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        if let Some(broker) = self.broker.take() {
            match self.ask_by(broker, request) {
                Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                answered => return answered,
            }
        }
        let broker = TcpStream::connect(("127.0.0.1", self.broker_port))?;
        broker.set_nodelay(true)?;
        broker.set_read_timeout(Some(Duration::from_secs(5)))?;
        self.ask_by(broker, request)
    }

    /// Keeps the connection when the answer has come: what is late would be taken for the next.
    fn ask_by(&mut self, mut broker: TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
        write_frame(&mut broker, request)?;
        let answer = read_frame(&mut broker)?;
        self.broker = Some(broker);
        Ok(answer)
    }
}

/// The header of a request of the shim's own, before versions with tagged fields.
pub(crate) fn header(key: i16, version: i16) -> Vec<u8> {
    let mut frame = [key.to_be_bytes(), version.to_be_bytes()].concat();
    frame.extend_from_slice(&0_i32.to_be_bytes());
    push_text(&mut frame, "sessions");
    frame
}

/// A string with its length in two bytes.
pub(crate) fn push_text(frame: &mut Vec<u8>, text: &str) {
    frame.extend_from_slice(&(text.len() as u16).to_be_bytes());
    frame.extend_from_slice(text.as_bytes());
}

fn leave_request(group: &str, member: &str) -> Vec<u8> {
    let mut frame = header(LEAVE_GROUP, 1);
    push_text(&mut frame, group);
    push_text(&mut frame, member);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(key: i16, version: i16, id: i32, before_member: &[u8], member: &str) -> Vec<u8> {
        let mut frame = Vec::new();
        frame.extend_from_slice(&key.to_be_bytes());
        frame.extend_from_slice(&version.to_be_bytes());
        frame.extend_from_slice(&id.to_be_bytes());
        for part in ["client", "group"] {
            frame.extend_from_slice(&(part.len() as u16).to_be_bytes());
            frame.extend_from_slice(part.as_bytes());
        }
        frame.extend_from_slice(before_member);
        frame.extend_from_slice(&(member.len() as u16).to_be_bytes());
        frame.extend_from_slice(member.as_bytes());
        frame
    }

    fn join(id: i32, member: &str) -> Vec<u8> {
        request(JOIN_GROUP, 5, id, &[6_000_i32.to_be_bytes(), 300_000_i32.to_be_bytes()].concat(), member)
    }

    fn heartbeat(member: &str) -> Vec<u8> {
        request(HEARTBEAT, 3, 9, &7_i32.to_be_bytes(), member)
    }

    fn expired(sessions: &Sessions, after_ms: u64) -> Vec<String> {
        let mut members: Vec<String> = sessions
            .take_expired(Instant::now() + Duration::from_millis(after_ms))
            .into_iter()
            .map(|(_, member)| member)
            .collect();
        members.sort();
        members
    }

    #[test]
    fn a_member_is_given_up_when_it_was_silent_for_longer_than_its_session() {
        let sessions = Sessions::default();
        sessions.heard(1, &join(1, ""));
        sessions.heard(1, &join(2, "a"));
        sessions.answered(1, 2);
        sessions.heard(2, &heartbeat("b"));
        assert_eq!(expired(&sessions, 6_500), [""; 0]);
        assert_eq!(expired(&sessions, 7_500), ["a", "b"]);
        assert_eq!(expired(&sessions, 99_000), [""; 0], "each once");
    }

    #[test]
    fn who_waits_for_the_others_has_nothing_to_say() {
        let sessions = Sessions::default();
        sessions.heard(1, &join(2, "a"));
        sessions.heard(2, &join(2, "b"));
        assert_eq!(expired(&sessions, 99_000), [""; 0]);
        sessions.answered(1, 3);
        sessions.ended(2);
        assert_eq!(expired(&sessions, 99_000), ["b"]);
        sessions.answered(1, 2);
        sessions.heard(1, &request(SYNC_GROUP, 3, 4, &7_i32.to_be_bytes(), "a"));
        assert_eq!(expired(&sessions, 99_000), [""; 0]);
        sessions.answered(1, 4);
        assert_eq!(expired(&sessions, 99_000), ["a"]);
    }

    #[test]
    fn who_has_waited_for_three_sessions_was_forgotten_by_the_broker() {
        let sessions = Sessions::default();
        sessions.heard(5, &join(2, "a"));
        sessions.heard(6, &join(2, ""));
        sessions.heard(7, &join(2, ""));
        sessions.answered(7, 2);
        let begun = Instant::now();
        let after = |seconds| sessions.take_forgotten(begun + Duration::from_secs(seconds));
        assert_eq!(after(17), [0; 0]);
        let mut forgotten = after(19);
        forgotten.sort_unstable();
        assert_eq!(forgotten, [5, 6]);
        assert_eq!(after(19), [0; 0], "once");
    }

    #[test]
    fn the_members_of_a_group_are_read_from_its_description() {
        let mut answer = vec![0; 10];
        for part in ["group", "Stable", "consumer", "sticky"] {
            push_text(&mut answer, part);
        }
        answer.extend_from_slice(&2_i32.to_be_bytes());
        for member in ["a", "b"] {
            for part in [member, "client", "host"] {
                push_text(&mut answer, part);
            }
            for bytes in [3_i32, 0] {
                answer.extend_from_slice(&bytes.to_be_bytes());
                answer.extend(vec![7; bytes as usize]);
            }
        }
        assert_eq!(read_members(&answer).unwrap(), ["a", "b"]);
        assert_eq!(read_members(&answer[..answer.len() - 20]), None);
    }

    #[test]
    fn who_leaves_is_forgotten_and_other_requests_are_nobodys() {
        let sessions = Sessions::default();
        sessions.heard(1, &heartbeat("a"));
        sessions.heard(1, &leave_request("group", "a"));
        sessions.heard(1, &request(0, 7, 1, &[], "a"));
        sessions.heard(1, &[0, 11, 0, 5]);
        assert_eq!(expired(&sessions, 99_000), [""; 0]);
        let read = Request::read(&leave_request("group", "a")).unwrap();
        assert_eq!((read.group.as_str(), read.member.as_str(), read.key), ("group", "a", LEAVE_GROUP));
    }
}
