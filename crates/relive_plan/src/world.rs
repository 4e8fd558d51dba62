//! What depends on what, across modules, as far as source text tells.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use relive_syntax::{ClassParts, ImportedName, Moment, Outline, Unit, UnitKind, Use};

use crate::plan::StarImport;
use crate::reach::Reach;

/// The outlines of the modules that an edit may concern.
#[derive(Default)]
pub struct World<'a> {
    modules: BTreeMap<&'a str, View<'a>>,
}

struct View<'a> {
    outline: &'a Outline,
    is_package: bool,
    /// The names that units bind, sorted, with the places of the units in the text.
    bound: Vec<(&'a str, usize)>,
    star_imports: Vec<&'a ImportedName>,
    imports: OnceCell<Imports>,
}

/// What a module's top-level statements import.
#[derive(Default)]
struct Imports {
    /// The modules that they name, in order, with those that they may name (`from package import module`).
    named: Vec<String>,
    /// What names a module: the place of a statement, and of the import in it.
    naming: HashMap<String, Vec<(usize, usize)>>,
}

impl<'a> View<'a> {
    fn new(outline: &'a Outline, is_package: bool) -> Self {
        let units = outline.units.iter().enumerate();
        let names = units
            .flat_map(|(index, unit)| unit.binds.iter().map(move |name| (name.as_str(), index)));
        let mut bound: Vec<_> = names.collect();
        bound.sort_unstable();
        // Statements on one line may bind a name twice.
        bound.dedup();
        let imports = outline.units.iter().flat_map(|unit| &unit.imports);
        Self {
            outline,
            is_package,
            bound,
            star_imports: imports.filter(|import| import.alias == "*").collect(),
            imports: OnceCell::new(),
        }
    }

    /// `module` is the module's own name.
    fn imports(&self, module: &str) -> &Imports {
        self.imports.get_or_init(|| {
            let mut found = Imports::default();
            for (place, unit) in self.outline.units.iter().enumerate() {
                for (index, import) in unit.imports.iter().enumerate() {
                    for named in modules_named_by(module, self.is_package, import) {
                        let naming = found.naming.entry(named.clone()).or_default();
                        naming.push((place, index));
                        found.named.push(named);
                    }
                }
            }
            found
        })
    }

    /// The units that bind a name, each with its place in the text.
    fn binding(&self, name: &str) -> impl DoubleEndedIterator<Item = (usize, &'a Unit)> {
        let first = self.bound.partition_point(|(bound, _)| *bound < name);
        let end = self.bound.partition_point(|(bound, _)| *bound <= name);
        let units = &self.outline.units;
        let found = self.bound[first..end].iter();
        found.map(|(_, index)| (*index, &units[*index]))
    }
}

/// What an update has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Functions and methods that do something else when they are called.
    pub behaviour: BTreeSet<u64>,
    /// Those of them of which only functions defined in them do.
    pub only_nested: BTreeSet<u64>,
    /// Names bound to another value, as (module, name).
    pub names: BTreeSet<(String, String)>,
    /// Statements that bound another value: of a name that several bind, one may have changed and another not.
    pub rebinders: BTreeSet<u64>,
    /// Statements of class bodies that bound another value.
    pub members: BTreeSet<u64>,
    /// Classes whose bases, decorators or keywords are not those of their text, and whether that changes what derives
    /// from them: their metaclass.
    pub headers: BTreeMap<u64, bool>,
    /// Statements above which a name that they read is bound by another statement than before, with the name.
    pub moved: BTreeMap<u64, String>,
    /// Attributes that a class has no more, or has anew, as (class, name).
    pub gone: BTreeSet<(u64, String)>,
    /// Names bound to objects into which something has put what is out of date, as (module, name).
    pub contents: BTreeSet<(String, String)>,
}

impl Changed {
    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Add what else has changed.
    pub fn extend(&mut self, other: &Self) {
        self.behaviour.extend(&other.behaviour);
        self.only_nested.extend(&other.only_nested);
        self.names.extend(other.names.iter().cloned());
        self.rebinders.extend(&other.rebinders);
        self.members.extend(&other.members);
        self.headers.extend(&other.headers);
        let moved = other.moved.iter();
        self.moved
            .extend(moved.map(|(unit, name)| (*unit, name.clone())));
        self.gone.extend(other.gone.iter().cloned());
        self.contents.extend(other.contents.iter().cloned());
    }
}

