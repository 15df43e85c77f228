//! Test support: broker harness, generators and oracles. Never a dependency of production code.
