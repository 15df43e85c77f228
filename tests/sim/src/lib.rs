//! The whole hub on a log in memory with faults, all from one seed.
//!
//! In: a workload of raw events, and a seed. The seed decides which worker has its turn, whose record comes next, and
//! what goes wrong: crashes at every moment at which a worker touches the world outside of it, standstills in the middle
//! of a transaction while others take over, refused commits, lost answers, rebalances, scaling, jumps of the clock, full
//! disks, and checkpoints that are damaged, lost or not the ones that were written last.
//! Out: everything that was committed, to be compared with what a batch computes from the same events.
//!
//! The workers, tasks, stores and services are those of production; only the client under them is another one.

mod by_hand;
pub mod campaign;
pub mod check;
pub mod client;
pub mod disk;
mod erased;
pub mod faults;
pub mod hub;
pub mod judge;
pub mod ledger;
pub mod log;
pub mod outputs;
pub mod pills;
pub mod reader;
pub mod report;
pub mod run;
mod slot;
mod state;
mod stores;
mod strangers;
mod trouble;
pub mod workload;
pub mod world;
