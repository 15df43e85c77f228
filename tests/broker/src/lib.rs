//! The runtime on a real broker over a real socket: see `tests/`.
