//! What executing a statement may use and run: the closure over what its text names.
//!
//! Functions that it calls are followed into what they call; what a name holds, into the statement that bound it.
//! Members of classes are told by their names alone: `shape.area()` may run the `area` of every class that is in reach.

use std::collections::{BTreeMap, BTreeSet};

use relive_syntax::{MUTATORS, Moment, Unit, UnitKind, Use};

use crate::methods::{OF_A_CLASS, OF_A_DESCRIPTOR, RUN_BY_A_CALL, SPECIAL};
use crate::world::{Changed, Place, Target, World};

/// How far code is run that a unit defines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// It is called.
    Called,
    /// And so are the functions that it defines.
    Twice,
    /// And those that these define, and so on.
    Through,
}

impl Depth {
    fn of(how: Use) -> Self {
        match how {
            Use::Decorate => Self::Called,
            Use::MakeDecorator => Self::Twice,
            Use::Value | Use::Handed | Use::Call => Self::Through,
        }
    }
}

/// The closure of what one statement names, as far as it was followed.
pub(crate) struct Reach<'w, 'a> {
    world: &'w World<'a>,
    changed: &'w Changed,
    place: Place<'w>,
    seen: BTreeSet<(String, String, Use, bool)>,
    run: BTreeSet<(u64, Depth)>,
    decorated: BTreeSet<u64>,
    held: Vec<(&'a str, &'a Unit)>,
    classes: Vec<(&'a str, &'a Unit)>,
    constructed: BTreeSet<u64>,
    /// Classes of which more is used than their value: there may be instances in reach.
    used: BTreeSet<u64>,
    /// Whether an object may be called that is not a function or class itself.
    calls_objects: bool,
    /// Whether an attribute of a class is looked up whose value may be a descriptor.
    looks_up_values: bool,
    /// Bases that are being followed: a text may derive classes from each other in a circle.
    deriving: BTreeSet<u64>,
    modules: BTreeSet<String>,
    /// What is looked up by name on whatever it may be, and how far it is run.
    attributes: BTreeMap<String, Depth>,
    calls_unknown: bool,
    operates: bool,
    reflects: bool,
    calls_super: bool,
    /// Names whose values are used, with their modules.
    pub(crate) uses: BTreeSet<(String, String)>,
    /// What is stored into: a module and a path in it.
    pub(crate) stores: BTreeSet<(String, String)>,
    /// Statements that bind anew what is used, with the names.
    pub(crate) later: BTreeMap<u64, String>,
    /// What was found to have changed: where it is bound, unless that is a class's body.
    found: Option<Option<(String, String)>>,
}

impl<'w, 'a> Reach<'w, 'a> {
    pub(crate) fn new(world: &'w World<'a>, changed: &'w Changed, place: Place<'w>) -> Self {
        Self {
            world,
            changed,
            place,
            seen: BTreeSet::new(),
            run: BTreeSet::new(),
            decorated: BTreeSet::new(),
            held: Vec::new(),
            classes: Vec::new(),
            constructed: BTreeSet::new(),
            used: BTreeSet::new(),
            calls_objects: false,
            looks_up_values: false,
            deriving: BTreeSet::new(),
            modules: BTreeSet::new(),
            attributes: BTreeMap::new(),
            calls_unknown: false,
            operates: false,
            reflects: false,
            calls_super: false,
            uses: BTreeSet::new(),
            stores: BTreeSet::new(),
            later: BTreeMap::new(),
            found: None,
        }
    }

    /// Follow one path that a statement reads, and say what has changed of all that it leads to, if something has.
    pub(crate) fn path(
        mut self,
        moment: &Moment,
        path: &str,
        how: Use,
    ) -> Option<Option<(String, String)>> {
        let alone = Moment {
            paths: [(path.to_owned(), how)].into(),
            ..moment.clone()
        };
        self.execute(self.place.module, &alone);
        self.close();
        self.found
    }

    /// Follow all that a statement does, and say what has changed of all that it leads to, if something has.
    pub(crate) fn all(mut self, moment: &Moment) -> Option<Option<(String, String)>> {
        self.trace(moment);
        self.found
    }

