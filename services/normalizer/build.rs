//! Builds again when the compiled-in data changes; `include_dir` does not tell cargo by itself.

fn main() {
    for path in ["sources", "channels.yaml", "bots.yaml", "identity.yaml"] {
        println!("cargo::rerun-if-changed=../../schemas/{path}");
    }
}
