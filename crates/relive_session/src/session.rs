//! The session: which modules are live, what was saved since, and what is stale.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use relive_log::{Cause, SyncMode};
use relive_plan::{FactsQuery, Item, ItemKind, ModuleQuery, ModuleText, Plan};
use relive_syntax::{SyntaxError, decode};
use relive_watch::{Event, Watch};
use serde::{Deserialize, Serialize};

use crate::host::{Host, HostError};
use crate::log::{ChangeLog, NoLog};
use crate::module::{Base, LiveModule, ModuleVersion};
use crate::replay::Replaying;
use crate::report::Report;
use crate::sources::{Disk, Sources};
use crate::status::Status;
use crate::transaction::{Edit, Origin};
use crate::waiting::{Occasion, Pending, Waiting};

/// What happens to statements that an edit leaves out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They are named.
    Patch,
    /// They are executed again, in order of dependency.
    Deep,
}

/// A stale thing, and the statement to execute again to mend it, if there is one.
pub(crate) struct Stale {
    pub(crate) item: Item,
    pub(crate) statement: Option<relive_plan::Outdated>,
}

impl Stale {
    /// The unit that is stale, if one is.
    pub(crate) fn unit(&self) -> Option<u64> {
        let unit = self.statement.as_ref().map(|statement| statement.unit);
        unit.filter(|&unit| unit != 0)
    }

    /// Its statement stands on another line.
    pub(crate) fn move_to(&mut self, line: u32) {
        let place = format!("<line {}>", self.item.line);
        self.item.line = line;
        if let Some(module) = self.item.qualname.strip_suffix(&place) {
            self.item.qualname = format!("{module}<line {line}>");
        }
        if let Some(statement) = &mut self.statement {
            statement.item = self.item.clone();
        }
    }
}

/// A live session.
pub struct Session {
    /// What happens to statements that an edit leaves out of date.
    pub mode: Mode,
    pub(crate) version: u64,
    pub(crate) last_unit: u64,
    pub(crate) modules: BTreeMap<String, LiveModule>,
    pub(crate) stale: BTreeMap<(String, ItemKind), Stale>,
    pub(crate) log: Box<dyn ChangeLog>,
    /// What the user is to be told once.
    pub(crate) told: Vec<String>,
    /// The transactions of the statement that comes back after a crash just now, the last first.
    pub replay_causes: Vec<Cause>,
    /// The cells that run, the innermost last: what is changed meanwhile is a consequence of them.
    pub(crate) running: Vec<Cause>,
    /// The cells of a session that died which come back one after the other: what they did to modules comes with them.
    pub returning: BTreeSet<Cause>,
    /// Modules that are being executed with changes of their logs.
    pub(crate) replaying: BTreeMap<String, Replaying>,
    /// Modules that are executed once more, with the changes of these numbers.
    pub(crate) again: BTreeMap<String, BTreeSet<u64>>,
    /// The definitions at the prompt, as they were typed.
    pub(crate) prompt: BTreeMap<String, String>,
    roots: Vec<PathBuf>,
    pub(crate) names_by_file: HashMap<PathBuf, BTreeSet<String>>,
    watch: Option<Watch>,
    pub(crate) dirty: BTreeSet<PathBuf>,
    pub(crate) waiting: Waiting,
    /// Modules on which relive itself has failed: they are left alone.
    abandoned: BTreeSet<String>,
    is_frozen: bool,
    /// Files whose last content could not be applied: tried again together with the next edit.
    pub(crate) failed: BTreeSet<PathBuf>,
    pub(crate) sources: Box<dyn Sources>,
}

