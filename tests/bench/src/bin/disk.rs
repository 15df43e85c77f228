//! A store on disk against the same store in memory: filled, changed in commits, closed and opened again; by how often
//! what a commit touches is what was touched lately.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tributary_stream::{KeyedStore, LoneDisk, StateStore};

/// Keys that are touched over and over.
const HOT: u64 = 20_000;

/// Figures of a store on disk and in memory.
#[derive(Debug, Parser)]
struct Args {
    /// Entries before the measurement
    #[arg(long, default_value_t = 500_000)]
    entries: u64,
    /// Commits that are measured
    #[arg(long, default_value_t = 200)]
    commits: u64,
    /// Entries that a commit changes
    #[arg(long, default_value_t = 2_000)]
    changes: u64,
    /// Bytes of a value, about
    #[arg(long, default_value_t = 200)]
    bytes: usize,
    /// `state.cache_mbytes`
    #[arg(long, default_value_t = 32)]
    cache_mbytes: usize,
    /// Of a hundred entries touched, those that were touched lately
    #[arg(long, value_delimiter = ',', default_value = "100,90,50,0")]
    hot: Vec<u64>,
}

type Store = KeyedStore<u128, Vec<u8>>;

/// Numbers that look like chance, the same in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Keys in no order, as hashes are.
fn key(number: u64) -> u128 {
    let mut dice = Dice(number);
    (u128::from(dice.next()) << 64) | u128::from(dice.next())
}

fn value(dice: &mut Dice, bytes: usize) -> Vec<u8> {
    // Half of it compresses well, as names and places do.
    (0..bytes).map(|place| if place % 2 == 0 { dice.next() as u8 } else { b'a' }).collect()
}

/// A store, and where it is when it is on disk.
struct Subject {
    store: Store,
    disk: Option<LoneDisk>,
}

impl Subject {
    fn open(path: Option<&Path>, args: &Args) -> Result<Self> {
        let mut store = Store::new("bench", 1);
        let disk = path.map(|path| LoneDisk::open(path.to_owned(), args.cache_mbytes << 20)).transpose()?;
        if let Some(disk) = &disk {
            ensure!(store.attach(disk.shelf()), "the store takes no place on disk");
        }
        Ok(Self { store, disk })
    }

    /// As the runtime does: the changes are encoded for the changelog, then committed.
    fn commit(&mut self) -> usize {
        let changes = self.store.changes().len();
        self.store.commit();
        self.disk.iter_mut().for_each(LoneDisk::flush);
        changes
    }
}

fn fill(subject: &mut Subject, args: &Args) -> Duration {
    let mut dice = Dice(1);
    let started = Instant::now();
    for number in 0..args.entries {
        subject.store.insert(key(number), value(&mut dice, args.bytes));
        if number % args.changes == args.changes - 1 {
            subject.commit();
        }
    }
    subject.commit();
    started.elapsed()
}

/// What the measured commits took.
struct Took {
    touch: Duration,
    commit: Duration,
    longest: Duration,
}

fn work(subject: &mut Subject, args: &Args, hot: u64) -> Result<Took> {
    let mut dice = Dice(2);
    let mut took = Took { touch: Duration::ZERO, commit: Duration::ZERO, longest: Duration::ZERO };
    // First what is hot gets into memory.
    for round in 0..args.commits + HOT / args.changes {
        let is_measured = round >= HOT / args.changes;
        let started = Instant::now();
        for _ in 0..args.changes {
            let is_hot = !is_measured || dice.below(100) < hot;
            let number = dice.below(if is_hot { HOT.min(args.entries) } else { args.entries });
            let value = subject.store.get_mut(&key(number)).context("an entry is not there")?;
            value[0] = value[0].wrapping_add(1);
        }
        let touched = started.elapsed();
        subject.commit();
        if is_measured {
            let commit = started.elapsed() - touched;
            took.touch += touched;
            took.commit += commit;
            took.longest = took.longest.max(commit);
        }
    }
    Ok(took)
}

fn bytes_below(path: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        // What is taken of the disk: some files have holes.
        let taken = std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
        bytes += if metadata.is_dir() { bytes_below(&entry.path())? } else { taken };
    }
    Ok(bytes)
}

fn measure(name: &str, path: Option<&Path>, args: &Args) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let mut subject = Subject::open(path, args)?;
    let filled = fill(&mut subject, args);
    writeln!(out, "{name:>6}: filled with {} entries, {:.1} s", args.entries, filled.as_secs_f64())?;
    for hot in &args.hot {
        let took = work(&mut subject, args, *hot)?;
        let each = |all: Duration| all.as_secs_f64() * 1e6 / (args.commits * args.changes) as f64;
        writeln!(
            out,
            "{name:>6}: {hot:>3} of 100 hot: touch {:.2} us, commit {:.2} us an entry, longest commit {:.0} ms",
            each(took.touch),
            each(took.commit),
            took.longest.as_secs_f64() * 1e3
        )?;
    }
    if let Some(path) = path {
        ensure!(subject.disk.as_ref().and_then(LoneDisk::fault).is_none(), "the disk could not be read");
        let size = bytes_below(path)?;
        let len = subject.store.len();
        drop(subject);
        let started = Instant::now();
        let subject = Subject::open(Some(path), args)?;
        let opened = started.elapsed();
        ensure!(subject.store.len() == len && len as u64 == args.entries, "{} of {len}", subject.store.len());
        writeln!(out, "{name:>6}: {} MB on disk, opened again in {:.0} ms", size >> 20, opened.as_secs_f64() * 1e3)?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let args = Args::parse();
    ensure!(args.entries > 0 && args.changes > 0 && args.bytes > 0, "give numbers above 0");
    let directory = tempfile::tempdir_in(".").context("no place for the database")?;
    measure("memory", None, &args)?;
    measure("disk", Some(&directory.path().join("store")), &args)
}
