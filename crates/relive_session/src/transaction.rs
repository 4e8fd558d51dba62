//! One edit's road from diff to report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use relive_log::{Cause, Change, ChangeKind, Draft, Status, Via, drafts, find};
use relive_plan::{
    Action, Changed, FactsQuery, Item, ItemKind, ModuleEdit, ModuleQuery, Outdated, Place, Plan,
    Planned, SourceModule, World, outdated, plan, query, staleness, tied_to,
};
use relive_syntax::{Outline, Unit};

use crate::host::{Applied, Host, HostError};
use crate::log::{LogError, LogOutcome, ModuleChange};
use crate::module::LiveModule;
use crate::report::Report;
use crate::session::{Session, Stale, module_item};

/// An edit of one module: the outline that is live, and the one that it is to be.
pub(crate) struct Edit {
    pub(crate) name: String,
    pub(crate) old: Arc<Outline>,
    pub(crate) new: Outline,
    /// The outline of the file, where pending changes make `new` another one.
    pub(crate) file: Option<Outline>,
    /// The changes that the module's log knows once the edit is live.
    pub(crate) changes: Vec<Change>,
    /// The hash of the content that was considered before it.
    pub(crate) seen: Option<blake3::Hash>,
    pub(crate) origin: Origin,
}

/// Where an edit comes from.
pub(crate) enum Origin {
    /// The file was saved.
    Saved {
        /// The outline of the file before, where pending changes made `old` another one.
        before: Option<Outline>,
    },
    /// Somebody asks for these changes, all or none.
    Asked {
        drafts: Vec<Draft>,
        via: Via,
        cause: Option<Cause>,
        /// The numbers that they have, where they stand in the log already.
        logged: Option<Vec<u64>>,
    },
}

impl Edit {
    fn is_saved(&self) -> bool {
        matches!(self.origin, Origin::Saved { .. })
    }

    /// What stands in the log of its module before it takes effect.
    fn to_log(&self, file: PathBuf) -> ModuleChange {
        match &self.origin {
            Origin::Saved { before } => ModuleChange {
                file,
                drafts: drafts(
                    before.as_ref().unwrap_or(&self.old),
                    self.file.as_ref().unwrap_or(&self.new),
                ),
                via: Via::Editor,
                cause: None,
            },
            Origin::Asked {
                drafts,
                via,
                cause,
                logged,
            } => ModuleChange {
                file,
                drafts: match logged {
                    Some(_) => Vec::new(),
                    None => drafts.clone(),
                },
                via: *via,
                cause: cause.clone(),
            },
        }
    }
}

/// Why a plan was not carried out.
pub(crate) enum Failed {
    Host(HostError),
    Log(LogError),
}

/// The outlines of modules that an edit may concern, by name.
pub(crate) type Related = BTreeMap<String, (Arc<Outline>, bool)>;

impl Session {
    /// Edits that belong together, because one module imports the other, are one transaction.
    pub(crate) fn groups(&self, edits: Vec<Edit>) -> Vec<Vec<Edit>> {
        let mut groups: Vec<Vec<Edit>> = Vec::new();
        for edit in edits {
            let (mut joined, others): (Vec<_>, Vec<_>) = groups
                .into_iter()
                .partition(|group| group.iter().any(|other| self.is_related(&edit, other)));
            let mut group: Vec<Edit> = joined.drain(..).flatten().collect();
            group.push(edit);
            groups = others;
            groups.push(group);
        }
        groups
    }

    fn is_related(&self, one: &Edit, other: &Edit) -> bool {
        let mut world = World::default();
        for edit in [one, other] {
            let is_package = self
                .modules
                .get(&edit.name)
                .is_some_and(|module| module.is_package());
            world.add(&edit.name, &edit.new, is_package);
        }
        let imports = |from: &Edit, to: &Edit| world.imports_of(&from.name).contains(&to.name);
        imports(one, other) || imports(other, one)
    }

