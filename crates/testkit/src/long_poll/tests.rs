use std::sync::mpsc::{Receiver, channel};

use super::*;

/// A request of version 11 to fetch that waits for so long.
fn fetch(id: i32, wait_ms: i32) -> Vec<u8> {
    let mut frame = [FETCH.to_be_bytes(), 11_i16.to_be_bytes()].concat();
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(&[0, 1, b'c']);
    frame.extend_from_slice(&(-1_i32).to_be_bytes());
    frame.extend_from_slice(&wait_ms.to_be_bytes());
    frame
}

/// An answer of version 11 about one partition.
fn answer(id: i32, records: &[u8]) -> Vec<u8> {
    let mut frame = id.to_be_bytes().to_vec();
    frame.extend_from_slice(&[0; 10]);
    frame.extend_from_slice(&[0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1]);
    frame.extend_from_slice(&[0; 4 + 2 + 8 + 8 + 8 + 4 + 4]);
    frame.extend_from_slice(&(records.len() as i32).to_be_bytes());
    frame.extend_from_slice(records);
    frame
}

/// A client by the shim, and a broker that has nothing so many times and then a record; it tells what it is asked.
fn stand(empty: usize) -> (TcpStream, Receiver<i32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    thread::spawn(move || {
        let (mut shim, _) = listener.accept().unwrap();
        let mut fetches = 0;
        while let Ok(frame) = read_frame(&mut shim) {
            let id = int32(&frame, 4).unwrap();
            if tell.send(id).is_err() {
                return; // The test is over.
            }
            let is_fetch = int16(&frame, 0) == Some(FETCH);
            fetches += usize::from(is_fetch);
            let records: &[u8] = if is_fetch && fetches > empty { b"records" } else { b"" };
            write_frame(&mut shim, &answer(id, records)).unwrap();
        }
    });
    let shim = LongPoll::start(port, Sessions::default()).unwrap();
    let client = TcpStream::connect(shim.bootstrap()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    (client, told)
}

#[test]
fn the_broker_is_asked_again_until_it_has_something() {
    let (mut client, told) = stand(3);
    write_frame(&mut client, &fetch(7, 10_000)).unwrap();
    assert_eq!(read_frame(&mut client).unwrap(), answer(7, b"records"));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [7; 4]);
}

#[test]
fn an_empty_answer_is_handed_on_when_there_was_nothing_for_long_enough() {
    let (mut client, told) = stand(usize::MAX);
    write_frame(&mut client, &fetch(7, 10_000)).unwrap();
    assert_eq!(read_frame(&mut client).unwrap(), answer(7, b""));
    assert_eq!(told.try_iter().count(), 1 + ASK_AGAIN_MS.len());
    write_frame(&mut client, &fetch(8, 0)).unwrap();
    assert_eq!(read_frame(&mut client).unwrap(), answer(8, b""), "the client does not wait");
    assert_eq!(told.try_iter().count(), 1);
}

#[test]
fn answers_keep_the_order_of_the_questions() {
    let (mut client, _told) = stand(usize::MAX);
    let other = [&[0, 0, 0, 11, 0, 0, 0, 9], &[0, 1, b'c'][..]].concat();
    write_frame(&mut client, &fetch(8, 10_000)).unwrap();
    write_frame(&mut client, &other).unwrap();
    assert_eq!(int32(&read_frame(&mut client).unwrap(), 0), Some(8));
    assert_eq!(int32(&read_frame(&mut client).unwrap(), 0), Some(9));
}
