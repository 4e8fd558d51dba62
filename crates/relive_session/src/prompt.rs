//! What is typed at a prompt: it stands in the session's log before it runs, and what it changes in a live module in
//! that module's log as well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use relive_log::{
    Change, ChangeKind, Draft, Effect, Operation, Progress, Status, Via, is_left_off_by_choice,
};
use relive_syntax::{
    CellEffect, CellKind, CellStatement, Changed, How, Outline, Step, cell, rebased,
};

use crate::changes::ChangeRequest;
use crate::host::Host;
use crate::log::{Appended, LogError, LogOutcome, ModuleChange};
use crate::names::{CellNames, PromptNames, Typed};
use crate::recovery::LINES;
use crate::report::Report;
use crate::session::Session;

/// A cell that stands in the log and runs, or is about to.
#[derive(Clone, Debug, Default)]
pub struct LoggedCell {
    appended: Appended,
    /// Definitions that it assigns into modules.
    requests: Vec<ChangeRequest>,
    /// What it defines at the prompt, in the order of its text; with no text what it binds otherwise.
    defined: Vec<(String, String)>,
    /// Where it assigns definitions to: modules, and attributes in them.
    assigned: Vec<(String, Vec<String>)>,
    /// The line and column where each of its statements begins.
    places: Vec<(u32, u32)>,
    /// By transaction, the index of the statement that each draft is of.
    steps: Vec<Vec<usize>>,
    /// Where it assigns definitions to that stay the prompt's.
    kept: Vec<(String, Vec<String>)>,
    /// Why these are not the modules' own.
    reasons: Vec<String>,
    /// Its text, if it changes something by names that it imports itself: where these lead is known at its end.
    importing: Option<String>,
}

impl LoggedCell {
    /// Where it assigns definitions to: modules, and the attributes that lead there. Their functions are to be what
    /// they were when [`Session::cell_done`] makes the definitions the modules' own.
    #[must_use]
    pub fn assigned(&self) -> &[(String, Vec<String>)] {
        &self.assigned
    }

    /// Where it assigns definitions to that stay the prompt's, likewise.
    #[must_use]
    pub fn kept(&self) -> &[(String, Vec<String>)] {
        &self.kept
    }

    /// Its transaction in the session's log, by which it is known.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.appended.cause.as_ref().map_or(0, |cause| cause.tx)
    }
}

/// Why a statement does not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
    /// The modules that it changed have replayed it already.
    Live,
    /// It was undone.
    Undone,
    /// Somebody has left it off.
    LeftOff,
    /// It was written into the file.
    InFile,
    /// The file says something else by now.
    Conflict,
}

impl Away {
    /// The reason, to be told.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Live => "its module has it already",
            Self::Undone => "it was undone",
            Self::LeftOff => "you left it off",
            Self::InFile => "it was written into the file",
            Self::Conflict => "the file says something else by now",
        }
    }
}

/// Why a change counts no longer whose cell came back: it was made once more.
const MADE_AGAIN: &str = "made again as its cell came back";

/// What a cell changes in one module.
#[derive(Default)]
struct InModule {
    drafts: Vec<Draft>,
    /// The index of the statement that each is of.
    steps: Vec<usize>,
    /// The statement at hand is among them.
    has_statement: bool,
    /// Which of the drafts are definitions.
    definitions: Vec<usize>,
    /// Where they are assigned to.
    assigned: Vec<Vec<String>>,
    /// Where it assigns definitions to that stay the prompt's.
    kept: Vec<Vec<String>>,
    /// Why these are not the module's own.
    reasons: Vec<String>,
}

