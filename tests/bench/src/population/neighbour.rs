//! A population in a process of its own, so that several can take turns.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{Population, READY};

/// A hub that has settled in a process of its own and idles until it is asked; the process ends when this goes out of sight.
pub struct Neighbour {
    child: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Neighbour {
    /// Starts this program again with `words`, which have to make it [serve](super::Settled::serve). Several can settle at once.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn start(words: &[String]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("running {}", words.join(" ")))?;
        let questions = child.stdin.take().context("no input")?;
        let answers = BufReader::new(child.stdout.take().context("no output")?).lines();
        Ok(Self { child, questions, answers })
    }

    /// Waits until it is there.
    ///
    /// # Errors
    /// When it ends before.
    pub fn settled(&mut self) -> Result<()> {
        let said = self.answer()?;
        ensure!(said == READY, "a population said {said:?} instead of {READY:?}");
        Ok(())
    }

    /// Has it measured once more.
    ///
    /// # Errors
    /// When it has ended.
    pub fn measure(&mut self) -> Result<Population> {
        self.questions.write_all(b"\n")?;
        Ok(serde_json::from_str(&self.answer()?)?)
    }

    fn answer(&mut self) -> Result<String> {
        self.answers.next().context("a population ended: see above for why")?.context("listening to a population")
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