/// Where a statement stands: what names mean to it is decided by what is above it.
#[derive(Clone, Debug, Default)]
pub struct Place<'a> {
    /// Its module.
    pub module: &'a str,
    /// How many top-level statements of the module are above it, or above the class that it is in.
    pub above: usize,
    /// The statements above it in the body of the class in which it stands, if it does.
    pub siblings: &'a [Unit],
    /// Names bound to objects that it changes itself.
    pub own: BTreeSet<(String, String)>,
}

impl<'a> Place<'a> {
    /// Below all statements of a module.
    #[must_use]
    pub fn end_of(module: &'a str) -> Self {
        Self {
            module,
            above: usize::MAX,
            ..Self::default()
        }
    }
}

/// What makes a statement's value out of date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The path that it reads, with the name at its origin if that is another.
    pub name: String,
    /// How it reads it.
    pub how: Use,
    /// Where that name is bound: module and name.
    pub origin: Option<(String, String)>,
}

/// Something that a path leads to.
pub(crate) struct Target<'a> {
    /// Where it is bound; None for a module itself.
    pub(crate) module: Option<&'a str>,
    pub(crate) name: String,
    /// What follows in the path.
    pub(crate) rest: String,
    /// The statements of which one has bound it.
    pub(crate) units: Vec<&'a Unit>,
    /// Statements that bind it anew below the one that reads it, or may do so after that was executed.
    pub(crate) later: BTreeSet<u64>,
}

impl<'a> World<'a> {
    /// Add a module's outline.
    pub fn add(&mut self, name: &'a str, outline: &'a Outline, is_package: bool) {
        self.modules.insert(name, View::new(outline, is_package));
    }

    /// The absolute name of the module that an import statement in `module` names.
    #[must_use]
    pub fn imported_module(&self, module: &str, import: &ImportedName) -> Option<String> {
        let is_package = self.modules.get(module)?.is_package;
        absolute_module(module, is_package, import)
    }

    /// The modules that a module's import statements name, with the submodules that they may name.
    #[must_use]
    pub fn imports_of(&self, module: &str) -> &[String] {
        let view = self.modules.get(module);
        view.map_or(&[], |view| &view.imports(module).named)
    }

    /// Those that its functions and the bodies of its classes import.
    #[must_use]
    pub fn inner_imports_of(&self, module: &str) -> Vec<String> {
        let Some(view) = self.modules.get(module) else {
            return Vec::new();
        };
        let units = view.outline.units.iter();
        let moments = units.flat_map(|unit| unit.reads.moments());
        let paths = moments.flat_map(|moment| moment.paths.keys());
        paths
            .filter_map(|path| inner_import(path))
            .flat_map(|(import, _)| modules_named_by(module, view.is_package, &import))
            .collect()
    }

