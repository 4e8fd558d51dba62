//! All that a log needs of the world.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::home::Home;
use crate::record::SessionStart;
use crate::storage::{Clock, Disk, Storage, SystemClock, this_process};

/// The world of a log.
#[derive(Clone)]
pub struct Rim {
    /// Files.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The state directory.
    pub home: Home,
    /// Who writes.
    pub process: Process,
}

/// Who writes, as a log notes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The number of the process.
    pub pid: u32,
    /// The user whose rights it has.
    pub user: u32,
    /// The name of the machine.
    pub host: String,
    /// Which boot of the machine.
    pub boot: String,
    /// The name of the user.
    pub by: String,
    /// What a session's own log is about: the directory it began in, or the script whose names its prompt has.
    pub about: PathBuf,
}

impl Process {
    /// This one.
    pub fn of_this() -> Self {
        this_process()
    }

    /// Whether a session may be running: it says that it is on this machine, and there is a process of its number.
    #[must_use]
    pub fn is_running(&self, session: &SessionStart) -> bool {
        if session.host != self.host {
            // Nobody can tell from here.
            return true;
        }
        let pid = i32::try_from(session.pid).ok().and_then(Pid::from_raw);
        let is_alive = |pid| !matches!(test_kill_process(pid), Err(Errno::SRCH));
        session.boot == self.boot && pid.is_some_and(is_alive)
    }
}

impl Rim {
    /// The real world.
    pub fn real(home: Home) -> Self {
        Rim {
            storage: Arc::new(Disk),
            clock: Arc::new(SystemClock),
            home,
            process: Process::of_this(),
        }
    }
}

impl fmt::Debug for Rim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rim { home, process, .. } = self;
        formatter
            .debug_struct("Rim")
            .field("home", home)
            .field("process", process)
            .finish_non_exhaustive()
    }
}
