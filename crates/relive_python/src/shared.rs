//! The session and its host, shared by the threads of the program: who may use them when.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use relive_session::{Base, Occasion, Pending, Report, Session, Status, is_installed};
use relive_socket::{LogAction, LogRequest, Told};

use crate::auto::Auto;
use crate::hold;
use crate::host::{CPython, CodeTable};
use crate::replay::{notices, tell_all};
use crate::report::report_to_dict;

/// A session and the host that it works on; used by one thread at a time.
pub(crate) struct State {
    pub(crate) session: Session,
    pub(crate) host: CPython,
}

/// A module that is imported.
pub(crate) enum Arrival {
    /// Its source is about to be read.
    Registered {
        name: String,
        file: PathBuf,
        /// What is in the file, where it may be read for execution before the session looks at it.
        text: Option<Vec<u8>>,
    },
    /// Its code is about to be executed.
    Executes { name: String, code: CodeTable },
}

/// Who has the state.
enum Slot {
    Free(Box<State>),
    /// A thread is using it, and may be running Python code meanwhile.
    Taken(ThreadId),
    Closed,
}

/// What a look at the state without Python has found.
pub(crate) enum Look {
    /// Another thread is using it.
    Busy,
    Closed,
    Seen {
        /// Something was saved since the last look.
        is_new: bool,
        /// The session has file events to wait for.
        has_watch: bool,
        /// What the last update has left.
        pending: Pending,
    },
}

/// What has become of an update after a save was noticed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Another thread is using the state.
    Busy,
    Closed,
}

/// What another process asks for and the main thread has to do.
pub(crate) struct Asked {
    /// The number of the request.
    pub(crate) number: u64,
    pub(crate) since: Instant,
    pub(crate) stage: Stage,
}

/// How far it has come.
pub(crate) enum Stage {
    Waits(LogRequest),
    Runs,
    Done(Told),
}

/// Why it cannot be done on this thread, or not now.
pub(crate) enum NotNow {
    Busy,
    NeedsMain,
}

/// What an engine's threads share.
pub(crate) struct Shared {
    /// Locked only while the state changes hands or is looked at, never while Python code can run.
    slot: Mutex<Slot>,
    freed: Condvar,
    /// How many threads wait for `freed`; changed with `slot` locked. Each import takes the state, and none should pay
    /// for a system call that wakes nobody.
    waiting: AtomicUsize,
    /// Modules imported while the state was in use. Where both are locked, `slot` is first.
    arrivals: Mutex<Vec<Arrival>>,
    /// How the session stood when it was last taken for an update.
    posted: Mutex<Option<Status>>,
    pub(crate) roots: Mutex<Vec<PathBuf>>,
    /// What another process asks for, and what cannot be done on the thread that answers. Never locked while Python code
    /// can run.
    pub(crate) asked: Mutex<Option<Asked>>,
    /// Where the standard library is.
    library: PathBuf,
    /// This process was forked from the session's.
    is_frozen: AtomicBool,
    pub(crate) auto: Auto,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state while this thread uses it; given back when dropped.
pub(crate) struct Taken<'a> {
    shared: &'a Shared,
    state: Option<Box<State>>,
}

impl Taken<'_> {
    pub(crate) fn state(&mut self) -> Option<&mut State> {
        self.state.as_deref_mut()
    }

    /// Take up the modules that were imported since the state was taken.
    fn receive(&mut self) {
        loop {
            let arrivals = std::mem::take(&mut *lock(&self.shared.arrivals));
            let Some(state) = self.state.as_mut().filter(|_| !arrivals.is_empty()) else {
                return;
            };
            for arrival in arrivals {
                state.arrive(arrival);
            }
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        loop {
            self.receive();
            let Some(mut slot) = self.shared.slot() else {
                return;
            };
            if !matches!(*slot, Slot::Taken(_)) {
                // Closed meanwhile.
                break;
            }
            if lock(&self.shared.arrivals).is_empty()
                && let Some(mut state) = self.state.take()
            {
                if self.shared.is_frozen() {
                    // The process was forked while this thread was using the state.
                    state.session.freeze();
                }
                *slot = Slot::Free(state);
                break;
            }
        }
        if self.shared.waiting.load(Ordering::Relaxed) > 0 {
            self.shared.freed.notify_all();
        }
        self.shared.auto.freed();
    }
}

enum Attempt<'a> {
    Taken(Taken<'a>),
    /// This very thread is using the state.
    Mine,
    Busy,
    Closed,
}