impl Session {
    /// Log what is about to run. None if there is nothing in it to log.
    pub fn log_cell(
        &mut self,
        text: &str,
        names: &dyn PromptNames,
    ) -> Result<Option<LoggedCell>, LogError> {
        let mut own = Vec::new();
        let statements = cell(text).unwrap_or_else(|_| {
            // Python has compiled it: it is of a newer Python than this parser.
            if !text.contains("relive: nolog") {
                own.push(Draft::State {
                    target: "-".to_owned(),
                    effect: Effect::Unknown,
                    text: text.trim_end().to_owned(),
                });
            }
            Vec::new()
        });
        let mut defined = Vec::new();
        let mut lines = Vec::new();
        let mut own_steps: Vec<usize> = own.iter().map(|_| 0).collect();
        for (step, statement) in statements
            .iter()
            .enumerate()
            .filter(|(_, one)| is_logged(one))
        {
            own.push(self.own_draft(statement, &mut defined));
            defined.extend(rebound(statement));
            own_steps.push(step);
            lines.push(statement.lines.first.to_string());
        }
        if own.is_empty() {
            return Ok(None);
        }
        let mut modules = self.in_modules(&statements, names, true);
        for (name, change) in &mut modules {
            change.drafts.extend(self.replaced_by(name));
        }
        let changes: Vec<ModuleChange> = modules
            .iter()
            .map(|(name, change)| ModuleChange {
                file: self.path_of(name),
                drafts: change.drafts.clone(),
                via: Via::Repl,
                cause: None,
            })
            .collect();
        let replayed = self.replay_causes.first();
        let appended = self.log.append_cell(&own, &changes, replayed)?;
        self.running.extend(appended.cause.clone());
        let steps = modules.values().map(|change| change.steps.clone());
        let steps = steps.chain([own_steps]).collect();
        if let Some(cause) = appended.cause.as_ref().filter(|_| lines.len() > 1) {
            let lines = lines.join(",");
            let note = format!("{LINES}{} {lines}", cause.tx);
            self.log.note(note.as_ref());
        }
        let reasons = modules.values().flat_map(|change| change.reasons.clone());
        // Who brings a cell back has been told when it was typed.
        let reasons = reasons.filter(|_| replayed.is_none()).collect();
        let places_of = |paths: fn(&InModule) -> &Vec<Vec<String>>| {
            let changes = modules.iter();
            let places = changes.flat_map(|(name, change)| {
                let paths = paths(change).iter();
                paths.map(|path| (name.clone(), path.clone()))
            });
            places.collect()
        };
        let assigned = places_of(|change| &change.assigned);
        let kept = places_of(|change| &change.kept);
        let requests = modules.into_iter().zip(&appended.numbers);
        let requests =
            requests.filter_map(|((module, change), numbers)| change.request(module, numbers));
        Ok(Some(LoggedCell {
            requests: requests.collect(),
            appended,
            defined,
            assigned,
            places: statements
                .iter()
                .map(|statement| (statement.lines.first, statement.column))
                .collect(),
            steps,
            kept,
            reasons,
            importing: imports_what_it_changes(&statements).then(|| text.to_owned()),
        }))
    }

    /// What the statements of a cell change in live modules, before it runs or once it has.
    fn in_modules(
        &mut self,
        statements: &[CellStatement],
        names: &dyn PromptNames,
        is_to_run: bool,
    ) -> BTreeMap<String, InModule> {
        let mut modules: BTreeMap<String, InModule> = BTreeMap::new();
        let mut defined = Vec::new();
        let mut names = CellNames::new(names, !is_to_run);
        for (step, statement) in statements
            .iter()
            .enumerate()
            .filter(|(_, one)| is_logged(one))
        {
            if let CellKind::Function { name } | CellKind::Class { name } = &statement.kind {
                defined.push((name.clone(), statement.text.clone()));
            }
            defined.extend(rebound(statement));
            for change in modules.values_mut() {
                change.has_statement = false;
            }
            for changed in statement.changes.iter().chain(&bound(statement)) {
                self.add_module_draft(statement, changed, &names, &defined, &mut modules);
            }
            for change in modules.values_mut() {
                change.steps.resize(change.drafts.len(), step);
            }
            for import in &statement.imports {
                names.import(self, import);
            }
            if is_to_run {
                names.bind(statement);
            }
        }
        modules
    }

    /// Log what a cell has changed in modules that it had to import before: the first `done` of its statements.
    fn log_imported(&mut self, cell: &LoggedCell, done: usize, names: &dyn PromptNames) {
        let Some(statements) = cell
            .importing
            .as_deref()
            .and_then(|text| self::cell(text).ok())
        else {
            return;
        };
        let done = &statements[..done.min(statements.len())];
        for (module, change) in self.in_modules(done, names, false) {
            let file: PathBuf = self.file_of(&module).into();
            let mut known = cell.appended.transactions.iter();
            if change.drafts.is_empty() || known.any(|(known, _)| *known == file) {
                continue;
            }
            self.told.extend(change.reasons);
            let logged = ModuleChange {
                file,
                drafts: change.drafts,
                via: Via::Repl,
                cause: cell.appended.cause.clone(),
            };
            // It is done already, and cannot be refused any more.
            if let Err(error) = self.append_done(logged) {
                self.told.push(format!(
                    "what the statement changed in {module} is not logged: {error}"
                ));
            }
        }
    }

