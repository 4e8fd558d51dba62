//! Live modules as text, edits of them, and what the planner makes of these, as text again.
//!
//! A [`Scenario`] stands where the session stands: it keeps outlines, identities and shelves from edit to edit, and
//! answers the planner's questions with the facts that the test gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use expect_test::Expect;
use relive_plan::{
    Action, Changed, ClassFacts, Facts, FactsQuery, Holder, ModuleEdit, ModuleFacts, ModuleQuery,
    Outdated, Plan, Planned, Removed, SourceModule, World, outdated, plan, query, rerun,
};
use relive_syntax::{Outline, Unit};

use crate::describe::{Names, describe_item, describe_plan};
use crate::sound::assert_sound;
use crate::text::{all_units, file, parse};

/// The plan of one edit of a module `m`.
pub(crate) fn check(before: &str, after: &str, expected: Expect) {
    Scenario::of(before).edit(after, expected);
}

struct Live {
    outline: Outline,
    is_package: bool,
    is_known: bool,
    shelf: Vec<Removed>,
    running_line: Option<u32>,
}

/// Modules, and what is known to be live in them.
#[derive(Default)]
pub(crate) struct Scenario {
    modules: BTreeMap<String, Live>,
    holders: Vec<(String, Holder)>,
    classes: BTreeMap<(String, String), ClassFacts>,
    /// Names of statements that failed when the edit was tried before.
    needy: Vec<String>,
    last_id: u64,
}

impl Scenario {
    /// A scenario with one module, `m`.
    pub(crate) fn of(text: &str) -> Self {
        Self::default().module("m", text)
    }

    /// Add a live module.
    pub(crate) fn module(mut self, name: &str, text: &str) -> Self {
        let mut outline = parse(text);
        outline.inherit(None, &mut self.last_id);
        let live = Live {
            outline,
            is_package: false,
            is_known: true,
            shelf: Vec::new(),
            running_line: None,
        };
        self.modules.insert(name.to_owned(), live);
        self
    }

    /// Add a live package: the text of its `__init__.py`.
    pub(crate) fn package(self, name: &str, text: &str) -> Self {
        let mut scenario = self.module(name, text);
        scenario.live(name).is_package = true;
        scenario
    }

    /// The host has not met this module yet.
    pub(crate) fn unknown(mut self, name: &str) -> Self {
        self.live(name).is_known = false;
        self
    }

    /// The module `m` is executing this line of its top level.
    pub(crate) fn running(mut self, line: u32) -> Self {
        self.live("m").running_line = Some(line);
        self
    }

    /// A name of a module (`n.alias`) holds what `m` binds to `name`.
    pub(crate) fn held(mut self, name: &str, holder: &str) -> Self {
        let (importer, alias) = holder.rsplit_once('.').unwrap();
        let (module, name) = name.rsplit_once('.').unwrap_or(("m", name));
        let holder = Holder {
            name: name.to_owned(),
            importer: importer.to_owned(),
            alias: alias.to_owned(),
        };
        self.holders.push((module.to_owned(), holder));
        self
    }

    /// The attributes of a class of `m` cannot be changed one by one, for this reason.
    pub(crate) fn obstacle(mut self, class: &str, why: &str) -> Self {
        self.class(class).obstacle = Some(why.to_owned());
        self
    }

    /// Only plain methods of a class of `m` can be changed one by one, for this reason.
    pub(crate) fn only_methods(mut self, class: &str, why: &str) -> Self {
        self.class(class).only_methods = Some(why.to_owned());
        self
    }

    /// The new version of a statement, known by a name that it binds or by its line, failed when it was executed.
    pub(crate) fn needy(mut self, statement: &str) -> Self {
        self.needy.push(statement.to_owned());
        self
    }

    fn needy_units(&self, edits: &[(&str, &str)], news: &[Outline]) -> BTreeSet<u64> {
        let is_needy = |module: &str, unit: &Unit| {
            self.needy.iter().any(|statement| {
                let (home, name) = statement.rsplit_once('.').unwrap_or(("m", statement));
                home == module
                    && (unit.binds(name) || name == format!("<line {}>", unit.lines.first))
            })
        };
        let modules = edits.iter().zip(news);
        let units = modules.flat_map(|((module, _), new)| {
            let units = new.units.iter();
            units.filter(move |unit| is_needy(module, unit))
        });
        units.map(|unit| unit.id).collect()
    }

