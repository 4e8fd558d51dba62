//! The thread that applies edits as soon as they are saved, and answers other programs.
//!
//! At a prompt it only answers: edits are applied before each cell. Else it waits for file events, for the socket and for being woken, all in one `poll`. It never waits for the state of the
//! session, and holds nothing while Python code runs. It receives no signals.

use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use relive_session::{Occasion, Pending};
use relive_socket::{Answer, Live, LogRequest, Places, Request, Running, Server, Told};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::acts::Acts;
use crate::hold;
use crate::raw;
use crate::shared::{Asked, Look, NotNow, Outcome, Shared, Stage, lock};

/// An editor is done with a file when there was no event for so long.
const SETTLED: Duration = Duration::from_millis(10);

/// What never settles is applied after this time all the same.
const LONGEST_SETTLING: Duration = Duration::from_secs(1);

/// How often to look where the system does not tell of file events.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long what another process asks for waits for the main thread. That process waits a little longer.
const ASKED_LIMIT: Duration = Duration::from_secs(4);

/// How long to leave further events alone after those of files that are not live, as a busy log file has them.
const REST: Duration = Duration::from_millis(5);

/// How long an edit may wait for the main thread before it is said that it does.
const MAIN_THREAD_LIMIT: Duration = Duration::from_secs(1);

/// When to try again where the interpreter has no room for a call on its main thread.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// Python code runs on this thread, and CPython reckons with stacks of this size.
const STACK_SIZE: usize = 16 * 1024 * 1024;

/// For the pending call, which cannot be told whose it is. Locked only to be read or set.
static ON_MAIN: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

/// The thread, as the rest of the engine sees it.
#[derive(Default)]
pub(crate) struct Auto {
    /// Never locked while attached to the interpreter: who stops the thread waits for it.
    thread: Mutex<Thread>,
    /// Hears of what the thread applies. Locked only to be read or set.
    listener: Mutex<Option<Py<PyAny>>>,
    /// Wakes the thread. Locked only to be written to.
    wake: Mutex<Option<UnixStream>>,
    is_on: AtomicBool,
    /// The thread applies edits; else it only answers other programs.
    applies: AtomicBool,
    /// Something may be dirty of which no file event tells.
    is_nudged: AtomicBool,
    /// The thread wants to be woken when the state is given back.
    is_awaiting_state: AtomicBool,
    /// The main thread was asked to update and has not begun to.
    has_asked: AtomicBool,
}

#[derive(Default)]
struct Thread {
    running: Option<JoinHandle<Equipment>>,
    /// Tells the running one to end.
    is_over: Arc<AtomicBool>,
    /// What the thread has while it runs.
    idle: Option<Equipment>,
    /// Forks that are going on, during which there is no thread.
    pauses: usize,
}

/// What a thread takes over from the one before it.
struct Equipment {
    woken: UnixStream,
    server: Option<Server>,
    acts: Acts,
    about: About,
    unsettled: Option<Unsettled>,
    task: Option<rustix::thread::Pid>,
}

/// What is told of the process.
struct About {
    program: String,
    directory: PathBuf,
    python: String,
}

impl Thread {
    /// Whether it is the one that asks.
    fn is_this(&self) -> bool {
        let me = std::thread::current().id();
        self.running
            .as_ref()
            .is_some_and(|running| running.thread().id() == me)
    }
}

impl Auto {
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Whether the thread applies edits.
    pub(crate) fn applies(&self) -> bool {
        self.is_on() && self.applies.load(Ordering::Relaxed)
    }

    /// Whether somebody hears of what the thread applies.
    pub(crate) fn is_heard(&self) -> bool {
        lock(&self.listener).is_some()
    }

    pub(crate) fn listener(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        lock(&self.listener)
            .as_ref()
            .map(|listener| listener.clone_ref(py))
    }

    pub(crate) fn set_listener(&self, listener: Option<Py<PyAny>>) {
        let before = std::mem::replace(&mut *lock(&self.listener), listener);
        drop(before);
    }