    /// Each module's place in an order in which what is imported comes before what imports it.
    #[must_use]
    pub fn import_ranks<'n>(&self, names: &BTreeSet<&'n str>) -> BTreeMap<&'n str, usize> {
        fn visit<'n>(
            world: &World<'_>,
            names: &BTreeSet<&'n str>,
            name: &'n str,
            ranks: &mut BTreeMap<&'n str, usize>,
            open: &mut BTreeSet<&'n str>,
        ) {
            if ranks.contains_key(name) || !open.insert(name) {
                return;
            }
            for imported in world.imports_of(name) {
                if let Some(&imported) = names.get(imported.as_str())
                    && !world.is_imported_halfway(name, imported)
                {
                    visit(world, names, imported, ranks, open);
                }
            }
            ranks.insert(name, ranks.len());
        }
        let mut ranks = BTreeMap::new();
        for &name in names {
            visit(self, names, name, &mut ranks, &mut BTreeSet::new());
        }
        ranks
    }

    /// Whether `other` needs what `module` has bound above the statement that imports it: in a circle it is `other` then
    /// that comes later.
    fn is_imported_halfway(&self, module: &str, other: &str) -> bool {
        let Some((there, _)) = self.imports_between(module, other).next() else {
            return false;
        };
        self.imports_between(other, module)
            .any(|(back, import)| match &import.name {
                Some(name) if !self.modules.contains_key(join(module, name).as_str()) => {
                    let view = &self.modules[module];
                    view.binding(name).any(|(index, _)| index < there)
                }
                _ => back < there,
            })
    }

    /// The imports of one module in another, with the places of their statements.
    fn imports_between(
        &self,
        importer: &str,
        imported: &str,
    ) -> impl Iterator<Item = (usize, &'a ImportedName)> {
        let view = self.modules.get(importer);
        let naming = view.and_then(|view| {
            let naming = view.imports(importer).naming.get(imported)?;
            Some((&view.outline.units, naming))
        });
        naming.into_iter().flat_map(|(units, naming)| {
            let imports = naming.iter();
            imports.map(|&(place, index)| (place, &units[place].imports[index]))
        })
    }

    /// Where what a path names is bound, imports followed: module, qualified name, line.
    #[must_use]
    pub fn homes(&self, module: &str, path: &str) -> Vec<(String, String, u32)> {
        self.homes_at(module, path, &Place::end_of(module))
    }

    pub(crate) fn homes_at(
        &self,
        module: &str,
        path: &str,
        place: &Place<'_>,
    ) -> Vec<(String, String, u32)> {
        let targets = self.targets(module, path, place);
        let mut homes = Vec::new();
        for target in targets {
            if let (Some(home), None) = (target.module, target.units.first())
                && !self.has_binder(home, &target.name)
                && home != module
            {
                // Only other modules set it.
                homes.push((home.to_owned(), target.name, 1));
            } else if let (Some(home), Some(unit)) = (target.module, target.units.first()) {
                let inner = member(unit, &target.rest).next();
                let name = match inner {
                    Some(_) => join(&target.name, split(&target.rest).0),
                    None => target.name,
                };
                homes.push((home.to_owned(), name, inner.unwrap_or(unit).lines.first));
            }
        }
        homes
    }

    /// The names that a module's text binds, star imports aside.
    #[must_use]
    pub fn bound_in(&self, module: &str) -> Vec<String> {
        let units = self
            .modules
            .get(module)
            .map_or(&[][..], |view| &view.outline.units);
        units
            .iter()
            .flat_map(|unit| unit.binds.iter().cloned())
            .collect()
    }

    /// The star imports of a module, in the order of its text.
    #[must_use]
    pub fn star_imports_with_hidden(&self, module: &str) -> Vec<StarImport> {
        let Some(view) = self.modules.get(module) else {
            return Vec::new();
        };
        let mut stars = Vec::new();
        for (index, unit) in view.outline.units.iter().enumerate() {
            for import in unit.imports.iter().filter(|import| import.alias == "*") {
                let below = view.outline.units[index + 1..].iter();
                let hidden = below.flat_map(|unit| unit.binds.iter().cloned());
                stars.extend(
                    self.imported_module(module, import)
                        .map(|exporter| StarImport {
                            exporter,
                            hidden: hidden.collect(),
                        }),
                );
            }
        }
        stars
    }

    /// The modules from which a module imports `*`, in the order of its text.
    #[must_use]
    pub fn star_imports_in(&self, module: &str) -> Vec<String> {
        self.modules.get(module).map_or_else(Vec::new, |view| {
            self.star_imports(module, &view.outline.units)
        })
    }

    /// The modules from which an earlier text of a module imported `*`, and its text now does not.
    #[must_use]
    pub fn star_imports_left_out(&self, module: &str, earlier: &[Unit]) -> Vec<String> {
        let now = self.star_imports_in(module);
        let mut left_out = self.star_imports(module, earlier);
        left_out.retain(|name| !now.contains(name));
        left_out
    }

    fn star_imports(&self, module: &str, units: &[Unit]) -> Vec<String> {
        let imports = units.iter().flat_map(|unit| &unit.imports);
        imports
            .filter(|import| import.alias == "*")
            .filter_map(|import| self.imported_module(module, import))
            .collect()
    }

    /// The modules to which the names of a module travel by star imports, in the order of their imports.
    #[must_use]
    pub fn star_importers_of(&self, module: &str) -> Vec<String> {
        let mut importers = BTreeSet::new();
        let mut waiting = vec![module.to_owned()];
        while let Some(exporter) = waiting.pop() {
            for &importer in self.modules.keys() {
                let is_star = || self.star_imports_in(importer).contains(&exporter);
                if importer != module && !importers.contains(importer) && is_star() {
                    importers.insert(importer);
                    waiting.push(importer.to_owned());
                }
            }
        }
        let ranks = self.import_ranks(&importers);
        let mut ordered: Vec<&str> = importers.into_iter().collect();
        ordered.sort_by_key(|importer| ranks.get(importer));
        ordered.into_iter().map(str::to_owned).collect()
    }

    /// Whether a module's text binds a name, or may (by a star import).
    #[must_use]
    pub fn binds(&self, module: &str, name: &str) -> bool {
        self.modules.get(module).is_none_or(|view| {
            let submodule = join(module, name);
            self.modules.contains_key(submodule.as_str())
                || !view.star_imports.is_empty()
                || view.binding(name).next().is_some()
        })
    }

    /// Where the value of `alias` in `module` comes from, if an import binds it: the module and the name there.
    #[must_use]
    pub fn origins(&self, module: &str, alias: &str) -> Vec<(String, String)> {
        let Some(view) = self.modules.get(module) else {
            return Vec::new();
        };
        let imports = view.outline.units.iter().flat_map(|unit| &unit.imports);
        imports
            .filter_map(|import| {
                let name = import.name.as_deref()?;
                let from = self.imported_module(module, import)?;
                match name {
                    // A module's own `__doc__` or `__name__` is no copy of another's.
                    "*" if !alias.starts_with("__") => Some((from, alias.to_owned())),
                    _ if import.alias == alias => Some((from, name.to_owned())),
                    _ => None,
                }
            })
            .collect()
    }

    /// Whether `alias` in `module` is an import, possibly through other modules, of `name` of `origin`.
    #[must_use]
    pub fn is_import_of(&self, module: &str, alias: &str, origin: &str, name: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut waiting = self.origins(module, alias);
        while let Some(place) = waiting.pop() {
            if place.0 == origin && place.1 == name {
                return true;
            }
            if seen.insert(place.clone()) {
                waiting.extend(self.origins(&place.0, &place.1));
            }
        }
        false
    }

    /// What makes what a statement has done out of date, if something does.
    #[must_use]
    pub fn outdated_by(
        &self,
        place: &Place<'_>,
        does: &Moment,
        changed: &Changed,
    ) -> Option<Cause> {
        let all = Reach::new(self, changed, place.clone()).all(does)?;
        let alone = does.paths.iter().find_map(|(path, how)| {
            let origin = Reach::new(self, changed, place.clone()).path(does, path, *how)?;
            Some((path, *how, origin))
        });
        // What one path leads to may be out of date only by what another does with it.
        let handed = || does.paths.iter().max_by_key(|(_, how)| **how);
        let (path, how, origin) =
            alone.or_else(|| handed().map(|(path, how)| (path, *how, all)))?;
        let name = match &origin {
            Some((home, name)) if split_last(path) != name => format!("{path} ({home}.{name})"),
            _ => path.clone(),
        };
        Some(Cause { name, how, origin })
    }

    /// The base of a class that is not what its text says, if the class itself would be another for it, and whether so
    /// would be what derives from it.
    #[must_use]
    pub fn derived_from_old(
        &self,
        module: &str,
        class: &ClassParts,
        changed: &Changed,
    ) -> Option<(String, bool)> {
        class.reads.now.paths.keys().find_map(|path| {
            let targets = self.targets(module, path, &Place::end_of(module));
            let mut units = targets.iter().flat_map(|target| &target.units);
            let is_inherited = *units.find_map(|unit| changed.headers.get(&unit.id))?;
            // `class D(C[int])` keeps what it derives from in `__orig_bases__`.
            let is_other = is_inherited || !class.bases.contains(path);
            is_other.then(|| (path.clone(), is_inherited))
        })
    }

    /// What deriving a class from `bases` ran that does something else now.
    #[must_use]
    pub fn derivation_outdated_by(
        &self,
        place: &Place<'_>,
        bases: &[String],
        changed: &Changed,
    ) -> Option<Cause> {
        let derivation = derivation();
        bases.iter().find_map(|base| {
            let reach = Reach::new(self, changed, place.clone());
            reach.path(&derivation, base, Use::Value)?;
            Some(Cause {
                name: format!("{base}.__init_subclass__"),
                how: Use::Call,
                origin: None,
            })
        })
    }

    /// What a statement stores into, itself or by what it calls, and whether what it reads is bound anew below it.
    #[must_use]
    pub fn effects(&self, place: &Place<'_>, unit: &Unit) -> Effects {
        let nothing = Changed::default();
        let mut reach = Reach::new(self, &nothing, place.clone());
        match &unit.class {
            Some(class) => {
                reach.trace(&class.reads.now);
                for base in &class.bases {
                    let mut derivation = derivation();
                    derivation.paths.insert(base.clone(), Use::Value);
                    reach.trace(&derivation);
                }
            }
            None => reach.trace(&unit.reads.now),
        }
        let mut stores = BTreeSet::new();
        for (module, path) in &reach.stores {
            stores.extend(self.homes(module, path));
            if !path.contains('.') && !self.has_binder(module, path) {
                // Only functions bind it.
                stores.insert((module.clone(), path.clone(), 1));
            }
        }
        Effects {
            stores,
            uses: std::mem::take(&mut reach.uses),
            later: std::mem::take(&mut reach.later),
            looks_around: reach.looks_around(),
            takes_code: reach.takes_code(),
        }
    }

    /// The units that bind what a path in `module` names, imports followed, for a statement at `place`.
    pub(crate) fn targets(&self, module: &str, path: &str, place: &Place<'_>) -> Vec<Target<'a>> {
        self.resolve(module, path, place, &mut BTreeSet::new())
    }

    /// The statements that put something into the object that a name is bound to.
    pub(crate) fn touchers(&self, module: &str, name: &str, place: &Place<'_>) -> Vec<&'a Unit> {
        let Some(view) = self.modules.get(module) else {
            return Vec::new();
        };
        let is_handed = |unit: &Unit| {
            let mut paths = unit.reads.now.paths.iter();
            paths.any(|(path, how)| {
                *how == Use::Call && split(path).0 == name && !split(path).1.is_empty()
            })
        };
        let units = &view.outline.units;
        let above = if module == place.module {
            place.above.min(units.len())
        } else {
            units.len()
        };
        let above = units[..above].iter();
        above
            .filter(|unit| unit.touches(name) || unit.binds.is_empty() && is_handed(unit))
            .collect()
    }

    /// Whether a statement of a module, itself at hand, binds a name.
    pub(crate) fn has_binder(&self, module: &str, name: &str) -> bool {
        self.modules
            .get(module)
            .is_some_and(|view| view.binding(name).next().is_some())
    }

    fn resolve(
        &self,
        module: &str,
        path: &str,
        place: &Place<'_>,
        seen: &mut BTreeSet<(String, String)>,
    ) -> Vec<Target<'a>> {
        let Some((&module, view)) = self.modules.get_key_value(module) else {
            return Vec::new();
        };
        if !seen.insert((module.to_owned(), path.to_owned())) {
            return Vec::new();
        }
        if let Some((import, rest)) = inner_import(path) {
            return self.resolve_import(module, &import, rest, place, seen);
        }
        let (head, rest) = split(path);
        let (binders, later) = self.binders(module, view, head, place);
        let mut targets = Vec::new();
        let mut own = Vec::new();
        for unit in binders {
            if unit.kind != UnitKind::Import {
                own.push(unit);
            }
            for import in unit.imports.iter().filter(|import| import.alias == head) {
                targets.extend(self.resolve_import(module, import, rest, place, seen));
            }
        }
        if targets.is_empty() && own.iter().all(|unit| unit.maybe.contains(head)) {
            for import in &view.star_imports {
                if let Some(from) = self.imported_module(module, import) {
                    targets.extend(self.resolve(&from, path, place, seen));
                }
            }
        }
        // Also with nobody to bind it any more: a name that was removed has changed as well.
        targets.push(Target {
            module: Some(module),
            name: head.to_owned(),
            rest: rest.to_owned(),
            units: own,
            later,
        });
        targets
    }

    /// The statements of which one has bound `name` for a statement at `place`, and those that do so later.
    fn binders(
        &self,
        module: &str,
        view: &View<'a>,
        name: &str,
        place: &Place<'_>,
    ) -> (Vec<&'a Unit>, BTreeSet<u64>) {
        let is_own = module == place.module;
        // A module that imports the statement's own may have come no further than that when this was executed.
        let reached = if is_own {
            Some(place.above)
        } else {
            self.imports_between(module, place.module)
                .next()
                .map(|(index, _)| index)
        };
        let mut found = Vec::new();
        let mut later = BTreeSet::new();
        for (index, unit) in view.binding(name).rev() {
            if reached.is_some_and(|reached| index > reached) {
                later.insert(unit.id);
            }
            if is_own && index >= place.above {
                continue;
            }
            found.push(unit);
            if !unit.maybe.contains(name) {
                break;
            }
        }
        (found, later)
    }

    fn resolve_import(
        &self,
        module: &str,
        import: &ImportedName,
        rest: &str,
        place: &Place<'_>,
        seen: &mut BTreeSet<(String, String)>,
    ) -> Vec<Target<'a>> {
        let Some(from) = self.imported_module(module, import) else {
            return Vec::new();
        };
        let submodule = import.name.as_ref().map(|name| join(&from, name));
        let path = join(submodule.as_deref().unwrap_or(&from), rest);
        // The longest prefix that is a module; what follows is a path in it. Never one above the module imported from.
        let mut end = path.len();
        while end >= from.len() {
            if self.modules.contains_key(&path[..end]) {
                if end == path.len() {
                    return vec![Target {
                        module: None,
                        name: path,
                        rest: String::new(),
                        units: Vec::new(),
                        later: BTreeSet::new(),
                    }];
                }
                return self.resolve(&path[..end], &path[end + 1..], place, seen);
            }
            match path[..end].rfind('.') {
                Some(dot) => end = dot,
                None => break,
            }
        }
        Vec::new()
    }
}

