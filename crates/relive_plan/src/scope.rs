//! The edit of one scope, a module's or a class's: from paired units to draft steps.

use std::collections::{BTreeMap, BTreeSet};

use relive_syntax::{
    FunctionParts, Lines, Outline, Pairing, Reads, TreeHash, Unit, UnitKind, diff,
};

use crate::chains::{Repeated, Shifted, reruns};
use crate::item::{Item, ItemKind, item};
use crate::plan::{Action, ClassFacts, ClassQuery, ModuleFacts, Move};
use crate::planner::anchors;
use crate::warnings;
use crate::world::{Changed, Place, World};

/// A step before its place in the order is known.
pub(crate) struct Draft {
    pub(crate) action: Action,
    pub(crate) item: Option<Item>,
    pub(crate) reads: Reads,
}

/// A unit that an edit removed, kept so that it comes back as itself if a later edit brings it back.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The class in whose body it stood; empty at the top level.
    pub class: Vec<String>,
    /// The unit as it was.
    pub unit: Unit,
    /// Whether something that it read has changed since: then it cannot come back as it was.
    pub is_outdated: bool,
}

/// What planning a module's edit has come to so far.
pub(crate) struct Drafts<'a> {
    pub(crate) module: &'a str,
    pub(crate) file: &'a str,
    pub(crate) new: &'a Outline,
    pub(crate) facts: &'a ModuleFacts,
    /// What imports lead to; None where only the steps matter.
    pub(crate) world: Option<&'a World<'a>>,
    pub(crate) classes: BTreeMap<Vec<String>, &'a ClassFacts>,
    pub(crate) shelf: &'a [Removed],
    pub(crate) drafts: Vec<Draft>,
    /// Excerpts; the first is that of `definitions`.
    pub(crate) excerpts: Vec<String>,
    /// Lines whose code is exchanged without executing anything.
    pub(crate) definitions: Vec<Lines>,
    pub(crate) moves: Vec<Move>,
    pub(crate) stale: Vec<Item>,
    pub(crate) refused: Vec<Item>,
    pub(crate) refused_units: BTreeSet<u64>,
    pub(crate) removed: Vec<Removed>,
    pub(crate) changed: Changed,
    /// Names of the scope being planned that several of its statements bind, before or after the edit.
    pub(crate) repeated: Repeated,
    /// Classes whose bodies change, for the query.
    pub(crate) edited_classes: Vec<ClassQuery>,
    /// Statements of class bodies that are left as they are, with the reasons that are not the class's own.
    pub(crate) held: BTreeMap<u64, Option<String>>,
    /// Classes that hold statements back, with the reasons.
    pub(crate) held_classes: BTreeMap<Vec<String>, String>,
    /// Classes whose annotations are left as they are.
    pub(crate) held_annotations: BTreeSet<Vec<String>>,
    /// Unchanged units to execute, with the reasons.
    pub(crate) again: BTreeMap<u64, String>,
    /// Whether the same annotation means something else than before: `from __future__ import annotations` came or went.
    pub(crate) renews_annotations: bool,
}

/// What of a live function an exchange renews, with the lines of its decorators where its definition is executed.
enum Renewal {
    Code,
    Annotations(Option<Lines>),
    Signature(Option<Lines>),
}