    /// Follow all that a statement does.
    pub(crate) fn trace(&mut self, moment: &Moment) {
        self.execute(self.place.module, moment);
        self.close();
    }

    /// Whether what a statement runs looks at names that its text does not show: all of a class's body, say.
    pub(crate) fn looks_around(&self) -> bool {
        self.reflects
    }

    /// Whether what a statement runs asks a function for its code.
    pub(crate) fn takes_code(&self) -> bool {
        self.attributes.contains_key("__code__")
    }

    fn execute(&mut self, module: &str, moment: &Moment) {
        self.note(module, moment);
        for (path, how) in &moment.paths {
            self.visit(module, path, *how, true);
        }
    }

    /// Note what code does apart from what it names.
    fn note(&mut self, module: &str, moment: &Moment) {
        for name in &moment.attributes {
            self.look_up(name, Depth::Through);
        }
        for (path, how) in &moment.paths {
            let Some((owner, last)) = path.rsplit_once(['.', ':']) else {
                continue;
            };
            for name in owner.split(['.', ':']).skip(1) {
                self.look_up(name, Depth::Through);
            }
            self.look_up(last, Depth::of(*how));
        }
        self.calls_unknown |= moment.calls_unknown;
        self.operates |= moment.operates;
        self.calls_super |= moment.paths.contains_key("super");
        self.reflects |= moment.reflects;
        let sees_all = |name: &&str| moment.paths.contains_key(*name);
        if ["globals", "locals", "eval", "exec"].iter().any(sees_all) {
            self.modules.insert(module.to_owned());
        }
        let stores = moment.stores.iter().cloned();
        let changed = moment
            .paths
            .iter()
            .filter(|(_, how)| how.calls())
            .filter_map(|(path, _)| path.rsplit_once('.'))
            .filter(|(_, method)| MUTATORS.contains(method))
            .map(|(object, _)| object.to_owned());
        self.stores
            .extend(stores.chain(changed).map(|path| (module.to_owned(), path)));
    }

    fn look_up(&mut self, name: &str, depth: Depth) {
        match self.attributes.get_mut(name) {
            Some(known) => *known = depth.max(*known),
            None => {
                self.attributes.insert(name.to_owned(), depth);
            }
        }
    }

    /// `is_read` is false for what a name only holds: the statement that bound it has read it.
    fn visit(&mut self, module: &str, path: &str, how: Use, is_read: bool) {
        let key = (module.to_owned(), path.to_owned(), how, is_read);
        if self.found.is_some() || path.starts_with('.') || !self.seen.insert(key) {
            return;
        }
        if module == self.place.module && self.visit_sibling(path, how) {
            return;
        }
        let targets = self.world.targets(module, path, &self.place);
        for target in &targets {
            let Some(home) = target.module else {
                self.modules.insert(target.name.clone());
                continue;
            };
            if is_read {
                self.use_value(home, target);
            }
            for unit in &target.units {
                let is_hidden = unit.class.is_some() && is_read && !target.later.is_empty();
                if is_hidden && self.changed.behaviour.contains(&unit.id) {
                    // Only the statement itself still knows the object: another has its name.
                    self.found = Some(Some((home.to_owned(), target.name.clone())));
                }
                self.use_unit(home, unit, &target.rest, how);
            }
            if target
                .units
                .iter()
                .any(|unit| unit.kind == UnitKind::Statement)
            {
                for toucher in self.world.touchers(home, &target.name, &self.place) {
                    self.hold_paths(home, toucher, how);
                }
            }
        }
    }

    /// A name that is bound by the body of the class in which the statement stands.
    fn visit_sibling(&mut self, path: &str, how: Use) -> bool {
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        let is_run = how != Use::Value && rest.is_empty();
        let bound: Vec<&Unit> = self
            .place
            .siblings
            .iter()
            .filter(|unit| unit.binds(head))
            .collect();
        for unit in &bound {
            let is_changed = self.changed.members.contains(&unit.id)
                || is_run && self.changed.behaviour.contains(&unit.id);
            if is_changed {
                self.found = Some(None);
            } else if is_run {
                let [_, later, nested, deeper] = unit.reads.moments();
                for moment in [later, nested, deeper] {
                    self.execute(self.place.module, moment);
                }
            }
        }
        !bound.is_empty()
    }

