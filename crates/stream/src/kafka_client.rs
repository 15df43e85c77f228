//! A worker's connection to Kafka: one consumer, one transactional producer.

use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::changelog::KafkaChangelogs;
use crate::client::{Client, GroupChange, Partition, Slot, Span, TransactionError};
use crate::error::{StreamError, is_transient};
use crate::held::Held;
use crate::membership::Membership;
use crate::processor::Stage;
use crate::quiet::Quiet;
use crate::reader::to_record;
use crate::record::{OutRecord, Record};
use crate::settings::KafkaSettings;
use crate::transaction::Transactions;

const BROKER_TIMEOUT: Duration = Duration::from_secs(30);
/// Times that a worker with something else to do hears that there is nothing more, without asking, after it was told so:
/// asking in vain costs as much as handling a small record.
const ECHOES: u32 = 15;

/// One worker's connection to Kafka.
pub struct KafkaClient {
    settings: KafkaSettings,
    member: String,
    consumer: BaseConsumer<Membership>,
    /// Sees the ends of partitions as they are, with transactions that are still open; made when it is first needed.
    ends: Option<BaseConsumer<Quiet>>,
    transactions: Transactions,
    /// What was written and the producer does not have yet.
    held: Held,
    started: Instant,
    /// How often the last answer that there is nothing more still counts.
    echoes: u32,
}

impl std::fmt::Debug for KafkaClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaClient").field("member", &self.member).finish_non_exhaustive()
    }
}

impl KafkaClient {
    /// Connects member `worker` of this instance to the stage's group. Fences whoever worked under the same name before.
    ///
    /// # Errors
    /// [`StreamError`] when the broker does not answer or refuses.
    pub fn new(settings: &KafkaSettings, stage: &Stage, worker: u32) -> Result<Self, StreamError> {
        let member = format!("{}-{}-{worker}", stage.group(), settings.instance);
        let consumer: BaseConsumer<Membership> = settings
            .member(&stage.group(), &member)
            .create_with_context(Membership::default())
            .map_err(StreamError::kafka(format!("making consumer {member}")))?;
        // Asked before the producer is: its first call would wait for minutes for a broker that is not there.
        let any_topic = stage.leader_topics.first().map(String::as_str);
        consumer.fetch_metadata(any_topic, BROKER_TIMEOUT).map_err(|error| unreachable(settings, &error))?;
        let transactions = Transactions::new(settings, &member)?;
        let started = Instant::now();
        let (settings, held) = (settings.clone(), Held::default());
        Ok(Self { settings, member, consumer, ends: None, transactions, held, started, echoes: 0 })
    }

    /// The offsets of these times in the changelogs; `None` when the broker is to be asked again.
    fn offsets_at(
        &self,
        changelogs: &[(Partition, i64)],
        times: &[Offset],
        wait: Duration,
    ) -> Result<Option<Vec<Answer>>, StreamError> {
        let doing = || StreamError::kafka("asking where changelogs begin and end");
        let mut list = TopicPartitionList::with_capacity(changelogs.len());
        for (((topic, partition), _), time) in changelogs.iter().zip(times) {
            list.add_partition_offset(topic, *partition, *time).map_err(doing())?;
        }
        let answers = match self.consumer.offsets_for_times(list, wait) {
            Ok(answers) => answers,
            Err(KafkaError::MetadataFetch(code) | KafkaError::OffsetFetch(code)) if is_transient(code) => {
                return Ok(None);
            }
            Err(source) => return Err(doing()(source)),
        };
        let answer = |((topic, partition), _): &(Partition, i64)| match answers.find_partition(topic, *partition) {
            Some(found) if found.error().is_ok() => match found.offset() {
                Offset::Offset(offset) => Answer::At(offset),
                _ => Answer::NoRecord,
            },
            _ => Answer::Unknown,
        };
        Ok(Some(changelogs.iter().map(answer).collect()))
    }

    fn doing(&self, what: &str) -> impl FnOnce(KafkaError) -> StreamError + use<> {
        StreamError::kafka(format!("{what} of {}", self.member))
    }
}

/// What the broker says about a time in a changelog.
enum Answer {
    /// The offset of the first record then or later.
    At(i64),
    /// There is no such record.
    NoRecord,
    /// It does not say.
    Unknown,
}

impl Answer {
    /// An offset that has to be there.
    fn known(&self) -> Option<i64> {
        if let Self::At(offset) = self { Some(*offset) } else { None }
    }

    /// The offset of a record that need not be there; `None` when the broker does not say.
    fn found(&self) -> Option<Option<i64>> {
        match self {
            Self::At(offset) => Some(Some(*offset)),
            Self::NoRecord => Some(None),
            Self::Unknown => None,
        }
    }
}