impl Session {
    /// A session over the real file system.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self::with(mode, Box::new(Disk::default()), Watch::new().ok())
    }

    /// Have every change stand in this log before it takes effect.
    pub fn set_log(&mut self, log: Box<dyn ChangeLog>) {
        self.log = log;
    }

    /// A session over other sources. Without a watch, every update reads every live file.
    #[must_use]
    pub fn with(mode: Mode, sources: Box<dyn Sources>, watch: Option<Watch>) -> Self {
        Self {
            mode,
            version: 0,
            last_unit: 0,
            modules: BTreeMap::new(),
            stale: BTreeMap::new(),
            log: Box::new(NoLog),
            replay_causes: Vec::new(),
            told: Vec::new(),
            running: Vec::new(),
            returning: BTreeSet::new(),
            replaying: BTreeMap::new(),
            again: BTreeMap::new(),
            prompt: BTreeMap::new(),
            roots: Vec::new(),
            names_by_file: HashMap::new(),
            watch,
            dirty: BTreeSet::new(),
            waiting: Waiting::default(),
            abandoned: BTreeSet::new(),
            is_frozen: false,
            failed: BTreeSet::new(),
            sources,
        }
    }

    /// Make modules below a directory (or the one module of a file) live when they are imported.
    pub fn add_root(&mut self, root: PathBuf) {
        if !self.roots.contains(&root) {
            self.roots.push(root);
        }
    }

    /// The roots, in the order in which they were added.
    #[must_use]
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Take up a module whose code is about to be executed (`base` file) or was before the session began.
    ///
    /// Must be called before the source is read for execution, so that a save in between is seen as an edit.
    pub fn register(&mut self, name: &str, file: &Path, base: Base) -> std::io::Result<()> {
        self.watch_file(file);
        let bytes = self.sources.read(file)?;
        self.take_up(name, file, bytes, base);
        Ok(())
    }

    /// Take up a module whose source was read before the session could watch its file.
    pub fn register_read(&mut self, name: &str, file: &Path, bytes: Vec<u8>) {
        self.watch_file(file);
        self.take_up(name, file, bytes, Base::File);
        self.dirty.insert(file.to_owned());
    }

    fn watch_file(&mut self, file: &Path) {
        if let Some(watch) = &mut self.watch
            && watch.watch_file(file).is_err()
        {
            // Without file events the content of every live file is compared at each update.
            self.watch = None;
        }
    }

    fn take_up(&mut self, name: &str, file: &Path, bytes: Vec<u8>, base: Base) {
        self.abandoned.remove(name);
        self.names_by_file
            .entry(file.to_owned())
            .or_default()
            .insert(name.to_owned());
        self.stale
            .retain(|(qualname, _), _| !belongs_to(qualname, name));
        self.modules.insert(
            name.to_owned(),
            LiveModule::new(name.to_owned(), file.to_owned(), bytes, base),
        );
    }

    /// Compare modules that were executed before the session began with their files: what differs is an edit that the
    /// next update applies.
    pub fn survey(&mut self, host: &mut dyn Host, names: &[String]) {
        let mut asked = FactsQuery::default();
        for name in names {
            let outline = self
                .modules
                .get_mut(name)
                .map(|module| module.outline(&mut self.last_unit));
            if let Some(Ok(outline)) = outline {
                asked.modules.push(ModuleQuery {
                    name: name.clone(),
                    text: Some(outline.text.to_string()),
                    ..ModuleQuery::default()
                });
            }
        }
        let Ok(facts) = host.facts(&asked) else {
            return;
        };
        for (name, facts) in facts.modules {
            if let Some(module) = self
                .modules
                .get_mut(&name)
                .filter(|_| !facts.differences.is_empty())
            {
                module.doubt(&facts.differences);
                self.dirty.insert(module.file.clone());
            }
        }
    }

    /// Forget a module.
    pub fn forget(&mut self, name: &str) {
        if let Some(module) = self.modules.remove(name)
            && let Some(names) = self.names_by_file.get_mut(&module.file)
        {
            names.remove(name);
        }
        self.stale
            .retain(|(qualname, _), _| !belongs_to(qualname, name));
    }

    /// Whether a module of this name is live.
    #[must_use]
    pub fn has_module(&self, name: &str) -> bool {
        self.modules.contains_key(name)
    }

    /// The live modules, by name.
    #[must_use]
    pub fn modules(&self) -> Vec<ModuleVersion> {
        self.modules.values().map(LiveModule::version).collect()
    }

    /// The session's version number.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Everything that is stale, whichever update made it so.
    #[must_use]
    pub fn stale(&self, host: &mut dyn Host) -> Vec<Item> {
        let statements = self.stale.values().map(|stale| stale.item.clone());
        let asked = FactsQuery {
            frames: true,
            ..FactsQuery::default()
        };
        let frames = host
            .facts(&asked)
            .map(|facts| facts.frames)
            .unwrap_or_default();
        statements.chain(frames).collect()
    }

    /// The watch, for a thread that waits for events.
    #[must_use]
    pub fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    /// How the session stands.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            version: self.version,
            mode: self.mode,
            sync: self.sync(),
            modules: self.modules(),
            stale: self
                .stale
                .values()
                .map(|stale| stale.item.clone())
                .collect(),
            waiting: self.waiting(),
        }
    }

    /// Saved edits, and statements to execute again, that wait for the thread that may execute statements.
    #[must_use]
    pub fn waiting(&self) -> Vec<Item> {
        let why =
            "waits for the main thread, which has statements to execute; the old code runs on";
        let edits = self.waiting.for_main.iter();
        let edits = edits.filter_map(|name| Some(module_item(self.modules.get(name)?, 1, why)));
        let again = self.waiting.again.iter().map(|statement| Item {
            why: format!("waits for the main thread: {}", statement.item.why),
            ..statement.item.clone()
        });
        edits.chain(again).collect()
    }

    /// Whether the log of a source file may have something to replay.
    #[must_use]
    pub fn has_log(&self, file: &Path) -> bool {
        self.log.is_there(file)
    }

    /// What the user is to be told once: where a log is kept that cannot stand beside its source, and the like.
    pub fn notices(&mut self) -> Vec<String> {
        let mut notices = std::mem::take(&mut self.told);
        notices.extend(self.log.notices());
        notices
    }

    /// What a logged change survives.
    #[must_use]
    pub fn sync(&self) -> SyncMode {
        self.log.sync()
    }

    /// The logs that were created beside their sources since this was asked last.
    pub fn created_logs(&mut self) -> Vec<PathBuf> {
        self.log.created()
    }

    /// End in an orderly way.
    pub fn close(&mut self) {
        self.log.close();
    }

    /// What the last update has left for a later one.
    #[must_use]
    pub fn pending(&self) -> Pending {
        self.waiting.pending(self.sources.seconds())
    }

    /// See no later save: for a forked process, which shares the descriptor of its parent's watch and must not read it.
    pub fn freeze(&mut self) {
        self.is_frozen = true;
        self.log.forked();
        self.watch = None;
        self.dirty.clear();
        self.waiting = Waiting::default();
    }

    /// Whether there is something that the next update has to consider.
    pub fn has_edits(&mut self) -> bool {
        self.observe();
        !self.dirty.is_empty()
    }

    /// Note what was saved since the last look, and say whether anything was.
    pub fn observe(&mut self) -> bool {
        if self.is_frozen {
            return false;
        }
        let events = match &mut self.watch {
            Some(watch) => watch.drain(),
            None => vec![Event::Rescan],
        };
        let is_new = !events.is_empty();
        for event in events {
            match event {
                Event::Changed(file) => {
                    self.dirty.insert(file);
                }
                Event::Rescan => self.dirty.extend(self.names_by_file.keys().cloned()),
            }
        }
        self.waiting.see(&self.dirty, self.sources.seconds());
        is_new
    }

    /// Apply every edit saved before the call, but for modules of `skip`, whose edits wait.
    pub fn update(&mut self, host: &mut dyn Host, skip: &BTreeSet<String>) -> Report {
        self.update_on(Occasion::Asked, host, skip)
    }

    /// Say on which thread the changes are made that somebody asks for.
    pub fn be_asked(&mut self, occasion: Occasion) {
        self.waiting.occasion = occasion;
        self.waiting.needs_main = false;
    }

    /// Whether what was asked for since then was refused only because it has statements to execute.
    #[must_use]
    pub fn needs_main(&self) -> bool {
        self.waiting.needs_main
    }

    /// Apply every edit saved before the call that is ready on this occasion; [`Session::pending`] tells what is not.
    pub fn update_on(
        &mut self,
        occasion: Occasion,
        host: &mut dyn Host,
        skip: &BTreeSet<String>,
    ) -> Report {
        self.observe();
        let start = self.sources.seconds();
        self.waiting.occasion = occasion;
        self.waiting.for_main.clear();
        let mut report = Report::default();
        if occasion.may_execute() {
            let again = std::mem::take(&mut self.waiting.again);
            report.absorb(self.execute_again(host, again));
        }
        if !self.dirty.is_empty() {
            let edits = self.edits(host, skip, &mut report);
            for group in self.groups(edits) {
                report.absorb(self.guarded_transact(host, group));
            }
        }
        let since = self.waiting.first_sight(&self.dirty).unwrap_or(start);
        if report != Report::default() {
            report.seconds = self.sources.seconds() - since;
        }
        report.version = self.version;
        report
    }

    /// Carry out edits as one; modules on which relive itself fails are left alone from then on.
    pub(crate) fn guarded_transact(&mut self, host: &mut dyn Host, edits: Vec<Edit>) -> Report {
        let names: Vec<String> = edits.iter().map(|edit| edit.name.clone()).collect();
        let transacted = guarded(|| self.transact(host, edits));
        transacted.unwrap_or_else(|panic| Report {
            refused: self.abandon(&names, &panic),
            ..Report::default()
        })
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.sources.seconds()
    }

    /// What the report says of modules that are left alone from now on.
    #[must_use]
    pub fn failures(&self, report: &Report) -> Vec<Item> {
        let refused = report.refused.iter();
        refused
            .filter(|item| self.abandoned.contains(&item.qualname))
            .cloned()
            .collect()
    }

    /// Leave modules alone from now on, because relive itself has failed on them.
    pub(crate) fn abandon(&mut self, names: &[String], problem: &str) -> Vec<Item> {
        self.abandoned.extend(names.iter().cloned());
        let why = format!(
            "relive failed: {problem}; the old code runs on, and later edits of the module are not applied"
        );
        let modules = names.iter().filter_map(|name| self.modules.get(name));
        modules.map(|module| module_item(module, 1, &why)).collect()
    }

    /// Execute stale statements again: those named, or all of them.
    pub fn rerun(&mut self, host: &mut dyn Host, qualnames: &[String]) -> Report {
        let start = self.sources.seconds();
        let statements: Vec<_> = self
            .stale
            .values()
            .filter(|stale| qualnames.is_empty() || qualnames.contains(&stale.item.qualname))
            .filter_map(|stale| stale.statement.clone())
            .collect();
        let mut report = Report::default();
        for name in qualnames {
            if !statements
                .iter()
                .any(|statement| statement.item.qualname == *name)
            {
                report.refused.push(Item {
                    qualname: name.clone(),
                    kind: ItemKind::Statement,
                    why: "no stale statement of this name; session.stale() lists them".to_owned(),
                    file: String::new(),
                    line: 0,
                });
            }
        }
        let done = self.execute_again(host, statements);
        report.absorb(done);
        report.seconds = self.sources.seconds() - start;
        report.version = self.version;
        report
    }

    /// Whether a dirty file holds something that was not considered before.
    fn has_news(&self) -> bool {
        self.dirty.iter().any(|file| {
            let hash = self
                .sources
                .read(file)
                .ok()
                .map(|content| blake3::hash(&content));
            let names = self.names_by_file.get(file).into_iter().flatten();
            names
                .filter_map(|name| self.modules.get(name))
                .any(|module| module.seen != hash)
        })
    }

    /// Read and outline the dirty files; what cannot be outlined is refused in the report.
    fn edits(
        &mut self,
        host: &mut dyn Host,
        skip: &BTreeSet<String>,
        report: &mut Report,
    ) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut waiting = BTreeSet::new();
        if self.has_news() {
            self.dirty.append(&mut self.failed);
        }
        for file in std::mem::take(&mut self.dirty) {
            let names = self.names_by_file.get(&file).cloned().unwrap_or_default();
            let content = self.sources.read(&file).ok();
            let hash = content.as_deref().map(blake3::hash);
            let mut is_unfinished = None;
            for name in names {
                if skip.contains(&name) {
                    waiting.insert(file.clone());
                    continue;
                }
                if self.abandoned.contains(&name) {
                    continue;
                }
                let Some(module) = self.modules.get_mut(&name) else {
                    continue;
                };
                let folded = module.folded.take_if(|folded| hash == Some(*folded));
                let seen = std::mem::replace(&mut module.seen, hash);
                if seen == hash {
                    continue;
                }
                let outlined = guarded(|| {
                    let old = module.outline(&mut self.last_unit)?;
                    let Some(content) = &content else {
                        return Ok((old, None));
                    };
                    let mut saved = module.outline_edited(content)?;
                    saved.outline.inherit(Some(&old), &mut self.last_unit);
                    Ok((old, Some(saved)))
                });
                let problem = match outlined {
                    Ok(Ok((old, Some(saved)))) => {
                        // What a fold has written is in the log already.
                        let before = match folded {
                            Some(_) => Some(saved.file.as_ref().unwrap_or(&saved.outline)),
                            None => module.file_outline(),
                        };
                        let before = before.cloned();
                        edits.push(Edit {
                            name,
                            old,
                            new: saved.outline,
                            file: saved.file,
                            changes: saved.changes,
                            seen,
                            origin: Origin::Saved { before },
                        });
                        continue;
                    }
                    Ok(Ok((_, None))) => None,
                    Ok(Err(error)) => Some(error),
                    Err(panic) => {
                        report.refused.extend(self.abandon(&[name], &panic));
                        continue;
                    }
                };
                let now = self.sources.seconds();
                let judge = || self.waiting.is_unfinished(&file, hash, now);
                if *is_unfinished.get_or_insert_with(judge) {
                    module.seen = seen;
                    waiting.insert(file.clone());
                    continue;
                }
                let (line, why) = match (problem, &content) {
                    (Some(error), Some(content)) => {
                        let error = explained(host, module, content, error);
                        let why = format!("syntax error: {}; the old code runs on", error.message);
                        (error.line, why)
                    }
                    _ => (
                        1,
                        "its file is gone; the old code runs on until it is back".to_owned(),
                    ),
                };
                report.refused.push(module_item(module, line, &why));
            }
            if is_unfinished.is_none() {
                self.waiting.is_finished(&file);
            }
        }
        self.dirty.append(&mut waiting);
        edits
    }
}

