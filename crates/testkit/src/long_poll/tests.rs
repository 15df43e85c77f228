use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::news;

/// A request of version 11 to fetch that waits for so long.
fn fetch(id: i32, wait_ms: i32) -> Vec<u8> {
    let mut frame = [FETCH.to_be_bytes(), 11_i16.to_be_bytes()].concat();
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(&[0, 1, b'c']);
    frame.extend_from_slice(&(-1_i32).to_be_bytes());
    frame.extend_from_slice(&wait_ms.to_be_bytes());
    frame.extend_from_slice(&[0; 4 + 4 + 1 + 4 + 4]);
    frame.extend_from_slice(&[0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 0]);
    frame
}

/// A request of version 8 that writes to the topic of the fetches.
fn produce(id: i32) -> Vec<u8> {
    let mut frame = [news::PRODUCE.to_be_bytes(), 8_i16.to_be_bytes()].concat();
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(&[0, 1, b'c', 255, 255, 0, 0, 0, 0, 0, 0]);
    frame.extend_from_slice(&[0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 0]);
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

/// A shim, and a broker that has nothing until it was asked to write so often; it tells what it is asked.
fn stand(written: usize, longest_wait: Duration) -> (LongPoll, Receiver<i32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    let writes = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    thread::spawn(move || {
        for mut shim in listener.incoming().flatten() {
            let (tell, writes) = (tell.clone(), Arc::clone(&writes));
            thread::spawn(move || {
                while let Ok(frame) = read_frame(&mut shim) {
                    let (key, id) = (int16(&frame, 0).unwrap(), int32(&frame, 4).unwrap());
                    if key == news::PRODUCE {
                        writes.fetch_add(1, Ordering::AcqRel);
                    }
                    let has_records = key == FETCH && writes.load(Ordering::Acquire) >= written;
                    let records: &[u8] = if has_records { b"records" } else { b"" };
                    if tell.send(id).is_err() || write_frame(&mut shim, &answer(id, records)).is_err() {
                        return; // The test is over.
                    }
                }
            });
        }
    });
    (LongPoll::holding(longest_wait, port, Sessions::default(), News::default()).unwrap(), told)
}

fn client(shim: &LongPoll) -> TcpStream {
    let client = TcpStream::connect(shim.bootstrap()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    client
}

#[test]
fn the_broker_is_asked_again_when_something_was_written() {
    let (shim, told) = stand(2, Duration::from_secs(60));
    let (mut reader, mut writer) = (client(&shim), client(&shim));
    write_frame(&mut reader, &fetch(7, 60_000)).unwrap();
    for id in [1, 2] {
        assert_eq!(told.recv().unwrap(), 7, "asked, and asked again once something was written");
        write_frame(&mut writer, &produce(id)).unwrap();
        assert_eq!(read_frame(&mut writer).unwrap(), answer(id, b""));
        assert_eq!(told.recv().unwrap(), id);
    }
    assert_eq!(read_frame(&mut reader).unwrap(), answer(7, b"records"));
}

#[test]
fn an_empty_answer_is_handed_on_when_there_was_nothing_for_long_enough() {
    let (shim, told) = stand(usize::MAX, Duration::from_millis(5));
    let mut client = client(&shim);
    for (id, wait_ms) in [(7, 10_000), (8, 0)] {
        write_frame(&mut client, &fetch(id, wait_ms)).unwrap();
        assert_eq!(read_frame(&mut client).unwrap(), answer(id, b""));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [id], "nothing was written, and nobody asks for it again");
    }
}

#[test]
fn answers_keep_the_order_of_the_questions() {
    let (shim, _told) = stand(usize::MAX, Duration::from_secs(60));
    let mut client = client(&shim);
    let other = [&[0, 0, 0, 11, 0, 0, 0, 9], &[0, 1, b'c'][..]].concat();
    write_frame(&mut client, &fetch(8, 60_000)).unwrap();
    write_frame(&mut client, &other).unwrap();
    assert_eq!(int32(&read_frame(&mut client).unwrap(), 0), Some(8));
    assert_eq!(int32(&read_frame(&mut client).unwrap(), 0), Some(9));
}
