//! Changes made at run time: a live module is the text of its file with its pending changes merged.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use relive_log::{
    Cause, Change, ChangeKind, Draft, Folded, Merged, Outcome, Status, Together, Via, judge, merge,
};
use relive_plan::{Item, ItemKind};
use relive_syntax::{Lines, Outline, Piece, SyntaxError};

use crate::host::Host;
use crate::log::{LogError, ModuleChange};
use crate::module::LiveModule;
use crate::replay::decisions;
use crate::report::Report;
use crate::session::{Session, module_item};
use crate::transaction::{Edit, Origin};

/// What somebody asks to be changed in a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRequest {
    /// The module's name.
    pub module: String,
    /// What changes.
    pub drafts: Vec<Draft>,
    /// How it came about.
    pub via: Via,
    /// What it is a consequence of.
    pub cause: Option<Cause>,
    /// The numbers that the drafts have, where they stand in the log already.
    pub logged: Option<Vec<u64>>,
}

/// Text to become part of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchRequest {
    /// The module's name.
    pub module: String,
    /// The class that the definitions belong to; empty for the module.
    pub scope: Vec<String>,
    /// Definitions and statements.
    pub source: String,
}

/// A file's outline, and what its module is with its pending changes.
pub(crate) struct MergedModule {
    /// The live one.
    pub(crate) outline: Outline,
    /// That of the file, where pending changes make the live one another.
    pub(crate) file: Option<Outline>,
    /// The changes, with what has become of them in view of the file.
    pub(crate) changes: Vec<Change>,
    /// Where the lines of changes stand.
    pub(crate) places: Places,
}

/// Lines that tracebacks name, and the numbers of the changes that they are of.
pub(crate) type Places = Vec<(Lines, u64)>;

impl Session {
    /// Have definitions and statements become part of live modules as though they stood in their files: all or none.
    ///
    /// Each module is named once; several patches of one are one text.
    pub fn patch(&mut self, host: &mut dyn Host, patches: &[PatchRequest]) -> Report {
        let mut report = Report::default();
        let mut texts: BTreeMap<&str, Outline> = BTreeMap::new();
        for patch in patches {
            match self.patched(patch, texts.get(patch.module.as_str())) {
                Ok(outline) => {
                    texts.insert(&patch.module, outline);
                }
                Err(item) => report.refused.push(item),
            }
        }
        let mut requests = Vec::new();
        for (name, outline) in texts {
            let live = self.live_text(name);
            if let Some(live) = live.filter(|_| report.refused.is_empty()) {
                let mut drafts = relive_log::drafts(&live, &outline);
                if !self.replay_causes.is_empty() {
                    drafts = self.made_again(name, drafts);
                    if drafts.is_empty() {
                        continue;
                    }
                    drafts.extend(self.replaced_by(name));
                }
                requests.push(ChangeRequest {
                    module: name.to_owned(),
                    drafts,
                    via: Via::Patch,
                    cause: self.running.last().cloned(),
                    logged: None,
                });
            }
        }
        if !report.refused.is_empty() {
            report.version = self.version();
            return report;
        }
        self.change(host, requests)
    }

    /// The text of a module once a patch is part of it.
    fn patched(&mut self, patch: &PatchRequest, before: Option<&Outline>) -> Result<Outline, Item> {
        let refused = |line: u32, why: String| Item {
            qualname: patch.module.clone(),
            kind: ItemKind::Module,
            why,
            file: "<patch>".to_owned(),
            line,
        };
        let syntax = |error: SyntaxError| {
            refused(
                error.line,
                format!(
                    "the patch has a syntax error: {}; nothing was changed",
                    error.message
                ),
            )
        };
        let added = Outline::parse(patch.source.as_str().into()).map_err(syntax)?;
        let live = match before {
            Some(outline) => outline.clone(),
            None => self.live_text(&patch.module).ok_or_else(|| {
                let why = "is no live module; nothing was changed";
                refused(1, why.to_owned())
            })?,
        };
        let text = relive_log::splice(&live, &patch.scope, &added)
            .map_err(|error| refused(1, format!("{error}; nothing was changed")))?;
        Outline::parse(text.into()).map_err(syntax)
    }

