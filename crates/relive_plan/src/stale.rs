//! What an update leaves out of date: statements that read, when they were executed, what has changed since.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use relive_syntax::{ClassParts, Outline, Reads, Unit, UnitKind, Use};

use crate::item::{Item, ItemKind, item, items};

use crate::world::{Changed, World};

/// A live module, as the search for what is out of date needs it.
#[derive(Clone, Copy)]
pub struct SourceModule<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its source file.
    pub file: &'a str,
    /// Its live outline.
    pub outline: &'a Outline,
}

/// A statement that is out of date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outdated {
    /// The module in which it stands.
    pub module: String,
    /// The class in whose body it stands; empty at the top level.
    pub class: Vec<String>,
    /// The unit.
    pub unit: u64,
    /// Whether it is the decorators of a definition, more than its defaults, that would have to be applied again.
    pub was_decorated: bool,
    /// Whether it only gives a value another name: it can follow like an import.
    pub is_alias: bool,
    /// What made it so: a module and a name of it.
    pub origin: Option<(String, String)>,
    /// What the report says of it.
    pub item: Item,
}

/// Find the statements that `changed` leaves out of date, each after those that it depends on.
///
/// What an outdated statement binds counts as changed. `done` are the units just executed.
#[must_use]
pub fn outdated(
    world: &World<'_>,
    modules: &[SourceModule<'_>],
    changed: &Changed,
    done: &BTreeSet<u64>,
) -> Vec<Outdated> {
    let mut search = Search {
        world,
        changed: changed.clone(),
        executed: done,
        judged: BTreeSet::new(),
        found: Vec::new(),
        derived: BTreeSet::new(),
        files: modules
            .iter()
            .map(|module| (module.name, module.file.to_owned()))
            .collect(),
    };
    loop {
        let before = search.found.len();
        for module in modules {
            search.scope(module, &[], &module.outline.units);
        }
        if search.found.len() == before {
            return search.found;
        }
    }
}

struct Search<'a> {
    world: &'a World<'a>,
    changed: Changed,
    /// Units just executed: what they read was up to date, but for what outdated statements had bound.
    executed: &'a BTreeSet<u64>,
    judged: BTreeSet<u64>,
    found: Vec<Outdated>,
    /// Names that outdated statements bound.
    derived: BTreeSet<(String, String)>,
    files: BTreeMap<&'a str, String>,
}