    fn use_value(&mut self, home: &str, target: &Target<'_>) {
        let place = (home.to_owned(), target.name.clone());
        let later = target.later.iter();
        self.later
            .extend(later.map(|unit| (*unit, target.name.clone())));
        let is_former = home == self.place.module && !target.later.is_empty();
        let is_changed = if is_former {
            let mut units = target.units.iter();
            units.any(|unit| self.changed.rebinders.contains(&unit.id))
        } else {
            self.changed.names.contains(&place)
        };
        if is_changed {
            self.found = Some(Some(place.clone()));
        }
        self.uses.insert(place);
    }

    fn use_unit(&mut self, home: &'a str, unit: &'a Unit, rest: &str, how: Use) {
        let does_otherwise = self.changed.behaviour.contains(&unit.id);
        let origin = || {
            unit.binds
                .first()
                .map(|name| (home.to_owned(), name.clone()))
        };
        match (&unit.class, &unit.function) {
            (Some(_), _) => {
                let is_used = how != Use::Value || !rest.is_empty();
                if does_otherwise && is_used {
                    self.found = Some(origin());
                }
                if is_used {
                    self.used.insert(unit.id);
                }
                if is_used && rest.is_empty() {
                    self.constructed.insert(unit.id);
                    // What it has made is called.
                    self.calls_objects |= how == Use::MakeDecorator;
                }
                self.class_in_reach(home, unit);
            }
            (_, Some(_)) if !rest.is_empty() => {
                // An attribute of a function (`f.register`, `f.cache_clear`) does not run the function.
                let is_described = rest.starts_with("__")
                    && !matches!(
                        rest,
                        "__name__" | "__qualname__" | "__module__" | "__dict__"
                    );
                if is_described && does_otherwise {
                    self.found = Some(origin());
                }
            }
            (_, Some(_)) => match how {
                Use::Value => self.hold(home, unit),
                _ => {
                    let depth = Depth::of(how);
                    if does_otherwise && !self.is_out_of_reach(unit, depth) {
                        self.found = Some(origin());
                    }
                    self.run(home, unit, depth);
                }
            },
            _ if unit.kind == UnitKind::Statement => {
                if does_otherwise && how != Use::Value {
                    self.found = Some(origin());
                }
                self.hold(home, unit);
                self.calls_objects |= how != Use::Value && rest.is_empty();
                if how.calls() {
                    self.run(home, unit, Depth::of(how));
                }
                self.hold_paths(home, unit, how);
            }
            _ => {}
        }
    }

    /// What a statement has read, its value may hold.
    fn hold_paths(&mut self, home: &str, unit: &Unit, how: Use) {
        let how = if how.calls() { how } else { Use::Value };
        for (path, was) in &unit.reads.now.paths {
            // It may hold what a function that it called has made.
            self.visit(home, path, if was.calls() { Use::Call } else { how }, false);
            if *was == Use::Handed {
                self.have_instances(home, path);
            }
        }
    }

    /// There may be instances of a class that something else was handed.
    fn have_instances(&mut self, home: &str, path: &str) {
        let targets = self.world.targets(home, path, &self.place);
        let units = targets.iter().flat_map(|target| &target.units);
        let classes = units.filter(|unit| unit.class.is_some());
        self.used.extend(classes.map(|unit| unit.id));
    }

    fn hold(&mut self, home: &'a str, unit: &'a Unit) {
        if !self.held.iter().any(|(_, held)| held.id == unit.id) {
            self.held.push((home, unit));
        }
    }

    fn class_in_reach(&mut self, home: &'a str, unit: &'a Unit) {
        if !self.classes.iter().any(|(_, class)| class.id == unit.id) {
            self.classes.push((home, unit));
        }
    }