    /// The program text that is live in a module, with its lines where they stand in that text.
    pub(crate) fn live_text(&mut self, name: &str) -> Option<Outline> {
        let module = self.modules.get_mut(name)?;
        let outline = module.outline(&mut self.last_unit).ok()?;
        Outline::parse(Arc::clone(&outline.text)).ok()
    }

    /// Have a change count no longer, whichever it is, with those of other modules that are one with it: all or none.
    pub fn undo(&mut self, host: &mut dyn Host, file: &Path, number: u64) -> Report {
        let mut elsewhere = Vec::new();
        let report = match self.undo_requests(file, number, &mut elsewhere) {
            Ok(requests) => self.change(host, requests),
            Err(why) => self.refusal(file, why),
        };
        for change in elsewhere {
            let other = change.file.clone();
            if report.refused.is_empty() && !change.drafts.is_empty() {
                let done = match self.append_done(change) {
                    Ok(_) => "taken back with it".to_owned(),
                    Err(error) => format!("not taken back with it: {error}"),
                };
                self.told.push(format!("{}: {done}", other.display()));
            }
            self.log.release(&other);
        }
        report
    }

    /// What takes a change back in the live modules that it is of. `elsewhere`: in others, whose logs are this session's
    /// to write until they are released.
    fn undo_requests(
        &mut self,
        file: &Path,
        number: u64,
        elsewhere: &mut Vec<ModuleChange>,
    ) -> Result<Vec<ChangeRequest>, String> {
        let told = |error: LogError| error.to_string();
        let changes = self.log.read(file).map_err(told)?.changes;
        let together = Together::of(&changes, number);
        let numbers = together
            .as_ref()
            .map_or_else(Vec::new, |together| together.numbers(&changes));
        let Some(together) = together.filter(|_| numbers.contains(&number)) else {
            return Ok(vec![self.undo_request(file, &changes, &[number])?]);
        };
        let mut requests = vec![self.undo_request(file, &changes, &numbers)?];
        for part in self.log.other_parts(file, &together.within).map_err(told)? {
            let not_alone = |why: &str| format!("change {number} cannot be undone without {why}");
            if let Some(missing) = part.missing() {
                return Err(not_alone(&missing));
            }
            let of = format!("its part of {}: ", part.way.display());
            let not_alone = |why: String| not_alone(&(of.clone() + &why));
            let live = self.live_file(&part.source);
            let other = live.as_ref().unwrap_or(&part.source);
            let changes = self.log.read(other).map_err(told)?.changes;
            let numbers = together.numbers(&changes);
            if numbers.is_empty() {
                continue;
            }
            if live.is_some() {
                let request = self.undo_request(other, &changes, &numbers);
                requests.push(request.map_err(not_alone)?);
                continue;
            }
            self.log.claim(other).map_err(|error| not_alone(error.0))?;
            elsewhere.push(ModuleChange {
                file: other.clone(),
                drafts: Vec::new(),
                via: Via::Undo,
                cause: None,
            });
            let drafts = self.undone_elsewhere(other, &changes, &numbers);
            if let Some(change) = elsewhere.last_mut() {
                change.drafts = drafts.map_err(not_alone)?;
            }
        }
        Ok(requests)
    }