/// What a statement does besides binding names.
pub struct Effects {
    /// What it stores into: module, qualified name, line.
    pub stores: BTreeSet<(String, String, u32)>,
    /// What it reads, itself or in what it calls: module and name.
    pub uses: BTreeSet<(String, String)>,
    /// Statements that bind anew what it reads, with the names.
    pub later: BTreeMap<u64, String>,
    /// Whether it, or what it runs, looks at names that its text does not show.
    pub looks_around: bool,
    /// Whether it, or what it runs, asks a function for its code.
    pub takes_code: bool,
}

/// What deriving a class from another does.
fn derivation() -> Moment {
    Moment {
        attributes: BTreeSet::from(["__init_subclass__".to_owned()]),
        ..Moment::default()
    }
}

/// The import that a path stands for which begins with one: `package.module:name.attribute`.
fn inner_import(path: &str) -> Option<(ImportedName, &str)> {
    let (module, path) = path.split_once(':')?;
    let (name, rest) = split(path);
    let dots = module.len() - module.trim_start_matches('.').len();
    let import = ImportedName {
        alias: name.to_owned(),
        module: module[dots..].to_owned(),
        level: u32::try_from(dots).unwrap_or(0),
        name: (!name.is_empty()).then(|| name.to_owned()),
    };
    Some((import, rest))
}

