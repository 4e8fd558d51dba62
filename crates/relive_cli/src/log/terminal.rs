//! The user at a real terminal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};

use relive_log::Change;
use relive_syntax::Outline;
use rustix::termios::{QueueSelector, tcflush};

use super::world::User;
use crate::picker::{self, Choice};

/// The terminal that this process was started in.
pub(crate) struct Terminal;

/// No answer is longer.
const ANSWER_LIMIT: u64 = 1024;

impl User for Terminal {
    /// A script may run in a terminal, with its output going elsewhere: then nobody sees the question.
    fn is_there(&self) -> bool {
        (io::stdout().is_terminal() || io::stderr().is_terminal()) && picker::has_terminal()
    }

    fn reads(&self) -> bool {
        io::stdout().is_terminal() && picker::has_terminal()
    }

    fn agrees(&mut self, question: &str) -> io::Result<bool> {
        let mut terminal = match File::options().read(true).write(true).open("/dev/tty") {
            Ok(terminal) => terminal,
            // One that does not control this process, as in a container.
            Err(error) if !io::stdin().is_terminal() => return Err(error),
            Err(_) => File::from(rustix::io::dup(io::stdin()).map_err(io::Error::from)?),
        };
        // What was typed before the question is no answer to it.
        tcflush(&terminal, QueueSelector::IFlush)?;
        write!(terminal, "{question} [y/N] ")?;
        let mut answer = String::new();
        BufReader::new(terminal.take(ANSWER_LIMIT)).read_line(&mut answer)?;
        let answer = answer.trim().to_lowercase();
        Ok(answer == "y" || answer == "yes")
    }

    fn picks(
        &mut self,
        title: &str,
        changes: &[Change],
        source: Option<&Outline>,
        warnings: &[String],
    ) -> io::Result<Choice> {
        picker::pick(title, changes, source, warnings, false)
    }
}