    /// Whether what a unit does otherwise is only done by functions defined in it, which are not run.
    fn is_out_of_reach(&self, unit: &Unit, depth: Depth) -> bool {
        depth == Depth::Called && self.changed.only_nested.contains(&unit.id)
    }

    /// Run the code that a unit defines.
    fn run(&mut self, home: &str, unit: &Unit, depth: Depth) {
        if !self.run.insert((unit.id, depth)) {
            return;
        }
        self.execute(home, &unit.reads.later);
        if depth >= Depth::Twice {
            self.execute(home, &unit.reads.nested);
        }
        if depth == Depth::Through {
            self.execute(home, &unit.reads.deeper);
            // Calling it calls what its decorators made of it.
            for (path, how) in &unit.reads.now.paths {
                if matches!(how, Use::Decorate | Use::MakeDecorator) {
                    self.call_decorated(home, path, *how);
                }
            }
        }
    }

    /// Calling what a decorator has made calls the functions that it defines; what it does itself was done before.
    fn call_decorated(&mut self, module: &str, path: &str, how: Use) {
        for target in self.world.targets(module, path, &self.place) {
            let (Some(home), true) = (target.module, target.rest.is_empty()) else {
                continue;
            };
            for unit in target.units {
                if unit.function.is_none() {
                    self.use_unit(home, unit, "", Use::Call);
                } else if self.changed.behaviour.contains(&unit.id) {
                    self.found = Some(Some((home.to_owned(), target.name.clone())));
                } else if self.decorated.insert(unit.id) {
                    if how == Use::Decorate {
                        self.execute(home, &unit.reads.nested);
                    }
                    self.execute(home, &unit.reads.deeper);
                }
            }
        }
    }

    /// Follow what comes into reach by what else is in reach, until nothing more does.
    fn close(&mut self) {
        let mut done = BTreeSet::new();
        loop {
            let before = self.size() + done.len();
            for index in 0..self.classes.len() {
                let (home, class) = self.classes[index];
                self.members(home, class, &BTreeSet::new(), &mut done);
            }
            if self.calls_unknown {
                for index in 0..self.held.len() {
                    let (home, unit) = self.held[index];
                    if self.changed.behaviour.contains(&unit.id) {
                        let name = unit.binds.first().cloned().unwrap_or_default();
                        self.found = Some(Some((home.to_owned(), name)));
                    }
                    self.run(home, unit, Depth::Through);
                }
            }
            for module in self.modules.clone() {
                self.names_of(&module);
            }
            if self.found.is_some() || self.size() + done.len() == before {
                break;
            }
        }
        let contents = self.changed.contents.iter();
        let stale = contents
            .filter(|place| self.uses.contains(*place) && !self.stores.contains(*place))
            .find(|place| !self.place.own.contains(*place));
        if let (None, Some(place)) = (&self.found, stale) {
            self.found = Some(Some(place.clone()));
        }
    }

    fn size(&self) -> usize {
        self.seen.len()
            + self.run.len()
            + self.classes.len()
            + self.held.len()
            + self.attributes.len()
            + self
                .attributes
                .values()
                .map(|depth| *depth as usize)
                .sum::<usize>()
            + self.constructed.len()
            + self.used.len()
            + usize::from(self.calls_objects)
            + usize::from(self.looks_up_values)
            + self.modules.len()
            + usize::from(self.operates)
            + usize::from(self.calls_unknown)
            + usize::from(self.reflects)
            + usize::from(self.calls_super)
    }