/// The absolute name of the module that an import statement names.
pub(crate) fn absolute_module(
    module: &str,
    is_package: bool,
    import: &ImportedName,
) -> Option<String> {
    if import.level == 0 {
        return Some(import.module.clone());
    }
    let mut package = module;
    let up = import.level - u32::from(is_package);
    for _ in 0..up {
        package = package.rfind('.').map(|dot| &package[..dot])?;
    }
    Some(join(package, &import.module))
}

/// The module that an import statement names, and the submodule that it may name.
fn modules_named_by(
    module: &str,
    is_package: bool,
    import: &ImportedName,
) -> impl Iterator<Item = String> + use<> {
    let from = absolute_module(module, is_package, import);
    let submodule = import.name.as_ref().zip(from.as_ref());
    let submodule = submodule.map(|(name, from)| join(from, name));
    from.into_iter().chain(submodule)
}

fn member<'u>(unit: &'u Unit, rest: &str) -> impl Iterator<Item = &'u Unit> {
    let name = split(rest).0;
    let body = unit.class.as_ref().map_or(&[][..], |class| &class.body);
    body.iter().filter(move |unit| unit.binds(name))
}

fn split(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}

fn split_last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn join(left: &str, right: &str) -> String {
    match (left.is_empty(), right.is_empty()) {
        (_, true) => left.to_owned(),
        (true, _) => right.to_owned(),
        _ => format!("{left}.{right}"),
    }
}
