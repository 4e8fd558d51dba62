//! What a statement that is executed reads must be what a fresh interpreter would have computed by then.
//!
//! A statement whose text has not changed may rest on what has: it is out of date, and in patch mode left so. But where
//! a statement that the plan executes reads what it bound, it runs again too, if computing it calls nothing. One that
//! calls something may have effects and so runs again only where the statement that reads its result has failed.

use std::collections::{BTreeMap, BTreeSet};

use relive_syntax::{Reads, Unit, UnitKind, Use};

use crate::plan::Action;
use crate::planner::ModuleEdit;
use crate::scope::Draft;
use crate::stale::{Outdated, SourceModule, outdated};
use crate::warnings::changes_value;
use crate::world::{Changed, Place, World};

/// A statement that runs, and whether all that it rests on is to run again.
struct Reader<'d> {
    module: &'d str,
    unit: u64,
    reads: &'d Reads,
    is_forced: bool,
}

/// A statement that is out of date.
struct Input<'d> {
    outdated: &'d Outdated,
    unit: &'d Unit,
}

/// The units to execute again, with the reasons, because `drafts` execute what reads their values. `needy` are units
/// that failed when they were executed.
pub(crate) fn inputs(
    edits: &[ModuleEdit<'_>],
    world: &World<'_>,
    changed: &Changed,
    drafts: &[(usize, &str, Vec<Draft>)],
    needy: &BTreeSet<u64>,
) -> BTreeMap<u64, String> {
    let mut changed = changed.clone();
    let mut executed = BTreeSet::new();
    let mut readers = Vec::new();
    for (_, module, drafts) in drafts {
        for draft in drafts {
            let Some((unit, names)) = executes(&draft.action) else {
                continue;
            };
            executed.insert(unit);
            let names = names
                .iter()
                .map(|name| ((*module).to_owned(), name.clone()));
            changed.names.extend(names);
            if !draft.reads.now.paths.is_empty() {
                readers.push(Reader {
                    module,
                    unit,
                    reads: &draft.reads,
                    is_forced: needy.contains(&unit),
                });
            }
        }
    }
    if readers.is_empty() {
        return BTreeMap::new();
    }
    let modules: Vec<SourceModule<'_>> = edits
        .iter()
        .map(|edit| SourceModule {
            name: edit.name,
            file: edit.file,
            outline: edit.new,
        })
        .collect();
    let found = outdated(world, &modules, &changed, &Changed::default(), &executed);
    let candidates = found.iter().filter_map(|outdated| {
        let edit = edits.iter().find(|edit| edit.name == outdated.module)?;
        let unit = edit.new.units.iter().find(|unit| {
            unit.id == outdated.unit
                && unit.kind == UnitKind::Statement
                && !executed.contains(&unit.id)
        })?;
        Some(Input { outdated, unit })
    });
    let candidates: Vec<Input<'_>> = candidates.collect();
    let mut chosen = BTreeMap::new();
    for reader in readers.iter().filter(|reader| reader.is_forced) {
        if let Some(edit) = edits.iter().find(|edit| edit.name == reader.module) {
            chosen.extend(makers(&edit.new.units, reader.unit, &executed));
        }
    }
    while let Some(reader) = readers.pop() {
        for input in &candidates {
            let may_run = reader.is_forced || computes_only(input.unit);
            if !may_run
                || chosen.contains_key(&input.unit.id)
                || !feeds(world, input, &reader, &changed)
            {
                continue;
            }
            let why = format!("executed again: {}", input.outdated.item.why);
            chosen.insert(input.unit.id, why);
            readers.push(Reader {
                module: &input.outdated.module,
                unit: input.unit.id,
                reads: &input.unit.reads,
                is_forced: reader.is_forced,
            });
        }
    }
    chosen
}

/// The statements that made the objects which a statement that binds nothing changes: it may fail on an object that an
/// earlier version of it has changed.
fn makers(units: &[Unit], failed: u64, executed: &BTreeSet<u64>) -> BTreeMap<u64, String> {
    let failed = units.iter().find(|unit| unit.id == failed);
    let Some(failed) = failed.filter(|unit| unit.binds.is_empty()) else {
        return BTreeMap::new();
    };
    let mut made_by = BTreeMap::new();
    let bound: BTreeSet<&String> = units.iter().flat_map(|unit| &unit.binds).collect();
    for name in bound.into_iter().filter(|name| changes_value(failed, name)) {
        let of_it = units.iter().filter(|unit| {
            unit.kind == UnitKind::Statement
                && !executed.contains(&unit.id)
                && changes_value(unit, name)
        });
        let why = format!("executed again: a statement that changes {name} is another");
        made_by.extend(of_it.map(|unit| (unit.id, why.clone())));
    }
    made_by
}

/// The unit that a step executes, and the names of the module that it binds.
fn executes(action: &Action) -> Option<(u64, &[String])> {
    match action {
        Action::Execute {
            unit, class, names, ..
        } => Some((*unit, if class.is_empty() { names } else { &[] })),
        Action::Exchange {
            unit,
            signature_of: Some(_),
            ..
        } => Some((*unit, &[])),
        _ => None,
    }
}

/// Whether executing a statement computes values from others, and calls nothing.
fn computes_only(unit: &Unit) -> bool {
    !unit.binds.is_empty()
        && unit.maybe.is_empty()
        && unit.touches.is_empty()
        && unit.reads.now.paths.values().all(|how| *how == Use::Value)
}

/// Whether a statement reads what another binds, or where that binds nothing, an object that it may have changed.
fn feeds(world: &World<'_>, input: &Input<'_>, reader: &Reader<'_>, changed: &Changed) -> bool {
    let home = &input.outdated.module;
    let rests_on = |module: &str, reads: &Reads, names: BTreeSet<(String, String)>| {
        let changed = Changed {
            names,
            ..Changed::default()
        };
        let place = Place::end_of(module);
        world.outdated_by(&place, &reads.now, &changed).is_some()
    };
    if !input.unit.binds.is_empty() {
        let names = input.unit.binds.iter();
        let names = names.map(|name| (home.clone(), name.clone())).collect();
        return rests_on(reader.module, reader.reads, names);
    }
    let made_anew = changed.names.iter().filter(|(module, _)| module == home);
    made_anew.into_iter().any(|place| {
        let place = BTreeSet::from([place.clone()]);
        rests_on(reader.module, reader.reads, place.clone())
            && rests_on(home, &input.unit.reads, place)
    })
}