impl Shared {
    pub(crate) fn new(session: Session, library: PathBuf) -> Self {
        let state = State {
            session,
            host: CPython::default(),
        };
        Self {
            slot: Mutex::new(Slot::Free(Box::new(state))),
            freed: Condvar::new(),
            waiting: AtomicUsize::new(0),
            arrivals: Mutex::default(),
            posted: Mutex::default(),
            roots: Mutex::default(),
            asked: Mutex::default(),
            library,
            is_frozen: AtomicBool::new(false),
            auto: Auto::default(),
        }
    }

    /// None where a thread that did not survive the fork of this process may have locked it.
    fn slot(&self) -> Option<MutexGuard<'_, Slot>> {
        if !self.is_frozen() {
            return Some(lock(&self.slot));
        }
        for _ in 0..1000 {
            if let Ok(slot) = self.slot.try_lock() {
                return Some(slot);
            }
            std::thread::yield_now();
        }
        None
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.is_frozen.load(Ordering::Relaxed)
    }

    fn attempt(&self) -> Attempt<'_> {
        let me = std::thread::current().id();
        let Some(mut slot) = self.slot() else {
            return Attempt::Closed;
        };
        match std::mem::replace(&mut *slot, Slot::Taken(me)) {
            Slot::Free(state) => {
                drop(slot);
                let mut taken = Taken {
                    shared: self,
                    state: Some(state),
                };
                taken.receive();
                Attempt::Taken(taken)
            }
            Slot::Taken(owner) => {
                *slot = Slot::Taken(owner);
                if owner == me {
                    Attempt::Mine
                } else {
                    Attempt::Busy
                }
            }
            Slot::Closed => {
                *slot = Slot::Closed;
                Attempt::Closed
            }
        }
    }

    /// Take the state, when others are done with it; None if the session is closed or this very thread is using it.
    pub(crate) fn take(&self, py: Python<'_>) -> Option<Taken<'_>> {
        loop {
            match self.attempt() {
                Attempt::Taken(taken) => return Some(taken),
                // Whoever is using it in a forked process did not survive the fork.
                Attempt::Busy if !self.is_frozen() => py.detach(|| self.wait()),
                _ => return None,
            }
        }
    }

    fn wait(&self) {
        let me = std::thread::current().id();
        let mut slot = lock(&self.slot);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        while matches!(*slot, Slot::Taken(owner) if owner != me) {
            slot = self
                .freed
                .wait(slot)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Use the state if it is to be had; `missing` is the answer if not.
    pub(crate) fn with<T>(
        &self,
        py: Python<'_>,
        missing: T,
        action: impl FnOnce(&mut State) -> T,
    ) -> T {
        match self.take(py) {
            Some(mut taken) => match taken.state() {
                Some(state) => hold::never(|| action(state)),
                None => missing,
            },
            None => missing,
        }
    }

    /// Take up a module now, or leave word for whoever is using the state.
    pub(crate) fn arrive(&self, mut arrival: Arrival) {
        let attempt = self.attempt();
        if let Attempt::Taken(mut taken) = attempt {
            if let Some(state) = taken.state() {
                state.arrive(arrival);
            }
            return;
        }
        if let Arrival::Registered { file, text, .. } = &mut arrival {
            *text = std::fs::read(file).ok();
        }
        lock(&self.arrivals).push(arrival);
        // Who used the state may have given it back before it could see this.
        drop(self.attempt());
    }

    /// Bring the live modules up to date because a save was noticed, and tell what it has come to.
    ///
    /// Never waits for the state.
    pub(crate) fn update_noticed(&self, py: Python<'_>, occasion: Occasion) -> Outcome {
        let mut taken = match self.attempt() {
            Attempt::Taken(taken) => taken,
            Attempt::Busy | Attempt::Mine => return Outcome::Busy,
            Attempt::Closed => return Outcome::Closed,
        };
        let Some(state) = taken.state() else {
            return Outcome::Closed;
        };
        self.post(&state.session);
        let report = state
            .session
            .update_on(occasion, &mut state.host, &BTreeSet::new());
        let failures = state.session.failures(&report);
        let notices = notices(&mut state.session);
        drop(taken);
        tell_all(py, &notices);
        self.tell(py, &report);
        if !failures.is_empty() && !self.auto.is_heard() {
            complain(py, &failures);
        }
        Outcome::Done
    }

    /// Hand a report to whoever wants to hear of updates that nobody asked for.
    pub(crate) fn tell(&self, py: Python<'_>, report: &Report) {
        let has_news =
            !(report.applied.is_empty() && report.stale.is_empty() && report.refused.is_empty());
        if let Some(listener) = self.auto.listener(py).filter(|_| has_news) {
            let told: PyResult<()> =
                report_to_dict(py, report).and_then(|report: Bound<'_, PyDict>| {
                    listener.call1(py, (report,))?;
                    Ok(())
                });
            if let Err(error) = told {
                error.write_unraisable(py, Some(listener.bind(py)));
            }
        }
    }

    /// Do what another process asks for with a change log, on a thread that must not wait for another one.
    pub(crate) fn change_log(
        &self,
        py: Python<'_>,
        request: &LogRequest,
        occasion: Occasion,
    ) -> Result<Told, NotNow> {
        let told = |text: String, code| Told {
            text: format!("{text}\n"),
            code,
            ..Told::default()
        };
        let ended = || told("the session has ended; nothing was done".to_owned(), 1);
        let mut taken = match self.attempt() {
            Attempt::Taken(taken) => taken,
            Attempt::Busy | Attempt::Mine => return Err(NotNow::Busy),
            Attempt::Closed => return Ok(ended()),
        };
        let Some(state) = taken.state() else {
            return Ok(ended());
        };
        state.session.be_asked(occasion);
        let (session, host) = (&mut state.session, &mut state.host);
        let written = session.source_of_log(Path::new(&request.log));
        let Some(file) = written.or_else(|| session.live_file(Path::new(&request.source))) else {
            return Ok(told(
                "its module is not live in the session; nothing was done".to_owned(),
                1,
            ));
        };
        let done = match &request.action {
            LogAction::Undo { number } => Ok((String::new(), session.undo(host, &file, *number))),
            LogAction::Merge { number } => {
                Ok((String::new(), session.resolve(host, &file, *number)))
            }
            LogAction::Decide { on, off } => {
                Ok((String::new(), session.recover(host, &file, on, off)))
            }
            LogAction::Fold { is_dry } => {
                session.fold(host, &file, *is_dry).map(|(folded, report)| {
                    let numbers: Vec<String> = folded.numbers.iter().map(u64::to_string).collect();
                    let changes = if numbers.len() == 1 {
                        "change"
                    } else {
                        "changes"
                    };
                    let verb = if *is_dry {
                        "would be written"
                    } else {
                        "written"
                    };
                    let said = match numbers.is_empty() {
                        true => "there is nothing to fold".to_owned(),
                        false => format!("{changes} {} {verb} into the file", numbers.join(", ")),
                    };
                    let left = folded.left.iter();
                    let left = left
                        .map(|(number, why)| format!("\nchange {number} stays in the log: {why}"));
                    (
                        format!("{}{said}{}", folded.diff, left.collect::<String>()),
                        report,
                    )
                })
            }
            LogAction::Trust => Ok((
                "the next import replays what was allowed".to_owned(),
                Report::default(),
            )),
        };
        if session.needs_main() {
            return Err(NotNow::NeedsMain);
        }
        let notices = session.notices();
        drop(taken);
        tell_all(py, &notices);
        Ok(match done {
            Ok((text, report)) => {
                self.tell(py, &report);
                let refused = report.refused.iter().chain(&report.conflicts);
                let refused: Vec<String> = refused
                    .map(|item| format!("{}: {}", item.qualname, item.why))
                    .collect();
                let applied: Vec<&str> = report
                    .applied
                    .iter()
                    .map(|item| item.qualname.as_str())
                    .collect();
                match (refused.is_empty(), text.is_empty()) {
                    // A fold may have written the rest.
                    (false, false) => told(format!("{text}\n{}", refused.join("\n")), 1),
                    (false, true) => told(refused.join("; "), 1),
                    (true, false) => told(text, 0),
                    (true, true) if applied.is_empty() => {
                        told("done; nothing live has changed".to_owned(), 0)
                    }
                    (true, true) => told(format!("done; live: {}", applied.join(", ")), 0),
                }
            }
            Err(error) => told(error.to_string(), 1),
        })
    }

    /// Whether a source file is that of a live module.
    pub(crate) fn has_live(&self, source: &Path) -> bool {
        match &*lock(&self.slot) {
            Slot::Free(state) => state.session.live_file(source).is_some(),
            // As it was before what is going on now.
            Slot::Taken(_) => lock(&self.posted).as_ref().is_some_and(|status| {
                let mut modules = status.modules.iter();
                modules.any(|module| Path::new(&module.file) == source)
            }),
            Slot::Closed => false,
        }
    }

    /// Note how the session stands, for those who ask while it is in use.
    pub(crate) fn post(&self, session: &Session) {
        if self.auto.is_on() {
            let status = session.status();
            *lock(&self.posted) = Some(status);
        }
    }

    /// How the session stands, and whether it is in use, in which case that is how it stood before.
    pub(crate) fn status(&self) -> (Option<Status>, bool) {
        match &*lock(&self.slot) {
            Slot::Free(state) => (Some(state.session.status()), false),
            Slot::Taken(_) => (lock(&self.posted).clone(), true),
            Slot::Closed => (None, false),
        }
    }

    /// Whether a thread is using the session.
    pub(crate) fn is_in_use(&self) -> bool {
        matches!(*lock(&self.slot), Slot::Taken(_))
    }

    /// Look at the session without Python, and see what was saved.
    pub(crate) fn look(&self) -> Look {
        match &mut *lock(&self.slot) {
            Slot::Free(state) => Look::Seen {
                is_new: state.session.observe(),
                has_watch: state.session.watch().is_some(),
                pending: state.session.pending(),
            },
            Slot::Taken(_) => Look::Busy,
            Slot::Closed => Look::Closed,
        }
    }

    /// What waits for the main thread, told as a report.
    pub(crate) fn waiting(&self) -> Report {
        match &*lock(&self.slot) {
            Slot::Free(state) => Report {
                version: state.session.version(),
                refused: state.session.waiting(),
                ..Report::default()
            },
            _ => Report::default(),
        }
    }

    /// A descriptor that is readable when something was saved.
    #[cfg(target_os = "linux")]
    pub(crate) fn watch_descriptor(&self) -> Option<std::os::fd::OwnedFd> {
        match &*lock(&self.slot) {
            Slot::Free(state) => state.session.watch()?.as_fd().try_clone_to_owned().ok(),
            _ => None,
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn watch_descriptor(&self) -> Option<std::os::fd::OwnedFd> {
        None
    }

    /// See no later save: this process was forked from the session's.
    pub(crate) fn freeze(&self) {
        self.is_frozen.store(true, Ordering::Relaxed);
        if let Some(mut slot) = self.slot()
            && let Slot::Free(state) = &mut *slot
        {
            state.session.freeze();
        }
    }

    /// End the session.
    pub(crate) fn close(&self, py: Python<'_>) {
        let mut taken = self.take(py);
        if let Some(state) = taken.as_mut().and_then(Taken::state)
            && !self.is_frozen()
        {
            state.session.close();
        }
        if let Some(mut slot) = self.slot() {
            *slot = Slot::Closed;
        }
        drop(taken);
    }

    /// Whether a source file is below a root and neither an installed package's nor the standard library's, which an
    /// environment inside of the root may hold.
    pub(crate) fn is_live(&self, path: &Path) -> bool {
        let roots = lock(&self.roots).clone();
        let is_in_library = |root: &Path, path: &Path| {
            path.starts_with(&self.library) && !root.starts_with(&self.library)
        };
        let is_below = |path: &Path| {
            roots.iter().any(|root| {
                path.strip_prefix(root)
                    .is_ok_and(|rest| !is_installed(rest) && !is_in_library(root, path))
            })
        };
        !self.is_frozen()
            && (is_below(path) || path.canonicalize().is_ok_and(|real| is_below(&real)))
    }
}

impl State {
    pub(crate) fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Registered { name, file, text } => {
                self.host.forget(&name);
                if let Some(text) = text {
                    self.session.register_read(&name, &file, text);
                } else if self.session.register(&name, &file, Base::File).is_err() {
                    self.session.forget(&name);
                }
            }
            Arrival::Executes { name, code } => self.host.executes(name, code),
        }
    }
}

/// Say on stderr that relive itself has failed.
fn complain(py: Python<'_>, failures: &[relive_plan::Item]) {
    for item in failures {
        let line = format!("relive: {}: {}\n", item.qualname, item.why);
        let said = py
            .import("sys")
            .and_then(|sys| sys.getattr("stderr")?.call_method1("write", (line,)));
        drop(said);
    }
}