impl Drafts<'_> {
    /// Plan the edit of a scope and return its units as they will be live.
    pub(crate) fn scope(&mut self, class: &[String], old: &[Unit], new: &[Unit]) -> Vec<Unit> {
        let pairing = diff(old, new);
        let repeated = std::mem::replace(&mut self.repeated, Repeated::of(old, new));
        let rerun = reruns(old, new, &pairing, &self.again);
        self.note_moved_readers(class, old, new, &pairing);
        let first_draft = self.drafts.len();
        let running = self.running_unit(class, old);
        let mut live = Vec::with_capacity(new.len());
        for (index, unit) in new.iter().enumerate() {
            let partner = pairing.old_of_new[index].map(|partner| &old[partner]);
            if let Some(why) = self.held.get(&unit.id).filter(|_| partner.is_none()) {
                let item = why.as_ref().map(|why| self.item(class, unit, why));
                self.refused.extend(item);
                continue;
            }
            let waits = running.is_some_and(|running| match pairing.new_of_old[running] {
                Some(running) => index >= running,
                // Whatever has come in its place, and all below.
                None => pairing.old_of_new[index..]
                    .iter()
                    .flatten()
                    .all(|&before| before > running),
            });
            let is_ahead = waits && pairing.old_of_new[index] != running;
            let first_draft = self.drafts.len();
            live.push(match partner.filter(|_| is_ahead) {
                Some(partner) => self.ahead(class, partner, unit),
                None => self.unit(class, partner, unit, rerun.contains(&index), waits),
            });
            if self.drafts.len() > first_draft {
                self.clear_before(first_draft, &new[..index], unit);
            }
        }
        let is_executed =
            |unit: &&Unit| unit.kind != UnitKind::MainGuard || self.module == "__main__";
        let bound: BTreeSet<&str> = new
            .iter()
            .filter(is_executed)
            .flat_map(|unit| &unit.binds)
            .map(String::as_str)
            .collect();
        for (index, unit) in old.iter().enumerate() {
            if pairing.new_of_old[index].is_none() {
                if self.held.contains_key(&unit.id) {
                    live.push(unit.clone());
                } else {
                    self.removal(class, unit, &bound);
                }
            }
        }
        for (index, unit) in old.iter().enumerate() {
            if let Some(partner) = pairing.new_of_old[index] {
                self.unbound_by_edit(class, unit, &new[partner], &bound);
            }
        }
        if class.is_empty() {
            self.warn_of_later_values(first_draft, new);
            self.star_imports_dropped(old);
        }
        self.annotations(class, old, new);
        self.repeated = repeated;
        live
    }

    /// Note statements that read a name which another statement above them binds now.
    fn note_moved_readers(
        &mut self,
        class: &[String],
        old: &[Unit],
        new: &[Unit],
        pairing: &Pairing,
    ) {
        let Some(world) = self.world else {
            return;
        };
        let shifted = Shifted::of(old, new, pairing);
        if shifted.is_empty() {
            return;
        }
        for (index, unit) in new.iter().enumerate() {
            let Some(was) = pairing.old_of_new[index] else {
                continue;
            };
            let heads = unit.reads.now.paths.keys();
            let mut names: BTreeSet<String> = heads
                .map(|path| path.split('.').next().unwrap_or(path).to_owned())
                .collect();
            if class.is_empty() {
                let place = Place {
                    module: self.module,
                    above: index,
                    ..Place::default()
                };
                let uses = world.effects(&place, unit).uses.into_iter();
                names.extend(
                    uses.filter(|(home, _)| home == self.module)
                        .map(|(_, name)| name),
                );
            }
            if let Some(name) = names.iter().find(|name| shifted.moves(name, was, index)) {
                self.changed.moved.insert(unit.id, name.clone());
            }
        }
    }

    /// A statement that may not bind a name that nothing above it binds must find it unbound.
    pub(crate) fn clear_before(&mut self, first_draft: usize, above: &[Unit], unit: &Unit) {
        self.warn_of_a_lost_former_value(first_draft, above, unit);
        if unit.is_deletion || self.new.units.iter().any(warnings::takes_all) {
            return;
        }
        let is_set_by_a_call = |name: &String| {
            let mut units = self.new.units.iter();
            units.any(|unit| unit.reads.later.stores.contains(name))
        };
        // `try: cache` with `except NameError: cache = {}` wants to keep what is there.
        let tries = self.new.lines(unit.lines).starts_with("try");
        let is_tried = |name: &String| {
            let mut paths = unit.reads.now.paths.keys();
            let is_imported = unit.imports.iter().any(|import| import.alias == *name);
            tries && !is_imported && paths.any(|path| path.split('.').next() == Some(name))
        };
        let is_bound_above = |name: &String| above.iter().any(|unit| unit.binds(name));
        let unbound = unit
            .maybe
            .iter()
            .filter(|name| !is_bound_above(name) && !is_set_by_a_call(name) && !is_tried(name));
        let unbound: Vec<String> = unbound.cloned().collect();
        for draft in &mut self.drafts[first_draft..] {
            if let Action::Execute {
                unit: executed,
                clears,
                ..
            } = &mut draft.action
                && *executed == unit.id
            {
                clears.clone_from(&unbound);
            }
        }
    }

    /// Note the names that a star import which is gone has bound.
    fn star_imports_dropped(&mut self, old: &[Unit]) {
        let Some(world) = self.world else {
            return;
        };
        for exporter in world.star_imports_left_out(self.module, old) {
            let bound = world.bound_in(self.module);
            let gone = world.bound_in(&exporter).into_iter();
            let gone = gone.filter(|name| !name.starts_with('_') && !bound.contains(name));
            self.changed
                .names
                .extend(gone.map(|name| (self.module.to_owned(), name)));
        }
    }

    /// Whether a unit is what its names end up bound by.
    fn is_last_to_bind(&self, class: &[String], unit: &Unit) -> bool {
        let units = self.units_at(class);
        unit.binds.iter().all(|name| {
            let last = units.iter().rfind(|other| other.binds(name));
            last.is_none_or(|last| last.lines == unit.lines)
        })
    }

    /// The units of the new version's module, or of the body of a class in it.
    fn units_at(&self, class: &[String]) -> &[Unit] {
        let mut units = &self.new.units[..];
        for name in class {
            let inner = units
                .iter()
                .rfind(|unit| unit.binds(name))
                .and_then(|unit| unit.class.as_ref());
            units = inner.map_or(&[], |class| &class.body);
        }
        units
    }

    fn unit(
        &mut self,
        class: &[String],
        old: Option<&Unit>,
        new: &Unit,
        is_rerun: bool,
        waits: bool,
    ) -> Unit {
        if new.kind == UnitKind::MainGuard {
            if self.module == "__main__" && old.is_none_or(|old| old.whole != new.whole) {
                self.stale.push(self.item(
                    class,
                    new,
                    "runs at the next start: an update never executes it",
                ));
            }
            return self.keep(class, old, new);
        }
        let Some(old) = old else {
            return self.addition(class, new, waits);
        };
        if let Some(why) = self.held.get(&new.id).cloned() {
            return self.refusal(class, old, new, why.as_deref());
        }
        if is_rerun && (new.class.is_none() || old.evaluated == new.evaluated) {
            let is_same = old.evaluated == new.evaluated;
            let why = match self.again.get(&new.id) {
                Some(why) => why.clone(),
                None if is_same => "executed again: its name is bound more than once".to_owned(),
                None => "changed".to_owned(),
            };
            if !is_same || new.reads.now.makes {
                self.changed.rebinders.insert(new.id);
            }
            if !is_same {
                self.warn_of_former_effects(old, FORMER_EFFECTS);
            }
            return self.execution(class, new, &why, waits);
        }
        if self.renews_annotations
            && let Some(renewed) = self.annotated_anew(class, old, new)
        {
            return renewed;
        }
        if old.text == new.text {
            return self.keep(class, Some(old), new);
        }
        if new.kind == UnitKind::Inert {
            return new.clone();
        }
        if old.class.is_some() && new.class.is_some() && old.binds == new.binds {
            return self.class(class, old, new);
        }
        if old.differs_only_in_deferred(new) {
            if old.whole != new.whole {
                self.note_behaviour(old, new);
                let item = self.item(class, new, "body changed");
                self.exchange(class, new, Renewal::Code, Some(item));
            } else {
                self.exchange(class, new, Renewal::Code, None);
            }
            return new.clone();
        }
        if let (Some(old_function), Some(new_function)) = (&old.function, &new.function)
            && old_function.decorators == new_function.decorators
            && old.binds == new.binds
        {
            self.note_behaviour(old, new);
            let item = self.item(class, new, "signature changed");
            let renewal = Renewal::Signature(new_function.decorator_lines);
            self.exchange(class, new, renewal, Some(item));
            return new.clone();
        }
        self.warn_of_former_effects(old, FORMER_EFFECTS);
        self.changed.rebinders.insert(new.id);
        let why = if new.function.is_some() {
            "decorators changed"
        } else {
            "changed"
        };
        self.execution(class, new, why, waits)
    }

    /// Make the annotations of a unit anew that has not changed, or only in code that runs when it is called.
    fn annotated_anew(&mut self, class: &[String], old: &Unit, new: &Unit) -> Option<Unit> {
        if !old.differs_only_in_deferred(new) {
            return None;
        }
        if let Some(function) = &new.function {
            let item = (old.whole != new.whole).then(|| self.item(class, new, "body changed"));
            if item.is_some() {
                self.note_behaviour(old, new);
            }
            let renewal = Renewal::Annotations(function.decorator_lines);
            self.exchange(class, new, renewal, item);
            return Some(new.clone());
        }
        if new.class.is_some() {
            return Some(self.class(class, old, new));
        }
        if new.kind == UnitKind::Statement && self.new.lines(new.lines).contains("def ") {
            let why = "a function in it keeps the annotations that it was made with";
            self.stale.push(self.item(class, new, why));
        }
        None
    }

    /// A statement that the module has not reached yet: it will be executed as it was.
    fn ahead(&mut self, class: &[String], old: &Unit, new: &Unit) -> Unit {
        if old.whole != new.whole {
            self.wait(class, new, "changed");
        }
        self.keep(class, Some(old), new)
    }

    fn wait(&mut self, class: &[String], unit: &Unit, why: &str) {
        let why = format!(
            "{why}, but the module is still executing statements before it; runs at the next start"
        );
        self.stale.push(self.item(class, unit, &why));
    }

    /// Its code stays; only its lines may be others.
    fn keep(&mut self, class: &[String], old: Option<&Unit>, new: &Unit) -> Unit {
        if let Some(old) = old {
            self.relocate(class, old, new);
        }
        new.clone()
    }

    fn relocate(&mut self, class: &[String], old: &Unit, new: &Unit) {
        if old.lines == new.lines {
            return;
        }
        match (&old.class, &new.class) {
            (Some(before), Some(after)) if new.defines_local_class => {
                let mut path = class.to_vec();
                path.extend(new.binds.first().cloned());
                for (before, after) in before.body.iter().zip(&after.body) {
                    self.relocate(&path, before, after);
                }
            }
            _ if new.defines_local_class => self.exchange(class, new, Renewal::Code, None),
            _ => self.move_code(old, new),
        }
    }

    /// Move the code of a unit and of all in it to where its new version stands.
    fn move_code(&mut self, old: &Unit, new: &Unit) {
        let by = i64::from(new.lines.first) - i64::from(old.lines.first);
        if by != 0 {
            self.moves.push(Move { unit: old.id, by });
        }
        let Some(before) = &old.class else { return };
        // Of a class that is the same, each member is; of one that was refused, members may have come or gone.
        let after = new.class.as_ref().map_or(&[][..], |class| &class.body);
        for (index, member) in before.body.iter().enumerate() {
            let same = after.get(index).filter(|after| after.whole == member.whole);
            match same {
                Some(after) => self.move_code(member, after),
                None => self.move_code_by(member, by),
            }
        }
    }

    fn move_code_by(&mut self, unit: &Unit, by: i64) {
        if by != 0 {
            self.moves.push(Move { unit: unit.id, by });
        }
        for member in unit.class.iter().flat_map(|class| &class.body) {
            self.move_code_by(member, by);
        }
    }

    fn addition(&mut self, class: &[String], new: &Unit, waits: bool) -> Unit {
        if new.kind == UnitKind::Inert {
            return new.clone();
        }
        let shelved = self.shelf.iter().rev().find(|removed| {
            removed.class == class
                && removed.unit.kind == new.kind
                && removed.unit.binds == new.binds
                && !new.binds.is_empty()
                && !new.binds.iter().any(|name| self.repeated.either(name))
        });
        let is_same_object = |old: &Unit| {
            old.evaluated == new.evaluated
                || old.function.is_some()
                    && old.function.as_ref().map(|parts| parts.decorators)
                        == new.function.as_ref().map(|parts| parts.decorators)
                || old.class.as_ref().map(|parts| parts.header)
                    == new.class.as_ref().map(|parts| parts.header)
                    && old.class.is_some()
        };
        let is_outdated = shelved.is_some_and(|removed| removed.is_outdated);
        if is_outdated && (new.function.is_some() || new.class.is_some()) {
            let mut item = self.item(
                class,
                new,
                "made anew: what took it before keeps the old object",
            );
            item.kind = ItemKind::Instance;
            self.stale.push(item);
        }
        let Some(Removed { unit: old, .. }) =
            shelved.filter(|removed| !is_outdated && is_same_object(&removed.unit))
        else {
            self.changed.rebinders.insert(new.id);
            return self.execution(class, new, "added", waits);
        };
        let mut restored = new.clone();
        restored.continue_as(old);
        self.drafts.push(Draft {
            action: Action::Restore {
                unit: old.id,
                class: class.to_vec(),
                names: new.binds.clone(),
            },
            item: Some(self.item(class, new, "restored")),
            reads: Reads::default(),
        });
        self.note_rebound(class, new);
        let old = old.clone();
        self.unit(class, Some(&old), &restored, false, waits)
    }

    fn execution(&mut self, class: &[String], new: &Unit, why: &str, waits: bool) -> Unit {
        if waits {
            self.wait(class, new, why);
            return new.clone();
        }
        self.note_rebound(class, new);
        self.note_behaviour(new, new);
        let excerpt = self.excerpt(class, new.lines, None);
        self.drafts.push(Draft {
            action: Action::Execute {
                unit: new.id,
                class: class.to_vec(),
                excerpt,
                succeeds: self.is_last_to_bind(class, new),
                keeps_new: match &new.function {
                    Some(parts) => parts.decorator_lines.is_some(),
                    None => !new.touches.is_empty(),
                },
                names: match new.kind {
                    UnitKind::Docstring => vec!["__doc__".to_owned()],
                    _ => new.binds.clone(),
                },
                clears: Vec::new(),
                anchors: anchors(std::slice::from_ref(new)),
            },
            item: Some(self.item(class, new, why)),
            reads: new.reads.clone(),
        });
        new.clone()
    }

    fn exchange(&mut self, class: &[String], new: &Unit, renewal: Renewal, item: Option<Item>) {
        if item.is_some() {
            self.warn_of_kept_code(new);
        }
        let keeps_defaults = matches!(renewal, Renewal::Annotations(_));
        let (excerpt, reads) = match renewal {
            Renewal::Code => {
                self.definitions.extend(self.headers(class));
                self.definitions.push(new.lines);
                (0, None)
            }
            Renewal::Annotations(decorators) | Renewal::Signature(decorators) => (
                self.excerpt(class, new.lines, decorators),
                Some(new.reads.clone()),
            ),
        };
        self.drafts.push(Draft {
            action: Action::Exchange {
                unit: new.id,
                class: class.to_vec(),
                lines: new.lines,
                excerpt,
                signature_of: reads.as_ref().and_then(|_| new.binds.first().cloned()),
                keeps_defaults,
                waits: false,
            },
            item,
            reads: reads.unwrap_or_default(),
        });
    }

    /// Whether more than bodies of functions has changed since `marks`.
    pub(crate) fn is_structural(&self, marks: &Marks) -> bool {
        let mut drafts = self.drafts[marks.drafts..].iter();
        drafts.any(|draft| {
            matches!(
                draft.action,
                Action::Execute { .. } | Action::Remove { .. } | Action::Restore { .. }
            )
        })
    }

    /// Leave the unit as it is; its code moves to where its new version begins.
    pub(crate) fn refusal(
        &mut self,
        class: &[String],
        old: &Unit,
        new: &Unit,
        why: Option<&str>,
    ) -> Unit {
        let item = why.map(|why| self.item(class, new, why));
        self.refused.extend(item);
        // What rests on it is as out of date as the unit itself.
        self.changed.behaviour.insert(old.id);
        self.refused_units.insert(old.id);
        self.move_code(old, new);
        let mut live = old.clone();
        let by = i64::from(new.lines.first) - i64::from(old.lines.first);
        live.shift(by);
        live
    }

    fn removal(&mut self, class: &[String], old: &Unit, bound: &BTreeSet<&str>) {
        let gone: Vec<String> = old
            .binds
            .iter()
            .filter(|name| !bound.contains(name.as_str()))
            .cloned()
            .collect();
        let leaves_traces = old.kind == UnitKind::Statement
            && old.annotates.is_empty()
            && (old.binds.is_empty() || !old.touches.is_empty());
        if leaves_traces {
            self.stale
                .push(self.item(class, old, "removed, but what it did is not undone"));
        }
        self.warn_of_former_effects(old, "removed, but what it did to this is not undone");
        self.hand_over(class, old);
        let names = if old.kind == UnitKind::Docstring {
            vec!["__doc__".to_owned()]
        } else {
            gone
        };
        let is_gone = names.len() == old.binds.len().max(1);
        let is_replaced_docstring = old.kind == UnitKind::Docstring && bound.contains("__doc__");
        if names.is_empty() || is_replaced_docstring {
            return;
        }
        if is_gone && !old.binds.iter().any(|name| self.repeated.either(name)) {
            self.removed.push(Removed {
                class: class.to_vec(),
                unit: old.clone(),
                is_outdated: false,
            });
        }
        self.note_rebound(class, old);
        let item = self.item(class, old, "removed");
        self.remove(class, old.id, names, Some(item));
    }

    /// Functions that a removed definition has made become what the definition makes that is left of its name.
    fn hand_over(&mut self, class: &[String], old: &Unit) {
        let (Some(name), Some(was)) = (old.binds.first(), &old.function) else {
            return;
        };
        let left = self.units_at(class).iter().rfind(|unit| unit.binds(name));
        let left = left.and_then(|unit| Some((unit, unit.function.as_ref()?)));
        if let Some((left, parts)) =
            left.filter(|(_, is)| class.is_empty() || is.decorators == was.decorators)
        {
            let (left, decorators) = (left.clone(), parts.decorator_lines);
            let first = self.drafts.len();
            self.exchange(class, &left, Renewal::Signature(decorators), None);
            if let Some(Action::Exchange { unit, .. }) = self.drafts[first..]
                .first_mut()
                .map(|draft| &mut draft.action)
            {
                *unit = old.id;
            }
        }
    }

    /// An edited statement may bind fewer names than before.
    fn unbound_by_edit(
        &mut self,
        class: &[String],
        old: &Unit,
        new: &Unit,
        bound: &BTreeSet<&str>,
    ) {
        let gone: Vec<String> = old
            .binds
            .iter()
            .filter(|name| !bound.contains(name.as_str()))
            .cloned()
            .collect();
        if !gone.is_empty() {
            self.remove(class, new.id, gone, None);
        }
    }

    fn remove(&mut self, class: &[String], unit: u64, names: Vec<String>, item: Option<Item>) {
        for name in &names {
            if class.is_empty() {
                self.changed
                    .names
                    .insert((self.module.to_owned(), name.clone()));
            }
        }
        self.drafts.push(Draft {
            action: Action::Remove {
                unit,
                class: class.to_vec(),
                names,
            },
            item,
            reads: Reads::default(),
        });
    }

    fn annotations(&mut self, class: &[String], old: &[Unit], new: &[Unit]) {
        let annotated = |units: &[Unit]| -> Vec<(Vec<String>, TreeHash)> {
            units
                .iter()
                .filter(|unit| !unit.annotates.is_empty())
                .map(|unit| (unit.annotates.clone(), unit.whole))
                .collect()
        };
        let holds_some = |units: &[Unit]| {
            let mut annotated = units.iter().filter(|unit| !unit.annotates.is_empty());
            annotated.any(|unit| self.held.contains_key(&unit.id))
        };
        if self.held_annotations.contains(class) || holds_some(old) || holds_some(new) {
            return;
        }
        let is_renewed = self.renews_annotations && !annotated(new).is_empty();
        if annotated(old) == annotated(new) && !is_renewed {
            return;
        }
        let units: Vec<&Unit> = new
            .iter()
            .filter(|unit| !unit.annotates.is_empty())
            .collect();
        let mut keep = self.headers(class);
        keep.extend(units.iter().map(|unit| unit.lines));
        if units.is_empty() {
            // A class needs a body to be compiled at all.
            keep.extend(new.first().map(|unit| unit.lines));
        }
        self.excerpts.push(self.new.excerpt(&keep, None));
        self.drafts.push(Draft {
            action: Action::Annotate {
                class: class.to_vec(),
                names: units
                    .iter()
                    .flat_map(|unit| unit.annotates.clone())
                    .collect(),
                excerpt: self.excerpts.len() - 1,
                is_renewed,
            },
            item: None,
            reads: Reads::default(),
        });
    }

    fn excerpt(&mut self, class: &[String], lines: Lines, neutral: Option<Lines>) -> usize {
        let mut keep = self.headers(class);
        keep.push(lines);
        self.excerpts.push(self.new.excerpt(&keep, neutral));
        self.excerpts.len() - 1
    }

    /// The header lines of the classes around a scope.
    fn headers(&self, class: &[String]) -> Vec<Lines> {
        let mut units = &self.new.units[..];
        let mut headers = Vec::new();
        for name in class {
            let found = units
                .iter()
                .filter(|unit| unit.binds.first() == Some(name))
                .filter_map(|unit| unit.class.as_ref())
                .next_back();
            if let Some(parts) = found {
                headers.push(parts.header_lines);
                units = &parts.body;
            }
        }
        headers
    }

    fn note_behaviour(&mut self, old: &Unit, new: &Unit) {
        self.changed.behaviour.insert(new.id);
        if let (Some(before), Some(after)) = (&old.function, &new.function)
            && before.own_body == after.own_body
            && old.whole != new.whole
            && before.signature == after.signature
        {
            self.changed.only_nested.insert(new.id);
        }
    }

    fn note_rebound(&mut self, class: &[String], unit: &Unit) {
        if !class.is_empty() {
            self.changed.members.insert(unit.id);
        }
    }

    /// The index of the top-level unit that the module is executing now.
    fn running_unit(&self, class: &[String], old: &[Unit]) -> Option<usize> {
        let line = self.facts.running_line.filter(|_| class.is_empty())?;
        old.iter().position(|unit| unit.lines.contains(line))
    }

    pub(crate) fn item(&self, class: &[String], unit: &Unit, why: &str) -> Item {
        item(self.module, self.file, class, unit, why)
    }

    /// Execute a statement again although its text has not changed.
    pub(crate) fn again(&mut self, class: &[String], unit: &Unit, was_decorated: bool, why: &str) {
        let is_wrapped = |parts: &&FunctionParts| was_decorated && parts.decorator_lines.is_some();
        if let Some(parts) = unit.function.as_ref().filter(|parts| !is_wrapped(parts)) {
            let item = self.item(class, unit, why);
            let renewal = Renewal::Signature(parts.decorator_lines);
            self.exchange(class, unit, renewal, Some(item));
        } else {
            let waits = self
                .facts
                .running_line
                .is_some_and(|line| unit.lines.last >= line);
            self.execution(class, unit, why, waits);
        }
    }

    pub(crate) fn marks(&self) -> Marks {
        Marks {
            drafts: self.drafts.len(),
            excerpts: self.excerpts.len(),
            definitions: self.definitions.len(),
            moves: self.moves.len(),
            stale: self.stale.len(),
            refused: self.refused.len(),
            removed: self.removed.len(),
            changed: self.changed.clone(),
        }
    }

    pub(crate) fn roll_back_to(&mut self, marks: &Marks) {
        self.drafts.truncate(marks.drafts);
        self.excerpts.truncate(marks.excerpts);
        self.definitions.truncate(marks.definitions);
        self.moves.truncate(marks.moves);
        self.stale.truncate(marks.stale);
        self.refused.truncate(marks.refused);
        self.removed.truncate(marks.removed);
        self.changed = marks.changed.clone();
    }
}

const FORMER_EFFECTS: &str = "what a former decorator or statement did to it is not undone";

/// How far the drafts had come.
pub(crate) struct Marks {
    pub(crate) drafts: usize,
    excerpts: usize,
    definitions: usize,
    moves: usize,
    stale: usize,
    pub(crate) refused: usize,
    removed: usize,
    pub(crate) changed: Changed,
}
