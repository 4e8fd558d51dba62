//! Edits of modules to one plan: the entry of this crate.

use std::collections::{BTreeMap, BTreeSet};

use relive_syntax::{Outline, Unit};

use crate::chains::{Repeated, needed_for};
use crate::inputs::inputs;
use crate::item::Item;
use crate::order::{Phase, phases};
use crate::plan::{
    Action, ClassQuery, ClassText, Facts, FactsQuery, ModuleFacts, ModuleQuery, ModuleText, Plan,
    Step,
};
use crate::scope::{Draft, Drafts, Removed};
use crate::stale::Outdated;
use crate::world::{Changed, Place, World};

/// An edit of one module, before it is planned.
pub struct ModuleEdit<'a> {
    /// The module's name.
    pub name: &'a str,
    /// Its source file.
    pub file: &'a str,
    /// The outline that is live.
    pub old: &'a Outline,
    /// The outline of the edited text, whose units have inherited their identities from `old`.
    pub new: &'a Outline,
    /// Units that earlier edits removed.
    pub shelf: &'a [Removed],
    /// Whether the host has not met the module yet.
    pub is_first: bool,
}

/// A plan with what it leaves undone.
pub struct Planned {
    /// What to do.
    pub plan: Plan,
    /// What will be out of date once it is done, known in advance.
    pub stale: Vec<Item>,
    /// What cannot be done, and is not attempted.
    pub refused: Vec<Item>,
    /// What will have changed.
    pub changed: Changed,
    /// For each edit, in order.
    pub modules: Vec<PlannedModule>,
}

/// What a module will be once the plan is applied.
pub struct PlannedModule {
    /// Its name.
    pub name: String,
    /// The new outline, with the old version of the units that were refused.
    pub live: Vec<Unit>,
    /// Units removed.
    pub removed: Vec<Removed>,
    /// Units of which the old version stays.
    pub refused: BTreeSet<u64>,
}

/// What the planner has to know before it can plan the edits.
#[must_use]
pub fn query(edits: &[ModuleEdit<'_>]) -> FactsQuery {
    let facts = ModuleFacts::default();
    let modules = edits.iter().map(|edit| {
        let (drafts, _) = draft(edit, &facts, &[], None, &BTreeMap::new());
        ModuleQuery {
            name: edit.name.to_owned(),
            classes: drafts.edited_classes.clone(),
            names: rebound_names(&drafts.drafts),
            text: None,
        }
    });
    FactsQuery {
        modules: modules.collect(),
        ..FactsQuery::default()
    }
}

/// Plan the edits as one: all of them happen, or none.
///
/// `facts` answers `asked`, which is [`query`] of the edits; `world` holds the new outlines of the edited modules and the live ones of the modules
/// that may import them. `needy` are units that failed when they were executed with what is out of date: whatever they
/// rest on is executed again.
#[must_use]
pub fn plan<'a>(
    edits: &[ModuleEdit<'a>],
    asked: &FactsQuery,
    facts: &'a Facts,
    world: &'a World<'a>,
    needy: &BTreeSet<u64>,
) -> Planned {
    let mut again = BTreeMap::new();
    loop {
        let mut all = drafts_of(edits, asked, facts, world, &again);
        let more = inputs(edits, world, &all.planned.changed, &all.drafts, needy);
        if more.is_empty() {
            all.warn_of_refused(world);
            all.planned.plan.steps = ordered(world, all.drafts, &all.planned.changed);
            return all.planned;
        }
        again.extend(more);
    }
}

/// The drafts of all edits, before they are put in order.
struct AllDrafts<'a> {
    planned: Planned,
    drafts: Vec<(usize, &'a str, Vec<Draft>)>,
    refused_units: BTreeSet<u64>,
}

impl AllDrafts<'_> {
    /// Name what is executed with something whose edit is refused.
    fn warn_of_refused(&mut self, world: &World<'_>) {
        let refused = Changed {
            behaviour: std::mem::take(&mut self.refused_units),
            ..Changed::default()
        };
        for (_, name, drafts) in &self.drafts {
            let executed = drafts
                .iter()
                .filter(|draft| matches!(draft.action, Action::Execute { .. }));
            for draft in executed {
                let cause = world.outdated_by(&Place::end_of(name), &draft.reads.now, &refused);
                if let (Some(cause), Some(item)) = (cause, &draft.item) {
                    let why = format!(
                        "executed with the old {}, whose edit was refused",
                        cause.name
                    );
                    self.planned.stale.push(Item {
                        why,
                        ..item.clone()
                    });
                }
            }
        }
    }
}

