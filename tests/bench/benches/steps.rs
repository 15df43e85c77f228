//! The steps of the stages under Criterion: `just bench-steps`, or `just bench-steps journey` for one of them.

use anyhow::Result;
use criterion::Criterion;

/// As in the hub.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    for mut step in tributary_bench::steps::steps()? {
        criterion.bench_function(step.name, |bencher| bencher.iter_custom(|calls| step.times(calls)));
    }
    criterion.final_summary();
    Ok(())
}