    /// The state was given back.
    pub(crate) fn freed(&self) {
        if self.is_awaiting_state.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Have the thread look for edits of which no file event tells.
    pub(crate) fn nudge(&self) {
        self.is_nudged.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Have the main thread look for what waits for it. False if it has to be asked again later.
    fn ask_main_thread(&self) -> bool {
        let is_asked =
            self.has_asked.swap(true, Ordering::SeqCst) || raw::pending::ask_main_thread();
        if !is_asked {
            self.has_asked.store(false, Ordering::SeqCst);
        }
        is_asked
    }

    fn wake(&self) {
        if let Some(mut wake) = lock(&self.wake).as_ref() {
            // Where there is no room, the thread has enough to be woken by.
            let _ = wake.write(&[0]);
        }
    }
}

/// Start the thread, once; with `applies` it applies edits too, from now on. The answer is why other programs cannot ask about the session, if they cannot.
pub(crate) fn start(
    py: Python<'_>,
    shared: &Arc<Shared>,
    program: Option<OsString>,
    applies: bool,
) -> PyResult<Option<String>> {
    let about = About {
        program: program
            .map_or_else(|| script(py), Ok)?
            .to_string_lossy()
            .into_owned(),
        directory: std::env::current_dir().unwrap_or_default(),
        python: Python::version_str()
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    *lock(&ON_MAIN) = Arc::downgrade(shared);
    py.detach(|| {
        let mut thread = lock(&shared.auto.thread);
        if applies && !shared.auto.applies.swap(true, Ordering::SeqCst) {
            // One that only answered looks at the files from now on.
            shared.auto.nudge();
        }
        if shared.is_frozen() || thread.running.is_some() || thread.idle.is_some() {
            return Ok(None);
        }
        let places = Places::from_environment(|name| std::env::var_os(name));
        let (server, problem) = match Server::open(&places, &about.directory) {
            Ok(server) => (Some(server), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        *lock(&shared.auto.wake) = Some(wake);
        thread.idle = Some(Equipment {
            woken,
            server,
            acts: Acts::default(),
            about,
            unsettled: None,
            task: None,
        });
        shared.auto.is_on.store(true, Ordering::SeqCst);
        shared.auto.is_nudged.store(true, Ordering::SeqCst);
        spawn(&mut thread, shared)?;
        Ok(problem)
    })
}

fn spawn(thread: &mut Thread, shared: &Arc<Shared>) -> std::io::Result<()> {
    if thread.pauses > 0 {
        return Ok(());
    }
    let Some(equipment) = thread.idle.take() else {
        return Ok(());
    };
    thread.is_over = Arc::default();
    let watcher = Watcher {
        shared: Arc::clone(shared),
        is_over: Arc::clone(&thread.is_over),
        watch: None,
        equipment,
        is_busy: false,
        rest_until: None,
        look_at: None,
        for_main: None,
        ask_at: None,
    };
    let builder = std::thread::Builder::new()
        .name("relive".to_owned())
        .stack_size(STACK_SIZE);
    thread.running = Some(raw::signals::blocked(|| builder.spawn(|| watcher.run()))?);
    // What the thread before it has left is seen at the first look.
    shared.auto.wake();
    Ok(())
}

/// Stop the thread and wait until it is gone; it can be started again.
fn stop(thread: &mut Thread, shared: &Shared) {
    let is_this = thread.is_this();
    let Some(running) = thread.running.take() else {
        return;
    };
    thread.is_over.store(true, Ordering::SeqCst);
    shared.auto.wake();
    if is_this {
        // A listener asks for it: the thread ends when the listener returns.
        return;
    }
    if let Ok(equipment) = running.join() {
        if let Some(task) = equipment.task {
            wait_until_gone(task);
        }
        thread.idle = Some(equipment);
    }
}

/// CPython counts the threads that the kernel still knows of, which forgets one shortly after it was joined.
fn wait_until_gone(task: rustix::thread::Pid) {
    let task = Path::new("/proc/self/task").join(task.to_string());
    let start = Instant::now();
    while task.exists() && start.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_micros(20));
    }
}

/// Stop the thread for the time of a fork.
pub(crate) fn pause(py: Python<'_>, shared: &Shared) {
    py.detach(|| {
        let mut thread = lock(&shared.auto.thread);
        thread.pauses += 1;
        // A listener that forks does so on the very thread.
        if !thread.is_this() {
            stop(&mut thread, shared);
        }
    });
}

/// Start the thread again after a fork, in the parent.
pub(crate) fn resume(py: Python<'_>, shared: &Arc<Shared>) -> PyResult<()> {
    py.detach(|| {
        let mut thread = lock(&shared.auto.thread);
        thread.pauses = thread.pauses.saturating_sub(1);
        Ok(spawn(&mut thread, shared)?)
    })
}

/// Drop what a forked process has inherited: no thread, and none of the descriptors that it shares with its parent.
pub(crate) fn forked(shared: &Shared) {
    shared.freeze();
    shared.auto.is_on.store(false, Ordering::SeqCst);
    if let Ok(mut wake) = shared.auto.wake.try_lock() {
        *wake = None;
    }
    if let Ok(mut thread) = shared.auto.thread.try_lock() {
        *thread = Thread::default();
    }
}

/// Stop the thread for good.
pub(crate) fn close(py: Python<'_>, shared: &Shared) {
    if !shared.is_frozen() {
        py.detach(|| {
            let mut thread = lock(&shared.auto.thread);
            stop(&mut thread, shared);
            thread.idle = None;
        });
    }
    shared.auto.is_on.store(false, Ordering::SeqCst);
    shared.auto.set_listener(None);
}

/// Whether something waits for the main thread.
pub(crate) fn is_main_thread_asked() -> bool {
    let shared = lock(&ON_MAIN).upgrade();
    shared.is_some_and(|shared| shared.auto.has_asked.load(Ordering::SeqCst))
}

/// Apply what waits for the main thread: this is it.
pub(crate) fn on_main_thread(py: Python<'_>) {
    let shared = lock(&ON_MAIN).upgrade();
    let Some(shared) = shared else {
        return;
    };
    shared.auto.has_asked.store(false, Ordering::SeqCst);
    // A panic must not unwind into CPython; its message has been printed.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        hold::never(|| do_what_is_asked(py, &shared))
    }));
    let _ = catch_unwind(AssertUnwindSafe(|| {
        hold::never(|| shared.update_noticed(py, Occasion::NoticedOnMain))
    }));
    shared.auto.wake();
}

