//! A sink that does not run away from the hub: it waits while a stage has too much before it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tributary_stream::{LagWatch, OutRecord, TopicLag};

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

impl LagSource for LagWatch {
    fn most(&mut self) -> Result<(String, u64), SinkError> {
        let mut by_stage: BTreeMap<&'static str, i64> = BTreeMap::new();
        for TopicLag { stage, offsets, .. } in self.read().map_err(|error| SinkError(error.to_string()))? {
            *by_stage.entry(stage).or_insert(0) += offsets;
        }
        let lags = by_stage.into_iter().map(|(stage, lag)| (lag, stage));
        let (lag, stage) = lags.max().unwrap_or_default();
        Ok((stage.to_owned(), u64::try_from(lag).unwrap_or(0)))
    }
}

/// Hands records on, and waits whenever a stage has more than `max_lag` before it; `notice` tells for whom, when that one
/// does not get on.
pub struct Held<S, L, N> {
    sink: S,
    lag: L,
    max_lag: u64,
    notice: N,
    unasked: u64,
    pause: Duration,
    patience: Duration,
}

impl<S: Sink, L: LagSource, N: FnMut(&str)> Held<S, L, N> {
    /// Asks `lag` before a record that might be one too many.
    pub fn new(sink: S, lag: L, max_lag: u64, notice: N) -> Self {
        Self { sink, lag, max_lag, notice, unasked: 0, pause: PAUSE, patience: PATIENCE }
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
            } else if moved.elapsed() > self.patience {
                (self.notice)(&format!(
                    "loading waits: {stage} has {lag} records before it and does not get on; is `tributary run` up?"
                ));
                moved = Instant::now();
            }
            std::thread::park_timeout(self.pause);
        }
    }
}

impl<S: Sink, L: LagSource, N: FnMut(&str)> Sink for Held<S, L, N> {
    fn send(&mut self, record: OutRecord) -> Result<(), SinkError> {
        if self.unasked >= self.max_lag.div_ceil(QUESTIONS) {
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
        /// Between so many questions it takes nothing.
        stands_still: u64,
        worst: Rc<Cell<u64>>,
    }

    impl LagSource for Hub {
        fn most(&mut self) -> Result<(String, u64), SinkError> {
            let lag = self.acknowledged.get() - self.taken;
            self.worst.set(self.worst.get().max(lag));
            if lag > 100 && self.stands_still > 0 {
                self.stands_still -= 1;
            } else {
                self.taken += self.by.min(lag);
            }
            Ok(("journey".to_owned(), lag))
        }
    }

    fn record() -> OutRecord {
        OutRecord { topic: "t".into(), key: Vec::new(), value: None, headers: Vec::new() }
    }

    /// What was sent, the most that was ever before the hub, and how often somebody was told to look after it.
    fn load(records: u64, max_lag: u64, stands_still: u64) -> (u64, u64, u64) {
        let sink = Counting::default();
        let (sent, worst) = (Rc::clone(&sink.sent), Rc::default());
        let hub = Hub {
            acknowledged: Rc::clone(&sink.acknowledged),
            taken: 0,
            by: 10,
            stands_still,
            worst: Rc::clone(&worst),
        };
        let mut notices = 0;
        let mut held = Held::new(sink, hub, max_lag, |_: &str| notices += 1);
        (held.pause, held.patience) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..records {
            held.send(record()).unwrap();
        }
        drop(held);
        (sent.get(), worst.get(), notices)
    }

    #[test]
    fn no_stage_has_more_before_it_than_asked_and_a_question_s_worth() {
        let (sent, worst, notices) = load(1_000, 100, 0);
        assert_eq!(sent, 1_000);
        assert!(worst > 100, "nothing was ever waited for: {worst}");
        assert!(worst <= 100 + 25, "{worst}");
        assert_eq!(notices, 0, "it got on all the time");
    }

    #[test]
    fn a_hub_that_does_not_get_on_is_named() {
        let (sent, _, notices) = load(1_000, 100, 20);
        assert_eq!(sent, 1_000);
        assert!(notices > 0, "nobody was told");
    }

    #[test]
    fn a_load_whose_hub_cannot_be_asked_stops() {
        struct Gone;
        impl LagSource for Gone {
            fn most(&mut self) -> Result<(String, u64), SinkError> {
                Err(SinkError("no broker".into()))
            }
        }
        let mut held = Held::new(Counting::default(), Gone, 1, |_: &str| {});
        assert_eq!(held.send(record()), Ok(()));
        assert_eq!(held.send(record()), Err(SinkError("no broker".into())));
    }
}