impl Search<'_> {
    fn scope(&mut self, module: &SourceModule<'_>, class: &[String], units: &[Unit]) {
        let siblings = if class.is_empty() { &[][..] } else { units };
        for unit in units {
            if class.is_empty() {
                self.judge_copies(module, unit);
            }
            if unit.kind == UnitKind::Import {
                self.judge_import(module, class, unit);
                continue;
            }
            if matches!(
                unit.kind,
                UnitKind::Inert | UnitKind::Docstring | UnitKind::MainGuard
            ) {
                continue;
            }
            match &unit.class {
                Some(parts) => {
                    self.judge(module, class, siblings, unit, &parts.reads);
                    self.judge_derived(module, class, unit, parts);
                    let mut path = class.to_vec();
                    path.extend(unit.binds.first().cloned());
                    self.scope(module, &path, &parts.body);
                }
                None => self.judge(module, class, siblings, unit, &unit.reads),
            }
        }
    }

    fn judge(
        &mut self,
        module: &SourceModule<'_>,
        class: &[String],
        siblings: &[Unit],
        unit: &Unit,
        reads: &Reads,
    ) {
        if self.judged.contains(&unit.id) {
            return;
        }
        let was_executed = self.executed.contains(&unit.id);
        // A chain of statements on one name (`X = 1`, `X += 2`) was judged as a whole when it was planned.
        let touched = unit
            .touches
            .iter()
            .filter_map(|path| path.split('.').next());
        let own: Vec<&str> = unit
            .binds
            .iter()
            .map(String::as_str)
            .chain(touched)
            .collect();
        let is_own = |(home, name): &(String, String)| {
            home == module.name && own.contains(&name.as_str()) && !unit.binds.is_empty()
        };
        let mut relevant = if was_executed {
            Cow::Owned(Changed {
                names: self.derived.clone(),
                ..Changed::default()
            })
        } else {
            Cow::Borrowed(&self.changed)
        };
        if class.is_empty() && relevant.names.iter().any(is_own) {
            relevant.to_mut().names.retain(|name| !is_own(name));
        }
        let bases = unit.class.as_ref().map_or(&[][..], |class| &class.bases);
        let cause = self
            .world
            .outdated_by(module.name, siblings, reads, &relevant)
            .or_else(|| {
                self.world
                    .derivation_outdated_by(module.name, bases, &relevant)
            });
        let Some(cause) = cause else {
            return;
        };
        self.judged.insert(unit.id);
        if class.is_empty() && unit.function.is_none() && unit.class.is_none() {
            let names = unit
                .binds
                .iter()
                .map(|name| (module.name.to_owned(), name.clone()));
            self.derived.extend(names.clone());
            self.changed.names.extend(names);
        } else if unit.function.is_none() && unit.class.is_none() {
            self.changed.members.insert(unit.id);
        }
        self.judge_targets(module, class, unit, reads);
        let what = match unit.kind {
            UnitKind::Function => "a default, annotation or decorator",
            UnitKind::Class => "a base, keyword or decorator",
            _ => "what it computed",
        };
        let name = cause.name.trim_start_matches('.');
        let why = if was_executed {
            format!("executed with {name}, which is out of date")
        } else {
            format!("{what} rests on {name}, which has changed")
        };
        for item in items(module.name, module.file, class, unit, &why) {
            self.found.push(Outdated {
                module: module.name.to_owned(),
                class: class.to_vec(),
                unit: unit.id,
                was_decorated: cause.how != Use::Value,
                is_alias: unit.is_alias,
                origin: cause.origin.clone(),
                item,
            });
        }
    }

    /// A class that derives from one which is not what its text says: making it again would not help before that is.
    fn judge_derived(
        &mut self,
        module: &SourceModule<'_>,
        class: &[String],
        unit: &Unit,
        parts: &ClassParts,
    ) {
        let base = self
            .world
            .derived_from_old(module.name, parts, &self.changed);
        let Some((base, is_inherited)) = base.filter(|_| self.judged.insert(unit.id)) else {
            return;
        };
        if is_inherited {
            self.changed.headers.insert(unit.id, true);
        }
        let why = format!("made with the old {base}, whose edit was refused");
        self.found.push(Outdated {
            module: module.name.to_owned(),
            class: class.to_vec(),
            unit: 0,
            was_decorated: false,
            is_alias: false,
            origin: None,
            item: item(module.name, module.file, class, unit, &why),
        });
    }

    /// What an outdated statement has put into other objects (`X.a = v`, `X.append(v)`, `@X.register`) is outdated too.
    fn judge_targets(
        &mut self,
        module: &SourceModule<'_>,
        class: &[String],
        unit: &Unit,
        reads: &Reads,
    ) {
        let own = item(module.name, module.file, class, unit, "");
        let is_effect = unit.binds.is_empty() || unit.function.is_some();
        let called = reads
            .now
            .iter()
            .filter(|(path, how)| is_effect && **how != Use::Value && path.contains('.'));
        let targets: BTreeSet<String> = unit
            .touches
            .iter()
            .cloned()
            .chain(called.filter_map(|(path, _)| Some(path.rsplit_once('.')?.0.to_owned())))
            .collect();
        for path in targets {
            for (home, name, line) in self.world.homes(module.name, &path) {
                let qualname = format!("{home}:{name}");
                if self
                    .found
                    .iter()
                    .any(|found| found.item.qualname == qualname)
                {
                    continue;
                }
                let file = self.files.get(home.as_str()).cloned().unwrap_or_default();
                let why = format!("what {} has put into it is out of date", own.qualname);
                self.found.push(Outdated {
                    module: home,
                    class: Vec::new(),
                    unit: 0,
                    was_decorated: false,
                    is_alias: false,
                    origin: None,
                    item: Item {
                        qualname,
                        kind: ItemKind::Statement,
                        why,
                        file,
                        line,
                    },
                });
            }
        }
    }

    /// A copy of a name that is out of date.
    fn judge_copies(&mut self, module: &SourceModule<'_>, unit: &Unit) {
        for import in &unit.imports {
            let (Some(name), Some(from)) = (
                &import.name,
                self.world.imported_module(module.name, import),
            ) else {
                continue;
            };
            let is_copied =
                |place: &&(String, String)| place.0 == from && (name == "*" || place.1 == *name);
            let places: Vec<(String, String)> =
                self.derived.iter().filter(is_copied).cloned().collect();
            for place in places {
                let alias = if name == "*" {
                    place.1.clone()
                } else {
                    import.alias.clone()
                };
                let copy = (module.name.to_owned(), alias);
                if (name == "*" && self.world.bound_in(module.name).contains(&copy.1))
                    || !self.derived.insert(copy.clone())
                {
                    continue;
                }
                let why = format!("a copy of {}.{}, which is out of date", place.0, place.1);
                let item = item(module.name, module.file, &[], unit, &why);
                self.found.push(Outdated {
                    module: module.name.to_owned(),
                    class: Vec::new(),
                    unit: 0,
                    was_decorated: false,
                    is_alias: false,
                    origin: Some(place),
                    item: Item {
                        qualname: format!("{}:{}", copy.0, copy.1),
                        ..item
                    },
                });
            }
        }
    }

    /// An import of a name that is gone: a fresh interpreter would fail there.
    fn judge_import(&mut self, module: &SourceModule<'_>, class: &[String], unit: &Unit) {
        for import in &unit.imports {
            let (Some(name), Some(from)) = (
                &import.name,
                self.world.imported_module(module.name, import),
            ) else {
                continue;
            };
            let place = (from, name.clone());
            if !self.changed.names.contains(&place) || self.world.binds(&place.0, name) {
                continue;
            }
            let why = format!("imports {}.{name}, which is gone", place.0);
            let mut item = item(module.name, module.file, class, unit, &why);
            item.qualname = format!("{}:{}", module.name, import.alias);
            if !self.executed.contains(&unit.id) && self.judged.insert(unit.id) {
                self.found.push(Outdated {
                    module: module.name.to_owned(),
                    class: class.to_vec(),
                    unit: unit.id,
                    was_decorated: false,
                    is_alias: false,
                    origin: Some(place),
                    item,
                });
            }
        }
    }
}