/// What the process runs, in the words of its command line.
fn script(py: Python<'_>) -> PyResult<OsString> {
    let sys = py.import("sys")?;
    let spec = py
        .import("__main__")?
        .getattr("__spec__")
        .ok()
        .and_then(|spec| spec.getattr("name").ok()?.extract::<String>().ok());
    if let Some(name) = spec {
        let name = name.strip_suffix(".__main__").unwrap_or(&name);
        return Ok(format!("-m {name}").into());
    }
    Ok(sys
        .getattr("argv")
        .and_then(|arguments| arguments.get_item(0)?.extract())
        .unwrap_or_default())
}

/// The thread itself.
struct Watcher {
    shared: Arc<Shared>,
    is_over: Arc<AtomicBool>,
    equipment: Equipment,
    /// For waiting only; had at the first look at the session.
    watch: Option<OwnedFd>,
    /// Another thread is using the state, and wakes this one when it is done.
    is_busy: bool,
    rest_until: Option<Instant>,
    /// When to look though nothing happens.
    look_at: Option<Instant>,
    for_main: Option<ForMain>,
    ask_at: Option<Instant>,
}

/// Files that are being saved.
struct Unsettled {
    since: Instant,
    quiet_at: Instant,
}

/// Edits that wait for the main thread.
struct ForMain {
    since: Instant,
    is_told: bool,
}

