//! What depends on what, across modules, as far as source text tells.

use std::collections::{BTreeMap, BTreeSet};

use relive_syntax::{ClassParts, ImportedName, Outline, Reads, Unit, UnitKind, Use};

/// The outlines of the modules that an edit may concern.
#[derive(Default)]
pub struct World<'a> {
    modules: BTreeMap<&'a str, View<'a>>,
}

struct View<'a> {
    outline: &'a Outline,
    is_package: bool,
    /// The names that units bind, sorted, with the units in the order of the text.
    bound: Vec<(&'a str, &'a Unit)>,
    star_imports: Vec<&'a ImportedName>,
}

impl<'a> View<'a> {
    fn new(outline: &'a Outline, is_package: bool) -> Self {
        let units = outline.units.iter();
        let names = units.flat_map(|unit| unit.binds.iter().map(move |name| (name.as_str(), unit)));
        let mut bound: Vec<_> = names.collect();
        bound.sort_by_key(|(name, _)| *name);
        // Statements on one line may bind a name twice.
        bound.dedup_by_key(|(name, unit)| (*name, std::ptr::from_ref(*unit)));
        let imports = outline.units.iter().flat_map(|unit| &unit.imports);
        Self {
            outline,
            is_package,
            bound,
            star_imports: imports.filter(|import| import.alias == "*").collect(),
        }
    }

    fn binding(&self, name: &str) -> impl Iterator<Item = &'a Unit> {
        let first = self.bound.partition_point(|(bound, _)| *bound < name);
        let rest = self.bound[first..].iter();
        rest.take_while(move |(bound, _)| *bound == name)
            .map(|(_, unit)| *unit)
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
    /// Statements of class bodies that bound another value.
    pub members: BTreeSet<u64>,
    /// Classes whose bases, decorators or keywords are not those of their text, and whether that changes what derives
    /// from them: their metaclass.
    pub headers: BTreeMap<u64, bool>,
}

