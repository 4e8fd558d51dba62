//! Which changes are of one and the same definition, where names repeat.
//!
//! A target counts the definitions of a name as they were when the change was made (`f#2`). Later changes and saves shift
//! that count. So the history is gone through once: a lineage is one definition from its first to its last version, with
//! a name of its own for life, and what the source says now is given to the lineages that can say so.

mod group;

use std::collections::{HashMap, HashSet};

use relive_syntax::Outline;

use crate::change::{Change, ChangeKind, Outcome, Status};
use crate::record::Via;
use crate::target::{self, Name, Path, class_of};
use crate::text::exact;
use group::{Group, Lineage, Place, Print, Saved, Version, print, print_whole};

/// The names for life of changes and of what a source has, as far as they are others than their targets.
#[derive(Default)]
pub(crate) struct Lineages {
    of_change: HashMap<u64, String>,
    of_unit: HashMap<String, String>,
    unsure: HashSet<u64>,
}

impl Lineages {
    /// `changes`: all of a log, with what was decided about them.
    pub(crate) fn of(changes: &[Change], source: &Outline) -> Self {
        let units = target::targets(source);
        let names = units.iter().map(|(target, _)| target.as_str());
        let mut repeated: HashSet<String> = names
            .chain(changes.iter().filter_map(target_of))
            .filter(|target| target.contains('#') && Path::parse(target).name.ordinal > 1)
            .map(without_ordinals)
            .collect();
        // One of two equal statements may have been removed, and the source still have one.
        let removed = |is_save| {
            let all = changes.iter().filter(move |change| {
                (change.via == Via::Editor) == is_save
                    && matches!(change.kind, ChangeKind::Patch { new: None, .. })
            });
            all.filter_map(target_of).map(without_ordinals)
        };
        let by_change: HashSet<String> = removed(false).collect();
        let is_equal = |name: &String| name.contains('<') && by_change.contains(name);
        repeated.extend(removed(true).filter(is_equal));
        if repeated.is_empty() {
            return Self::default();
        }
        let mut census = Census {
            repeated,
            groups: HashMap::new(),
            places: (1..)
                .zip(&units)
                .map(|(index, (target, _))| (target.clone(), Place::of(index)))
                .collect(),
            is_class_unsure: false,
            lineages: Self::default(),
        };
        census.live_through(changes);
        let mut there: Vec<(String, Vec<(String, Print)>)> = Vec::new();
        let mut place_of: HashMap<String, usize> = HashMap::new();
        for (target, unit) in &units {
            let group = target::name(class_of(target), Path::parse(target).name.key, 1);
            let print = match census.repeated.contains(&without_ordinals(target)) {
                true => print(source.lines(unit.lines)),
                false => 0,
            };
            let index = *place_of.entry(group.clone()).or_insert(there.len());
            if index == there.len() {
                there.push((group, Vec::new()));
            }
            there[index].1.push((target.clone(), print));
        }
        // What stands in a class comes after the class.
        there.sort_by_key(|(group, _)| Path::parse(group).classes.len());
        for (group, units) in there {
            census.give_out(&group, &units);
        }
        census.lineages
    }

    /// Whether nothing has another name than its target.
    pub(crate) fn is_empty(&self) -> bool {
        self.of_change.is_empty() && self.of_unit.is_empty()
    }

    /// What the definition that a change is of is called for life.
    pub(crate) fn of_change<'t>(&'t self, number: u64, target: &'t str) -> &'t str {
        self.name_of_change(number).unwrap_or(target)
    }

    /// What a definition in the source is called for life.
    pub(crate) fn of_unit<'t>(&'t self, target: &'t str) -> &'t str {
        self.name_of_unit(target).unwrap_or(target)
    }

    /// Whether nobody can tell which of several definitions of a name a change is of.
    pub(crate) fn is_unsure(&self, number: u64) -> bool {
        self.unsure.contains(&number)
    }