    /// Note that a cell came to its end. Definitions that it assigned into modules are theirs from now on.
    pub fn cell_done(
        &mut self,
        host: &mut dyn Host,
        cell: LoggedCell,
        milliseconds: f64,
        names: &dyn PromptNames,
    ) -> Report {
        self.has_run(&cell);
        self.log
            .outcome(&cell.appended, LogOutcome::Applied { milliseconds });
        self.log_imported(&cell, usize::MAX, names);
        self.prompt.extend(cell.defined);
        self.prompt.retain(|_, text| !text.is_empty());
        self.told.extend(cell.reasons);
        if cell.requests.is_empty() {
            return Report::default();
        }
        self.change(host, cell.requests)
    }

    /// Note that a cell raised, at this line and column of it; at line 0: before any of it was executed.
    pub fn cell_failed(
        &mut self,
        cell: &LoggedCell,
        why: &str,
        at: Option<(u32, u32)>,
        names: &dyn PromptNames,
    ) {
        self.has_run(cell);
        // Which of them it came to is not looked into.
        for (name, _) in &cell.defined {
            self.prompt.remove(name);
        }
        let Some(at) = at.filter(|_| !cell.places.is_empty()) else {
            self.log.outcome(&cell.appended, LogOutcome::Raised(why));
            return;
        };
        let raised = cell.places.iter().rposition(|&place| place <= at);
        let done = raised.unwrap_or_default();
        let parts = cell.steps.iter().zip(&cell.appended.numbers);
        let progress = parts.map(|(steps, numbers)| {
            let first = steps.iter().position(|&step| Some(step) == raised);
            Progress {
                done: steps.iter().filter(|&&step| step < done).count() as u64,
                raised: first.and_then(|first| numbers.get(first).copied()),
            }
        });
        let progress: Vec<Progress> = progress.collect();
        let outcome = LogOutcome::RaisedIn {
            why,
            progress: &progress,
        };
        self.log.outcome(&cell.appended, outcome);
        self.log_imported(cell, done, names);
    }

    fn has_run(&mut self, cell: &LoggedCell) {
        self.running
            .retain(|running| Some(running) != cell.appended.cause.as_ref());
    }

    /// What a cell that comes back did to a module the first time counts no longer: it does it again.
    pub(crate) fn replaced_by(&self, module: &str) -> Vec<Draft> {
        let same = self.caused_before(module);
        let same = same.filter(|change| {
            let is_counted = matches!(change.status, Status::Pending | Status::Omitted);
            is_counted && !is_left_off_by_choice(change)
        });
        let undos = same.map(|change| Draft::Undo {
            of: change.number,
            why: MADE_AGAIN.to_owned(),
        });
        undos.collect()
    }

    /// Of what a cell that comes back patches, what it may: not what has become something else since it was made first.
    pub(crate) fn made_again(&mut self, module: &str, drafts: Vec<Draft>) -> Vec<Draft> {
        let mut may = Vec::new();
        for draft in drafts {
            let same = self.caused_before(module);
            let same = same.filter(|change| is_same_change(&change.kind, &draft));
            let away: Option<Vec<Away>> = same
                .map(|change| self.why_it_is_over(module, change))
                .collect();
            // None of them is over, or there is none.
            let Some(away) = away.and_then(|away| away.last().copied()) else {
                may.push(draft);
                continue;
            };
            if let (Draft::Patch { target, .. }, false) = (&draft, away == Away::Live) {
                let why = away.why();
                self.told
                    .push(format!("{module}:{target} is not patched once more: {why}"));
            }
        }
        may
    }