fn unreachable(settings: &KafkaSettings, error: &KafkaError) -> StreamError {
    StreamError::Unreachable { bootstrap: settings.bootstrap.clone(), detail: error.to_string() }
}

fn list(inputs: &[Partition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(inputs.len());
    for (topic, partition) in inputs {
        list.add_partition(topic, *partition);
    }
    list
}

/// The ends of these partitions as this consumer's isolation level has them; `None` when the broker takes its time.
fn latest<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &[Partition],
    wait: Duration,
) -> Result<Option<Vec<i64>>, KafkaError> {
    let mut asked = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        // The time -1 asks for the end.
        asked.add_partition_offset(topic, *partition, Offset::End)?;
    }
    let told = match consumer.offsets_for_times(asked, wait) {
        Ok(told) => told,
        Err(KafkaError::OffsetFetch(code) | KafkaError::MetadataFetch(code)) if is_transient(code) => return Ok(None),
        Err(error) => return Err(error),
    };
    let end = |(topic, partition): &Partition| match told.find_partition(topic, *partition)?.offset() {
        Offset::Offset(end) => Some(end),
        _ => None,
    };
    Ok(partitions.iter().map(end).collect())
}

impl Drop for KafkaClient {
    /// However the worker ended, what the group has said and what it says while it is left has nobody else to act on it,
    /// and the client would wait for ever.
    fn drop(&mut self) {
        self.consumer.context().close();
        let mut answered = self.consumer.assignment().and_then(|all| self.consumer.incremental_unassign(&all));
        while let Some(change) = self.next_change() {
            if matches!(change, GroupChange::Assigned(_)) {
                answered = self.consumer.incremental_assign(&TopicPartitionList::new());
            }
        }
        if let Err(error) = answered {
            tracing::debug!(%error, "partitions could not be given back at the end");
        }
    }
}

impl Client for KafkaClient {
    type Reader = KafkaChangelogs;

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn partition_count(&mut self, topic: &str) -> Result<i32, StreamError> {
        let metadata = self
            .consumer
            .fetch_metadata(Some(topic), BROKER_TIMEOUT)
            .map_err(|error| unreachable(&self.settings, &error))?;
        Ok(metadata.topics().iter().find(|t| t.name() == topic).map_or(0, |t| t.partitions().len()) as i32)
    }

    fn subscribe(&mut self, topics: &[String]) -> Result<(), StreamError> {
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        self.consumer.subscribe(&topics).map_err(self.doing("subscribing"))
    }