    /// What takes changes back of a source whose module is not live.
    fn undone_elsewhere(
        &self,
        source: &Path,
        changes: &[Change],
        numbers: &[u64],
    ) -> Result<Vec<Draft>, String> {
        let text = match self.sources.read(source) {
            Ok(bytes) => relive_syntax::decode(&bytes).map_err(|error| error.message)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error.to_string()),
        };
        let outline = Outline::parse(text.into()).map_err(|error| error.message)?;
        let drafts = relive_log::undo_together(changes, numbers, &outline);
        drafts.map_err(|error| error.to_string())
    }

    fn undo_request(
        &mut self,
        file: &Path,
        changes: &[Change],
        numbers: &[u64],
    ) -> Result<ChangeRequest, String> {
        let name = self.module_of(file)?;
        let module = self.modules.get_mut(&name).ok_or("its module is gone")?;
        let live = module.outline(&mut self.last_unit);
        let live = live.map_err(|error| error.message)?;
        let source = module.file_outline().unwrap_or(&live);
        let drafts = relive_log::undo_together(changes, numbers, source);
        Ok(ChangeRequest {
            module: name,
            drafts: drafts.map_err(|error| error.to_string())?,
            via: Via::Undo,
            cause: None,
            logged: None,
        })
    }

    /// Merge a change that is in conflict with what the file says now.
    pub fn resolve(&mut self, host: &mut dyn Host, file: &Path, number: u64) -> Report {
        let drafted = self.drafted(file, |all, source| {
            let resolved = relive_log::resolve(all, number, source);
            Ok(resolved.map_err(|error| error.to_string())?.drafts)
        });
        self.change_drafted(host, file, drafted, Via::Undo)
    }

    /// What is to be changed in the module of a file, in view of all changes of its log and of the file.
    fn drafted(
        &mut self,
        file: &Path,
        draft: impl FnOnce(&[Change], &Outline) -> Result<Vec<Draft>, String>,
    ) -> Result<(String, Vec<Draft>), String> {
        let name = self.module_of(file)?;
        let all = self.log.read(file).map_err(|error| error.to_string())?;
        let module = self.modules.get_mut(&name).ok_or("its module is gone")?;
        let live = module.outline(&mut self.last_unit);
        let live = live.map_err(|error| error.message)?;
        let source = module.file_outline().unwrap_or(&live);
        let drafts = draft(&all.changes, source)?;
        Ok((name, drafts))
    }

    /// Replay changes of a live module's log, and leave others off from now on.
    pub fn recover(&mut self, host: &mut dyn Host, file: &Path, on: &[u64], off: &[u64]) -> Report {
        let drafted = self.module_of(file);
        let drafted = drafted.map(|name| (name, decisions(on, off)));
        self.change_drafted(host, file, drafted, Via::Replay)
    }

    /// The statements of these numbers that change the state of the module of a file, with the module's name.
    #[must_use]
    pub fn states_of(
        &mut self,
        file: &Path,
        numbers: &[u64],
    ) -> Option<(String, Vec<(u64, String)>)> {
        let name = self.module_of(file).ok()?;
        let changes = self.log.read(file).ok()?.changes;
        let chosen = changes.into_iter().filter_map(|change| match change.kind {
            ChangeKind::State { text, .. } if numbers.contains(&change.number) => {
                Some((change.number, text))
            }
            _ => None,
        });
        Some((name, chosen.collect()))
    }

    fn change_drafted(
        &mut self,
        host: &mut dyn Host,
        file: &Path,
        drafted: Result<(String, Vec<Draft>), String>,
        via: Via,
    ) -> Report {
        match drafted {
            Ok((module, drafts)) => {
                let request = ChangeRequest {
                    module,
                    drafts,
                    via,
                    cause: None,
                    logged: None,
                };
                self.change(host, vec![request])
            }
            Err(why) => self.refusal(file, why),
        }
    }

    fn refusal(&self, file: &Path, why: String) -> Report {
        Report {
            version: self.version(),
            refused: vec![Item {
                qualname: file.display().to_string(),
                kind: ItemKind::Module,
                why,
                file: file.display().to_string(),
                line: 1,
            }],
            ..Report::default()
        }
    }

    /// The file that a log is about which this session writes.
    #[must_use]
    pub fn source_of_log(&self, log: &Path) -> Option<PathBuf> {
        self.log.source_of(log)
    }

    /// The file of a live module, as the session knows it, by any name that it has.
    #[must_use]
    pub fn live_file(&self, file: &Path) -> Option<PathBuf> {
        let name = self.module_of(file).ok()?;
        self.modules.get(&name).map(|module| module.file.clone())
    }

    /// The live module of a source file.
    fn module_of(&self, file: &Path) -> Result<String, String> {
        let real = |file: &Path| self.sources.canonical(file);
        let meant = real(file);
        let is_meant = |module: &&LiveModule| {
            module.file == file || meant.is_some() && real(&module.file) == meant
        };
        let module = self.modules.values().find(is_meant);
        module
            .map(|module| module.name.clone())
            .ok_or_else(|| "its module is not live in this session".to_owned())
    }

    /// Write the pending changes of a live module into its file, or say what that would do.
    pub fn fold(
        &mut self,
        host: &mut dyn Host,
        file: &Path,
        is_dry: bool,
    ) -> Result<(Folded, Report), LogError> {
        // What was left off in this session is not written into the file behind the user's back.
        let left_off = match self.module_of(file) {
            Ok(name) => self.not_live(&name)?,
            Err(_) => BTreeSet::new(),
        };
        let folded = self.log.fold(file, &left_off, is_dry)?;
        let mut report = Report::default();
        if !is_dry {
            let changes = self.log.read(file)?.changes;
            if let Ok(name) = self.module_of(file)
                && let Some(module) = self.modules.get_mut(&name)
            {
                module.changes = logged_changes(changes, &module.changes);
                let written = self.sources.read(&module.file).ok();
                module.folded = written
                    .filter(|_| !folded.numbers.is_empty())
                    .map(|bytes| blake3::hash(&bytes));
            }
            // On the occasion that this was asked for: another thread than the main one executes no statements.
            report = self.update_on(self.waiting.occasion, host, &BTreeSet::new());
        }
        Ok((folded, report))
    }

    /// The numbers of the pending changes of a module that neither this session made nor its import replayed.
    fn not_live(&mut self, name: &str) -> Result<BTreeSet<u64>, LogError> {
        let Some(module) = self.modules.get(name) else {
            return Ok(BTreeSet::new());
        };
        let logged = self.log.read(&module.file)?;
        let is_live = |change: &Change| {
            let mut known = module.changes.iter();
            change.session == logged.session
                || known
                    .any(|known| known.number == change.number && known.status != Status::Omitted)
        };
        let pending = logged.changes.iter().filter(|change| {
            change.status == Status::Pending && change.via != Via::Editor && !is_live(change)
        });
        Ok(pending.map(|change| change.number).collect())
    }

    /// Change modules at run time: all that is asked for, or nothing.
    pub fn change(&mut self, host: &mut dyn Host, requests: Vec<ChangeRequest>) -> Report {
        let start = self.seconds();
        let mut report = Report::default();
        let mut edits = Vec::new();
        for request in requests
            .into_iter()
            .filter(|request| !request.drafts.is_empty())
        {
            match self.requested(request) {
                Ok(edit) => edits.push(edit),
                Err(item) => report.refused.push(item),
            }
        }
        if report.refused.is_empty() && !edits.is_empty() {
            report = self.guarded_transact(host, edits);
        }
        report.seconds = self.seconds() - start;
        report.version = self.version();
        report
    }

    fn requested(&mut self, request: ChangeRequest) -> Result<Edit, Item> {
        let Some(module) = self.modules.get_mut(&request.module) else {
            return Err(Item {
                qualname: request.module,
                kind: ItemKind::Module,
                why: "is no live module; nothing was changed".to_owned(),
                file: String::new(),
                line: 0,
            });
        };
        let wrong = |module: &LiveModule, error: &SyntaxError| {
            let why = format!("syntax error: {}; nothing was changed", error.message);
            module_item(module, error.line, &why)
        };
        let old = module.outline(&mut self.last_unit);
        let old = old.map_err(|error| wrong(module, &error))?;
        let file = module.file_outline().unwrap_or(&old).clone();
        let changes = with_drafts(&module.changes, &request.drafts, request.via);
        let merged = merged(file, changes).map_err(|error| wrong(module, &error))?;
        let mut new = merged.outline;
        new.inherit(Some(&old), &mut self.last_unit);
        Ok(Edit {
            name: request.module,
            old,
            new,
            file: merged.file,
            changes: merged.changes,
            seen: module.seen,
            origin: Origin::Asked {
                drafts: request.drafts,
                via: request.via,
                cause: request.cause,
                logged: request.logged,
            },
        })
    }
}

