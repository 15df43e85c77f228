//! A partition as its readers see it: what is written has its place, and is read in order when everything before it is
//! decided.

use std::collections::VecDeque;

/// Records that are handled as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// Which one.
    pub(crate) number: u64,
    /// When its events came, in nanoseconds.
    pub(crate) born: u64,
    /// When it was written to the partition it is on.
    pub(crate) written: u64,
    /// Its place there.
    pub(crate) offset: u64,
}

/// The number of a bundle that is none: it only says that its transaction has written to the partition.
const HOLD: u64 = u64::MAX;

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    Committed,
    Aborted,
}

/// All transactions, by number.
#[derive(Debug, Default)]
pub(crate) struct Transactions(Vec<Fate>);

impl Transactions {
    pub(crate) fn begin(&mut self) -> usize {
        self.0.push(Fate::Open);
        self.0.len() - 1
    }

    pub(crate) fn end(&mut self, number: usize, fate: Fate) {
        self.0[number] = fate;
    }

    fn fate(&self, number: usize) -> Fate {
        self.0[number]
    }
}

/// One partition.
#[derive(Debug, Default)]
pub(crate) struct Log {
    next_offset: u64,
    /// Behind the last stable offset: records, and the transactions they belong to.
    unstable: VecDeque<(Bundle, usize)>,
    /// Read by consumers and not yet handled and committed.
    pub(crate) queue: VecDeque<Bundle>,
    /// The worker that has it.
    pub(crate) owner: Option<usize>,
    /// Its state is there, and it is worked on.
    pub(crate) is_served: bool,
    /// The place behind the last record that was handled and committed.
    pub(crate) committed: u64,
}

impl Log {
    /// Gives the record its place.
    pub(crate) fn place(&mut self, bundle: Bundle, now: u64) -> Bundle {
        let placed = Bundle { written: now, offset: self.next_offset, ..bundle };
        self.next_offset += 1;
        placed
    }

    /// Writes a record in an open transaction.
    pub(crate) fn write(&mut self, bundle: Bundle, transaction: usize, now: u64) {
        let placed = self.place(bundle, now);
        self.unstable.push_back((placed, transaction));
    }

    /// Notes that an open transaction has written here, with records that are counted elsewhere.
    pub(crate) fn hold(&mut self, transaction: usize) {
        self.unstable.push_back((Bundle { number: HOLD, born: 0, written: 0, offset: 0 }, transaction));
    }

    /// What can be read now, in order: everything in front of the first open transaction, without what was aborted; and how
    /// much that was.
    pub(crate) fn settle(&mut self, transactions: &Transactions) -> (Vec<Bundle>, u64) {
        let (mut stable, mut aborted) = (Vec::new(), 0);
        while let Some((bundle, transaction)) = self.unstable.front() {
            match transactions.fate(*transaction) {
                Fate::Open => break,
                _ if bundle.number == HOLD => {}
                Fate::Committed => stable.push(*bundle),
                Fate::Aborted => aborted += 1,
            }
            self.unstable.pop_front();
        }
        (stable, aborted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_transaction_hides_what_comes_behind_it() {
        let (mut log, mut transactions) = (Log::default(), Transactions::default());
        let (first, second) = (transactions.begin(), transactions.begin());
        let bundle = |number| Bundle { number, born: 0, written: 0, offset: 0 };
        [(1, second), (2, first), (3, second), (4, first)]
            .into_iter()
            .for_each(|(number, transaction)| log.write(bundle(number), transaction, 5));
        transactions.end(second, Fate::Committed);
        let read = |log: &mut Log, transactions: &Transactions| -> Vec<u64> {
            log.settle(transactions).0.iter().map(|bundle| bundle.number).collect()
        };
        assert_eq!(read(&mut log, &transactions), [1]);
        transactions.end(first, Fate::Aborted);
        assert_eq!(read(&mut log, &transactions), [3]);
    }
}