    fn poll(&mut self, wait: Duration) -> Result<Option<Record>, StreamError> {
        let is_busy = wait.is_zero();
        if is_busy && self.echoes > 0 {
            self.echoes -= 1;
            return Ok(None);
        }
        self.echoes = 0;
        // In whole milliseconds, which is what librdkafka can wait: rdkafka spins for what is left of one.
        let wait = Duration::from_millis(u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX));
        match self.consumer.poll(wait) {
            Some(Ok(message)) => Ok(Some(to_record(&message))),
            Some(Err(KafkaError::MessageConsumption(code))) if is_transient(code) => Ok(None),
            None => {
                self.echoes = if is_busy { ECHOES } else { 0 };
                Ok(None)
            }
            Some(Err(KafkaError::PartitionEOF(_))) => Ok(None),
            Some(Err(source)) => Err(self.doing("reading the inputs")(source)),
        }
    }

    fn next_change(&mut self) -> Option<GroupChange> {
        self.consumer.context().next()
    }

    fn is_assignment_lost(&self) -> bool {
        self.consumer.assignment_lost()
    }

    fn committed(&mut self, inputs: &[Partition], wait: Duration) -> Result<Option<Vec<Option<i64>>>, StreamError> {
        let committed = match self.consumer.committed_offsets(list(inputs), wait) {
            Ok(committed) => committed,
            Err(KafkaError::MetadataFetch(code) | KafkaError::OffsetFetch(code)) if is_transient(code) => {
                return Ok(None);
            }
            Err(source) => return Err(self.doing("asking for the offsets")(source)),
        };
        let offset = |input: &Partition| match committed.find_partition(&input.0, input.1).map(|found| found.offset()) {
            Some(Offset::Offset(offset)) => Some(offset),
            _ => None,
        };
        Ok(Some(inputs.iter().map(offset).collect()))
    }

    fn are_settled(&mut self, changelogs: &[Partition], wait: Duration) -> Result<bool, StreamError> {
        let settings = &self.settings;
        let ends = match &mut self.ends {
            Some(ends) => ends,
            none => none.insert(
                settings
                    .reader("ends")
                    .set("isolation.level", "read_uncommitted")
                    .create_with_context(Quiet)
                    .map_err(StreamError::kafka(format!("making a reader of ends for {}", self.member)))?,
            ),
        };
        // In this order: what is written in between does not matter, and what was written before is in both.
        let Some(written) = latest(ends, changelogs, wait).map_err(self.doing("asking for the ends of changelogs"))?
        else {
            return Ok(false);
        };
        let stable = latest(&self.consumer, changelogs, wait).map_err(self.doing("asking for the stable ends"))?;
        Ok(stable.is_some_and(|stable| written.iter().zip(&stable).all(|(written, stable)| stable >= written)))
    }

    fn take_over(&mut self, starts: &[(Partition, Option<i64>)]) -> Result<(), StreamError> {
        let mut list = TopicPartitionList::with_capacity(starts.len());
        for ((topic, partition), offset) in starts {
            let offset = offset.map_or(Offset::Beginning, Offset::Offset);
            list.add_partition_offset(topic, *partition, offset).map_err(self.doing("taking over the inputs"))?;
        }
        self.consumer.incremental_assign(&list).map_err(self.doing("taking over the inputs"))
    }

    fn give_back(&mut self, inputs: &[Partition]) -> Result<(), StreamError> {
        self.consumer.incremental_unassign(&list(inputs)).map_err(self.doing("giving back the inputs"))
    }

    fn seek(&mut self, input: &Partition, offset: Option<i64>) -> Result<(), StreamError> {
        let offset = offset.map_or(Offset::Beginning, Offset::Offset);
        let rewinding = StreamError::kafka(format!("rewinding {}-{}", input.0, input.1));
        self.consumer.seek(&input.0, input.1, offset, BROKER_TIMEOUT).map_err(rewinding)
    }

    fn pause(&mut self, inputs: &[Partition], pause: bool) -> Result<(), StreamError> {
        let list = list(inputs);
        let result = if pause { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        result.map_err(self.doing("pausing the inputs"))
    }

    fn open_changelogs(&mut self, from: &[(Partition, Option<i64>)]) -> Result<KafkaChangelogs, StreamError> {
        KafkaChangelogs::open(&self.settings, from)
    }

    fn cluster_id(&mut self) -> Option<String> {
        // Known since the metadata was asked for; brokers that have no id leave the names of the topics to tell.
        Some(self.consumer.client().fetch_cluster_id(BROKER_TIMEOUT).unwrap_or_default())
    }

    fn changelog_spans(
        &mut self,
        changelogs: &[(Partition, i64)],
        wait: Duration,
    ) -> Result<Option<Vec<Option<Span>>>, StreamError> {
        let times = |at: &dyn Fn(i64) -> Offset| changelogs.iter().map(|(_, time)| at(*time)).collect::<Vec<_>>();
        let asked = [
            times(&|_| Offset::Beginning),
            times(&|_| Offset::End),
            times(&|_| Offset::Offset(0)),
            times(&|time| Offset::Offset(time)),
        ];
        let mut answers = Vec::with_capacity(asked.len());
        for times in &asked {
            let Some(answer) = self.offsets_at(changelogs, times, wait)? else { return Ok(None) };
            answers.push(answer);
        }
        let [begins, ends, firsts, sinces] = answers.as_slice() else { return Ok(None) };
        let span = |place: usize| {
            let (begin, end) = (begins.get(place)?.known()?, ends.get(place)?.known()?);
            Some(Span { begin, end, first: firsts.get(place)?.found()?, since: sinces.get(place)?.found()? })
        };
        Ok(Some((0..changelogs.len()).map(span).collect()))
    }

    fn begin(&mut self) -> Result<(), TransactionError> {
        self.held.clear();
        self.transactions.begin()
    }

    fn send(&mut self, record: OutRecord, slot: Option<Slot>) -> Result<(), TransactionError> {
        self.held.add(record, slot);
        if self.held.is_full() { self.held.hand_over(&self.transactions) } else { Ok(()) }
    }

    fn serve(&mut self) {
        self.transactions.serve();
    }

    fn commit(&mut self, offsets: &[(Partition, i64)]) -> Result<Vec<(Slot, i64)>, TransactionError> {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for ((topic, partition), next) in offsets {
            list.add_partition_offset(topic, *partition, Offset::Offset(*next))
                .map_err(|error| TransactionError::Fatal(error.to_string()))?;
        }
        let group = self.consumer.group_metadata();
        let group = group.ok_or_else(|| TransactionError::Abort("not a member of the group".to_owned()))?;
        self.held.hand_over(&self.transactions)?;
        self.transactions.commit(&list, &group)
    }

    fn abort(&mut self) -> Result<(), TransactionError> {
        self.held.clear();
        self.transactions.abort()
    }

    fn close(&mut self) {
        self.consumer.context().close();
    }
}