/// The changes of a module once drafts are among them. Until these have their numbers in the log, they are numbered on, so
/// that they can be told apart.
fn with_drafts(changes: &[Change], drafts: &[Draft], via: Via) -> Vec<Change> {
    let mut changes = changes.to_vec();
    let next = 1 + changes
        .iter()
        .map(|change| change.number)
        .max()
        .unwrap_or(0);
    for (number, draft) in (next..).zip(drafts) {
        match draft {
            Draft::Patch {
                operation,
                target,
                after,
                old,
                new,
            } => changes.push(unlogged(
                number,
                ChangeKind::Patch {
                    operation: *operation,
                    target: target.clone(),
                    after: after.clone(),
                    pre: old.as_deref().map(relive_log::text_hash),
                    post: new.as_deref().map(relive_log::text_hash),
                    old: old.clone(),
                    new: new.clone(),
                },
                via,
            )),
            Draft::State { .. } => {}
            Draft::Undo { of, why } => {
                turn(&mut changes, *of, Status::Undone);
                changes.push(Change {
                    why: why.clone(),
                    ..unlogged(number, ChangeKind::Undo { of: *of }, via)
                });
            }
            Draft::Skip { of, .. } | Draft::Unskip { of, .. } => {
                let is_skip = matches!(draft, Draft::Skip { .. });
                let status = match is_skip {
                    true => Status::Omitted,
                    false => Status::Pending,
                };
                turn(&mut changes, *of, status);
                let mut decided = changes.iter_mut().filter(|change| change.number == *of);
                if let Some(change) = decided.next() {
                    change.left_off.push((number, is_skip));
                }
            }
        }
    }
    changes
}