/// Draft the steps of all edits. `again` are unchanged units to execute, with the reasons.
fn drafts_of<'a>(
    edits: &[ModuleEdit<'a>],
    asked: &FactsQuery,
    facts: &'a Facts,
    world: &'a World<'a>,
    again: &BTreeMap<u64, String>,
) -> AllDrafts<'a> {
    let nothing = ModuleFacts::default();
    let mut planned = Planned {
        plan: Plan::default(),
        stale: Vec::new(),
        refused: Vec::new(),
        changed: Changed::default(),
        modules: Vec::new(),
    };
    let mut drafted = Vec::new();
    let mut refused_units = BTreeSet::new();
    for (index, edit) in edits.iter().enumerate() {
        let facts = facts.modules.get(edit.name).unwrap_or(&nothing);
        let classes = &asked.modules[index].classes;
        let (mut drafts, live) = draft(edit, facts, classes, Some(world), again);
        drafts.excerpts[0] = edit.new.excerpt(&drafts.definitions, None);
        planned.stale.append(&mut drafts.stale);
        planned.refused.append(&mut drafts.refused);
        planned.changed.extend(&drafts.changed);
        planned.plan.modules.push(ModuleText {
            name: edit.name.to_owned(),
            file: edit.file.to_owned(),
            text: edit.new.shown().to_owned(),
            future: edit.new.future.iter().cloned().collect(),
            excerpts: std::mem::take(&mut drafts.excerpts),
            pieces: edit.new.pieces().to_vec(),
            base: edit.is_first.then(|| edit.old.text.to_string()),
            base_pieces: edit.old.pieces().to_vec(),
            anchors: if edit.is_first {
                anchors(&edit.old.units)
            } else {
                Vec::new()
            },
            moves: std::mem::take(&mut drafts.moves),
            classes: class_texts(&edit.old.units, &live),
        });
        refused_units.extend(&drafts.refused_units);
        let follow = follows(edit, facts, world, &drafts.drafts);
        drafts.drafts.extend(follow);
        planned.modules.push(PlannedModule {
            name: edit.name.to_owned(),
            live,
            removed: std::mem::take(&mut drafts.removed),
            refused: drafts.refused_units.clone(),
        });
        drafted.push((index, edit.name, drafts.drafts));
    }
    AllDrafts {
        planned,
        drafts: drafted,
        refused_units,
    }
}

/// Plan to execute statements again, because what they read has changed. `units` are in order of dependency.
#[must_use]
pub fn rerun(
    edit: &ModuleEdit<'_>,
    units: &[(&Outdated, &Unit)],
    facts: &ModuleFacts,
    world: &World<'_>,
) -> Plan {
    let mut drafts = empty_drafts(edit, facts, &[], Some(world));
    let all = &edit.new.units;
    for (outdated, unit) in units {
        let why = format!("executed again: {}", outdated.item.why);
        let index = all.iter().position(|other| other.id == unit.id);
        for other in index.map_or_else(BTreeSet::new, |index| needed_for(all, index)) {
            if all[other].id == unit.id {
                drafts.again(&outdated.class, unit, outdated.was_decorated, &why);
            } else {
                drafts.again(
                    &[],
                    &all[other],
                    false,
                    "executed again: its name is bound more than once",
                );
            }
            drafts.clear_before(0, &all[..other], &all[other]);
        }
        if index.is_none() {
            drafts.again(&outdated.class, unit, outdated.was_decorated, &why);
        }
    }
    let follow = follows(edit, facts, world, &drafts.drafts);
    drafts.drafts.extend(follow);
    let text = ModuleText {
        name: edit.name.to_owned(),
        file: edit.file.to_owned(),
        text: edit.new.shown().to_owned(),
        future: edit.new.future.iter().cloned().collect(),
        excerpts: drafts.excerpts,
        pieces: edit.new.pieces().to_vec(),
        base: edit.is_first.then(|| edit.new.text.to_string()),
        base_pieces: edit.new.pieces().to_vec(),
        anchors: if edit.is_first {
            anchors(&edit.new.units)
        } else {
            Vec::new()
        },
        moves: Vec::new(),
        classes: Vec::new(),
    };
    let steps = drafts.drafts.into_iter().map(|draft| Step {
        module: 0,
        action: draft.action,
        item: draft.item,
    });
    Plan {
        modules: vec![text],
        steps: steps.collect(),
    }
}

