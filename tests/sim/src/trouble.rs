//! Steps of services that fail: a processor that does its work and then says that it could not, for a while or, with
//! some records, always.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tributary_stream::{Effects, Failure, Processor, Record, Stage, StateStore, Timer};

use crate::pills::{is_panic, is_pill};

/// How many more steps go well before one fails; negative: none fails.
#[derive(Debug, Clone)]
pub(crate) struct Trouble(Arc<AtomicI64>);

impl Default for Trouble {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(-1)))
    }
}

impl Trouble {
    /// True while a step is going to fail.
    #[must_use]
    pub(crate) fn is_armed(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 0
    }

    /// Lets the step after `steps` others fail.
    pub(crate) fn arm(&self, steps: i64) {
        self.0.store(steps, Ordering::Relaxed);
    }

    fn strikes(&self) -> bool {
        self.is_armed() && self.0.fetch_sub(1, Ordering::Relaxed) == 0
    }

    /// The stage with this trouble in its steps.
    #[must_use]
    pub(crate) fn in_stage(&self, stage: &Stage) -> Stage {
        let (trouble, factory) = (self.clone(), Arc::clone(&stage.factory));
        let make = move |info| {
            let troubled = Troubled { inner: factory(info), trouble: trouble.clone() };
            Box::new(troubled) as Box<dyn Processor>
        };
        Stage { factory: Arc::new(make), ..stage.clone() }
    }
}

struct Troubled {
    inner: Box<dyn Processor>,
    trouble: Trouble,
}

impl Troubled {
    fn then(&self, result: Result<(), Failure>) -> Result<(), Failure> {
        result?;
        if self.trouble.strikes() {
            return Err(Failure::Retry("the simulation lets this step fail".to_owned()));
        }
        Ok(())
    }
}

impl Processor for Troubled {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let result = self.inner.process(input, effects);
        if is_panic(&input.key) {
            // As a panic, without its message on the screen.
            resume_unwind(Box::new("a step panics on a pill"));
        }
        if is_pill(&input.key) {
            return Err(Failure::Poison { code: "pill", message: "the simulation put it there".to_owned() });
        }
        self.then(result)
    }

    fn on_timer(&mut self, timer: &Timer, effects: &mut Effects) -> Result<(), Failure> {
        let result = self.inner.on_timer(timer, effects);
        self.then(result)
    }

    fn before_commit(&mut self, effects: &mut Effects) -> Result<(), Failure> {
        let result = self.inner.before_commit(effects);
        self.then(result)
    }

    fn on_abort(&mut self) {
        self.inner.on_abort();
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        self.inner.stores()
    }
}
