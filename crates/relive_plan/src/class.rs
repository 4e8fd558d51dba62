//! The edit of a class: its members one by one, but for those that only making the class anew could change.

use std::collections::{BTreeMap, BTreeSet};

use relive_syntax::{ClassParts, Unit};

use crate::item::{ItemKind, count};
use crate::methods::CONSTRUCTORS;
use crate::plan::{Action, ClassFacts, ClassQuery};
use crate::scope::{Draft, Drafts};

const HEADER_CHANGED: &str = "its decorators, bases or keywords changed; restart to apply";

const REPEATED: &str =
    "several statements bind its name, so it cannot be told which class is meant; restart to apply";

/// What stands in the way of changing a class, which stays the object that it is.
struct Obstacles<'a> {
    path: &'a [String],
    facts: Option<&'a ClassFacts>,
    old: &'a ClassParts,
    new: &'a ClassParts,
}

impl Drafts<'_> {
    /// Plan the edit of a class and return it as it will be live.
    pub(crate) fn class(&mut self, outer: &[String], old: &Unit, new: &Unit) -> Unit {
        let (Some(old_parts), Some(new_parts)) = (&old.class, &new.class) else {
            return new.clone();
        };
        let header = self.new.lines(new_parts.header_lines);
        let is_generic = |name: &String| header.contains(&format!("class {name}["));
        if old_parts.header != new_parts.header && new.binds.iter().any(is_generic) {
            // Its methods may hold the type parameters, which only making it anew gives them.
            self.changed.headers.insert(old.id, false);
            return self.refusal(outer, old, new, Some(HEADER_CHANGED));
        }
        let mut path = outer.to_vec();
        path.extend(new.binds.first().cloned());
        let facts = self.classes.get(&path).copied();
        let obstacles = Obstacles {
            path: &path,
            facts,
            old: old_parts,
            new: new_parts,
        };
        let marks = self.marks();
        let live_body = loop {
            let live_body = self.scope(&path, &old_parts.body, &new_parts.body);
            if !self.hold(&obstacles, marks.drafts) {
                break live_body;
            }
            self.roll_back_to(&marks);
        };
        let gone: Vec<String> = old_parts
            .body
            .iter()
            .flat_map(|member| &member.binds)
            .filter(|name| !live_body.iter().any(|member| member.binds(name)))
            .cloned()
            .collect();
        let makes_instances = |name: &String| CONSTRUCTORS.contains(&name.as_str());
        let changes_init = gone.iter().any(makes_instances)
            || live_body.iter().any(|member| {
                member.binds.iter().any(makes_instances)
                    && self.changed.behaviour.contains(&member.id)
                    && !marks.changed.behaviour.contains(&member.id)
            });
        self.changed
            .gone
            .extend(gone.into_iter().map(|name| (old.id, name)));
        let is_repeated = new.binds.iter().any(|name| self.repeated.either(name));
        if is_repeated && self.is_structural(&marks) {
            self.roll_back_to(&marks);
            return self.refusal(outer, old, new, Some(REPEATED));
        }
        self.warn_of_a_body_looked_at(outer, new, &marks);
        if changes_init && let Some(facts) = facts.filter(|facts| facts.instances > 0) {
            let why = format!(
                "{} live, made by the old __init__",
                count(facts.instances, "instance")
            );
            let mut item = self.item(outer, new, &why);
            item.kind = ItemKind::Instance;
            self.stale.push(item);
        }
        let is_refused = self.refuse_header(outer, old, new, &obstacles);
        self.edited_classes.push(ClassQuery {
            path,
            count_instances: changes_init,
        });
        let mut live = new.clone();
        if is_refused || self.refused.len() > marks.refused {
            // It still differs from its text.
            live.take_hashes_of(old);
        }
        if let Some(parts) = &mut live.class {
            if old_parts.header != new_parts.header {
                parts.header = old_parts.header;
                parts.is_decorated = old_parts.is_decorated;
                parts.bases.clone_from(&old_parts.bases);
                parts.reads.clone_from(&old_parts.reads);
            }
            parts.body = live_body;
        }
        live
    }

    /// Name what of a class is not changed although no statement of its body stands for it.
    fn refuse_header(
        &mut self,
        outer: &[String],
        old: &Unit,
        new: &Unit,
        obstacles: &Obstacles<'_>,
    ) -> bool {
        let why = if obstacles.old.header != obstacles.new.header {
            let header = self.new.lines(obstacles.new.header_lines);
            let may_change_metaclass = header.contains("metaclass") || header.contains("ABC");
            self.changed.headers.insert(old.id, may_change_metaclass);
            HEADER_CHANGED.to_owned()
        } else if let Some(why) = self.held_classes.get(obstacles.path) {
            format!("{why}; restart to apply")
        } else {
            return false;
        };
        self.refused.push(self.item(outer, new, &why));
        // What rests on it is as out of date as the class itself.
        self.changed.behaviour.insert(old.id);
        self.refused_units.insert(old.id);
        true
    }

    /// Hold back the members that cannot be changed as drafted, and say whether there were any.
    fn hold(&mut self, obstacles: &Obstacles<'_>, first_draft: usize) -> bool {
        let mut held = BTreeMap::new();
        let mut holds_annotations = false;
        let missing = self.missing_names(obstacles);
        let mut reason = None;
        for draft in &self.drafts[first_draft..] {
            if let Some(why) = obstacles.of(draft) {
                match unit_of(&draft.action) {
                    Some(unit) => drop(held.insert(unit, None)),
                    None => holds_annotations = true,
                }
                reason.get_or_insert(why);
            }
        }
        for member in &obstacles.new.body {
            if let Some(name) = missing.iter().find(|name| self.mentions(member, name))
                && self.is_drafted(first_draft, member.id)
            {
                let why = match name.as_str() {
                    "super" => "needs super of the new bases; restart to apply".to_owned(),
                    _ => {
                        format!("needs {name}, which the class does not have yet; restart to apply")
                    }
                };
                held.entry(member.id).or_insert(Some(why));
            }
        }
        held.retain(|unit, _| !self.held.contains_key(unit));
        if let Some(why) = reason {
            self.held_classes.insert(obstacles.path.to_vec(), why);
        }
        let is_new = holds_annotations && self.held_annotations.insert(obstacles.path.to_vec());
        let is_any = is_new || !held.is_empty();
        self.held.extend(held);
        is_any
    }

    fn is_drafted(&self, first_draft: usize, unit: u64) -> bool {
        self.drafts[first_draft..]
            .iter()
            .any(|draft| draft.item.is_some() && unit_of(&draft.action) == Some(unit))
    }

    /// Names that the new class would have and the live one will not.
    fn missing_names(&self, obstacles: &Obstacles<'_>) -> BTreeSet<String> {
        let had: BTreeSet<&String> = obstacles
            .old
            .body
            .iter()
            .flat_map(|unit| &unit.binds)
            .collect();
        let held = obstacles
            .new
            .body
            .iter()
            .filter(|unit| self.held.contains_key(&unit.id));
        let mut missing: BTreeSet<String> = BTreeSet::new();
        for unit in held {
            missing.extend(
                unit.binds
                    .iter()
                    .filter(|name| !had.contains(name))
                    .cloned(),
            );
            if unit.binds("__slots__") && had.iter().any(|name| *name == "__slots__") {
                let strings = self
                    .new
                    .lines(unit.lines)
                    .split(['"', '\''])
                    .skip(1)
                    .step_by(2);
                let is_slot = |slot: &&str| !obstacles.old.static_attributes.contains(*slot);
                missing.extend(strings.filter(is_slot).map(str::to_owned));
            }
        }
        if obstacles.old.header != obstacles.new.header {
            missing.extend(names_from_bases(obstacles));
        }
        missing
    }

    fn mentions(&self, member: &Unit, name: &str) -> bool {
        let text = self.new.lines(member.lines);
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        text.match_indices(name).any(|(start, _)| {
            !text[..start].ends_with(is_part) && !text[start + name.len()..].starts_with(is_part)
        })
    }
}

