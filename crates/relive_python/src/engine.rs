//! The engine of a session as Python sees it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyBaseException, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyFunction, PyList, PyModule, PyString};
use relive_log::{Cause, Home, Policy, Rim, SyncMode};
use relive_session::{
    Away, LeftBehind, LoggedCell, Logs, Mode, Occasion, PatchRequest, Report, Session,
};

use crate::auto;
use crate::hold::{self, Filter};
use crate::host::CodeTable;
use crate::logs::folded_to_dict;
use crate::prompt::{Displaced, Former, Namespace, Replayed};
use crate::registry;
use crate::replay;
use crate::report::{items_to_list, left_to_dict, module_to_dict, report_to_dict};
use crate::shared::{Arrival, Shared, State, lock};

/// A session's engine; `relive.Session` is its documented face.
#[pyclass(module = "relive._native", frozen)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    /// The world of the logs; none without a place for the user's own files.
    rim: Option<Rim>,
    /// By which all logs know the session.
    name: String,
    /// What a session left that died. Locked only to put it in or take it out.
    left: Arc<Mutex<Option<LeftBehind>>>,
    policy: Policy,
    /// What runs at prompts. Locked only to put something in or take it out.
    cells: Mutex<HashMap<u64, RunningCell>>,
    displaced: Displaced,
    /// The patches of the transaction that is open. Locked only to put something in or take it out.
    transaction: Mutex<Option<Vec<PatchRequest>>>,
}