fn unlogged(number: u64, kind: ChangeKind, via: Via) -> Change {
    Change {
        number,
        tx: 0,
        at: String::new(),
        session: String::new(),
        via,
        cause: None,
        within: None,
        kind,
        status: Status::Pending,
        outcome: Outcome::Applied,
        why: String::new(),
        left_off: Vec::new(),
    }
}

/// Give a change another status; an undo that is undone has its change count again.
fn turn(changes: &mut [Change], number: u64, status: Status) {
    let Some(change) = changes.iter_mut().find(|change| change.number == number) else {
        return;
    };
    change.status = status;
    if let (ChangeKind::Undo { of }, Status::Undone) = (&change.kind, status) {
        let of = *of;
        turn(changes, of, Status::Pending);
    }
}

/// The outline of a file with its pending changes: lines of the file where they stand in it, others behind its end.
pub(crate) fn merged(file: Outline, mut changes: Vec<Change>) -> Result<MergedModule, SyntaxError> {
    if !changes.is_empty() {
        reset(&mut changes);
        judge(&mut changes, Some(&file));
    }
    if !changes.iter().any(is_pending_patch) {
        return Ok(MergedModule {
            outline: file,
            file: None,
            changes,
            places: Vec::new(),
        });
    }
    let Merged { text, origins, .. } = merge(&file, &changes);
    let text: Arc<str> = text.into();
    let outline = Outline::parse(Arc::clone(&text))?;
    let mut shown = file.text.to_string();
    if !shown.is_empty() && !shown.ends_with('\n') {
        shown.push('\n');
    }
    let mut pieces = Vec::new();
    let mut places = Vec::new();
    for origin in origins {
        let place = match origin.change {
            None => origin.first,
            Some(number) => {
                let lines = outline.lines(origin.lines);
                let place = next_line(&shown);
                shown.push_str(lines);
                if !lines.ends_with('\n') {
                    shown.push('\n');
                }
                let last = place + origin.lines.last - origin.lines.first;
                places.push((Lines { first: place, last }, number));
                place
            }
        };
        pieces.push(Piece {
            lines: Lines {
                first: origin.lines.first,
                last: origin.lines.last,
            },
            shown: place,
        });
    }
    Ok(MergedModule {
        outline: outline.laid_out(pieces, shown.into()),
        file: Some(file),
        changes,
        places,
    })
}

/// The changes of a log that may be live: no saved edits. What was left off in this session stays so.
pub(crate) fn logged_changes(all: Vec<Change>, known: &[Change]) -> Vec<Change> {
    let is_left_off = |number: u64| {
        let mut known = known.iter();
        known.any(|known| known.number == number && known.status == Status::Omitted)
    };
    let changes = all.into_iter().filter(|change| change.via != Via::Editor);
    let mut changes: Vec<Change> = changes.collect();
    for change in &mut changes {
        if change.status == Status::Pending && is_left_off(change.number) {
            change.status = Status::Omitted;
        }
    }
    changes
}

/// What the source said when it was looked at before decides nothing now.
fn reset(changes: &mut [Change]) {
    for change in changes {
        let is_patch = matches!(change.kind, ChangeKind::Patch { .. });
        if is_patch && change.status == Status::Conflict {
            change.status = Status::Pending;
        }
    }
}

pub(crate) fn is_pending_patch(change: &Change) -> bool {
    change.status == Status::Pending && matches!(change.kind, ChangeKind::Patch { .. })
}

fn next_line(text: &str) -> u32 {
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    u32::try_from(lines + 1).unwrap_or(u32::MAX)
}
