//! Following several topics with one consumer: first everything that is there, then what comes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::error::{StreamError, is_transient};
use crate::quiet::Quiet;
use crate::reader::{Next, TopicReader, to_record};
use crate::record::Record;
use crate::settings::KafkaSettings;

/// How long is waited for a record before it is looked whether to stop.
const WAIT: Duration = Duration::from_millis(100);
/// How often it is asked which topics there are.
const LIST_AGAIN: Duration = Duration::from_secs(60);

/// Where to go on, by topic and partition.
type Places = BTreeMap<(String, i32), i64>;

/// Hands each committed record of the topics that `topics` names to `each`, in the order of its partition, until `stop` becomes
/// true. `caught_up` is called once, when everything has been read that was there. Topics that `topics` names only later are
/// read from their beginning, too. Runs on the calling thread.
///
/// # Errors
/// [`StreamError`] when the broker does not answer or refuses.
pub fn follow(
    settings: &KafkaSettings,
    topics: impl Fn() -> Result<Vec<String>, StreamError>,
    stop: &AtomicBool,
    mut each: impl FnMut(Record),
    caught_up: impl FnOnce(),
) -> Result<(), StreamError> {
    let consumer: BaseConsumer<Quiet> =
        settings.reader("follower").create_with_context(Quiet).map_err(StreamError::kafka("making a reader"))?;
    let mut places = Places::new();
    let mut caught_up = Some(caught_up);
    while !stop.load(Ordering::Acquire) {
        let known = places.len();
        for topic in topics()? {
            if !places.keys().any(|(known, _)| *known == topic) {
                read_what_is_there(settings, &topic, stop, &mut places, &mut each)?;
            }
        }
        if let Some(caught_up) = caught_up.take() {
            caught_up();
        }
        if places.len() > known {
            assign(&consumer, &places)?;
        }
        let listed = Instant::now();
        while listed.elapsed() < LIST_AGAIN && !stop.load(Ordering::Acquire) {
            if places.is_empty() {
                std::thread::park_timeout(WAIT);
                continue;
            }
            match consumer.poll(WAIT) {
                Some(Ok(message)) => {
                    let record = to_record(&message);
                    places.insert((record.topic.clone(), record.partition), record.offset + 1);
                    each(record);
                }
                None | Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Err(KafkaError::MessageConsumption(code))) if is_transient(code) => {}
                Some(Err(source)) => return Err(StreamError::kafka("following topics")(source)),
            }
        }
    }
    Ok(())
}

/// Reads one topic to its end and notes where that is.
fn read_what_is_there(
    settings: &KafkaSettings,
    topic: &str,
    stop: &AtomicBool,
    places: &mut Places,
    each: &mut impl FnMut(Record),
) -> Result<(), StreamError> {
    let mut reader = TopicReader::new(settings, topic)?;
    // A partition in which nothing was read is read from its beginning again.
    for partition in reader.partitions() {
        places.insert((topic.to_owned(), partition), 0);
    }
    while !stop.load(Ordering::Acquire) {
        match reader.next(WAIT)? {
            Next::Record(record) => {
                places.insert((topic.to_owned(), record.partition), record.offset + 1);
                each(record);
            }
            Next::CaughtUp => break,
            Next::Nothing => {}
        }
    }
    Ok(())
}

fn assign(consumer: &BaseConsumer<Quiet>, places: &Places) -> Result<(), StreamError> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in places {
        let offset = if *offset == 0 { Offset::Beginning } else { Offset::Offset(*offset) };
        list.add_partition_offset(topic, *partition, offset).map_err(StreamError::kafka(format!("reading {topic}")))?;
    }
    consumer.assign(&list).map_err(StreamError::kafka("following topics"))
}
