//! What a plan leaves out of date although it executes everything that changed: known in advance, and named.

use std::collections::BTreeSet;

use relive_syntax::{Unit, UnitKind, Use};

use crate::item::{Item, ItemKind, item, items};
use crate::plan::Action;
use crate::scope::{Drafts, Marks};
use crate::world::Place;

impl Drafts<'_> {
    /// A statement that runs again reads what its names are bound to now, not what they were bound to at its place.
    pub(crate) fn warn_of_later_values(&mut self, first_draft: usize, new: &[Unit]) {
        let mut warnings = Vec::new();
        for draft in &self.drafts[first_draft..] {
            // An exchange comes after statements below it that do not wait for changed code.
            let (unit, comes_later) = match &draft.action {
                Action::Execute { unit, .. } => (unit, false),
                Action::Exchange {
                    unit,
                    signature_of: Some(_),
                    ..
                } => (unit, true),
                _ => continue,
            };
            let Some(position) = new.iter().position(|candidate| holds(candidate, *unit)) else {
                continue;
            };
            let later = draft.reads.now.paths.keys().find(|path| {
                let name = path.split('.').next().unwrap_or(path);
                let changes = |unit: &&Unit| changes_value(unit, name);
                let is_executed =
                    |unit: &Unit| !comes_later && self.is_executed(first_draft, unit.id);
                new[..position].iter().any(|unit| changes(&unit))
                    && new[position + 1..]
                        .iter()
                        .filter(changes)
                        .any(|unit| !is_executed(unit))
            });
            warnings.extend(self.holders_of_former(first_draft, new, position));
            if let (Some(path), Some(item)) = (later, &draft.item) {
                let why = format!(
                    "executed with what {path} is now, which a statement below it has changed"
                );
                let names = items(self.module, self.file, &[], &new[position], &why);
                let is_member = new[position].id != *unit;
                warnings.extend(if is_member {
                    vec![Item {
                        why,
                        ..item.clone()
                    }]
                } else {
                    names
                });
            }
        }
        self.stale.extend(warnings);
    }

    fn is_executed(&self, first_draft: usize, unit: u64) -> bool {
        self.drafts[first_draft..].iter().any(
            |draft| matches!(&draft.action, Action::Execute { unit: executed, .. } if *executed == unit),
        )
    }

    /// Statements between two definitions of one name hold the first; executing the second makes one object of them.
    fn holders_of_former(&self, first_draft: usize, new: &[Unit], position: usize) -> Vec<Item> {
        let repeated = new[position].defines.intersection(&self.repeated.after);
        let holders = repeated.flat_map(|name| {
            let first = new[..position].iter().position(|unit| unit.binds(name));
            let between = new[first.unwrap_or(position)..position].iter();
            let why = format!("holds {name}, which a definition below it has replaced");
            between
                .filter(move |unit| {
                    let mut paths = unit.reads.now.paths.keys();
                    paths.any(|path| path.split('.').next() == Some(name))
                })
                .filter(|unit| !self.is_executed(first_draft, unit.id))
                .flat_map(move |unit| items(self.module, self.file, &[], unit, &why))
        });
        holders.collect()
    }

    /// Name the objects that a statement has changed: executing another in its place does not undo that.
    pub(crate) fn warn_of_former_effects(&mut self, old: &Unit, why: &str) {
        let Some(world) = self.world else {
            return;
        };
        let is_effect = old.function.is_some() || old.binds.is_empty() || !old.touches.is_empty();
        let called = old
            .reads
            .now
            .paths
            .iter()
            .filter(|(path, how)| is_effect && **how != Use::Value && path.contains('.'))
            .filter_map(|(path, _)| path.rsplit_once('.'))
            .map(|(object, _)| object);
        let paths: BTreeSet<&str> = called
            .chain(old.touches.iter().map(String::as_str))
            .collect();
        let own = paths
            .into_iter()
            .flat_map(|path| world.homes(self.module, path));
        let caused = world.effects(&Place::end_of(self.module), old).stores;
        let changed: BTreeSet<_> = own.chain(caused).collect();
        for (home, name, line) in changed {
            let own = item(self.module, self.file, &[], old, why);
            self.stale.push(Item {
                qualname: format!("{home}:{name}"),
                kind: ItemKind::Statement,
                line,
                ..own
            });
        }
    }

    /// Decorators may have put the code that a function is about to lose into other objects.
    pub(crate) fn warn_of_kept_code(&mut self, new: &Unit) {
        let is_decorated = |unit: &Unit| {
            let mut uses = unit.reads.now.paths.values();
            unit.function.is_some() && uses.any(|how| *how >= Use::Decorate)
        };
        let Some(world) = self.world.filter(|_| is_decorated(new)) else {
            return;
        };
        let effects = world.effects(&Place::end_of(self.module), new);
        for (home, name, line) in effects.stores.into_iter().filter(|_| effects.takes_code) {
            let why = "a decorator has put the former code of a function into it";
            self.stale.push(Item {
                qualname: format!("{home}:{name}"),
                kind: ItemKind::Statement,
                line,
                ..item(self.module, self.file, &[], new, why)
            });
        }
    }

    pub(crate) fn warn_of_a_lost_former_value(
        &mut self,
        first_draft: usize,
        above: &[Unit],
        unit: &Unit,
    ) {
        let name = made_of_a_former_value(above, unit);
        if let Some(name) = name.filter(|_| self.is_executed(first_draft, unit.id)) {
            let why = format!("executed with what {name} is now, which a star import has bound");
            self.stale.push(self.item(&[], unit, &why));
        }
    }

    /// A decorator or base may have made something of the members that a class had when it was made.
    pub(crate) fn warn_of_a_body_looked_at(&mut self, outer: &[String], new: &Unit, marks: &Marks) {
        let (Some(world), Some(class)) = (self.world, &new.class) else {
            return;
        };
        let is_ordered = class
            .reads
            .now
            .paths
            .keys()
            .any(|path| path.ends_with("total_ordering"));
        let looks = || world.effects(&Place::end_of(self.module), new).looks_around;
        if self.is_structural(marks) && (is_ordered || looks()) {
            let why = "a decorator or base has looked at its members as they were";
            self.stale.push(self.item(outer, new, why));
        }
    }
}

/// What a star import has bound, a statement has made something else of: executed again, it does so once more.
pub(crate) fn made_of_a_former_value<'u>(above: &[Unit], unit: &'u Unit) -> Option<&'u String> {
    let binds = |above: &Unit, name: &String| above.binds(name) && !above.maybe.contains(name);
    let mut names = unit.maybe.iter();
    names.find(|name| {
        unit.reads.now.paths.contains_key(*name)
            && above.iter().any(takes_all)
            && !above.iter().any(|above| binds(above, name))
    })
}

/// Whether a statement is a star import.
pub(crate) fn takes_all(unit: &Unit) -> bool {
    unit.imports.iter().any(|import| import.alias == "*")
}

fn holds(unit: &Unit, id: u64) -> bool {
    unit.id == id
        || unit
            .class
            .iter()
            .flat_map(|class| &class.body)
            .any(|member| holds(member, id))
}

/// Whether a statement binds a name, or changes the object that it is bound to.
pub(crate) fn changes_value(unit: &Unit, name: &str) -> bool {
    let is_method_of_it = |path: &String| {
        path.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    unit.binds.iter().any(|bound| bound == name)
        || unit.touches(name)
        || unit.kind == UnitKind::Statement
            && unit.binds.is_empty()
            && unit
                .reads
                .now
                .paths
                .iter()
                .any(|(path, how)| *how == Use::Call && is_method_of_it(path))
}
