//! The one binary: run one service, run all in one process, demo, check, topics, load, journey.
