//! What a process and all its children have used.

use std::collections::BTreeMap;
use std::fs;

/// Ticks of the system's clock in a second: what /proc counts CPU in. 100 on every Linux that there is.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU and memory of a process with its children.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// User and system time so far, children that have ended included, in seconds.
    pub cpu_s: f64,
    /// Resident memory now, in MiB.
    pub rss_mib: f64,
}

struct Stat {
    parent: u32,
    ticks: u64,
    pages: u64,
}

impl Usage {
    /// Of the process of this id with its children; all zero when it is not there.
    #[must_use]
    pub fn of(process: u32) -> Self {
        let mut stats: BTreeMap<u32, Stat> = BTreeMap::new();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        for id in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
            if let Some(stat) = fs::read_to_string(format!("/proc/{id}/stat")).ok().as_deref().and_then(parse) {
                stats.insert(id, stat);
            }
        }
        let is_of = |mut id: u32| loop {
            if id == process {
                return true;
            }
            match stats.get(&id) {
                Some(stat) if stat.parent > 1 => id = stat.parent,
                _ => return false,
            }
        };
        let own = stats.iter().filter(|(id, _)| is_of(**id));
        let (ticks, pages) = own.fold((0, 0), |sum, (_, stat)| (sum.0 + stat.ticks, sum.1 + stat.pages));
        Self { cpu_s: ticks as f64 / TICKS_PER_SECOND, rss_mib: pages as f64 * 4_096.0 / 1_048_576.0 }
    }
}

/// Reads `/proc/<id>/stat`; the name in parentheses may hold anything.
fn parse(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    // From the state on, which is the third field of all: utime, stime, cutime and cstime are the 14th to 17th, rss the 24th.
    let ticks = (11..15).filter_map(number).sum();
    Some(Stat { parent: u32::try_from(number(1)?).ok()?, ticks, pages: number(21)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_name() {
        let line =
            "42 (a) b (c) S 7 42 42 0 -1 4194304 100 0 0 0 5 6 7 8 20 0 3 0 100 1000000 250 18446744073709551615";
        let stat = parse(line).unwrap();
        assert_eq!((stat.parent, stat.ticks, stat.pages), (7, 26, 250));
    }

    #[test]
    fn this_process_has_used_something_and_its_children_count() {
        let own = std::process::id();
        let before = Usage::of(own);
        assert!(before.rss_mib > 1.0);
        let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        assert!(std::process::Command::new("sh").args(["-c", script]).status().unwrap().success());
        assert!(Usage::of(own).cpu_s - before.cpu_s >= 0.05, "a child that has ended counts");
        assert_eq!(Usage::of(u32::MAX), Usage::default());
    }
}
