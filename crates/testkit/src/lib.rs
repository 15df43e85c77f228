//! Test support: a real broker over a real socket, a shim that gives it long polling, and the finder of the real data.
//! Never a dependency of production code.

mod broker;
mod data;
mod faults;
mod fetch_answer;
mod frame;
mod link;
mod long_poll;
mod membership_check;
mod news;
mod ports;
mod rest;
mod sessions;
mod wait;

pub use broker::{Broker, BrokerError};
pub use data::{DataError, data_dir, data_file};
pub use link::Link;
pub use ports::{free_port, is_ready};
pub use wait::{eventually, eventually_every};