impl Watcher {
    fn run(mut self) -> Equipment {
        self.equipment.task = Some(rustix::thread::gettid());
        hold::never_here();
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.step())) {
                Ok(true) => {}
                // After a panic, whose message has been printed, edits are no longer seen; the program runs on.
                Ok(false) | Err(_) => return self.equipment,
            }
        }
    }

    /// Wait for something to do and do it. False when there will not be anything more.
    fn step(&mut self) -> bool {
        self.wait();
        if self.is_over.load(Ordering::SeqCst) || self.shared.is_frozen() {
            // What was asked for may be what has ended the program.
            self.equipment.acts.step_last();
            self.serve();
            return false;
        }
        self.serve();
        let goes_on = self.look();
        // What was saved before something was asked for is live by then.
        if goes_on && self.equipment.unsettled.is_none() && self.equipment.acts.step() {
            self.serve();
        }
        goes_on
    }

    /// See what was saved, and apply it when its time has come. False when there will not be anything more.
    fn look(&mut self) -> bool {
        let auto = &self.shared.auto;
        if !auto.applies.load(Ordering::SeqCst) {
            return !self.equipment.acts.has_new() || self.update();
        }
        auto.is_awaiting_state.store(true, Ordering::SeqCst);
        let look = self.shared.look();
        self.is_busy = matches!(look, Look::Busy);
        if !self.is_busy {
            auto.is_awaiting_state.store(false, Ordering::SeqCst);
        }
        match look {
            Look::Busy => true,
            Look::Closed => false,
            Look::Seen {
                is_new,
                has_watch,
                pending,
            } => self.seen(is_new, has_watch, pending),
        }
    }

    fn wait(&mut self) {
        let now = Instant::now();
        let timeout = self.deadlines().into_iter().flatten().min();
        let timeout = timeout.map(|at| at.saturating_duration_since(now));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let is_resting = self.rest_until.is_some_and(|until| now < until);
        let watch = self
            .watch
            .as_ref()
            .filter(|_| !self.is_busy && !is_resting && self.equipment.unsettled.is_none());
        let mut descriptors = vec![PollFd::new(&self.equipment.woken, PollFlags::IN)];
        descriptors.extend(watch.map(|watch| PollFd::new(watch, PollFlags::IN)));
        descriptors.extend(self.equipment.server.iter().flat_map(Server::descriptors));
        // An interrupted wait is one that is over.
        let _ = poll(&mut descriptors, timeout.as_ref());
        if watch.is_some() && !descriptors[1].revents().is_empty() {
            self.rest_until = Some(Instant::now() + REST);
        }
        let mut buffer = [0; 64];
        loop {
            match (&self.equipment.woken).read(&mut buffer) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => break,
            }
        }
    }

    fn deadlines(&self) -> [Option<Instant>; 8] {
        let server = self.equipment.server.as_ref().and_then(Server::deadline);
        let is_asked = lock(&self.shared.asked).is_some();
        let asked = is_asked.then(|| Instant::now() + ASK_AGAIN);
        let is_settled = self.equipment.unsettled.is_none();
        let act = self.equipment.acts.deadline().filter(|_| is_settled);
        if self.is_busy {
            return [server, asked, act, None, None, None, None, None];
        }
        let untold = self.for_main.as_ref().filter(|waiting| !waiting.is_told);
        [
            server,
            asked,
            act,
            self.equipment
                .unsettled
                .as_ref()
                .map(|unsettled| unsettled.quiet_at),
            self.rest_until,
            self.look_at,
            untold.map(|waiting| waiting.since + MAIN_THREAD_LIMIT),
            self.ask_at,
        ]
    }

    fn serve(&mut self) {
        // Whoever asked for it may have gone.
        lock(&self.shared.asked).take_if(|one| {
            !matches!(one.stage, Stage::Runs) && one.since.elapsed() > 2 * ASKED_LIMIT
        });
        let (shared, about) = (&self.shared, &self.equipment.about);
        let acts = &mut self.equipment.acts;
        if let Some(server) = &mut self.equipment.server {
            server.serve(|number, request| match request {
                Request::Status => Poll::Ready(
                    running(shared, about).map(|running| Answer::Running(Box::new(running))),
                ),
                Request::Live { source } => Poll::Ready(Some(Answer::Live(Live {
                    is_live: shared.has_live(Path::new(source)),
                }))),
                Request::Log(request) => {
                    forwarded(shared, number, request).map(|told| Some(Answer::Told(told)))
                }
                Request::Act(act) => acts
                    .answer(number, act)
                    .map(|told| Some(Answer::Told(told))),
            });
        }
    }

    /// Decide what follows from a look at the session.
    fn seen(&mut self, is_new: bool, has_watch: bool, pending: Pending) -> bool {
        let now = Instant::now();
        if has_watch && self.watch.is_none() {
            self.watch = self.shared.watch_descriptor();
        }
        let is_new =
            self.shared.auto.is_nudged.swap(false, Ordering::SeqCst) || (is_new && has_watch);
        if self.rest_until.is_some_and(|until| now >= until) || is_new {
            self.rest_until = None;
        }
        if is_new {
            let since = self
                .equipment
                .unsettled
                .as_ref()
                .map_or(now, |unsettled| unsettled.since);
            let quiet_at = (now + SETTLED).min(since + LONGEST_SETTLING);
            self.equipment.unsettled = Some(Unsettled { since, quiet_at });
        }
        let is_settled = self
            .equipment
            .unsettled
            .as_ref()
            .is_some_and(|unsettled| now >= unsettled.quiet_at);
        let is_due = self.look_at.is_some_and(|at| now >= at);
        if is_settled || is_due {
            self.equipment.unsettled = None;
            self.look_at = Some(now + LOOK_EVERY);
            return self.update();
        }
        self.look_at = match pending.look_in {
            Some(seconds) => Some(now + Duration::from_secs_f64(seconds)),
            None if has_watch => None,
            None => Some(self.look_at.unwrap_or(now + LOOK_EVERY)),
        };
        if pending.for_main {
            self.ask_main_thread(now)
        } else {
            (self.for_main, self.ask_at) = (None, None);
            true
        }
    }

    fn update(&mut self) -> bool {
        let update = |py: Python<'_>| self.shared.update_noticed(py, Occasion::NoticedElsewhere);
        let outcome = Python::try_attach(update);
        if outcome == Some(Outcome::Busy) {
            self.shared.auto.is_nudged.store(true, Ordering::SeqCst);
        }
        // What the update has left is seen at the next look, at once.
        self.look_at = None;
        self.shared.auto.wake();
        matches!(outcome, Some(Outcome::Done | Outcome::Busy))
    }

    fn ask_main_thread(&mut self, now: Instant) -> bool {
        self.ask_at = None;
        if !self.shared.auto.ask_main_thread() {
            self.ask_at = Some(now + ASK_AGAIN);
        }
        let waiting = self.for_main.get_or_insert(ForMain {
            since: now,
            is_told: false,
        });
        if waiting.is_told || now < waiting.since + MAIN_THREAD_LIMIT {
            return true;
        }
        waiting.is_told = true;
        let report = self.shared.waiting();
        Python::try_attach(|py| self.shared.tell(py, &report)).is_some()
    }
}

