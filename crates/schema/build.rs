//! Builds the crate anew when a file changes that it has compiled in.
#![allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=../../schemas/avro");
}