fn draft<'a>(
    edit: &ModuleEdit<'a>,
    facts: &'a ModuleFacts,
    classes: &[ClassQuery],
    world: Option<&'a World<'a>>,
    again: &BTreeMap<u64, String>,
) -> (Drafts<'a>, Vec<Unit>) {
    let mut drafts = empty_drafts(edit, facts, classes, world);
    drafts.again.clone_from(again);
    let live = drafts.scope(&[], &edit.old.units, &edit.new.units);
    (drafts, live)
}

fn empty_drafts<'a>(
    edit: &ModuleEdit<'a>,
    facts: &'a ModuleFacts,
    classes: &[ClassQuery],
    world: Option<&'a World<'a>>,
) -> Drafts<'a> {
    Drafts {
        module: edit.name,
        file: edit.file,
        new: edit.new,
        facts,
        world,
        classes: classes
            .iter()
            .map(|asked| asked.path.clone())
            .zip(&facts.classes)
            .collect(),
        shelf: edit.shelf,
        drafts: Vec::new(),
        excerpts: vec![String::new()],
        definitions: Vec::new(),
        moves: Vec::new(),
        stale: Vec::new(),
        refused: Vec::new(),
        refused_units: BTreeSet::new(),
        removed: Vec::new(),
        changed: Changed::default(),
        repeated: Repeated::default(),
        edited_classes: Vec::new(),
        held: BTreeMap::new(),
        held_classes: BTreeMap::new(),
        held_annotations: BTreeSet::new(),
        again: BTreeMap::new(),
        renews_annotations: edit.old.keeps_annotations() != edit.new.keeps_annotations(),
    }
}

fn rebound_names(drafts: &[Draft]) -> Vec<String> {
    let mut rebound = BTreeSet::new();
    for draft in drafts {
        if let Action::Execute { class, names, .. }
        | Action::Remove { class, names, .. }
        | Action::Restore { class, names, .. } = &draft.action
            && class.is_empty()
        {
            rebound.extend(names.iter().cloned());
        }
    }
    rebound.into_iter().collect()
}

/// Copies of the module's names, made by import statements elsewhere, that are to follow.
fn follows(
    edit: &ModuleEdit<'_>,
    facts: &ModuleFacts,
    world: &World<'_>,
    drafts: &[Draft],
) -> Vec<Draft> {
    let former = world.star_imports_left_out(edit.name, &edit.old.units);
    if rebound_names(drafts).is_empty() && former.is_empty() {
        return Vec::new();
    }
    let by_name = facts
        .holders
        .iter()
        .filter(|holder| {
            world.is_import_of(&holder.importer, &holder.alias, edit.name, &holder.name)
        })
        .map(|holder| Action::Follow {
            name: holder.name.clone(),
            importer: holder.importer.clone(),
            alias: holder.alias.clone(),
        });
    // What a module no longer binds itself its star imports may bind.
    let own = [edit.name.to_owned()].into_iter();
    let own = own.filter(|name| !former.is_empty() || !world.star_imports_in(name).is_empty());
    let by_star = own
        .chain(world.star_importers_of(edit.name))
        .map(|importer| Action::FollowStar {
            exporters: world.star_imports_with_hidden(&importer),
            former: if importer == edit.name {
                former.clone()
            } else {
                Vec::new()
            },
            bound: world.bound_in(&importer),
            importer,
        });
    by_star
        .chain(by_name)
        .map(|action| Draft {
            action,
            item: None,
            reads: relive_syntax::Reads::default(),
        })
        .collect()
}