/// What CPython says is wrong with a text, which knows better where a mistake began.
fn explained(
    host: &mut dyn Host,
    module: &LiveModule,
    content: &[u8],
    error: SyntaxError,
) -> SyntaxError {
    let Ok(text) = decode(content) else {
        return error;
    };
    let whole = Plan {
        modules: vec![ModuleText {
            name: module.name.clone(),
            file: module.file_name(),
            excerpts: vec![text],
            ..ModuleText::default()
        }],
        steps: Vec::new(),
    };
    match host.compile(&whole) {
        Err(HostError::Syntax { message, line, .. }) => SyntaxError { message, line },
        _ => error,
    }
}

pub(crate) fn module_item(module: &LiveModule, line: u32, why: &str) -> Item {
    Item {
        qualname: module.name.clone(),
        kind: ItemKind::Module,
        why: why.to_owned(),
        file: module.file_name(),
        line,
    }
}

/// Run a part of an update; the message of a panic is returned, so that the program runs on.
fn guarded<T>(part: impl FnOnce() -> T) -> Result<T, String> {
    // What the part was working on is not used again: the session leaves the module alone from then on.
    std::panic::catch_unwind(AssertUnwindSafe(part)).map_err(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
        format!("panic: {}", message.unwrap_or("of unknown cause"))
    })
}

fn belongs_to(qualname: &str, module: &str) -> bool {
    qualname.split(':').next() == Some(module)
}
