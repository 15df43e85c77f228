//! What can go wrong on the way between a client and the broker, as switches of one connection's shim.

use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The faults in force on one shim, and the connections through it.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    state: Mutex<State>,
    healed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_blocked: bool,
    is_stalled: bool,
    delay: Duration,
    streams: Vec<TcpStream>,
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a new connection under control; false: it is not to be served.
    pub(crate) fn admits(&self, streams: [&TcpStream; 2]) -> bool {
        let mut state = self.state();
        if state.is_blocked {
            return false;
        }
        // Those that have ended have no peer any more.
        state.streams.retain(|stream| stream.peer_addr().is_ok());
        for stream in streams {
            let Ok(stream) = stream.try_clone() else { return false };
            state.streams.push(stream);
        }
        true
    }

    /// Holds a frame up as long as the faults want.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn pass(&self) {
        let mut state = self.state();
        while state.is_stalled {
            state = self.healed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let delay = state.delay;
        drop(state);
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
    }

    /// Ends all connections now; new ones are served.
    pub(crate) fn cut(&self) {
        for stream in self.state().streams.drain(..) {
            // One that has ended by itself is as good.
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    /// Ends all connections and refuses new ones until healed.
    pub(crate) fn block(&self) {
        self.state().is_blocked = true;
        self.cut();
    }

    /// Holds every frame back until healed, with the connections open: the network is a black hole.
    pub(crate) fn stall(&self) {
        self.state().is_stalled = true;
    }

    /// Delays every frame, in each direction, by `delay`.
    pub(crate) fn slow(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// Takes all faults back.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        (state.is_blocked, state.is_stalled, state.delay) = (false, false, Duration::ZERO);
        self.healed.notify_all();
    }
}