fn ordered(
    world: &World<'_>,
    mut drafted: Vec<(usize, &str, Vec<Draft>)>,
    changed: &Changed,
) -> Vec<Step> {
    let names: BTreeSet<&str> = drafted.iter().map(|(_, name, _)| *name).collect();
    let rank = world.import_ranks(&names);
    drafted.sort_by_key(|(_, name, _)| rank.get(name).copied().unwrap_or_default());
    let mut late = changed.names.clone();
    let mut steps: Vec<(Phase, Step)> = Vec::new();
    for (module, name, drafts) in drafted {
        let phases = phases(world, name, &drafts, changed, &mut late);
        let phased = phases.into_iter().zip(drafts).map(|(phase, mut draft)| {
            if let Action::Exchange { waits, .. } = &mut draft.action {
                *waits = phase == Phase::After;
            }
            (
                phase,
                Step {
                    module,
                    action: draft.action,
                    item: draft.item,
                },
            )
        });
        let (follows, phased): (Vec<_>, Vec<_>) =
            phased.partition(|(phase, _)| *phase == Phase::Followed);
        // What imports a name must see its new value before it executes in the same phase, and after removals too.
        for occasion in [Phase::Restored, Phase::Before, Phase::After] {
            if phased.iter().any(|(phase, _)| *phase == occasion) {
                steps.extend(
                    phased
                        .iter()
                        .filter(|(phase, _)| *phase == occasion)
                        .cloned(),
                );
                steps.extend(follows.iter().map(|(_, step)| (occasion, step.clone())));
            }
        }
        steps.extend(
            phased.into_iter().filter(|(phase, _)| {
                !matches!(phase, Phase::Restored | Phase::Before | Phase::After)
            }),
        );
        steps.extend(follows);
    }
    steps.sort_by_key(|(phase, _)| *phase);
    steps.into_iter().map(|(_, step)| step).collect()
}

pub(crate) fn anchors(units: &[Unit]) -> Vec<(u64, relive_syntax::Lines)> {
    let mut found = Vec::new();
    for unit in units {
        match &unit.class {
            Some(class) => {
                // Lambdas of the header are the class's own; the rest belongs to the statements of its body.
                found.push((unit.id, class.header_lines));
                found.extend(anchors(&class.body));
            }
            None => found.push((unit.id, unit.lines)),
        }
    }
    found
}

/// Classes of which the interpreter keeps something else than before.
fn class_texts(old: &[Unit], new: &[Unit]) -> Vec<ClassText> {
    // Of several classes of one name the last is what is live under it.
    fn collect(
        units: &[Unit],
        path: &[String],
        texts: &mut BTreeMap<Vec<String>, (u64, ClassText)>,
    ) {
        for unit in units {
            if let (Some(class), Some(name)) = (&unit.class, unit.binds.first()) {
                let mut path = path.to_vec();
                path.push(name.clone());
                collect(&class.body, &path, texts);
                let text = ClassText {
                    path: path.clone(),
                    line: unit.lines.first,
                    static_attributes: class.static_attributes.iter().cloned().collect(),
                };
                texts.insert(path, (unit.id, text));
            }
        }
    }
    let mut before = BTreeMap::new();
    collect(old, &[], &mut before);
    let before: BTreeMap<u64, ClassText> = before.into_values().collect();
    let mut after = BTreeMap::new();
    collect(new, &[], &mut after);
    let is_other = |(unit, text): &(u64, ClassText)| before.get(unit) != Some(text);
    after
        .into_values()
        .filter(is_other)
        .map(|(_, text)| text)
        .collect()
}