    /// Why a statement that is to come back does not, whatever else it does: all that it did to live modules is live
    /// there, was taken back, left off or written into their files, or the files say something else by now.
    /// `is_named`: somebody has named it since.
    pub fn why_it_stays_away(
        &mut self,
        text: &str,
        names: &dyn PromptNames,
        is_named: bool,
    ) -> Option<Away> {
        let mut modules: BTreeMap<String, InModule> = BTreeMap::new();
        let mut defined = Vec::new();
        for statement in &cell(text).unwrap_or_default() {
            self.own_draft(statement, &mut defined);
            for changed in statement.changes.iter().chain(&bound(statement)) {
                self.add_module_draft(statement, changed, names, &defined, &mut modules);
            }
        }
        let mut why = None;
        for (module, change) in &modules {
            for draft in &change.drafts {
                let same = self.caused_before(module);
                let mut same = same
                    .filter(|change| is_same_change(&change.kind, draft))
                    .peekable();
                same.peek()?;
                for change in same {
                    let away = self.why_it_is_over(module, change)?;
                    if away == Away::LeftOff && is_named {
                        return None;
                    }
                    why = Some(away);
                }
            }
        }
        why
    }

    /// Why what a cell did does not come back with it.
    fn why_it_is_over(&self, module: &str, change: &Change) -> Option<Away> {
        match change.status {
            Status::Undone if self.is_taken_back(module, change) => Some(Away::Undone),
            Status::Folded | Status::InSource => Some(Away::InFile),
            Status::Conflict => Some(Away::Conflict),
            Status::Pending => Some(Away::Live),
            Status::Omitted if is_left_off_by_choice(change) => Some(Away::LeftOff),
            _ => None,
        }
    }

    /// Whether a change was taken back for another reason than that its cell came back.
    fn is_taken_back(&self, module: &str, change: &Change) -> bool {
        let changes = self.modules.get(module).map(|module| &module.changes);
        let is_it = |other: &Change| {
            matches!(other.kind, ChangeKind::Undo { of } if of == change.number)
                && other.status != Status::Undone
                && other.why != MADE_AGAIN
        };
        change.status == Status::Undone && changes.is_some_and(|changes| changes.iter().any(is_it))
    }

    /// What the statement that comes back did to a module when it was executed before.
    fn caused_before(&self, module: &str) -> impl Iterator<Item = &Change> {
        let module = self.modules.get(module);
        let changes = module.into_iter().flat_map(|module| &module.changes);
        changes.filter(move |change| {
            let is_change = matches!(
                change.kind,
                ChangeKind::Patch { .. } | ChangeKind::State { .. }
            );
            is_change
                && change
                    .cause
                    .as_ref()
                    .is_some_and(|cause| self.replay_causes.contains(cause))
        })
    }

    fn own_draft(&self, statement: &CellStatement, defined: &mut Vec<(String, String)>) -> Draft {
        if let CellKind::Function { name } | CellKind::Class { name } = &statement.kind {
            let old = self.prompt.get(name).cloned();
            defined.push((name.clone(), statement.text.clone()));
            return Draft::Patch {
                operation: match old {
                    Some(_) => Operation::Replace,
                    None => Operation::Add,
                },
                target: name.clone(),
                after: None,
                old,
                new: Some(statement.text.clone()),
            };
        }
        let root = statement.changes.first().map(|changed| &changed.root);
        let target = root.or(statement.binds.first());
        Draft::State {
            target: target.cloned().unwrap_or_else(|| "-".to_owned()),
            effect: effect(statement.effect),
            text: statement.text.clone(),
        }
    }

