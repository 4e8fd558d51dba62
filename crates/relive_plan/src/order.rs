//! The order of a plan's steps.
//!
//! What an old function may already need is there before code is exchanged, and what a new one no longer needs goes
//! after: statements that cannot run changed code, the exchange, statements that may, removals, import copies.

use std::collections::BTreeSet;

use crate::plan::Action;
use crate::scope::Draft;
use crate::world::{Changed, Place, World};

/// When a step happens; steps of one phase keep their order in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Restored,
    Before,
    Exchange,
    After,
    Removed,
    Annotated,
    Followed,
}

/// The phases of one module's drafts.
pub(crate) fn phases(
    world: &World<'_>,
    module: &str,
    drafts: &[Draft],
    changed: &Changed,
    late: &mut BTreeSet<(String, String)>,
) -> Vec<Phase> {
    let may_run_changed_code = |draft: &Draft, late: &BTreeSet<(String, String)>| {
        let relevant = Changed {
            names: late.clone(),
            // Executing a statement of a class's body is not a reason to wait for it.
            members: BTreeSet::new(),
            ..changed.clone()
        };
        world
            .outdated_by(&Place::end_of(module), &draft.reads.now, &relevant)
            .is_some()
    };
    let place = |name: &String| (module.to_owned(), name.clone());
    let executed = drafts.iter().filter_map(|draft| match &draft.action {
        Action::Execute { class, names, .. } if class.is_empty() => Some(names),
        _ => None,
    });
    let bound: Vec<(String, String)> = executed.flatten().map(place).collect();
    // What binds nothing may change objects that statements after it read.
    let reads = |draft: &Draft, place: &(String, String)| {
        let changed = Changed {
            names: BTreeSet::from([place.clone()]),
            ..Changed::default()
        };
        let cause = world.outdated_by(&Place::end_of(module), &draft.reads.now, &changed);
        cause.is_some()
    };
    let mut read_late = BTreeSet::new();
    drafts
        .iter()
        .map(|draft| match &draft.action {
            Action::Restore { .. } => Phase::Restored,
            Action::Exchange {
                signature_of: Some(_),
                ..
            } if may_run_changed_code(draft, late) => Phase::After,
            Action::Exchange { .. } => Phase::Exchange,
            Action::Remove { .. } => Phase::Removed,
            Action::Annotate { .. } => Phase::Annotated,
            Action::Follow { .. } | Action::FollowStar { .. } => Phase::Followed,
            Action::Execute { class, names, .. } => {
                let own = if class.is_empty() { &names[..] } else { &[] };
                // What binds a name anew must not overtake what binds or reads it above, nor an import what it imports.
                let imports_late = |name: &str| {
                    let mut late = late.iter();
                    late.any(|(home, bound)| world.is_import_of(module, name, home, bound))
                };
                let follows_late = own.iter().any(|name| {
                    late.contains(&place(name)) || read_late.contains(name) || imports_late(name)
                });
                if !follows_late && !may_run_changed_code(draft, late) {
                    return Phase::Before;
                }
                late.extend(own.iter().map(place));
                if names.is_empty() {
                    late.extend(bound.iter().filter(|name| reads(draft, name)).cloned());
                }
                let paths = draft.reads.now.paths.keys();
                read_late
                    .extend(paths.map(|path| path.split('.').next().unwrap_or(path).to_owned()));
                Phase::After
            }
        })
        .collect()
}
