//! What an update leaves out of date: statements that read, when they were executed, what has changed since.

use std::collections::{BTreeMap, BTreeSet};

use relive_syntax::{ClassParts, Moment, Outline, Unit, UnitKind, Use};

use crate::item::{Item, ItemKind, item, items};

use crate::warnings::made_of_a_former_value;
use crate::world::{Cause, Changed, Effects, Place, World};

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
    /// Whether it only gives a value another name that is not itself out of date: it can follow like an import.
    pub follows: bool,
    /// Whether it reads a name that is bound anew below it: executed again, it would not get what a fresh one gets.
    pub is_former: bool,
    /// What made it so: a module and a name of it.
    pub origin: Option<(String, String)>,
    /// What the report says of it.
    pub item: Item,
}

impl Outdated {
    /// Something that is out of date, but not by executing a statement again.
    fn of_object(item: Item) -> Self {
        let (module, _) = item.qualname.split_once(':').unwrap_or_default();
        Self {
            module: module.to_owned(),
            class: Vec::new(),
            unit: 0,
            was_decorated: false,
            follows: false,
            is_former: false,
            origin: None,
            item,
        }
    }
}

/// Find the statements that `changed` leaves out of date, each after those that it depends on.
///
/// What an outdated statement binds counts as changed. `done` are the units just executed: they are out of date only
/// where they have read what was so already (`stale`, see [`staleness`]), or has become so.
#[must_use]
pub fn outdated(
    world: &World<'_>,
    modules: &[SourceModule<'_>],
    changed: &Changed,
    stale: &Changed,
    done: &BTreeSet<u64>,
) -> Vec<Outdated> {
    let mut search = Search {
        world,
        changed: changed.clone(),
        stale: stale.clone(),
        done,
        judged: BTreeSet::new(),
        remade: BTreeSet::new(),
        found: Vec::new(),
        copied: BTreeSet::new(),
        files: modules
            .iter()
            .map(|module| (module.name, module.file.to_owned()))
            .collect(),
    };
    loop {
        let before = search.found.len() + search.changed.rebinders.len();
        for module in modules {
            for (above, unit) in module.outline.units.iter().enumerate() {
                let place = Place {
                    module: module.name,
                    above,
                    ..Place::default()
                };
                search.unit(module, &[], &place, unit);
            }
        }
        search.changed.rebinders.append(&mut search.remade);
        if search.found.len() + search.changed.rebinders.len() == before {
            search.overtaken(modules);
            return search.found;
        }
    }
}

/// What has changed for those that read what `units` have made, which are out of date.
#[must_use]
pub fn staleness(modules: &[SourceModule<'_>], units: &BTreeSet<u64>) -> Changed {
    fn add(stale: &mut Changed, module: &str, class: bool, all: &[Unit], units: &BTreeSet<u64>) {
        for unit in all {
            if units.contains(&unit.id) {
                mark(stale, module, class, unit);
            }
            let body = unit.class.as_ref().map_or(&[][..], |class| &class.body);
            add(stale, module, true, body, units);
        }
    }
    let mut stale = Changed::default();
    for module in modules {
        add(&mut stale, module.name, false, &module.outline.units, units);
    }
    stale
}

/// Count what a unit has made as changed.
fn mark(changed: &mut Changed, module: &str, in_class: bool, unit: &Unit) {
    if unit.function.is_some() || unit.class.is_some() {
        changed.behaviour.insert(unit.id);
    } else if in_class {
        changed.members.insert(unit.id);
    } else {
        changed.rebinders.insert(unit.id);
        let names = unit.binds.iter();
        changed
            .names
            .extend(names.map(|name| (module.to_owned(), name.clone())));
    }
}

struct Search<'a> {
    world: &'a World<'a>,
    changed: Changed,
    stale: Changed,
    done: &'a BTreeSet<u64>,
    judged: BTreeSet<u64>,
    remade: BTreeSet<u64>,
    found: Vec<Outdated>,
    /// Names that import statements have copied from what is out of date.
    copied: BTreeSet<(String, String)>,
    files: BTreeMap<&'a str, String>,
}

/// A statement that sets an attribute.
struct Setter {
    object: (String, String),
    line: u32,
    /// The rank of its module in the order of imports, and its own in the module.
    place: (usize, usize),
    is_done: bool,
}

impl Search<'_> {
    fn unit(
        &mut self,
        module: &SourceModule<'_>,
        class: &[String],
        place: &Place<'_>,
        unit: &Unit,
    ) {
        if class.is_empty() {
            self.judge_copies(module, unit);
        }
        match unit.kind {
            UnitKind::Import => {
                self.judge_import(module, class, unit);
                self.judge(module, class, place, unit, &unit.reads.now);
            }
            UnitKind::Inert | UnitKind::Docstring | UnitKind::MainGuard => {}
            _ => match &unit.class {
                Some(parts) => {
                    self.judge(module, class, place, unit, &parts.reads.now);
                    self.judge_derived(module, class, unit, parts);
                    let mut path = class.to_vec();
                    path.extend(unit.binds.first().cloned());
                    for (index, member) in parts.body.iter().enumerate() {
                        let place = Place {
                            siblings: &parts.body[..index],
                            ..place.clone()
                        };
                        self.unit(module, &path, &place, member);
                    }
                }
                None => self.judge(module, class, place, unit, &unit.reads.now),
            },
        }
    }

    fn judge(
        &mut self,
        module: &SourceModule<'_>,
        class: &[String],
        place: &Place<'_>,
        unit: &Unit,
        does: &Moment,
    ) {
        let is_done = self.done.contains(&unit.id);
        if self.judged.contains(&unit.id) || !is_done && self.changed.is_empty() {
            return;
        }
        let place = Place {
            own: self
                .targets(module, place, unit, None)
                .into_keys()
                .collect(),
            ..place.clone()
        };
        if is_done && class.is_empty() {
            self.judge_remade(&place, unit, does);
        }
        let cause = self.cause(&place, unit, does);
        let cached = || self.cached(&place, unit);
        let is_emptied = cause.is_none();
        let Some(cause) = cause.or_else(cached) else {
            return;
        };
        self.judged.insert(unit.id);
        let effects = self.world.effects(&place, unit);
        let above = &module.outline.units[..place.above];
        let is_former = self.bound_later(&effects).is_some()
            || class.is_empty() && made_of_a_former_value(above, unit).is_some();
        let was_decorated = !is_emptied
            && (cause.how != Use::Value || self.is_decorated_otherwise(&place, unit, does));
        let rests_on_stale = self.world.outdated_by(&place, does, &self.stale).is_some();
        for changed in [&mut self.changed, &mut self.stale] {
            mark(changed, module.name, !class.is_empty(), unit);
        }
        self.judge_targets(module, class, &place, unit, &effects);
        let what = match unit.kind {
            UnitKind::Function if is_emptied => "what its cache holds",
            UnitKind::Function => "a default, annotation or decorator",
            UnitKind::Class => "a base, keyword or decorator",
            _ => "what it computed",
        };
        let name = cause.name.trim_start_matches('.');
        let why = if is_done && !is_former {
            format!("executed with {name}, which is out of date")
        } else {
            format!("{what} rests on {name}, which has changed")
        };
        for item in items(module.name, module.file, class, unit, &why) {
            self.found.push(Outdated {
                module: module.name.to_owned(),
                class: class.to_vec(),
                unit: unit.id,
                was_decorated,
                follows: (unit.is_alias || is_emptied) && !rests_on_stale && !is_former,
                is_former,
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
            ..Outdated::of_object(item(module.name, module.file, class, unit, &why))
        });
    }

    /// What makes out of date what a unit has done when it was executed, if something does.
    fn cause(&self, place: &Place<'_>, unit: &Unit, does: &Moment) -> Option<Cause> {
        let of_name = |name: String| Cause {
            name,
            how: Use::Value,
            origin: None,
        };
        let is_done = self.done.contains(&unit.id);
        if let Some(name) = self.changed.moved.get(&unit.id).filter(|_| !is_done) {
            return Some(of_name(name.clone()));
        }
        let bases = unit.class.as_ref().map_or(&[][..], |class| &class.bases);
        let relevant = self.relevant(unit);
        let read = self.world.outdated_by(place, does, relevant);
        let derived = || self.world.derivation_outdated_by(place, bases, relevant);
        let later = || {
            let effects = is_done.then(|| self.world.effects(place, unit))?;
            let name = self.bound_later(&effects)?;
            Some(of_name(format!("what {name} is now")))
        };
        read.or_else(derived).or_else(later)
    }

    /// Whether what decorates a unit does something else now, whatever else of it is out of date.
    fn is_decorated_otherwise(&self, place: &Place<'_>, unit: &Unit, does: &Moment) -> bool {
        let mut decorating = does.clone();
        decorating.paths.retain(|_, how| *how != Use::Value);
        let relevant = self.relevant(unit);
        unit.function.is_some()
            && self
                .world
                .outdated_by(place, &decorating, relevant)
                .is_some()
    }

    /// What counts for a unit: what has changed since it was executed.
    fn relevant(&self, unit: &Unit) -> &Changed {
        if self.done.contains(&unit.id) {
            &self.stale
        } else {
            &self.changed
        }
    }

    /// A unit that was executed again as it was may have had another outcome.
    fn judge_remade(&mut self, place: &Place<'_>, unit: &Unit, does: &Moment) {
        if !self.changed.rebinders.contains(&unit.id)
            && self.world.outdated_by(place, does, &self.changed).is_some()
        {
            self.remade.insert(unit.id);
        }
    }

    /// A name that a statement reads and another has bound anew that was not executed again with it.
    fn bound_later(&self, effects: &Effects) -> Option<String> {
        let mut later = effects.later.iter();
        later
            .find(|(unit, _)| !self.done.contains(unit))
            .map(|(_, name)| name.clone())
    }

    /// Attributes that a statement was just executed to set, although one that comes after it sets them as well.
    fn overtaken(&mut self, modules: &[SourceModule<'_>]) {
        let mut lost = BTreeMap::new();
        for setters in self.attribute_setters(modules).values() {
            let last = setters.iter().max_by_key(|setter| setter.place);
            let was_set = setters.iter().any(|setter| setter.is_done);
            if let Some(last) = last.filter(|last| was_set && !last.is_done) {
                lost.insert(last.object.clone(), last.line);
            }
        }
        for ((home, name), line) in lost {
            let file = self.files.get(home.as_str()).cloned().unwrap_or_default();
            self.found.push(Outdated::of_object(Item {
                qualname: format!("{home}:{name}"),
                kind: ItemKind::Statement,
                why: "what was just set on it, a later statement sets as well".to_owned(),
                file,
                line,
            }));
        }
    }

    /// The statements that set attributes of objects, by object and attribute.
    fn attribute_setters(
        &self,
        modules: &[SourceModule<'_>],
    ) -> BTreeMap<(String, String, String), Vec<Setter>> {
        let names: BTreeSet<&str> = modules.iter().map(|module| module.name).collect();
        let ranks = self.world.import_ranks(&names);
        let mut found: BTreeMap<_, Vec<Setter>> = BTreeMap::new();
        for module in modules {
            let rank = ranks.get(module.name).copied().unwrap_or_default();
            for (index, unit) in module.outline.units.iter().enumerate() {
                let attributes = unit.touches.iter().filter_map(|path| path.rsplit_once('.'));
                for (path, attribute) in attributes {
                    for (home, name, line) in self.world.homes(module.name, path) {
                        let object = (home.clone(), name.clone());
                        let key = (home, name, attribute.to_owned());
                        found.entry(key).or_default().push(Setter {
                            object,
                            line,
                            place: (rank, index),
                            is_done: self.done.contains(&unit.id),
                        });
                    }
                }
            }
        }
        found
    }

    /// What makes the results that a cache around a function keeps out of date, if something does.
    fn cached(&self, place: &Place<'_>, unit: &Unit) -> Option<Cause> {
        let mut decorators = unit.reads.now.paths.keys();
        let is_cached = unit.function.is_some()
            && decorators
                .any(|path| matches!(path.rsplit('.').next(), Some("cache" | "lru_cache")));
        let below = Place {
            above: usize::MAX,
            ..place.clone()
        };
        is_cached
            .then(|| {
                self.world
                    .outdated_by(&below, &unit.reads.later, self.relevant(unit))
            })
            .flatten()
    }

    /// What a statement has put into other objects (`X.a = v`, `X.append(v)`, `@X.register`): names with lines.
    fn targets(
        &self,
        module: &SourceModule<'_>,
        place: &Place<'_>,
        unit: &Unit,
        effects: Option<&Effects>,
    ) -> BTreeMap<(String, String), u32> {
        let is_effect = unit.binds.is_empty() || unit.function.is_some();
        let called = unit
            .reads
            .now
            .paths
            .iter()
            .filter(|(path, how)| is_effect && **how != Use::Value && path.contains('.'))
            .filter_map(|(path, _)| Some(path.rsplit_once('.')?.0));
        let paths: BTreeSet<&str> = unit
            .touches
            .iter()
            .map(String::as_str)
            .chain(called)
            .collect();
        let own = paths
            .into_iter()
            .flat_map(|path| self.world.homes_at(module.name, path, place));
        let caused = effects
            .into_iter()
            .flat_map(|effects| effects.stores.iter().cloned());
        own.chain(caused)
            .map(|(home, name, line)| ((home, name), line))
            .collect()
    }

    /// What an outdated statement has put into other objects is outdated too.
    fn judge_targets(
        &mut self,
        module: &SourceModule<'_>,
        class: &[String],
        place: &Place<'_>,
        unit: &Unit,
        effects: &Effects,
    ) {
        let own = item(module.name, module.file, class, unit, "");
        for (target, line) in self.targets(module, place, unit, Some(effects)) {
            for changed in [&mut self.changed, &mut self.stale] {
                changed.contents.insert(target.clone());
            }
            let (home, name) = target;
            let qualname = format!("{home}:{name}");
            let is_known = |found: &Outdated| found.item.qualname == qualname;
            if self.found.iter().any(is_known) {
                continue;
            }
            let file = self.files.get(home.as_str()).cloned().unwrap_or_default();
            let why = format!("what {} has put into it is out of date", own.qualname);
            let kind = ItemKind::Statement;
            self.found.push(Outdated::of_object(Item {
                qualname,
                kind,
                why,
                file,
                line,
            }));
        }
    }

    /// Whether a module binds below its star import what that would bring.
    fn hides(&self, module: &str, place: &(String, String), copy: &str) -> bool {
        let stars = self.world.star_imports_with_hidden(module);
        let of_it = stars.iter().rfind(|star| star.exporter == place.0);
        of_it.is_some_and(|star| star.hidden.iter().any(|name| name == copy))
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
                self.stale.names.iter().filter(is_copied).cloned().collect();
            for place in places {
                let alias = if name == "*" {
                    place.1.clone()
                } else {
                    import.alias.clone()
                };
                let copy = (module.name.to_owned(), alias);
                let is_new = self.changed.names.contains(&place) || self.done.contains(&unit.id);
                if !is_new
                    || (name == "*" && self.hides(module.name, &place, &copy.1))
                    || !self.copied.insert(copy.clone())
                {
                    continue;
                }
                let why = format!("a copy of {}.{}, which is out of date", place.0, place.1);
                let item = item(module.name, module.file, &[], unit, &why);
                for changed in [&mut self.changed, &mut self.stale] {
                    changed.names.insert(copy.clone());
                }
                self.found.push(Outdated {
                    module: copy.0.clone(),
                    origin: Some(place),
                    ..Outdated::of_object(Item {
                        qualname: format!("{}:{}", copy.0, copy.1),
                        ..item
                    })
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
            if !self.done.contains(&unit.id) && self.judged.insert(unit.id) {
                self.found.push(Outdated {
                    class: class.to_vec(),
                    unit: unit.id,
                    origin: Some(place),
                    ..Outdated::of_object(item)
                });
            }
        }
    }
}
