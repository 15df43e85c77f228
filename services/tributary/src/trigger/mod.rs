//! Triggers for those who own them: rehearsed without a broker, applied to a running hub, listed and taken away.

pub mod applied;
pub mod args;
pub mod live;
pub mod plan;
pub mod rehearsal;
