//! A sink that does not run away from the hub: it waits while a stage has too much before it.

use std::time::{Duration, Instant};

use tributary_stream::{KafkaSettings, OutRecord, Positions, Stage, StreamError};

use super::run::{Sink, SinkError};

/// Between two questions how far the stages are.
const PAUSE: Duration = Duration::from_millis(200);
/// How long nothing may move before the user is told what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many times it is asked on the way from no lag to the most there may be.
const QUESTIONS: u64 = 4;

/// Says how far behind the hub is.
pub trait LagSource {
    /// The stage with the most before it, and how many records that are.
    ///
    /// # Errors
    /// Why nobody can tell; loading stops.
    fn most(&mut self) -> Result<(String, u64), SinkError>;
}

/// The lag of stages as their consumer groups have committed it.
#[derive(Debug)]
pub struct GroupLag {
    stages: Vec<(String, Vec<String>, Positions)>,
}

impl GroupLag {
    /// The lag of these stages.
    ///
    /// # Errors
    /// [`StreamError`] when the client cannot be made from these settings.
    pub fn new(settings: &KafkaSettings, stages: &[Stage]) -> Result<Self, StreamError> {
        let of = |stage: &Stage| {
            let inputs = stage.leader_topics.iter().chain(&stage.sibling_topics).cloned().collect();
            Ok((stage.name.to_owned(), inputs, Positions::new(settings, &stage.group())?))
        };
        Ok(Self { stages: stages.iter().map(of).collect::<Result<_, StreamError>>()? })
    }
}

impl LagSource for GroupLag {
    fn most(&mut self) -> Result<(String, u64), SinkError> {
        let mut most = (String::new(), 0);
        for (name, inputs, positions) in &self.stages {
            let found = positions.read(inputs).map_err(|error| SinkError(error.to_string()))?;
            let lag = found.iter().map(|position| u64::try_from(position.lag()).unwrap_or(0)).sum();
            if lag > most.1 {
                most = (name.clone(), lag);
            }
        }
        Ok(most)
    }
}

/// Hands records on, and waits whenever a stage has more than `max_lag` before it; 0 is no bound.
pub struct Held<S, L> {
    sink: S,
    lag: L,
    max_lag: u64,
    unasked: u64,
    pause: Duration,
}

impl<S: Sink, L: LagSource> Held<S, L> {
    /// Asks `lag` before a record that might be one too many.
    pub fn new(sink: S, lag: L, max_lag: u64) -> Self {
        Self { sink, lag, max_lag, unasked: 0, pause: PAUSE }
    }

    fn wait(&mut self) -> Result<(), SinkError> {
        // What is not acknowledged yet is in no lag.
        self.sink.flush()?;
        let (mut least, mut moved) = (u64::MAX, Instant::now());
        loop {
            let (stage, lag) = self.lag.most()?;
            if lag <= self.max_lag {
                return Ok(());
            }
            if lag < least {
                (least, moved) = (lag, Instant::now());
            } else if moved.elapsed() > PATIENCE {
                tracing::warn!(stage, lag, "loading waits for a stage that does not get on: is `tributary run` up?");
                moved = Instant::now();
            }
            std::thread::park_timeout(self.pause);
        }
    }
}

impl<S: Sink, L: LagSource> Sink for Held<S, L> {
    fn send(&mut self, record: OutRecord) -> Result<(), SinkError> {
        if self.max_lag > 0 && self.unasked >= self.max_lag.div_ceil(QUESTIONS) {
            self.unasked = 0;
            self.wait()?;
        }
        self.unasked += 1;
        self.sink.send(record)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.sink.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    /// Counts what is sent and acknowledged.
    #[derive(Default)]
    struct Counting {
        sent: Rc<Cell<u64>>,
        acknowledged: Rc<Cell<u64>>,
    }

    impl Sink for Counting {
        fn send(&mut self, _record: OutRecord) -> Result<(), SinkError> {
            self.sent.set(self.sent.get() + 1);
            Ok(())
        }

        fn flush(&mut self) -> Result<(), SinkError> {
            self.acknowledged.set(self.sent.get());
            Ok(())
        }
    }

    /// A hub that takes `by` records between two questions, and remembers the most that was ever before it.
    struct Hub {
        acknowledged: Rc<Cell<u64>>,
        taken: u64,
        by: u64,
        worst: Rc<Cell<u64>>,
    }

    impl LagSource for Hub {
        fn most(&mut self) -> Result<(String, u64), SinkError> {
            let lag = self.acknowledged.get() - self.taken;
            self.worst.set(self.worst.get().max(lag));
            self.taken += self.by.min(lag);
            Ok(("journey".to_owned(), lag))
        }
    }

    fn record() -> OutRecord {
        OutRecord { topic: "t".into(), key: Vec::new(), value: None, headers: Vec::new() }
    }

    fn load(records: u64, max_lag: u64) -> (u64, u64) {
        let sink = Counting::default();
        let (sent, worst) = (Rc::clone(&sink.sent), Rc::default());
        let hub = Hub { acknowledged: Rc::clone(&sink.acknowledged), taken: 0, by: 30, worst: Rc::clone(&worst) };
        let mut held = Held::new(sink, hub, max_lag);
        held.pause = Duration::ZERO;
        for _ in 0..records {
            held.send(record()).unwrap();
        }
        (sent.get(), worst.get())
    }

    #[test]
    fn no_stage_has_more_before_it_than_asked_and_a_question_s_worth() {
        let (sent, worst) = load(1_000, 100);
        assert_eq!(sent, 1_000);
        assert!(worst > 100, "nothing was ever waited for: {worst}");
        assert!(worst <= 100 + 25, "{worst}");
    }

    #[test]
    fn without_a_bound_nobody_is_asked() {
        assert_eq!(load(1_000, 0), (1_000, 0));
    }

    #[test]
    fn a_load_whose_hub_cannot_be_asked_stops() {
        struct Gone;
        impl LagSource for Gone {
            fn most(&mut self) -> Result<(String, u64), SinkError> {
                Err(SinkError("no broker".into()))
            }
        }
        let mut held = Held::new(Counting::default(), Gone, 1);
        assert_eq!(held.send(record()), Ok(()));
        assert_eq!(held.send(record()), Err(SinkError("no broker".into())));
    }
}
