//! The simulation from the command line.
fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let (a, b) = (args[1].parse::<u64>()?, args[2].parse::<u64>()?);
    for seed in a..b {
        let t = std::time::Instant::now();
        let o = tributary_test_sim::run::run(seed, args.len() > 3)?;
        eprintln!("{seed} {:?} ev {} st {} cr {} sl {} rb {} tx {} ab {} diff {}", t.elapsed(), o.events, o.steps, o.crashes, o.stalls, o.rebalances, o.transactions, o.aborts, o.differences.len());
        for d in o.differences.iter().take(12) { eprintln!("   {}", &d[..d.len().min(400)]); }
    }
    Ok(())
}