    pub(crate) fn name_of_change(&self, number: u64) -> Option<&str> {
        self.of_change.get(&number).map(String::as_str)
    }

    pub(crate) fn name_of_unit(&self, target: &str) -> Option<&str> {
        self.of_unit.get(target).map(String::as_str)
    }
}

fn target_of(change: &Change) -> Option<&str> {
    match &change.kind {
        ChangeKind::Patch { target, .. } => Some(target),
        _ => None,
    }
}

fn without_ordinals(target: &str) -> String {
    let path = Path::parse(target);
    let keys = path.classes.iter().chain([&path.name]).map(|name| name.key);
    keys.collect::<Vec<_>>().join(".")
}

/// All that is known of names that repeat, at one time of the history.
struct Census {
    /// The names, without ordinals.
    repeated: HashSet<String>,
    groups: HashMap<String, Group>,
    /// Where what does not repeat stands, as far as that is known.
    places: HashMap<String, Place>,
    /// Whether the class that a name was last looked for in may be another one of its name.
    is_class_unsure: bool,
    lineages: Lineages,
}

impl Census {
    fn live_through(&mut self, changes: &[Change]) {
        let mut save: (u64, Vec<(String, Saved)>) = (0, Vec::new());
        // What folds that were never ended have written is known from what the source says now.
        let mut found: Vec<u64> = Vec::new();
        let mut turns = turns(changes).into_iter().peekable();
        for change in changes {
            while let Some(turn) = turns.next_if(|turn| turn.at < change.number) {
                self.turn(turn, &mut save.1);
            }
            let is_save = change.via == Via::Editor;
            if !is_save || change.tx != save.0 {
                self.save(std::mem::take(&mut save.1));
                save.0 = change.tx;
            }
            match &change.kind {
                ChangeKind::Patch {
                    target,
                    after,
                    old,
                    new,
                    ..
                } => {
                    let place = match old {
                        None => self.place_behind(after.as_deref()),
                        Some(_) => Place::of(0),
                    };
                    self.is_class_unsure = false;
                    let name = self.name_for_life(target);
                    let is_class_unsure = self.is_class_unsure;
                    let (scope, last) = (class_of(&name), Path::parse(&name).name);
                    let group = target::name(scope, last.key, 1);
                    if !self.repeated.contains(&without_ordinals(target)) {
                        if old.is_none() {
                            self.places.insert(name.clone(), place);
                        }
                        if !is_save {
                            if is_class_unsure {
                                self.lineages.unsure.insert(change.number);
                            }
                            self.replace_class(&name, change, new.as_deref());
                            self.lineages.of_change.insert(change.number, name);
                        }
                        continue;
                    }
                    let texts = [old.as_deref(), new.as_deref()];
                    let [old, new] = texts.map(|text| text.map(print));
                    let ordinal = last.ordinal;
                    if is_save {
                        save.1.push((group, Saved { ordinal, old, new }));
                        continue;
                    }
                    if !was_live(change) {
                        self.lineages.of_change.insert(change.number, name);
                        continue;
                    }
                    let version = Version {
                        number: change.number,
                        old,
                        new,
                        whole: texts.map(|text| text.map(print_whole)),
                        is_counted: is_counted(change),
                        is_live: true,
                    };
                    let place_of = |base| {
                        let name = target::name(scope, last.key, base);
                        self.places.get(&name).copied()
                    };
                    let of_name = self.groups.entry(group.clone()).or_default();
                    of_name.discover(ordinal - usize::from(old.is_none()), place_of);
                    let (index, is_unsure) = of_name.change(ordinal, version, place);
                    let id = of_name.lineages[index].id;
                    let name = target::name(scope, last.key, id);
                    self.replace_class(&name, change, texts[1]);
                    self.lineages.of_change.insert(change.number, name);
                    if is_unsure || is_class_unsure {
                        self.lineages.unsure.insert(change.number);
                    }
                }
                ChangeKind::Fold { of } if change.status == Status::Folded => {
                    match change.outcome {
                        Outcome::Applied => of.iter().for_each(|number| self.fold(*number)),
                        _ => found.extend(of),
                    }
                }
                _ => {}
            }
        }
        for turn in turns {
            self.turn(turn, &mut save.1);
        }
        self.save(save.1);
        found.into_iter().for_each(|number| self.fold(number));
    }