    fn add_module_draft(
        &mut self,
        statement: &CellStatement,
        changed: &Changed,
        names: &dyn PromptNames,
        defined: &[(String, String)],
        modules: &mut BTreeMap<String, InModule>,
    ) {
        let Some((module, root, path)) = self.live_module(changed, names) else {
            return;
        };
        let Some(target) = path.first() else {
            return;
        };
        let definition = self.assigned_definition(statement, changed, &path, defined);
        let change = modules.entry(module.clone()).or_default();
        let of_prompt = definition.as_ref().map(|(scope, text)| {
            let cell = Typed {
                names,
                defined,
                drafts: &change.drafts,
            };
            self.named_of_prompt(&module, scope, text, &cell)
        });
        let of_prompt = of_prompt.unwrap_or_default();
        let why = if !of_prompt.is_empty() {
            Some(format!("it names {} of the prompt", of_prompt.join(", ")))
        } else if names.has_run() {
            // What stood in its place is gone: it cannot take the definition over.
            definition
                .as_ref()
                .map(|_| "it stands in the cell that first imports the module".to_owned())
        } else {
            None
        };
        if let Some(why) = &why {
            let name = path.join(".");
            change.reasons.push(format!(
                "{module}:{name} is not made the module's own, and is not folded: {why}"
            ));
            change.kept.push(path.clone());
        }
        if let Some(drafts) = definition
            .filter(|_| why.is_none())
            .and_then(|(scope, text)| self.as_patch(&module, &scope, &text))
        {
            let first = change.drafts.len();
            change.definitions.extend(first..first + drafts.len());
            change.drafts.extend(drafts);
            change.assigned.push(path);
            return;
        }
        // One statement may change several things: it stands in the log once.
        if std::mem::replace(&mut change.has_statement, true) {
            return;
        }
        let means_the_same = why.is_none() && self.reads_the_same(statement, &module, names);
        let inside = match root {
            _ if !means_the_same => None,
            Some(root) => rebased(&statement.text, &root),
            None => Some(statement.text.clone()),
        };
        change.drafts.push(Draft::State {
            target: target.clone(),
            effect: match inside {
                Some(_) => effect(statement.effect),
                None => Effect::Unknown,
            },
            text: inside.unwrap_or_else(|| statement.text.clone()),
        });
    }

    /// The live module that a path leads into: its name, the part of the path that is the module, and the attributes
    /// behind it. No part of it is the module whose names are those of the prompt, or that the path begins in by a name
    /// that was imported from it.
    fn live_module(
        &mut self,
        changed: &Changed,
        names: &dyn PromptNames,
    ) -> Option<(String, Option<String>, Vec<String>)> {
        let attributes: Vec<&String> = changed
            .path
            .iter()
            .map_while(|step| match step {
                Step::Attribute(name) => Some(name),
                Step::Subscript => None,
            })
            .collect();
        let mut root = changed.root.clone();
        let mut found = self.own_module(&root, names).map(|own| {
            let path = std::iter::once(&root).chain(attributes.iter().copied());
            (own, None, path.cloned().collect())
        });
        for count in 0..=attributes.len() {
            if count > 0 {
                root = format!("{root}.{}", attributes[count - 1]);
            }
            let Some(module) = names.module(&root) else {
                break;
            };
            let rest = attributes[count..].iter().map(|name| (*name).clone());
            if self.has_module(&module) {
                found = Some((module, Some(root.clone()), rest.collect()));
            }
        }
        let is_bound = changed.path.is_empty() && matches!(changed.how, How::Store | How::Delete);
        if found.is_none() && !is_bound {
            let home = self.home(&changed.root, names)?;
            let path = std::iter::once(&changed.root).chain(attributes);
            found = Some((home, None, path.cloned().collect()));
        }
        found
    }

    /// The live module whose names are those of the prompt, if its text binds this one.
    fn own_module(&mut self, name: &str, names: &dyn PromptNames) -> Option<String> {
        let module = names.own_module()?;
        let live = self.modules.get_mut(&module)?;
        let outline = live.outline(&mut self.last_unit).ok()?;
        let mut units = outline.units.iter();
        let is_its = units.any(|unit| unit.binds.iter().any(|bound| bound == name));
        is_its.then_some(module)
    }

    /// The definition that `bank.Account.deposit = deposit` assigns, as it would stand in the module, or that a
    /// statement is where the prompt has the module's names.
    fn assigned_definition(
        &self,
        statement: &CellStatement,
        changed: &Changed,
        path: &[String],
        defined: &[(String, String)],
    ) -> Option<(Vec<String>, String)> {
        if let CellKind::Function { .. } | CellKind::Class { .. } = statement.kind {
            return Some((Vec::new(), statement.text.clone()));
        }
        let is_plain = changed.how == How::Store && !changed.path.contains(&Step::Subscript);
        let (_, value) = statement.text.split_once('=').filter(|_| is_plain)?;
        let value = value.trim();
        let (name, scope) = path.split_last()?;
        let text = self.typed_definition(value, defined)?;
        Some((scope.to_vec(), renamed(text, value, name)?))
    }