impl Changed {
    pub(crate) fn extend(&mut self, other: &Self) {
        self.behaviour.extend(&other.behaviour);
        self.only_nested.extend(&other.only_nested);
        self.names.extend(other.names.iter().cloned());
        self.members.extend(&other.members);
        self.headers.extend(&other.headers);
    }

    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.behaviour.is_empty() && self.names.is_empty() && self.members.is_empty()
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
struct Target<'a> {
    module: &'a str,
    name: String,
    rest: String,
    units: Vec<&'a Unit>,
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
    pub fn imports_of(&self, module: &str) -> Vec<String> {
        let Some(view) = self.modules.get(module) else {
            return Vec::new();
        };
        let imports = view.outline.units.iter().flat_map(|unit| &unit.imports);
        imports
            .filter_map(|import| Some((self.imported_module(module, import)?, import)))
            .flat_map(|(from, import)| {
                let submodule = import.name.as_ref().map(|name| join(&from, name));
                [Some(from), submodule]
            })
            .flatten()
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
                if let Some(&imported) = names.get(imported.as_str()) {
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

    /// Where what a path names is bound, imports followed: module, qualified name, line.
    #[must_use]
    pub fn homes(&self, module: &str, path: &str) -> Vec<(String, String, u32)> {
        let targets = self.resolve(module, path, &mut BTreeSet::new());
        let mut homes = Vec::new();
        for target in targets {
            if let Some(unit) = target.units.first() {
                let inner = member(unit, &target.rest).next();
                let name = match inner {
                    Some(_) => join(&target.name, split(&target.rest).0),
                    None => target.name,
                };
                homes.push((
                    target.module.to_owned(),
                    name,
                    inner.unwrap_or(unit).lines.first,
                ));
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

    /// The modules from which a module imports `*`, in the order of its text.
    #[must_use]
    pub fn star_imports_in(&self, module: &str) -> Vec<String> {
        self.modules
            .get(module)
            .map_or_else(Vec::new, |view| self.star_imports(module, view.outline))
    }

    /// The modules from which an earlier text of a module imported `*`, and its text now does not.
    #[must_use]
    pub fn star_imports_left_out(&self, module: &str, earlier: &Outline) -> Vec<String> {
        let now = self.star_imports_in(module);
        let mut left_out = self.star_imports(module, earlier);
        left_out.retain(|name| !now.contains(name));
        left_out
    }

    fn star_imports(&self, module: &str, outline: &Outline) -> Vec<String> {
        let imports = outline.units.iter().flat_map(|unit| &unit.imports);
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

    /// What makes a statement's value out of date, if something does.
    ///
    /// `siblings` are the statements of the class body in which it stands, if it does.
    #[must_use]
    pub fn outdated_by(
        &self,
        module: &str,
        siblings: &[Unit],
        reads: &Reads,
        changed: &Changed,
    ) -> Option<Cause> {
        let mut seen = BTreeSet::new();
        reads.now.iter().find_map(|(path, how)| {
            let origin = self.path_changed(module, siblings, path, *how, changed, &mut seen)?;
            let name = match &origin {
                Some((home, name)) if split_last(path) != name => format!("{path} ({home}.{name})"),
                _ => path.clone(),
            };
            Some(Cause {
                name,
                how: *how,
                origin,
            })
        })
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
        class.reads.now.keys().find_map(|path| {
            let targets = self.resolve(module, path, &mut BTreeSet::new());
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
        module: &str,
        bases: &[String],
        changed: &Changed,
    ) -> Option<Cause> {
        bases.iter().find_map(|base| {
            let targets = self.resolve(module, base, &mut BTreeSet::new());
            let is_changed = targets.iter().any(|target| {
                target
                    .units
                    .iter()
                    .filter(|unit| unit.class.is_some())
                    .any(|unit| {
                        let mut seen = BTreeSet::new();
                        self.call_changed(
                            target.module,
                            &[],
                            unit,
                            "__init_subclass__",
                            changed,
                            &mut seen,
                        )
                    })
            });
            is_changed.then(|| Cause {
                name: format!("{base}.__init_subclass__"),
                how: Use::Call,
                origin: None,
            })
        })
    }

    /// Whether what a path names has changed, and if so, the place where it is bound, unless that is a class's body.
    fn path_changed(
        &self,
        module: &str,
        siblings: &[Unit],
        path: &str,
        how: Use,
        changed: &Changed,
        seen: &mut BTreeSet<(u64, String)>,
    ) -> Option<Option<(String, String)>> {
        let (head, rest) = split(path);
        let head = if head.is_empty() { split(rest).0 } else { head };
        let own: Vec<&Unit> = binding(siblings, head).collect();
        if !own.is_empty() {
            let is_changed = own.iter().any(|unit| {
                changed.members.contains(&unit.id)
                    || how == Use::Call
                        && self.call_changed(module, siblings, unit, "", changed, seen)
            });
            return is_changed.then_some(None);
        }
        if path.starts_with('.') {
            return None;
        }
        let targets = self.resolve(module, path, &mut BTreeSet::new());
        targets.into_iter().find_map(|target| {
            let place = (target.module.to_owned(), target.name);
            let is_changed = changed.names.contains(&place)
                || target.units.iter().any(|unit| match how {
                    Use::Call => {
                        self.call_changed(target.module, &[], unit, &target.rest, changed, seen)
                    }
                    Use::Decorate => {
                        target.rest.is_empty()
                            && changed.behaviour.contains(&unit.id)
                            && !changed.only_nested.contains(&unit.id)
                    }
                    Use::Value => member(unit, &target.rest)
                        .any(|member| changed.members.contains(&member.id)),
                });
            is_changed.then_some(Some(place))
        })
    }

    /// Whether calling what `unit` binds, or its attribute `rest`, does something else than before.
    fn call_changed(
        &self,
        module: &str,
        siblings: &[Unit],
        unit: &Unit,
        rest: &str,
        changed: &Changed,
        seen: &mut BTreeSet<(u64, String)>,
    ) -> bool {
        if !seen.insert((unit.id, rest.to_owned())) {
            return false;
        }
        if let Some(class) = &unit.class {
            if changed.behaviour.contains(&unit.id) && rest != "__init_subclass__" {
                return true;
            }
            let is_run = |member: &&Unit| match rest {
                "" => RUN_BY_A_CALL
                    .iter()
                    .any(|name| member.binds.iter().any(|bound| bound == name)),
                _ => member.binds.iter().any(|bound| bound == split(rest).0),
            };
            let members = class.body.iter().filter(is_run);
            let mut own = members.peekable();
            let is_inherited = own.peek().is_none() || rest.is_empty();
            return own.any(|member| {
                changed.members.contains(&member.id)
                    || self.call_changed(module, &class.body, member, "", changed, seen)
            }) || is_inherited
                && class.bases.iter().any(|base| {
                    self.resolve(module, base, &mut BTreeSet::new())
                        .iter()
                        .any(|target| {
                            target.units.iter().any(|base| {
                                self.call_changed(target.module, &[], base, rest, changed, seen)
                            })
                        })
                });
        }
        if unit.function.is_some() && !rest.is_empty() {
            // An attribute of a function (`f.register`, `f.cache_clear`) does not run the function.
            return false;
        }
        if changed.behaviour.contains(&unit.id) {
            return true;
        }
        if unit.function.is_some()
            && unit.reads.now.iter().any(|(path, how)| {
                // Calling it calls what its decorators made of it.
                *how == Use::Decorate
                    && self
                        .path_changed(module, siblings, path, Use::Call, changed, seen)
                        .is_some()
            })
        {
            return true;
        }
        let mut later = unit.reads.later.iter();
        if later.any(|(path, how)| {
            self.path_changed(module, siblings, path, *how, changed, seen)
                .is_some()
        }) {
            return true;
        }
        // A method of an object: of the classes that the statement which made the object called.
        unit.kind == UnitKind::Statement
            && unit.reads.now.iter().any(|(path, how)| {
                *how == Use::Call
                    && self
                        .resolve(module, path, &mut BTreeSet::new())
                        .iter()
                        .any(|target| {
                            let method = if rest.is_empty() { "__call__" } else { rest };
                            target.units.iter().any(|made_by| {
                                made_by.class.is_some()
                                    && self.call_changed(
                                        target.module,
                                        &[],
                                        made_by,
                                        method,
                                        changed,
                                        seen,
                                    )
                            })
                        })
            })
    }

    /// The units that bind what a path in `module` names, imports followed.
    fn resolve(
        &self,
        module: &str,
        path: &str,
        seen: &mut BTreeSet<(String, String)>,
    ) -> Vec<Target<'a>> {
        let Some((&module, view)) = self.modules.get_key_value(module) else {
            return Vec::new();
        };
        if !seen.insert((module.to_owned(), path.to_owned())) {
            return Vec::new();
        }
        let (head, rest) = split(path);
        let mut targets = Vec::new();
        let mut own = Vec::new();
        for unit in view.binding(head) {
            if unit.imports.iter().all(|import| import.alias != head) {
                own.push(unit);
            }
            for import in unit.imports.iter().filter(|import| import.alias == head) {
                targets.extend(self.resolve_import(module, import, rest, seen));
            }
        }
        if targets.is_empty() && own.iter().all(|unit| unit.is_conditional) {
            for import in &view.star_imports {
                if let Some(from) = self.imported_module(module, import) {
                    targets.extend(self.resolve(&from, path, seen));
                }
            }
        }
        // Also with nobody to bind it any more: a name that was removed has changed as well.
        targets.push(Target {
            module,
            name: head.to_owned(),
            rest: rest.to_owned(),
            units: own,
        });
        targets
    }

    fn resolve_import(
        &self,
        module: &str,
        import: &ImportedName,
        rest: &str,
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
            if self.modules.contains_key(&path[..end]) && end < path.len() {
                return self.resolve(&path[..end], &path[end + 1..], seen);
            }
            match path[..end].rfind('.') {
                Some(dot) => end = dot,
                None => break,
            }
        }
        Vec::new()
    }
}

/// What runs when a class is called, decorated or derived from.
const RUN_BY_A_CALL: [&str; 6] = [
    "__init__",
    "__new__",
    "__post_init__",
    "__call__",
    "__init_subclass__",
    "__set_name__",
];

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

fn binding<'u>(units: &'u [Unit], name: &str) -> impl Iterator<Item = &'u Unit> {
    units
        .iter()
        .filter(move |unit| unit.binds.iter().any(|bound| bound == name))
}

fn member<'u>(unit: &'u Unit, rest: &str) -> impl Iterator<Item = &'u Unit> {
    let name = split(rest).0;
    let body = unit.class.as_ref().map_or(&[][..], |class| &class.body);
    binding(body, name)
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