    fn turn(&mut self, turn: Turn, before: &mut Vec<(String, Saved)>) {
        self.save(std::mem::take(before));
        for group in self.groups.values_mut() {
            group.undo(turn.of, turn.is_off);
        }
    }

    /// The place behind a target; None: before all.
    fn place_behind(&mut self, after: Option<&str>) -> Place {
        let Some(after) = after else {
            return self
                .places
                .entry(String::new())
                .or_insert(Place::of(0))
                .behind();
        };
        let name = self.name_for_life(after);
        let (scope, last) = (class_of(&name), Path::parse(&name).name);
        let group = target::name(scope, last.key, 1);
        if self.repeated.contains(&without_ordinals(after)) {
            let group = self.groups.entry(group.clone()).or_default();
            group.discover(last.ordinal, |base| {
                let name = target::name(scope, last.key, base);
                self.places.get(&name).copied()
            });
        }
        let is_it = |one: &&mut Lineage| one.ordinal == last.ordinal && one.live.is_some();
        let group = self.groups.get_mut(&group);
        let own = group.and_then(|group| group.lineages.iter_mut().find(is_it));
        let place = own.map(|lineage| &mut lineage.place);
        match place.or_else(|| self.places.get_mut(&name)) {
            Some(place) => place.behind(),
            None => Place::of(usize::MAX),
        }
    }

    /// A target with the classes around it as they are called for life.
    fn name_for_life(&mut self, target: &str) -> String {
        let path = Path::parse(target);
        let mut scope: Option<String> = None;
        let mut plain = String::new();
        for Name { key, ordinal } in path.classes {
            plain.push_str(key);
            let mut id = ordinal;
            if self.repeated.contains(&plain) {
                let name = target::name(scope.as_deref(), key, 1);
                let group = self.groups.entry(name).or_default();
                group.discover(ordinal, |base| {
                    let name = target::name(scope.as_deref(), key, base);
                    self.places.get(&name).copied()
                });
                let is_it = |one: &&Lineage| one.ordinal == ordinal && one.live.is_some();
                let found = group.lineages.iter().find(is_it);
                id = found.map_or(ordinal, |lineage| lineage.id);
                let is_sure = found.is_some() && group.class_count() <= 1;
                self.is_class_unsure |= group.is_shifted && !is_sure;
            }
            scope = Some(target::name(scope.as_deref(), key, id));
            plain.push('.');
        }
        target::name(scope.as_deref(), path.name.key, path.name.ordinal)
    }

    fn save(&mut self, saved: Vec<(String, Saved)>) {
        let mut groups: Vec<(String, Vec<Saved>)> = Vec::new();
        for (group, one) in saved {
            match groups.iter_mut().find(|(other, _)| *other == group) {
                Some((_, all)) => all.push(one),
                None => groups.push((group, vec![one])),
            }
        }
        for (group, all) in groups {
            self.groups.entry(group).or_default().save(all);
        }
    }

    fn fold(&mut self, number: u64) {
        let groups = self.groups.values_mut();
        for lineage in groups.flat_map(|group| &mut group.lineages) {
            let versions = &lineage.versions;
            if let Some(version) = versions.iter().find(|version| version.number == number) {
                lineage.source = version.new;
            }
        }
    }