    /// Plan, compile, log and apply the edits as one, and commit what became of them.
    pub(crate) fn transact(&mut self, host: &mut dyn Host, mut edits: Vec<Edit>) -> Report {
        let mut report = Report::default();
        let mut needy = BTreeSet::new();
        let prepared = self.without_unloaded(host, &mut edits).and_then(|items| {
            report.refused.extend(items);
            let related = self.related(edits.iter().map(|edit| edit.name.clone()).collect());
            let importers = edits.iter().map(|edit| (edit.name.as_str(), &edit.new));
            let related = self.with_imports(related, importers);
            let planned = self.planned(host, &edits, &related, &needy)?;
            Ok((related, planned))
        });
        let (related, mut planned) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                let names: Vec<String> = edits.into_iter().map(|edit| edit.name).collect();
                report
                    .refused
                    .extend(self.abandon(&names, &error.to_string()));
                return report;
            }
        };
        if edits.is_empty() {
            return report;
        }
        let is_asked = !edits.iter().all(Edit::is_saved);
        if is_asked && (!report.refused.is_empty() || self.refuses_more(&planned)) {
            report.refused.extend(planned.refused);
            return report;
        }
        let to_log: Vec<ModuleChange> = edits
            .iter()
            .map(|edit| edit.to_log(self.path_of(&edit.name)))
            .collect();
        if !self.waiting.occasion.may_execute() && !executed_units(&planned.plan).is_empty() {
            if is_asked {
                self.waiting.needs_main = true;
                let why = "has statements to execute, for which the program's main thread is needed; make the change in the program";
                let modules = edits.iter().filter_map(|edit| self.modules.get(&edit.name));
                report
                    .refused
                    .extend(modules.map(|module| module_item(module, 1, why)));
                return report;
            }
            self.leave_to_main(edits);
            return report;
        }
        let mut outcome = self.carry_out(host, &planned.plan, &to_log);
        // What a failed statement rests on may be out of date: it is executed first, and all is tried again.
        while let Err(Failed::Host(HostError::Raised { step, .. })) = outcome
            && let Some(unit) = executed_unit(&planned.plan.steps[step].action)
            && needy.insert(unit)
            && let Ok(other) = self.planned(host, &edits, &related, &needy)
            && executed_units(&other.plan) != executed_units(&planned.plan)
        {
            outcome = self.carry_out(host, &other.plan, &to_log);
            planned = other;
        }
        match outcome {
            Err(error) if is_asked => {
                let item = self.failure(&planned.plan, &error);
                report.refused.push(item);
            }
            Err(error) => {
                let item = self.failure(&planned.plan, &error);
                let others =
                    self.untied(&mut edits, &related, failed_module(&planned.plan, &error));
                report.refused.extend(self.waiting_for(&item, &edits));
                report.refused.push(item);
                self.postpone(&edits);
                if !others.is_empty() {
                    report.absorb(self.transact(host, others));
                }
            }
            Ok((applied, numbers)) => {
                number(&mut edits, numbers);
                report.conflicts.extend(self.conflicts(&edits));
                let changed = actual_changes(&planned, &applied);
                let done = executed_units(&planned.plan);
                let items = planned
                    .plan
                    .steps
                    .iter()
                    .filter_map(|step| step.item.clone());
                report.applied.extend(items);
                let back = names_back(&planned.plan);
                self.commit(edits, planned, &mut report);
                self.forgive(&back);
                self.add_live_stale(applied.stale, &mut report);
                self.judge(
                    host,
                    &changed,
                    &done,
                    related.into_keys().collect(),
                    &mut report,
                );
            }
        }
        report
    }

    /// What must be known of the live program to plan the edits.
    fn question(&self, edits: &[Edit]) -> FactsQuery {
        let files = self.files_of(edits);
        let mut asked = query(&self.module_edits(edits, &files));
        asked.live = self.modules.keys().cloned().collect();
        asked
    }

    /// Take out the edits of modules that the program does not hold: their import failed, or it has thrown them away.
    fn without_unloaded(
        &self,
        host: &mut dyn Host,
        edits: &mut Vec<Edit>,
    ) -> Result<Vec<Item>, HostError> {
        let modules = edits.iter().map(|edit| ModuleQuery {
            name: edit.name.clone(),
            ..ModuleQuery::default()
        });
        let facts = host.facts(&FactsQuery {
            modules: modules.collect(),
            ..FactsQuery::default()
        })?;
        let is_absent = |edit: &mut Edit| {
            let facts = facts.modules.get(&edit.name);
            !facts.is_some_and(|facts| facts.is_loaded)
        };
        let unloaded = edits.extract_if(.., is_absent);
        let modules = unloaded.filter_map(|edit| self.modules.get(&edit.name));
        let why = "is not loaded, so its edit has no effect before the next import";
        Ok(modules.map(|module| module_item(module, 1, why)).collect())
    }

    fn planned(
        &self,
        host: &mut dyn Host,
        edits: &[Edit],
        related: &Related,
        needy: &BTreeSet<u64>,
    ) -> Result<Planned, HostError> {
        let files = self.files_of(edits);
        let mut world = world_of(related);
        for edit in edits {
            world.add(&edit.name, &edit.new, self.is_package(&edit.name));
        }
        let module_edits = self.module_edits(edits, &files);
        let mut asked = self.question(edits);
        loop {
            let facts = host.facts(&asked)?;
            let planned = plan(&module_edits, &asked, &facts, &world, needy);
            // Whoever holds the values of unchanged names that are bound anew must be known, too.
            if !ask_for_bound(&mut asked, &planned.plan) {
                return Ok(planned);
            }
        }
    }

    /// Take out the edits that can land without the one of a module that failed.
    fn untied(&self, edits: &mut Vec<Edit>, related: &Related, failed: Option<usize>) -> Vec<Edit> {
        let Some(failed) = failed else {
            return Vec::new();
        };
        let tied = {
            let files = self.files_of(edits);
            let live = world_of(related);
            let mut saved = world_of(related);
            for edit in &*edits {
                saved.add(&edit.name, &edit.new, self.is_package(&edit.name));
            }
            tied_to(&self.module_edits(edits, &files), failed, &live, &saved)
        };
        let mut index = 0..;
        let is_free = |_: &mut Edit| index.next().is_some_and(|index| !tied.contains(&index));
        edits.extract_if(.., is_free).collect()
    }

    fn files_of(&self, edits: &[Edit]) -> Vec<String> {
        edits.iter().map(|edit| self.file_of(&edit.name)).collect()
    }

    fn module_edits<'a>(&'a self, edits: &'a [Edit], files: &'a [String]) -> Vec<ModuleEdit<'a>> {
        let edits = edits.iter().zip(files);
        edits
            .map(|(edit, file)| self.module_edit(edit, file))
            .collect()
    }

    /// Leave edits for the thread that may execute statements.
    fn leave_to_main(&mut self, edits: Vec<Edit>) {
        for edit in edits {
            if let Some(module) = self.modules.get_mut(&edit.name) {
                module.seen = edit.seen;
                self.dirty.insert(module.file.clone());
                self.waiting.for_main.insert(edit.name);
            }
        }
    }

    /// What the report says of the modules whose edits were undone with one that failed.
    fn waiting_for(&self, failed: &Item, edits: &[Edit]) -> Vec<Item> {
        let others = edits
            .iter()
            .filter(|edit| failed.qualname.split(':').next() != Some(&edit.name));
        let modules = others.filter_map(|edit| self.modules.get(&edit.name));
        let why = format!(
            "was saved together with {}, which failed; undone, the old code runs on",
            failed.qualname
        );
        modules.map(|module| module_item(module, 1, &why)).collect()
    }

    /// Leave edits that failed for the next update that has something new.
    fn postpone(&mut self, edits: &[Edit]) {
        for edit in edits {
            if let Some(module) = self.modules.get_mut(&edit.name) {
                module.seen = None;
                self.failed.insert(module.file.clone());
            }
        }
    }

    /// Forget what was out of date only because a name was gone that is back.
    fn forgive(&mut self, back: &BTreeSet<(String, String)>) {
        self.forgive_where(back, |_| true);
    }

    pub(crate) fn forgive_where(
        &mut self,
        back: &BTreeSet<(String, String)>,
        is_meant: impl Fn(&Stale) -> bool,
    ) {
        self.stale.retain(|_, stale| {
            let origin = stale
                .statement
                .as_ref()
                .and_then(|statement| statement.origin.as_ref());
            origin.is_none_or(|origin| !back.contains(origin)) || !is_meant(stale)
        });
    }

    /// Compile a plan, make what it comes from durable, and apply it. Returns the numbers of the changes.
    pub(crate) fn carry_out(
        &mut self,
        host: &mut dyn Host,
        plan: &Plan,
        to_log: &[ModuleChange],
    ) -> Result<(Applied, Vec<Vec<u64>>), Failed> {
        host.compile(plan).map_err(Failed::Host)?;
        if to_log.iter().all(|change| change.drafts.is_empty()) {
            let applied = host.apply(plan).map_err(Failed::Host)?;
            return Ok((applied, Vec::new()));
        }
        let appended = self.log.append(to_log).map_err(Failed::Log)?;
        let start = self.seconds();
        let applied = host.apply(plan);
        let outcome = match &applied {
            Ok(_) => LogOutcome::Applied {
                milliseconds: (self.seconds() - start) * 1000.0,
            },
            Err(HostError::Raised { message, .. }) => LogOutcome::Raised(message),
            Err(HostError::Syntax { message, .. } | HostError::Internal(message)) => {
                LogOutcome::Refused(message)
            }
        };
        self.log.outcome(&appended, outcome);
        Ok((applied.map_err(Failed::Host)?, appended.numbers))
    }

    /// Whether a plan refuses something that was not refused before.
    fn refuses_more(&self, planned: &Planned) -> bool {
        planned.modules.iter().any(|planned| {
            let module = self.modules.get(&planned.name);
            let known = module.map(|module| &module.refused);
            !known.is_some_and(|known| planned.refused.is_subset(known))
        })
    }

    /// Pending changes of saved files that no longer fit.
    fn conflicts(&self, edits: &[Edit]) -> Vec<Item> {
        let mut items = Vec::new();
        for edit in edits {
            let Some(module) = self.modules.get(&edit.name) else {
                continue;
            };
            let is_known = |change: &Change| {
                let mut known = module.changes.iter();
                known.any(|known| known.number == change.number && known.status == Status::Conflict)
            };
            let conflicts = edit
                .changes
                .iter()
                .filter(|change| change.status == Status::Conflict && !is_known(change));
            let file = edit.file.as_ref().unwrap_or(&edit.new);
            items.extend(conflicts.map(|change| conflict_item(module, file, change)));
        }
        items
    }

    /// What the report says of a plan that failed; where relive itself did, its modules are left alone from now on.
    pub(crate) fn failure(&mut self, plan: &Plan, error: &Failed) -> Item {
        let error = match error {
            Failed::Host(error) => error,
            Failed::Log(error) => {
                let name = plan.modules.first().map_or("", |module| &module.name);
                return Item {
                    why: format!("{error}; not applied, the old code runs on"),
                    ..self.internal_error(name, &HostError::Internal(String::new()))
                };
            }
        };
        let mut items = Vec::new();
        if let HostError::Internal(problem) = error {
            let names: Vec<String> = plan
                .modules
                .iter()
                .map(|module| module.name.clone())
                .collect();
            items = self.abandon(&names, problem);
        }
        items
            .into_iter()
            .next()
            .unwrap_or_else(|| self.described(plan, error))
    }

    fn commit(&mut self, edits: Vec<Edit>, planned: Planned, report: &mut Report) {
        if !report.applied.is_empty() {
            self.version += 1;
        }
        for (edit, planned) in edits.into_iter().zip(planned.modules) {
            let mut live = edit.new;
            live.units = planned.live;
            if let Some(module) = self.modules.get_mut(&edit.name) {
                let version = if report.applied.is_empty() {
                    module.version
                } else {
                    self.version
                };
                let stale: BTreeSet<u64> = self.stale.values().filter_map(Stale::unit).collect();
                let mut removed = planned.removed;
                // What was out of date when it was removed would be so when it comes back.
                for removed in &mut removed {
                    removed.is_outdated |= stale.contains(&removed.unit.id);
                }
                module.refused = planned.refused;
                module.changes = edit.changes;
                module.commit(live, edit.file, removed, version);
            }
        }
        self.move_stale();
        let mended = mended_qualnames(&planned.plan);
        let is_mended = |stale: &Stale| {
            mended.contains(stale.item.qualname.as_str())
                && stale.item.kind != ItemKind::Instance
                && stale.item.kind != ItemKind::Frame
        };
        self.stale.retain(|_, stale| !is_mended(stale));
        report.refused.extend(planned.refused);
        for item in planned.stale {
            self.add_stale(item, None, report);
        }
    }

    /// Statements that are stale may stand on other lines now, or be gone.
    fn move_stale(&mut self) {
        for ((qualname, kind), mut stale) in std::mem::take(&mut self.stale) {
            if let Some(unit) = stale.unit() {
                let module = stale.statement.as_ref().map(|statement| &statement.module);
                let module = module.and_then(|module| self.modules.get_mut(module));
                let outline = module.and_then(|module| module.outline(&mut self.last_unit).ok());
                let found = outline
                    .as_ref()
                    .and_then(|outline| find_unit(&outline.units, unit));
                let Some(line) = found.map(|unit| unit.lines.first) else {
                    continue;
                };
                stale.move_to(line);
            }
            let qualname = if stale.item.qualname == qualname {
                qualname
            } else {
                stale.item.qualname.clone()
            };
            self.stale.insert((qualname, kind), stale);
        }
    }

    /// Find what the changes leave out of date; name it, or in deep mode execute it again.
    fn judge(
        &mut self,
        host: &mut dyn Host,
        changed: &Changed,
        done: &BTreeSet<u64>,
        names: BTreeSet<String>,
        report: &mut Report,
    ) {
        if changed.is_empty() && done.is_empty() {
            return;
        }
        let related = self.related(names);
        let found = self.outdated(&related, changed, done);
        let mut changed = changed.clone();
        let derived = found
            .iter()
            .filter_map(|statement| statement.item.qualname.split_once(':'));
        changed
            .names
            .extend(derived.map(|(module, name)| (module.to_owned(), name.to_owned())));
        self.unshelve_outdated(&related, changed);
        for statement in &found {
            self.add_stale(statement.item.clone(), Some(statement.clone()), report);
        }
        let again = found
            .into_iter()
            .filter(|statement| self.is_to_run_again(statement));
        let again: Vec<Outdated> = again.collect();
        if !self.waiting.occasion.may_execute() {
            self.waiting.again.extend(again);
        } else if !again.is_empty() {
            let again = self.execute_again(host, again);
            self.leave_out_mended(report);
            report.absorb(again);
        }
    }

    pub(crate) fn outdated(
        &self,
        related: &Related,
        changed: &Changed,
        done: &BTreeSet<u64>,
    ) -> Vec<Outdated> {
        let world = world_of(related);
        let files: BTreeMap<&String, String> = related
            .keys()
            .map(|name| (name, self.file_of(name)))
            .collect();
        let modules: Vec<SourceModule<'_>> = related
            .iter()
            .map(|(name, (outline, _))| SourceModule {
                name,
                file: &files[name],
                outline,
            })
            .collect();
        outdated(&world, &modules, changed, &self.staleness(&modules), done)
    }

    /// What is out of date already, in view of what reads it now.
    fn staleness(&self, modules: &[SourceModule<'_>]) -> Changed {
        let refused = self.modules.values().flat_map(|module| &module.refused);
        let units = self.stale.values().filter_map(Stale::unit);
        let units = units.chain(refused.copied()).collect();
        let mut stale = staleness(modules, &units);
        let copies = self
            .stale
            .values()
            .filter(|stale| stale.unit().is_none() && stale.item.kind != ItemKind::Instance);
        for place in copies.filter_map(|stale| stale.item.qualname.split_once(':')) {
            stale
                .contents
                .insert((place.0.to_owned(), place.1.to_owned()));
        }
        stale
    }

    /// What is kept of removed units is of no use any more once something that they read has changed.
    fn unshelve_outdated(&mut self, related: &Related, mut changed: Changed) {
        let world = world_of(related);
        // What is gone with it may come back with it.
        changed
            .names
            .retain(|(module, name)| world.binds(module, name));
        for (name, module) in &mut self.modules {
            for kept in &mut module.shelf {
                let place = Place::end_of(name);
                kept.is_outdated |= related.contains_key(name)
                    && world
                        .outdated_by(&place, &kept.unit.reads.now, &changed)
                        .is_some();
            }
        }
    }

    /// Note live objects that keep old code or values. Frames come to an end by themselves: the host is asked for them.
    pub(crate) fn add_live_stale(&mut self, items: Vec<Item>, report: &mut Report) {
        for item in items {
            if item.kind == ItemKind::Frame {
                report.stale.push(item);
            } else {
                self.add_stale(item, None, report);
            }
        }
    }

    pub(crate) fn add_stale(
        &mut self,
        item: Item,
        statement: Option<Outdated>,
        report: &mut Report,
    ) {
        let key = (item.qualname.clone(), item.kind);
        report
            .stale
            .retain(|known| (&known.qualname, known.kind) != (&key.0, key.1));
        report.stale.push(item.clone());
        self.stale.insert(key, Stale { item, statement });
    }

    /// The outlines of the modules and of those that import them, directly or not.
    pub(crate) fn related(&mut self, names: BTreeSet<String>) -> Related {
        let mut related = Related::new();
        let mut waiting: Vec<String> = names.into_iter().collect();
        while let Some(name) = waiting.pop() {
            self.add_related(&mut related, &name);
            let modules = self.modules.values();
            let candidates: Vec<String> = modules
                .filter(|module| !related.contains_key(&module.name) && module.imports(&name))
                .map(|module| module.name.clone())
                .collect();
            for candidate in candidates {
                self.add_related(&mut related, &candidate);
                // Now that it is outlined, if it can be, it can tell.
                let is_outlined = related.contains_key(&candidate);
                let module = self.modules.get(&candidate).filter(|_| is_outlined);
                if module.is_some_and(|module| module.imports(&name)) {
                    waiting.push(candidate);
                } else {
                    related.remove(&candidate);
                }
            }
        }
        related
    }

    /// Add what modules import, and once something is stale, also what that imports, and so on: it may lead there.
    pub(crate) fn with_imports<'o>(
        &mut self,
        mut related: Related,
        importers: impl IntoIterator<Item = (&'o str, &'o Outline)>,
    ) -> Related {
        let imports = |session: &Self, name: &str, outline: &Outline| {
            let mut world = World::default();
            world.add(name, outline, session.is_package(name));
            world.imports_of(name).to_vec()
        };
        let mut wanted = Vec::new();
        for (name, outline) in importers {
            wanted.extend(imports(self, name, outline));
        }
        let stale = self.stale.keys();
        let stale = stale.filter_map(|(qualname, _)| qualname.split_once(':'));
        wanted.extend(stale.map(|(module, _)| module.to_owned()));
        while let Some(name) = wanted.pop() {
            if related.contains_key(&name) {
                continue;
            }
            self.add_related(&mut related, &name);
            let added = related.get(&name).filter(|_| !self.stale.is_empty());
            wanted
                .extend(added.map_or_else(Vec::new, |(outline, _)| imports(self, &name, outline)));
        }
        related
    }

    fn add_related(&mut self, related: &mut Related, name: &str) {
        let Some(module) = self.modules.get_mut(name) else {
            return;
        };
        let is_package = module.is_package();
        if let Ok(outline) = module.outline(&mut self.last_unit) {
            related.insert(name.to_owned(), (outline, is_package));
        }
    }

    pub(crate) fn module_edit<'a>(&'a self, edit: &'a Edit, file: &'a str) -> ModuleEdit<'a> {
        let module = self.modules.get(&edit.name);
        ModuleEdit {
            name: &edit.name,
            file,
            old: &edit.old,
            new: &edit.new,
            shelf: module.map_or(&[], |module| &module.shelf),
            is_first: module.is_none_or(|module| !module.is_anchored),
        }
    }

    fn is_package(&self, name: &str) -> bool {
        self.modules
            .get(name)
            .is_some_and(|module| module.is_package())
    }

    /// The file of a live module.
    #[must_use]
    pub fn path_of(&self, name: &str) -> PathBuf {
        let module = self.modules.get(name);
        module.map(|module| module.file.clone()).unwrap_or_default()
    }

    /// The same as it is shown: its bytes need not be UTF-8.
    pub(crate) fn file_of(&self, name: &str) -> String {
        self.modules
            .get(name)
            .map(|module| module.file_name())
            .unwrap_or_default()
    }

    fn described(&self, plan: &Plan, error: &HostError) -> Item {
        let item_of = |index: usize, line: u32, why: String| {
            let name = plan.modules.get(index).map_or("", |module| &module.name);
            match self.modules.get(name) {
                Some(module) => module_item(module, line, &why),
                None => self.internal_error(name, error),
            }
        };
        match error {
            HostError::Syntax {
                module,
                message,
                line,
            } => item_of(
                *module,
                *line,
                format!("syntax error: {message}; the old code runs on"),
            ),
            HostError::Raised {
                step,
                message,
                line,
            } => {
                let step = plan.steps.get(*step);
                let module = step.map_or(0, |step| step.module);
                let why = format!("{message}; undone, the old code runs on");
                let item = item_of(module, *line, why);
                match step.and_then(|step| step.item.clone()) {
                    Some(named) => Item {
                        qualname: named.qualname,
                        kind: named.kind,
                        ..item
                    },
                    None => item,
                }
            }
            HostError::Internal(_) => self.internal_error(
                plan.modules.first().map_or("", |module| &module.name),
                error,
            ),
        }
    }

    pub(crate) fn internal_error(&self, name: &str, error: &HostError) -> Item {
        Item {
            qualname: name.to_owned(),
            kind: ItemKind::Module,
            why: format!("relive failed: {error}; the old code runs on"),
            file: self.file_of(name),
            line: 1,
        }
    }
}