    /// A class of `m` has this many instances.
    pub(crate) fn instances(mut self, class: &str, count: u64) -> Self {
        self.class(class).instances = count;
        self
    }

    fn live(&mut self, name: &str) -> &mut Live {
        self.modules.get_mut(name).unwrap()
    }

    fn class(&mut self, path: &str) -> &mut ClassFacts {
        self.classes
            .entry(("m".to_owned(), path.to_owned()))
            .or_default()
    }

    /// Edit `m`.
    pub(crate) fn edit(self, text: &str, expected: Expect) -> Self {
        self.edit_all(&[("m", text)], expected)
    }

    /// Edit `m`, whatever comes of it.
    pub(crate) fn after(mut self, text: &str) -> Self {
        self.apply(&[("m", text)]);
        self
    }

    /// Edit modules at once.
    pub(crate) fn edit_all(mut self, edits: &[(&str, &str)], expected: Expect) -> Self {
        expected.assert_eq(&self.apply(edits));
        self
    }

    /// Plan the edits, commit them, and describe the plan.
    pub(crate) fn apply(&mut self, edits: &[(&str, &str)]) -> String {
        let (planned, news) = self.plan(edits);
        assert_sound(&planned.plan, &news);
        let text = self.describe(&planned, &news);
        self.commit(planned, news, text)
    }

    /// Plan the edits.
    pub(crate) fn plan(&mut self, edits: &[(&str, &str)]) -> (Planned, Vec<Outline>) {
        let mut news = Vec::new();
        for (name, text) in edits {
            let mut new = parse(text);
            new.inherit(Some(&self.modules[*name].outline), &mut self.last_id);
            news.push(new);
        }
        let files: Vec<String> = edits.iter().map(|(name, _)| file(name)).collect();
        let module_edits: Vec<ModuleEdit<'_>> = edits
            .iter()
            .zip(&news)
            .zip(&files)
            .map(|(((name, _), new), file)| ModuleEdit {
                name,
                file,
                old: &self.modules[*name].outline,
                new,
                shelf: &self.modules[*name].shelf,
                is_first: !self.modules[*name].is_known,
            })
            .collect();
        let mut world = World::default();
        for (name, live) in &self.modules {
            let edited = edits.iter().position(|(edited, _)| edited == name);
            let outline = edited.map_or(&live.outline, |index| &news[index]);
            world.add(name, outline, live.is_package);
        }
        let asked = query(&module_edits);
        let facts = self.facts(&asked);
        let needy = self.needy_units(edits, &news);
        (plan(&module_edits, &asked, &facts, &world, &needy), news)
    }

    fn facts(&self, query: &FactsQuery) -> Facts {
        let modules = query.modules.iter().map(|asked| {
            let class = |path: &[String]| {
                self.classes
                    .get(&(asked.name.clone(), path.join(".")))
                    .cloned()
            };
            let held = self.holders.iter().filter(|(module, holder)| {
                *module == asked.name && asked.names.contains(&holder.name)
            });
            let facts = ModuleFacts {
                is_loaded: true,
                running_line: self.modules[&asked.name].running_line,
                classes: asked
                    .classes
                    .iter()
                    .map(|asked| class(&asked.path).unwrap_or_default())
                    .collect(),
                holders: held.map(|(_, holder)| holder.clone()).collect(),
                ..ModuleFacts::default()
            };
            (asked.name.clone(), facts)
        });
        Facts {
            python: 13,
            modules: modules.collect(),
            ..Facts::default()
        }
    }

    /// Make the edits live, and add what they leave out of date to the text.
    fn commit(&mut self, planned: Planned, news: Vec<Outline>, mut text: String) -> String {
        let (changed, done) = (changes(&planned), executed(&planned.plan));
        for (module, mut new) in planned.modules.into_iter().zip(news) {
            let live = self.modules.get_mut(&module.name).unwrap();
            new.units = module.live;
            let ids: BTreeSet<u64> = all_units(&new.units)
                .iter()
                .map(|(_, unit)| unit.id)
                .collect();
            assert_eq!(
                ids.len(),
                all_units(&new.units).len(),
                "identities are not unique"
            );
            live.shelf.retain(|kept| !ids.contains(&kept.unit.id));
            live.shelf.extend(module.removed);
            live.outline = new;
            live.is_known = true;
        }
        for statement in self.outdated(&changed, &done) {
            let _ = writeln!(text, "outdated {}", describe_item(&statement.item));
        }
        text
    }