    /// The text by which a name is defined at the prompt, if nothing else has bound it since.
    pub(crate) fn typed_definition<'t>(
        &'t self,
        name: &str,
        defined: &'t [(String, String)],
    ) -> Option<&'t str> {
        let here = defined.iter().rev().find(|(known, _)| known == name);
        let text = here.map(|(_, text)| text).or_else(|| self.prompt.get(name));
        text.map(String::as_str).filter(|text| !text.is_empty())
    }

    fn as_patch(&mut self, module: &str, scope: &[String], text: &str) -> Option<Vec<Draft>> {
        let live = self.live_text(module)?;
        let added = Outline::parse(text.into()).ok()?;
        let new = relive_log::splice(&live, scope, &added).ok()?;
        let new = Outline::parse(new.into()).ok()?;
        Some(relive_log::drafts(&live, &new))
    }
}

impl InModule {
    /// The definitions among the changes, which are in the log already, to be made the module's own.
    fn request(self, module: String, numbers: &[u64]) -> Option<ChangeRequest> {
        let is_definition = |index: &usize| self.definitions.contains(index);
        let chosen: Vec<usize> = (0..self.drafts.len()).filter(is_definition).collect();
        if chosen.is_empty() {
            return None;
        }
        Some(ChangeRequest {
            module,
            drafts: chosen
                .iter()
                .map(|&index| self.drafts[index].clone())
                .collect(),
            via: Via::Repl,
            cause: None,
            logged: Some(
                chosen
                    .iter()
                    .filter_map(|&index| numbers.get(index).copied())
                    .collect(),
            ),
        })
    }
}

fn is_logged(statement: &CellStatement) -> bool {
    !statement.is_kept_out && statement.effect != CellEffect::Inspect
}

/// Whether a cell changes something through a name that it imports.
fn imports_what_it_changes(statements: &[CellStatement]) -> bool {
    let mut imported: BTreeSet<&str> = BTreeSet::new();
    statements.iter().any(|statement| {
        let mut roots = statement.changes.iter().map(|changed| &*changed.root);
        let is_it = roots.any(|root| imported.contains(root));
        imported.extend(statement.imports.iter().map(|import| &*import.alias));
        is_it
    })
}

/// The names that a statement binds or deletes, and does not define: they have no text of a definition any more.
fn rebound(statement: &CellStatement) -> Vec<(String, String)> {
    if let CellKind::Function { .. } | CellKind::Class { .. } = statement.kind {
        return Vec::new();
    }
    let names = statement.binds.iter();
    names.map(|name| (name.clone(), String::new())).collect()
}

/// What a statement binds or deletes at the prompt, as changes of what the prompt has the names of. An import brings
/// back what there is.
fn bound(statement: &CellStatement) -> Vec<Changed> {
    if statement.kind == CellKind::Import {
        return Vec::new();
    }
    let how = if statement.is_deletion {
        How::Delete
    } else {
        How::Store
    };
    let names = statement.binds.iter();
    let changed = names.map(|name| Changed {
        root: name.clone(),
        path: Vec::new(),
        how: how.clone(),
    });
    changed.collect()
}

/// Whether a change in a log is what a statement would do again.
fn is_same_change(kind: &ChangeKind, draft: &Draft) -> bool {
    match (kind, draft) {
        (ChangeKind::State { text, .. }, Draft::State { text: other, .. }) => {
            text.trim_end() == other.trim_end()
        }
        (ChangeKind::Patch { target, .. }, Draft::Patch { target: other, .. }) => target == other,
        _ => false,
    }
}

fn effect(effect: CellEffect) -> Effect {
    match effect {
        CellEffect::Inspect | CellEffect::Assign => Effect::Assign,
        CellEffect::Call => Effect::Call,
    }
}

/// A function's definition under another name.
fn renamed(text: &str, old: &str, new: &str) -> Option<String> {
    if old == new {
        return Some(text.to_owned());
    }
    let line = text.lines().find(|line| {
        let line = line.trim_start();
        line.starts_with("def ") || line.starts_with("async def ") || line.starts_with("class ")
    })?;
    let (before, after) = line.split_once(old)?;
    Some(text.replacen(line, &format!("{before}{new}{after}"), 1))
}