/// Give changes that were just logged the numbers that they have in the log.
fn number(edits: &mut [Edit], numbers: Vec<Vec<u64>>) {
    let mut numbers = numbers.into_iter();
    for edit in edits {
        let new = numbers.next().unwrap_or_default();
        let Origin::Asked { drafts, logged, .. } = &edit.origin else {
            continue;
        };
        let numbers = logged.clone().unwrap_or(new);
        let logged = drafts
            .iter()
            .zip(numbers)
            .filter(|(draft, _)| matches!(draft, Draft::Patch { .. } | Draft::Undo { .. }));
        let logged: Vec<u64> = logged.map(|(_, number)| number).collect();
        let changes = edit.changes.iter_mut().rev();
        for (change, number) in changes.zip(logged.into_iter().rev()) {
            change.number = number;
        }
    }
}

fn conflict_item(module: &LiveModule, file: &Outline, change: &Change) -> Item {
    let (target, text) = match &change.kind {
        ChangeKind::Patch {
            target, old, new, ..
        } => (target.as_str(), new.as_deref().or(old.as_deref())),
        ChangeKind::State { target, .. } => (target.as_str(), None),
        _ => ("", None),
    };
    let there = find(file, target);
    // What the file does not have is what the change says.
    let own = text.filter(|_| there.is_none());
    let own = own.and_then(|text| Outline::parse(text.into()).ok());
    let unit = there.or_else(|| own.as_ref()?.units.first());
    Item {
        qualname: format!("{}:{target}", module.name),
        kind: unit.map_or(ItemKind::Statement, |unit| {
            ItemKind::of(unit, target.contains('.'))
        }),
        why: format!(
            "change {} of its log is not live: {}",
            change.number, change.why
        ),
        file: module.file_name(),
        line: there.map_or(1, |unit| unit.lines.first),
    }
}