/// Do what another process asks for with a change log, or have the main thread do it; pending until that is done.
fn forwarded(shared: &Shared, number: u64, request: &LogRequest) -> Poll<Told> {
    let told = |text: &str| {
        Poll::Ready(Told {
            text: format!("{text}\n"),
            code: 1,
            ..Told::default()
        })
    };
    {
        let mut asked = lock(&shared.asked);
        if let Some(one) = &mut *asked {
            let is_late = one.since.elapsed() >= ASKED_LIMIT;
            match std::mem::replace(&mut one.stage, Stage::Runs) {
                // Whoever asked for another one has given up.
                Stage::Done(done) => {
                    let is_this = one.number == number;
                    *asked = None;
                    if is_this {
                        return Poll::Ready(done);
                    }
                }
                Stage::Waits(_) if is_late => {
                    let is_this = one.number == number;
                    *asked = None;
                    if is_this {
                        return told(
                            "the change has statements to execute, and the program's main thread did not come to it in time; \
                             nothing was done, try again when it runs Python code",
                        );
                    }
                }
                stage => {
                    one.stage = stage;
                    shared.auto.ask_main_thread();
                    return Poll::Pending;
                }
            }
        }
    }
    let attempt = |py: Python<'_>| shared.change_log(py, request, Occasion::NoticedElsewhere);
    match Python::try_attach(attempt) {
        None => told("the program is ending; nothing was done"),
        Some(Ok(done)) => Poll::Ready(done),
        Some(Err(NotNow::Busy)) => told("the session is busy; nothing was done, try again"),
        Some(Err(NotNow::NeedsMain)) => {
            *lock(&shared.asked) = Some(Asked {
                number,
                since: Instant::now(),
                stage: Stage::Waits(request.clone()),
            });
            shared.auto.ask_main_thread();
            Poll::Pending
        }
    }
}

/// Do what another process asks for: this is the main thread.
fn do_what_is_asked(py: Python<'_>, shared: &Shared) {
    let request = match &mut *lock(&shared.asked) {
        // Whoever asked is told that it was not done, when it is late.
        Some(one) if matches!(one.stage, Stage::Waits(_)) && one.since.elapsed() < ASKED_LIMIT => {
            match std::mem::replace(&mut one.stage, Stage::Runs) {
                Stage::Waits(request) => request,
                _ => return,
            }
        }
        _ => return,
    };
    let stage = match shared.change_log(py, &request, Occasion::NoticedOnMain) {
        Ok(told) => Stage::Done(told),
        // It is asked again.
        Err(_) => Stage::Waits(request),
    };
    if let Some(one) = &mut *lock(&shared.asked) {
        one.stage = stage;
    }
}

fn running(shared: &Shared, about: &About) -> Option<Running> {
    let (status, is_updating) = shared.status();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    Some(Running {
        pid: std::process::id(),
        program: about.program.clone(),
        directory: text(&about.directory),
        python: about.python.clone(),
        relive: env!("CARGO_PKG_VERSION").to_owned(),
        roots: lock(&shared.roots).iter().map(|root| text(root)).collect(),
        is_updating,
        status: status?,
    })
}