    /// Follow what is looked up on a class; `own` has the names that classes derived from it bind themselves.
    fn members(
        &mut self,
        home: &'a str,
        unit: &'a Unit,
        own: &BTreeSet<&'a str>,
        done: &mut BTreeSet<(u64, Depth)>,
    ) {
        let Some(class) = &unit.class else {
            return;
        };
        let is_hidden = |name: &str| own.contains(name) && !self.calls_super;
        let gone = self.changed.gone.iter();
        let gone = gone.filter(|(id, name)| *id == unit.id && !is_hidden(name));
        if gone
            .clone()
            .any(|(_, name)| self.depth_of(unit, name).is_some())
        {
            self.found = Some(None);
        }
        let mut used = Vec::new();
        for member in &class.body {
            let depth = match member.kind {
                UnitKind::Docstring => self.attributes.get("__doc__").copied(),
                _ => {
                    let names = member.binds.iter().filter(|name| !is_hidden(name));
                    names.filter_map(|name| self.depth_of(unit, name)).max()
                }
            };
            used.extend(depth.map(|depth| (member, depth)));
        }
        for (member, depth) in used {
            let does_otherwise =
                self.changed.behaviour.contains(&member.id) && !self.is_out_of_reach(member, depth);
            if does_otherwise || self.changed.members.contains(&member.id) {
                self.found = Some(None);
            }
            if done.insert((member.id, depth)) {
                self.follow_member(home, member, depth);
            }
        }
        let mut own = own.clone();
        let names = class.body.iter().flat_map(|member| &member.binds);
        own.extend(names.map(String::as_str));
        for base in &class.bases {
            self.base(home, unit, base, &own, done);
        }
    }

    fn follow_member(&mut self, home: &'a str, member: &'a Unit, depth: Depth) {
        if member.class.is_some() {
            self.used.insert(member.id);
            self.class_in_reach(home, member);
        } else if member.function.is_some() {
            // What decorates it may have made a descriptor of it.
            self.looks_up_values |= member.reads.now.paths.values().any(|how| how.calls());
            self.run(home, member, depth);
        } else {
            self.looks_up_values = true;
            self.hold(home, member);
            self.hold_paths(home, member, Use::Value);
        }
    }

    fn base(
        &mut self,
        home: &'a str,
        unit: &Unit,
        base: &str,
        own: &BTreeSet<&'a str>,
        done: &mut BTreeSet<(u64, Depth)>,
    ) {
        let is_used = self.constructed.contains(&unit.id)
            || self
                .attributes
                .iter()
                .any(|(name, _)| name != "__init_subclass__");
        for target in &self.world.targets(home, base, &self.place) {
            for base in target.units.iter().filter(|base| base.class.is_some()) {
                if is_used && self.changed.behaviour.contains(&base.id) {
                    self.found = Some(None);
                }
                for classes in [&mut self.constructed, &mut self.used] {
                    if classes.contains(&unit.id) {
                        classes.insert(base.id);
                    }
                }
                if self.deriving.insert(base.id) {
                    self.members(target.module.unwrap_or(home), base, own, done);
                    self.deriving.remove(&base.id);
                }
            }
        }
    }

    /// How far a member of a class is run; None if it is not looked up.
    fn depth_of(&self, class: &Unit, name: &str) -> Option<Depth> {
        let is_constructed = self.constructed.contains(&class.id) || self.calls_unknown;
        let has_instances = self.used.contains(&class.id) || self.calls_unknown;
        let is_run = self.reflects
            || RUN_BY_A_CALL.contains(&name) && is_constructed
            || name == "__call__"
                && is_constructed
                && (self.calls_objects
                    || self.calls_unknown
                    || self.operates
                    || !self.attributes.is_empty())
            || OF_A_DESCRIPTOR.contains(&name) && has_instances && self.looks_up_values
            || OF_A_CLASS.contains(&name) && self.operates
            || SPECIAL.contains(&name) && self.operates && has_instances;
        if is_run {
            return Some(Depth::Through);
        }
        self.attributes.get(name).copied()
    }

    /// Names of a module that is itself a value: what is looked up on it is not seen.
    fn names_of(&mut self, module: &str) {
        if self.reflects {
            let mut names = self.changed.names.iter();
            if let Some(place) = names.find(|(home, _)| home == module) {
                self.found = Some(Some(place.clone()));
            }
        }
        for name in self.attributes.clone().into_keys() {
            if self.world.has_binder(module, &name) {
                self.visit(module, &name, Use::Call, true);
            }
        }
    }
}