    /// A class becomes another one as a whole, and so does what is in it.
    fn replace_class(&mut self, class: &str, change: &Change, new: Option<&str>) {
        let is_in_it = |group: &str| class_of(group) == Some(class);
        if !was_live(change) || !self.groups.keys().any(|group| is_in_it(group)) {
            return;
        }
        let outline = new.and_then(|new| Outline::parse(exact(new).as_ref().into()).ok());
        let unit = outline.as_ref().and_then(|outline| outline.units.first());
        let body = unit.and_then(|unit| unit.class.as_ref());
        let body = body.map_or(&[][..], |class| &class.body);
        let mut texts: HashMap<String, Vec<Print>> = HashMap::new();
        if let Some(outline) = &outline {
            for (unit, (key, _)) in body.iter().zip(target::keys(outline, body)) {
                let group = target::name(Some(class), &key, 1);
                let texts = texts.entry(group).or_default();
                texts.push(print(outline.lines(unit.lines)));
            }
        }
        for (name, group) in &mut self.groups {
            if is_in_it(name) {
                let texts = texts.remove(name).unwrap_or_default();
                group.replace_all(change.number, is_counted(change), &texts);
            }
        }
    }

    /// Name the definitions that the source has of one name.
    fn give_out(&mut self, group: &str, units: &[(String, Print)]) {
        let scope = class_of(group).map(|class| self.lineages.of_unit(class).to_owned());
        let key = Path::parse(group).name.key;
        let is_repeated = self.repeated.contains(&without_ordinals(group));
        let for_life = target::name(scope.as_deref(), key, 1);
        let ids = match self.groups.get_mut(&for_life) {
            Some(known) if is_repeated => {
                let prints: Vec<Print> = units.iter().map(|(_, print)| *print).collect();
                known.give_out(&prints)
            }
            _ => (1..=units.len()).collect(),
        };
        for ((target, _), id) in units.iter().zip(ids) {
            let name = target::name(scope.as_deref(), key, id);
            self.lineages.of_unit.insert(target.clone(), name);
        }
    }
}

/// A change counts no longer, or again.
struct Turn {
    /// The number of what says so.
    at: u64,
    of: u64,
    is_off: bool,
}

/// All that was undone and left off, in order.
fn turns(changes: &[Change]) -> Vec<Turn> {
    let index_of: HashMap<u64, &Change> = changes
        .iter()
        .map(|change| (change.number, change))
        .collect();
    let (mut undone, mut left_off) = (Vec::new(), Vec::new());
    for change in changes {
        let decided = change.left_off.iter();
        left_off.extend(decided.map(|&(at, is_off)| Turn {
            at,
            of: change.number,
            is_off,
        }));
        let ChangeKind::Undo { of } = change.kind else {
            continue;
        };
        let (mut of, mut is_off) = (of, true);
        while let Some(ChangeKind::Undo { of: inner }) =
            index_of.get(&of).map(|change| &change.kind)
        {
            if *inner >= of {
                break;
            }
            (of, is_off) = (*inner, !is_off);
        }
        if change.outcome == Outcome::Applied {
            let at = change.number;
            undone.push(Turn { at, of, is_off });
        }
    }
    // What was undone does not count, whatever is decided about it.
    for turn in &mut left_off {
        let before = undone
            .iter()
            .rfind(|one| one.of == turn.of && one.at < turn.at);
        turn.is_off |= before.is_some_and(|one| one.is_off);
    }
    undone.append(&mut left_off);
    undone.sort_by_key(|turn| turn.at);
    undone
}

/// Whether a change has been made, whatever became of it.
fn was_live(change: &Change) -> bool {
    (is_counted(change) || change.outcome == Outcome::Applied)
        && !matches!(change.status, Status::Untrusted | Status::Newer)
}

/// Whether a change is to be merged unless the source speaks against it.
pub(crate) fn is_counted(change: &Change) -> bool {
    matches!(
        change.status,
        Status::Pending | Status::InSource | Status::Conflict
    ) && change.via != Via::Editor
        && matches!(
            change.kind,
            ChangeKind::Patch { .. } | ChangeKind::State { .. }
        )
}
