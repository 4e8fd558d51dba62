//! Which edits of a save can only land together: what one changed uses what the other changed.

use std::collections::BTreeSet;

use relive_syntax::{Moment, Unit, diff};

use crate::planner::ModuleEdit;
use crate::world::{Changed, Place, World};

/// The edits that cannot land without the one at `failed`, itself included: those that changed a use of what it
/// changes, or something of which it changes a use, and so on from edit to edit.
///
/// `live` holds the outlines before the edits, `saved` those after them.
#[must_use]
pub fn tied_to(
    edits: &[ModuleEdit<'_>],
    failed: usize,
    live: &World<'_>,
    saved: &World<'_>,
) -> BTreeSet<usize> {
    let changes: Vec<Changes<'_>> = edits.iter().map(Changes::of).collect();
    let mut tied = BTreeSet::from([failed]);
    let mut waiting = vec![failed];
    while let Some(one) = waiting.pop() {
        for other in 0..edits.len() {
            let uses = |user: usize, used: usize| {
                changes[user].use_names(edits[user].name, &changes[used].names, live, saved)
            };
            if !tied.contains(&other) && (uses(one, other) || uses(other, one)) {
                tied.insert(other);
                waiting.push(other);
            }
        }
    }
    tied
}

/// The top-level statements of a module that an edit changes.
struct Changes<'a> {
    old: Vec<&'a Unit>,
    new: Vec<&'a Unit>,
    /// What they bind, as (module, name).
    names: BTreeSet<(String, String)>,
}

impl<'a> Changes<'a> {
    fn of(edit: &ModuleEdit<'a>) -> Self {
        let (old, new) = (&edit.old.units, &edit.new.units);
        let pairing = diff(old, new);
        let is_kept = |was: usize, is: usize| old[was].whole == new[is].whole;
        let gone = (0..old.len())
            .filter(|&was| pairing.new_of_old[was].is_none_or(|is| !is_kept(was, is)));
        let come =
            (0..new.len()).filter(|&is| pairing.old_of_new[is].is_none_or(|was| !is_kept(was, is)));
        let (old, new): (Vec<&Unit>, Vec<&Unit>) = (
            gone.map(|was| &old[was]).collect(),
            come.map(|is| &new[is]).collect(),
        );
        let bound = old.iter().chain(&new).flat_map(|unit| &unit.binds);
        let names = bound
            .map(|name| (edit.name.to_owned(), name.clone()))
            .collect();
        Self { old, new, names }
    }

    fn use_names(
        &self,
        module: &str,
        names: &BTreeSet<(String, String)>,
        live: &World<'_>,
        saved: &World<'_>,
    ) -> bool {
        let changed = Changed {
            names: names.clone(),
            ..Changed::default()
        };
        let uses = |world: &World<'_>, unit: &Unit| {
            let imports = unit.imports.iter().any(|import| {
                let from = world.imported_module(module, import);
                names.iter().any(|(home, name)| {
                    from.as_ref() == Some(home)
                        && import
                            .name
                            .as_ref()
                            .is_some_and(|taken| taken == name || taken == "*")
                })
            });
            let mut all = Moment::default();
            gather(unit, &mut all);
            let place = Place::end_of(module);
            imports || world.outdated_by(&place, &all, &changed).is_some()
        };
        self.old.iter().any(|unit| uses(live, unit))
            || self.new.iter().any(|unit| uses(saved, unit))
    }
}

/// All that a unit does, now or later.
fn gather(unit: &Unit, all: &mut Moment) {
    for moment in unit.reads.moments() {
        all.extend(moment.clone());
    }
    if let Some(class) = &unit.class {
        all.extend(class.reads.now.clone());
        for member in &class.body {
            gather(member, all);
        }
    }
}
