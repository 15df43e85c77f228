//! When nobody has anything to do any more: days pass, timers fire, and the world comes to rest.

use std::rc::Rc;
use std::time::Duration;

use rand::Rng;

use super::World;

/// Rounds of letting timers fire after which something sets timers for ever.
const MAX_ROUNDS: u32 = 400;
/// The largest jump of the clock while timers are let fire.
const MAX_SETTLING_JUMP: Duration = Duration::from_secs(10 * 24 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

impl World {
    /// Everybody stops, and those who were not wanted for a while come back too, days later: what they find of themselves on
    /// their disks is older than what the changelogs still tell of.
    pub(super) fn rest(self: &Rc<Self>) {
        let days = self.faults().rng().random_range(1..4);
        self.log.note(|| format!("everybody is away for {days} days"));
        let slots = self.slots.borrow().clone();
        for slot in slots {
            self.disturb();
            let end = slot.finish();
            self.settle_end(&slot, end);
            slot.is_off.set(false);
        }
        self.was_away.set(true);
        self.log.advance(DAY * days);
    }

    /// Moves the clock on until nothing comes of it any more; false when there is no end to it.
    pub(super) fn settle(self: &Rc<Self>) -> bool {
        self.faults().renew();
        let mut jump = Duration::from_secs(600);
        for _ in 0..MAX_ROUNDS {
            let before = self.stirrings();
            self.slots.borrow().iter().for_each(|slot| slot.turns.set(0));
            self.log.advance(jump);
            jump = (jump * 2).min(MAX_SETTLING_JUMP);
            loop {
                if !self.work() {
                    return false;
                }
                if self.slots.borrow().iter().all(|slot| slot.turns.get() >= 3) {
                    break;
                }
            }
            if self.stirrings() == before {
                return true;
            }
        }
        self.problem(format!("timers were still firing after {MAX_ROUNDS} rounds"));
        false
    }

    /// What stays the same while nothing happens: neither was anything written, nor has anything kept a worker from writing.
    fn stirrings(&self) -> (u64, u64, u32, bool) {
        let disturbances = self.disturbances.get() + self.log.rebalances();
        (self.log.appended(), disturbances, self.faults().left(), self.trouble.is_armed())
    }
}