/// A cell that runs.
struct RunningCell {
    cell: LoggedCell,
    /// What it assigns definitions in place of.
    formers: Vec<Former>,
    namespace: Py<PyDict>,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (mode, library, replay = "ask", sync = "full", script = None))]
    fn new(
        py: Python<'_>,
        mode: &str,
        library: PathBuf,
        replay: &str,
        sync: &str,
        script: Option<PathBuf>,
    ) -> PyResult<Self> {
        registry::open(py)?;
        let mut session = Session::new(parse_mode(mode)?);
        let name = session_name();
        let home = Home::from_environment(|name| std::env::var_os(name));
        let mut rim = home.map(Rim::real);
        if let (Some(rim), Some(script)) = (&mut rim, script) {
            rim.process.about = script.canonicalize().unwrap_or(script);
        }
        if let Some(rim) = &rim {
            let sync = match sync {
                "full" => SyncMode::Full,
                "process" => SyncMode::Process,
                _ => {
                    return Err(PyValueError::new_err(format!(
                        "unknown sync {sync:?}: it is 'full' or 'process'"
                    )));
                }
            };
            let logs = Logs::new(rim.clone(), name.clone(), python_version(), sync);
            session.set_log(Box::new(logs));
        }
        Ok(Self {
            shared: Arc::new(Shared::new(session, library)),
            rim,
            name,
            left: Arc::default(),
            policy: replay::policy(replay).ok_or_else(|| {
                PyValueError::new_err(format!(
                    "unknown policy {replay:?}: it is 'ask', 'all' or 'none'"
                ))
            })?,
            cells: Mutex::default(),
            displaced: Displaced::default(),
            transaction: Mutex::default(),
        })
    }

    #[getter]
    fn mode(&self, py: Python<'_>) -> &'static str {
        match self
            .shared
            .with(py, Mode::Patch, |state| state.session.mode)
        {
            Mode::Patch => "patch",
            Mode::Deep => "deep",
        }
    }

    #[setter]
    fn set_mode(&self, py: Python<'_>, mode: &str) -> PyResult<()> {
        let mode = parse_mode(mode)?;
        self.shared.with(py, (), |state| state.session.mode = mode);
        Ok(())
    }

    fn add_root(&self, directory: PathBuf) {
        let mut roots = lock(&self.shared.roots);
        if !roots.contains(&directory) {
            roots.push(directory);
        }
    }

    fn roots(&self) -> Vec<PathBuf> {
        lock(&self.shared.roots).clone()
    }

    /// Whether a source file is below a root and neither an installed package's nor the standard library's.
    fn is_live(&self, path: PathBuf) -> bool {
        self.shared.is_live(&path)
    }

    /// Take up a module before its source is read for execution.
    fn register(&self, name: String, file: PathBuf) {
        let arrival = Arrival::Registered {
            name,
            file,
            text: None,
        };
        self.shared.arrive(arrival);
    }

    /// Take note of the code that a registered module is about to execute.
    fn executes(&self, name: String, code: Bound<'_, PyCode>) {
        registry::track(&code, true);
        let code = CodeTable::of_module(&code);
        self.shared.arrive(Arrival::Executes { name, code });
    }

    /// Take up modules that were imported before the session began: their names and files.
    fn adopt(&self, py: Python<'_>, modules: Vec<(String, Bound<'_, PyString>)>) -> PyResult<()> {
        let mut found = Vec::new();
        for (name, file) in modules {
            registry::track_file(&file);
            found.push((name, file.extract::<PathBuf>()?));
        }
        let modules = found;
        self.shared.with(py, (), |state| {
            let mut adopted = Vec::new();
            for (name, file) in modules {
                if !state.session.has_module(&name) {
                    let registered = Arrival::Registered {
                        name: name.clone(),
                        file,
                        text: None,
                    };
                    state.arrive(registered);
                    adopted.push(name);
                }
            }
            if !adopted.is_empty() {
                state.session.survey(&mut state.host, &adopted);
            }
        });
        self.shared.auto.nudge();
        Ok(())
    }

    #[pyo3(signature = (skip = BTreeSet::new()))]
    fn update<'py>(&self, py: Python<'py>, skip: BTreeSet<String>) -> PyResult<Bound<'py, PyDict>> {
        let (report, notices) = self.shared.with(py, Default::default(), |state| {
            if state.session.has_edits() {
                self.shared.post(&state.session);
            }
            let report = state.session.update(&mut state.host, &skip);
            (report, replay::notices(&mut state.session))
        });
        replay::tell_all(py, &notices);
        report_to_dict(py, &report)
    }

    /// Make definitions and statements part of a module, or of the class that `scope` leads to: all or none.
    ///
    /// Inside of a transaction that is done at its end, and the report is empty.
    fn patch<'py>(
        &self,
        py: Python<'py>,
        module: String,
        scope: Vec<String>,
        source: String,
    ) -> PyResult<Bound<'py, PyDict>> {
        let patch = PatchRequest {
            module,
            scope,
            source,
        };
        if let Some(waiting) = &mut *lock(&self.transaction) {
            waiting.push(patch);
            return report_to_dict(py, &Report::default());
        }
        self.change(py, |state| state.session.patch(&mut state.host, &[patch]))
    }

    /// Have the patches that follow wait until the transaction is committed.
    fn begin_transaction(&self) -> PyResult<()> {
        let mut transaction = lock(&self.transaction);
        if transaction.is_some() {
            return Err(PyValueError::new_err(
                "a transaction is open already: they do not nest",
            ));
        }
        *transaction = Some(Vec::new());
        Ok(())
    }

    /// Apply what waits as one change.
    fn commit_transaction<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let patches = lock(&self.transaction).take().unwrap_or_default();
        self.change(py, |state| state.session.patch(&mut state.host, &patches))
    }

    /// Forget what waits.
    fn abort_transaction(&self) {
        lock(&self.transaction).take();
    }

    /// Have a change of a source file's log count no longer.
    fn undo<'py>(
        &self,
        py: Python<'py>,
        file: PathBuf,
        number: u64,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.change(py, |state| {
            state.session.undo(&mut state.host, &file, number)
        })
    }

    /// Merge a change that is in conflict with what its source file says now.
    fn resolve<'py>(
        &self,
        py: Python<'py>,
        file: PathBuf,
        number: u64,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.change(py, |state| {
            state.session.resolve(&mut state.host, &file, number)
        })
    }

    /// Replay changes of a source file's log, and leave others off.
    fn recover<'py>(
        &self,
        py: Python<'py>,
        file: PathBuf,
        on: Vec<u64>,
        off: Vec<u64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let mut states = None;
        let report = self.change(py, |state| {
            let report = state.session.recover(&mut state.host, &file, &on, &off);
            if report.refused.is_empty() {
                states = state.session.states_of(&file, &on);
            }
            report
        })?;
        if let Some((name, states)) = states {
            replay::execute_states(py, &name, &states)?;
        }
        Ok(report)
    }

    /// Write the pending changes of a source file into it: the diff, the numbers, and what is left with the reasons.
    fn fold<'py>(
        &self,
        py: Python<'py>,
        file: PathBuf,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyDict>> {
        let folded = self.shared.with(py, None, |state| {
            state.session.be_asked(Occasion::Asked);
            Some(state.session.fold(&mut state.host, &file, dry_run))
        });
        match folded {
            Some(Ok((folded, report))) => {
                replay::tell_all(py, &folded.notices);
                let dict = folded_to_dict(py, folded)?;
                dict.update(report_to_dict(py, &report)?.as_mapping())?;
                Ok(dict)
            }
            Some(Err(error)) => Err(PyOSError::new_err(error.to_string())),
            None => Err(PyOSError::new_err("the session has ended, or is in use")),
        }
    }

    /// Whether the log of a source file may have something to replay.
    fn has_log(&self, py: Python<'_>, file: PathBuf) -> bool {
        self.shared
            .with(py, false, |state| state.session.has_log(&file))
    }

    /// What a logged change survives.
    #[getter]
    fn sync(&self, py: Python<'_>) -> &'static str {
        let sync = self
            .shared
            .with(py, SyncMode::Full, |state| state.session.sync());
        match sync {
            SyncMode::Process => "process",
            SyncMode::Full => "full",
        }
    }

    /// The session's own log, which what is typed stands in.
    fn prompt_log(&self) -> Option<PathBuf> {
        Some(self.rim.as_ref()?.home.session_log(&self.name))
    }

    /// The file that tells how this process died, if it does.
    fn crash_file(&self) -> Option<PathBuf> {
        Some(self.rim.as_ref()?.home.crash(&self.name))
    }

    /// What sessions at prompts left that died in this session's directory, or with the names of its script.
    fn prompt_recovery<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(rim) = &self.rim else {
            return Ok(None);
        };
        // What was found before has the logs locked.
        drop(lock(&self.left).take());
        let Some(left) = LeftBehind::find(rim, &self.name, &python_version()) else {
            return Ok(None);
        };
        let dict = left_to_dict(py, &left)?;
        *lock(&self.left) = Some(left);
        Ok(Some(dict))
    }

    /// Have what the cells that `prompt_recovery` found did to modules be left to the cells, which come back later; or
    /// not any more.
    fn awaits_cells(&self, py: Python<'_>, awaits: bool) {
        let origins = lock(&self.left)
            .as_ref()
            .filter(|_| awaits)
            .map(LeftBehind::origins);
        self.shared.with(py, (), |state| {
            state.session.returning = origins.unwrap_or_default()
        });
    }

    /// The statements of these numbers, one after the other, each when it is about to be executed.
    fn replay_prompt(
        &self,
        py: Python<'_>,
        session: &str,
        numbers: Vec<u64>,
    ) -> PyResult<Replayed> {
        let left = lock(&self.left).take();
        let left = left.filter(|left| left.session == session);
        let left =
            left.ok_or_else(|| PyValueError::new_err("nothing of that session was found"))?;
        let mut origins = left.origins();
        let chosen = left.statements.iter();
        let chosen = chosen.filter(|one| numbers.contains(&one.change.number));
        origins.extend(chosen.flat_map(|one| one.origins.clone()));
        let replayed = Replayed::new(Arc::clone(&self.shared), &left, &numbers);
        *lock(&self.left) = Some(left);
        self.shared
            .with(py, (), |state| state.session.returning = origins);
        Ok(replayed)
    }

    /// Remember which statements are back, and which are left off, each with the reason. With `is_over` nothing more
    /// is brought back for now.
    fn settle_prompt(
        &self,
        py: Python<'_>,
        back: Vec<u64>,
        off: Vec<(u64, String)>,
        is_over: bool,
    ) -> PyResult<()> {
        let Some(mut left) = lock(&self.left).take() else {
            return Ok(());
        };
        let told = |error: &dyn std::fmt::Display| PyOSError::new_err(error.to_string());
        let files = left.files();
        let statements = left.statements.iter();
        let why = |number: u64| off.iter().find(|(off, _)| *off == number);
        let mut gone: BTreeMap<Cause, String> = BTreeMap::new();
        for statement in statements {
            if let Some((_, why)) = why(statement.change.number) {
                let origins = statement.origins.iter().cloned();
                gone.extend(origins.map(|origin| (origin, why.clone())));
            }
        }
        let settled = py.detach(|| left.settle(&self.name, &back, &off));
        let settled = settled.map_err(|error| told(&error));
        let (modules, notices) = self.shared.with(py, (Ok(()), Vec::new()), |state| {
            let modules = state.session.leave_off(&gone, &files);
            if is_over {
                state.session.replay_causes.clear();
                state.session.returning.clear();
            }
            (modules, state.session.notices())
        });
        replay::tell_all(py, &notices);
        if !is_over {
            *lock(&self.left) = Some(left);
        }
        settled.and(modules.map_err(|error| told(&error)))
    }

    /// Have the changes that its log says be part of a module that was just registered; who decides is in the options.
    /// Returns the code to execute, if it is not that of its file.
    fn begin<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyCode>>> {
        replay::begin(py, &self.shared, self.policy, name)
    }

    /// Replay what comes after a module's text, now that this was executed.
    fn finish(&self, py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
        replay::finish(py, &self.shared, module, Vec::new(), None)
    }

    /// How many statements come after a module's text.
    fn after_text(&self, py: Python<'_>, name: &str) -> usize {
        self.shared
            .with(py, 0, |state| state.session.states(name).len())
    }

    /// Have an exception say which replayed change of a module was at work.
    fn note_change(
        &self,
        py: Python<'_>,
        name: &str,
        error: &Bound<'_, PyBaseException>,
    ) -> PyResult<()> {
        replay::note_change(py, &self.shared, name, error)
    }

    /// Execute a module with its loader, and then the statements of its log that change state.
    fn execute(
        &self,
        py: Python<'_>,
        loader: &Bound<'_, PyAny>,
        module: &Bound<'_, PyModule>,
    ) -> PyResult<()> {
        replay::execute(py, &self.shared, loader, module)
    }

    /// Make what is typed at a prompt durable before it runs. Returns the number by which it is known from then on, or
    /// None if there is nothing in it to log.
    fn log_cell(
        &self,
        py: Python<'_>,
        source: &str,
        namespace: Bound<'_, PyDict>,
    ) -> PyResult<Option<u64>> {
        let names = namespace.clone().unbind();
        let logged = self.shared.with(py, Ok(None), |state| {
            state.session.log_cell(source, &Namespace(namespace))
        });
        let cell = logged.map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(cell.map(|cell| {
            let number = cell.number();
            let assigned = cell.assigned().iter();
            let formers = assigned.filter_map(|place| self.displaced.former(py, place));
            let formers = formers.collect();
            for place in cell.kept() {
                self.displaced.keep(py, place);
            }
            let running = RunningCell {
                cell,
                formers,
                namespace: names,
            };
            lock(&self.cells).insert(number, running);
            number
        }))
    }

    /// Why a statement that is about to come back does not, and whether that is because all that it did to live
    /// modules is live already.
    fn why_it_stays_away(
        &self,
        py: Python<'_>,
        source: &str,
        namespace: Bound<'_, PyDict>,
        is_named: bool,
    ) -> Option<(&'static str, bool)> {
        let away = self.shared.with(py, None, |state| {
            let session = &mut state.session;
            session.why_it_stays_away(source, &Namespace(namespace), is_named)
        })?;
        Some((away.why(), away == Away::Live))
    }

    /// Note that what was typed came to its end.
    fn cell_done<'py>(
        &self,
        py: Python<'py>,
        number: u64,
        milliseconds: f64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let Some(running) = lock(&self.cells).remove(&number) else {
            return report_to_dict(py, &Report::default());
        };
        // A definition becomes the module's own in the function that was there before, as an edit does.
        let typed: Vec<Former> = running
            .formers
            .into_iter()
            .map(|former| former.restored(py))
            .collect::<PyResult<_>>()?;
        let places = running.cell.assigned().to_vec();
        let mut is_refused = false;
        let report = self.change(py, |state| {
            let names = Namespace(running.namespace.into_bound(py));
            let host = &mut state.host;
            let report = state
                .session
                .cell_done(host, running.cell, milliseconds, &names);
            is_refused = !report.refused.is_empty();
            report
        });
        if is_refused {
            for former in typed {
                former.restored(py)?;
            }
        } else {
            self.displaced.forget(&places);
        }
        report
    }

    /// Note that what was typed raised, `at` this line and column of it; at line 0: before any of it was executed.
    #[pyo3(signature = (number, why, at = None))]
    fn cell_failed(
        &self,
        py: Python<'_>,
        number: u64,
        why: &str,
        at: Option<(u32, u32)>,
    ) -> PyResult<()> {
        let Some(running) = lock(&self.cells).remove(&number) else {
            return Ok(());
        };
        self.change(py, |state| {
            let names = Namespace(running.namespace.into_bound(py));
            let session = &mut state.session;
            session.cell_failed(&running.cell, why, at, &names);
            Report::default()
        })?;
        Ok(())
    }

    fn stale<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let items = self
            .shared
            .with(py, Vec::new(), |state| state.session.stale(&mut state.host));
        items_to_list(py, &items)
    }

    fn rerun<'py>(&self, py: Python<'py>, qualnames: Vec<String>) -> PyResult<Bound<'py, PyDict>> {
        let report = self.shared.with(py, Report::default(), |state| {
            self.shared.post(&state.session);
            state.session.rerun(&mut state.host, &qualnames)
        });
        report_to_dict(py, &report)
    }

    fn modules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let modules = self
            .shared
            .with(py, Vec::new(), |state| state.session.modules());
        let dicts: Vec<_> = modules
            .iter()
            .map(|module| module_to_dict(py, module))
            .collect::<PyResult<_>>()?;
        PyList::new(py, dicts)
    }

    /// Apply edits as soon as they are saved, and answer other programs, on a thread of our own.
    ///
    /// `on_report` is called with each report, on the thread that applied it; `program` is what others are told that
    /// this process runs. Returns why other programs cannot ask about the session, if they cannot.
    #[pyo3(signature = (on_report = None, program = None))]
    fn watch(
        &self,
        py: Python<'_>,
        on_report: Option<Py<PyAny>>,
        program: Option<OsString>,
    ) -> PyResult<Option<String>> {
        if on_report.is_some() {
            self.shared.auto.set_listener(on_report);
        }
        auto::start(py, &self.shared, program, true)
    }

    /// Answer other programs on a thread of our own, which applies no edits. Otherwise as `watch`.
    fn serve(&self, py: Python<'_>, program: OsString) -> PyResult<Option<String>> {
        auto::start(py, &self.shared, Some(program), false)
    }

    /// Call `read`, which reads a line from the terminal, and meanwhile do what other programs ask for.
    fn read_line<'py>(&self, read: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        crate::raw::pending::during(|| read.call0())
    }

    /// Whether code comes from the file of a live module.
    #[staticmethod]
    fn has_code(code: &Bound<'_, PyCode>) -> bool {
        registry::is_live(code)
    }

    /// Hold what nobody will catch; with the filter "user-unhandled" also what only a library will; with "off" nothing.
    ///
    /// `holder` decides: it is called with the exception and the frame of the caller. It answers None to go on raising,
    /// "again", or a tuple with the value to return.
    #[staticmethod]
    #[pyo3(signature = (filter, holder = None))]
    fn hold(py: Python<'_>, filter: &str, holder: Option<Py<PyAny>>) -> PyResult<()> {
        let filter = match filter {
            "off" => Filter::Off,
            "uncaught" => Filter::Uncaught,
            "user-unhandled" => Filter::UserUnhandled,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "unknown filter {filter:?}: it is 'uncaught' or 'user-unhandled'"
                )));
            }
        };
        hold::set(py, filter, holder)?;
        registry::keep_calls(py, filter != Filter::Off)?;
        Ok(())
    }

    /// The live functions that have each of these codes.
    #[staticmethod]
    fn functions_of<'py>(
        py: Python<'py>,
        codes: Vec<Bound<'py, PyCode>>,
    ) -> PyResult<Vec<Vec<Bound<'py, PyFunction>>>> {
        registry::refresh(py)?;
        let found = codes.iter().map(registry::functions_of).collect();
        registry::release();
        Ok(found)
    }

    /// Whether a thread of ours applies edits as soon as they are saved.
    fn applies(&self) -> bool {
        self.shared.auto.applies()
    }

    /// Return when no update is going on.
    fn rest(&self, py: Python<'_>) {
        self.shared.with(py, (), |_| ());
    }

    /// Whether somebody is told what that thread has applied.
    fn is_heard(&self) -> bool {
        self.shared.auto.is_heard()
    }

    /// Have `listener` told, or nobody.
    #[pyo3(signature = (listener))]
    fn hear(&self, listener: Option<Py<PyAny>>) {
        self.shared.auto.set_listener(listener);
    }

    /// Whether exceptions are held.
    #[staticmethod]
    fn holds() -> bool {
        hold::is_on()
    }

    /// Have calls of live functions be ones that can begin anew, also where that costs all calls something.
    #[staticmethod]
    fn keep_calls(py: Python<'_>, keep: bool) -> PyResult<()> {
        registry::keep_calls(py, keep)
    }

    /// Whether all calls of live functions can begin anew.
    #[staticmethod]
    fn keeps_calls() -> bool {
        registry::keeps_calls()
    }

    /// Whether calls of functions with this code are too many to begin anew.
    #[staticmethod]
    fn has_stepped_aside(code: &Bound<'_, PyCode>) -> bool {
        registry::has_stepped_aside(code)
    }

    /// Whether a thread is updating the session, or changes it in another way.
    fn is_in_use(&self) -> bool {
        self.shared.is_in_use()
    }

    /// Have a signal that does nothing by itself end what its thread waits for in C, or not any more. False if that cannot
    /// be, because it has a handler.
    #[staticmethod]
    fn interrupts(signal: i32, is_on: bool) -> bool {
        crate::raw::signals::interrupts(signal, is_on)
    }

    /// The frames of each thread, the innermost first, by the identifier of the thread.
    #[staticmethod]
    fn stacks(py: Python<'_>) -> PyResult<HashMap<u64, Vec<Bound<'_, PyAny>>>> {
        crate::raw::stacks::stacks(py)
    }

    /// Raise an exception of a class in a thread if it is about to look for one, its innermost frame being this one at
    /// this instruction.
    #[staticmethod]
    fn raise_in(
        py: Python<'_>,
        thread: u64,
        frame: &Bound<'_, PyAny>,
        at: i32,
        kind: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        crate::raw::stacks::raise_in(py, thread, frame, at, kind)
    }

    /// Have calls of functions that were made before their module was live be ones that can begin anew.
    #[staticmethod]
    fn arm(py: Python<'_>) -> PyResult<()> {
        registry::refresh(py)?;
        registry::release();
        Ok(())
    }

    /// Have no thread for the time of a fork.
    fn before_fork(&self, py: Python<'_>) {
        auto::pause(py, &self.shared);
    }

    fn after_fork_in_parent(&self, py: Python<'_>) -> PyResult<()> {
        auto::resume(py, &self.shared)
    }

    /// See no later save: the code that a forked process has is the code it keeps.
    fn after_fork_in_child(&self) {
        hold::forked();
        auto::forked(&self.shared);
    }

    /// End the session.
    fn close(&self, py: Python<'_>) {
        // Turning it off cannot fail.
        drop(hold::set(py, Filter::Off, None));
        auto::close(py, &self.shared);
        self.shared.close(py);
        registry::close(py);
    }
}

impl Engine {
    /// Change modules at run time.
    fn change<'py>(
        &self,
        py: Python<'py>,
        change: impl FnOnce(&mut State) -> Report,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (report, notices) = self.shared.with(py, Default::default(), |state| {
            self.shared.post(&state.session);
            state.session.be_asked(Occasion::Asked);
            (change(state), replay::notices(&mut state.session))
        });
        replay::tell_all(py, &notices);
        report_to_dict(py, &report)
    }
}

fn python_version() -> String {
    let version = Python::version_str().split(' ').next();
    version.unwrap_or("-").to_owned()
}

/// A name for this session that no other has.
fn session_name() -> String {
    let mut bytes = [0; 6];
    // Without random numbers, the time and the process tell sessions apart.
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_nanos()) ^ u128::from(std::process::id()) << 40;
        bytes.copy_from_slice(&now.to_le_bytes()[..6]);
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_mode(mode: &str) -> PyResult<Mode> {
    match mode {
        "patch" => Ok(Mode::Patch),
        "deep" => Ok(Mode::Deep),
        _ => Err(PyValueError::new_err(format!(
            "unknown mode {mode:?}: it is 'patch' or 'deep'"
        ))),
    }
}