    /// Edit `m`, and describe the plans that execute again what that leaves out of date.
    pub(crate) fn rerun(mut self, text: &str, expected: Expect) -> Self {
        let (planned, news) = self.plan(&[("m", text)]);
        let (changed, done) = (changes(&planned), executed(&planned.plan));
        self.commit(planned, news, String::new());
        let mut text = String::new();
        for statement in self.outdated(&changed, &done) {
            let live = &self.modules[&statement.module];
            let units = all_units(&live.outline.units);
            let found = units.iter().find(|(_, unit)| unit.id == statement.unit);
            let Some((_, unit)) = found else {
                let _ = writeln!(text, "nothing for {}", statement.item.qualname);
                continue;
            };
            let file = file(&statement.module);
            let edit = ModuleEdit {
                name: &statement.module,
                file: &file,
                old: &live.outline,
                new: &live.outline,
                shelf: &live.shelf,
                is_first: false,
            };
            let asked = FactsQuery {
                modules: vec![ModuleQuery {
                    name: statement.module.clone(),
                    names: unit.binds.clone(),
                    ..ModuleQuery::default()
                }],
                ..FactsQuery::default()
            };
            let facts = &self.facts(&asked).modules[&statement.module];
            let plan = rerun(&edit, &[(&statement, unit)], facts, &self.world());
            assert_sound(&plan, std::slice::from_ref(&live.outline));
            text.push_str(&describe_plan(&plan, &self.names()));
        }
        expected.assert_eq(&text);
        self
    }

    fn outdated(&self, changed: &Changed, done: &BTreeSet<u64>) -> Vec<Outdated> {
        let world = self.world();
        let files: Vec<String> = self.modules.keys().map(|name| file(name)).collect();
        let modules: Vec<SourceModule<'_>> = self
            .modules
            .iter()
            .zip(&files)
            .map(|((name, live), file)| SourceModule {
                name,
                file,
                outline: &live.outline,
            })
            .collect();
        outdated(&world, &modules, changed, &Changed::default(), done)
    }

    fn describe(&self, planned: &Planned, news: &[Outline]) -> String {
        let mut names = self.names();
        for (module, new) in planned.modules.iter().zip(news) {
            let units = new.units.iter().chain(&module.live);
            units.for_each(|unit| names.learn(&module.name, &[], unit));
        }
        let mut text = describe_plan(&planned.plan, &names);
        for item in &planned.stale {
            let _ = writeln!(text, "stale {}", describe_item(item));
        }
        for item in &planned.refused {
            let _ = writeln!(text, "refused {}", describe_item(item));
        }
        text
    }

    fn names(&self) -> Names {
        let mut names = Names::default();
        for (name, live) in &self.modules {
            for unit in &live.outline.units {
                names.learn(name, &[], unit);
            }
            for kept in &live.shelf {
                names.learn(name, &kept.class, &kept.unit);
            }
        }
        names
    }

    fn world(&self) -> World<'_> {
        let mut world = World::default();
        for (name, live) in &self.modules {
            world.add(name, &live.outline, live.is_package);
        }
        world
    }
}

/// What a host reports as changed once the plan is applied, if every value that is bound is another one.
fn changes(planned: &Planned) -> Changed {
    let mut changed = planned.changed.clone();
    for step in &planned.plan.steps {
        // A name that is restored is bound to what it was bound to before.
        if let Action::Execute { class, names, .. } = &step.action
            && class.is_empty()
        {
            let module = &planned.plan.modules[step.module].name;
            changed
                .names
                .extend(names.iter().map(|name| (module.clone(), name.clone())));
        }
    }
    changed
}

fn executed(plan: &Plan) -> BTreeSet<u64> {
    let mut executed = BTreeSet::new();
    for step in &plan.steps {
        match &step.action {
            Action::Execute { unit, anchors, .. } => {
                executed.insert(*unit);
                executed.extend(anchors.iter().map(|(unit, _)| *unit));
            }
            Action::Exchange {
                unit,
                signature_of: Some(_),
                ..
            } => {
                executed.insert(*unit);
            }
            _ => {}
        }
    }
    executed
}