pub(crate) fn world_of(related: &Related) -> World<'_> {
    let mut world = World::default();
    for (name, (outline, is_package)) in related {
        world.add(name, outline, *is_package);
    }
    world
}

/// What changed, with the names that turned out to hold an equal value left out.
fn actual_changes(planned: &Planned, applied: &Applied) -> Changed {
    let mut changed = planned.changed.clone();
    let back = names_back(&planned.plan);
    // A statement that was executed with another value than a fresh interpreter would have had counts too.
    let doubtful = planned
        .stale
        .iter()
        .filter(|item| item.kind != ItemKind::Instance)
        .filter_map(|item| item.qualname.split_once(':'));
    changed
        .contents
        .extend(doubtful.map(|(module, name)| (module.to_owned(), name.to_owned())));
    changed.names.extend(
        applied
            .rebound
            .iter()
            .filter(|name| !back.contains(name))
            .cloned(),
    );
    changed
}

/// Ask who holds what the plan's statements bind; false if that was asked already.
fn ask_for_bound(asked: &mut FactsQuery, plan: &Plan) -> bool {
    let mut is_new = false;
    for step in &plan.steps {
        let Action::Execute { class, names, .. } = &step.action else {
            continue;
        };
        let module = &plan.modules[step.module].name;
        let query = asked.modules.iter_mut().find(|query| query.name == *module);
        if let Some(query) = query.filter(|_| class.is_empty()) {
            for name in names {
                if !query.names.contains(name) {
                    query.names.push(name.clone());
                    is_new = true;
                }
            }
        }
    }
    is_new
}