impl Obstacles<'_> {
    /// Why a drafted step cannot be taken on the class, if it cannot.
    fn of(&self, draft: &Draft) -> Option<String> {
        let (class, names) = match &draft.action {
            Action::Execute { class, names, .. }
            | Action::Remove { class, names, .. }
            | Action::Restore { class, names, .. } => (class, &names[..]),
            Action::Annotate { class, .. } => (class, &[][..]),
            _ => return None,
        };
        // A class that lacks a docstring may be given one when it is made.
        let is_docstring = names == ["__doc__"] && matches!(draft.action, Action::Execute { .. });
        if class != self.path || is_docstring {
            return None;
        }
        if let Some(why) = self.facts.and_then(|facts| facts.obstacle.as_ref()) {
            return Some(format!(
                "{why}: its attributes cannot be changed one by one yet"
            ));
        }
        if names.iter().any(|name| name == "__slots__") {
            return Some("its __slots__ changed".to_owned());
        }
        let is_method = draft
            .item
            .as_ref()
            .is_none_or(|item| item.kind == ItemKind::Method);
        let is_special = |name: &String| name.starts_with("__") && name.ends_with("__");
        let is_annotation = matches!(draft.action, Action::Annotate { .. });
        let is_plain = is_method && !is_annotation && !names.iter().any(is_special);
        let why = self.facts?.only_methods.as_ref().filter(|_| !is_plain)?;
        Some(format!(
            "{why}, so its body would have to run again, which is not done yet"
        ))
    }
}

fn unit_of(action: &Action) -> Option<u64> {
    match action {
        Action::Execute { unit, .. }
        | Action::Exchange { unit, .. }
        | Action::Remove { unit, .. }
        | Action::Restore { unit, .. } => Some(*unit),
        _ => None,
    }
}

/// Attributes that the new body uses, and the old one neither uses nor binds: they may be those of a new base.
fn names_from_bases(obstacles: &Obstacles<'_>) -> BTreeSet<String> {
    let (old, new) = (
        used_attributes(obstacles.old),
        used_attributes(obstacles.new),
    );
    let is_bound = |parts: &ClassParts, name: &String| {
        parts.static_attributes.contains(name) || parts.body.iter().any(|unit| unit.binds(name))
    };
    let mut names: BTreeSet<String> = new.difference(&old).cloned().collect();
    names.retain(|name| !is_bound(obstacles.new, name) && !is_bound(obstacles.old, name));
    names
}

/// What the methods of a class read of their own object, and whether they use `super`.
fn used_attributes(class: &ClassParts) -> BTreeSet<String> {
    let reads = class.body.iter().map(|unit| &unit.reads);
    let paths = reads.flat_map(|reads| reads.now.paths.keys().chain(reads.later.paths.keys()));
    let names = paths.filter_map(|path| match path.strip_prefix('.') {
        Some(path) => path.split('.').next(),
        None => Some("super").filter(|name| path.split('.').next() == Some(name)),
    });
    names.map(str::to_owned).collect()
}