/// The module, by its index in the plan, at which a plan failed, unless relive itself did.
fn failed_module(plan: &Plan, error: &Failed) -> Option<usize> {
    match error {
        Failed::Host(HostError::Syntax { module, .. }) => Some(*module),
        Failed::Host(HostError::Raised { step, .. }) => Some(plan.steps.get(*step)?.module),
        Failed::Host(HostError::Internal(_)) | Failed::Log(_) => None,
    }
}

/// The unit whose statement a step executes.
fn executed_unit(action: &Action) -> Option<u64> {
    match action {
        Action::Execute { unit, .. }
        | Action::Exchange {
            unit,
            signature_of: Some(_),
            ..
        } => Some(*unit),
        _ => None,
    }
}

/// The units that the plan executes, members of executed classes included.
pub(crate) fn executed_units(plan: &Plan) -> BTreeSet<u64> {
    let mut executed = BTreeSet::new();
    for step in &plan.steps {
        executed.extend(executed_unit(&step.action));
        if let Action::Execute { anchors, .. } = &step.action {
            executed.extend(anchors.iter().map(|(unit, _)| *unit));
        }
    }
    executed
}

/// What the plan executes, removes or restores: new code alone does not mend a default or decorator that is stale.
fn mended_qualnames(plan: &Plan) -> BTreeSet<&str> {
    let is_anew = |action: &Action| {
        !matches!(
            action,
            Action::Exchange {
                signature_of: None,
                ..
            }
        )
    };
    let steps = plan.steps.iter().filter(|step| is_anew(&step.action));
    steps
        .filter_map(|step| step.item.as_ref())
        .map(|item| item.qualname.as_str())
        .collect()
}

/// Names that were gone and are bound again to what they were bound to before.
fn names_back(plan: &Plan) -> BTreeSet<(String, String)> {
    let mut back = BTreeSet::new();
    for step in &plan.steps {
        if let Action::Restore { class, names, .. } = &step.action
            && class.is_empty()
        {
            let module = &plan.modules[step.module].name;
            back.extend(names.iter().map(|name| (module.clone(), name.clone())));
        }
    }
    back
}

pub(crate) fn find_unit(units: &[Unit], id: u64) -> Option<&Unit> {
    units.iter().find_map(|unit| {
        if unit.id == id {
            return Some(unit);
        }
        find_unit(unit.class.as_ref().map_or(&[], |class| &class.body), id)
    })
}
