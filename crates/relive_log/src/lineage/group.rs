//! The definitions of one name in one scope, through the history.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

use relive_syntax::Outline;

use crate::text::exact;
use crate::tree::block_header;

/// By what a text is known: itself, but of a class its header alone, since what is in it is changed by itself.
pub(super) type Print = u64;

/// Of something that is there, and that nobody has spoken of.
pub(super) const UNKNOWN: Print = 0;

pub(super) fn print(text: &str) -> Print {
    let text = exact(text);
    let mut hasher = DefaultHasher::new();
    let is_class = text.lines().any(|line| line.starts_with("class "));
    let header = is_class.then(|| {
        let outline = Outline::parse(text.as_ref().into()).ok()?;
        let header = block_header(&outline, outline.units.first()?)?;
        Some(outline.lines(header).to_owned())
    });
    match header.flatten() {
        Some(header) => {
            header.hash(&mut hasher);
            hasher.finish() | 1
        }
        None => {
            text.hash(&mut hasher);
            hasher.finish() & !1
        }
    }
}

/// By what a text is known if it is not changed but as a whole.
pub(super) fn print_whole(text: &str) -> Print {
    let mut hasher = DefaultHasher::new();
    exact(text).hash(&mut hasher);
    hasher.finish()
}

fn is_header(print: Print) -> bool {
    print & 1 == 1
}

/// One definition of a name that repeats.
pub(super) struct Lineage {
    /// What it is counted as for life.
    pub(super) id: usize,
    /// What it was counted as, at last.
    pub(super) ordinal: usize,
    /// What it was counted as before all changes, if it was there.
    pub(super) base: Option<usize>,
    /// What it is counted as in the source, if it is there.
    pub(super) there: usize,
    pub(super) place: Place,
    /// What the source says of it.
    pub(super) source: Option<Print>,
    /// What was last said of it, in the source or by a change.
    pub(super) live: Option<Print>,
    pub(super) versions: Vec<Version>,
}

/// Where something stands among what stands in its scope.
#[derive(Clone, Copy)]
pub(super) struct Place {
    at: f64,
    /// How much room there is behind it.
    room: f64,
}

impl Place {
    pub(super) fn of(index: usize) -> Self {
        Self {
            at: index as f64,
            room: 1.0,
        }
    }

    /// The place directly behind it.
    pub(super) fn behind(&mut self) -> Self {
        self.room /= 2.0;
        Self {
            at: self.at + self.room,
            room: self.room,
        }
    }
}

/// What a change has made.
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) old: Option<Print>,
    pub(super) new: Option<Print>,
    /// The same by the whole text, if they are classes.
    pub(super) whole: [Option<Print>; 2],
    /// Whether it counts today.
    pub(super) is_counted: bool,
    /// Whether it was applied, and has not been undone.
    pub(super) is_live: bool,
}

impl Lineage {
    /// What it would say if only what counts today had been made.
    fn counted(&self) -> Option<Print> {
        let last = self.versions.iter().rfind(|version| version.is_counted);
        last.map_or(self.source, |version| version.new)
    }

    fn has(&self, text: Option<Print>) -> bool {
        let mut versions = self.versions.iter();
        versions.any(|version| version.old == text || version.new == text)
    }

    /// Whether a change that counts has made this of it.
    fn comes_to(&self, text: Option<Print>) -> bool {
        let mut versions = self.versions.iter();
        versions.any(|version| version.is_counted && version.new == text)
    }
}

/// What a save did with a definition: its ordinal, its old and its new text. What is accounted for is taken out.
#[derive(Clone, Copy)]
pub(super) struct Saved {
    pub(super) ordinal: usize,
    pub(super) old: Option<Print>,
    pub(super) new: Option<Print>,
}

/// The definitions of one name in one scope.
#[derive(Default)]
pub(super) struct Group {
    pub(super) lineages: Vec<Lineage>,
    pub(super) ids: HashSet<usize>,
    /// Whether changes that do not count, or saves, have others be counted otherwise than changes count them.
    pub(super) is_shifted: bool,
}

impl Group {
    fn begin(&mut self, ordinal: usize, base: Option<usize>, text: Option<Print>) -> usize {
        let wanted = base.unwrap_or(ordinal);
        let mut id = wanted;
        while !self.ids.insert(id) {
            id = self.ids.len().max(id + 1);
        }
        self.lineages.push(Lineage {
            id,
            ordinal,
            base,
            there: wanted,
            place: Place::of(wanted),
            source: text,
            live: text,
            versions: Vec::new(),
        });
        self.lineages.len() - 1
    }

    /// Take up those that must be there, since so many are counted; `place_of` knows where they stand in the source.
    pub(super) fn discover(&mut self, count: usize, place_of: impl Fn(usize) -> Option<Place>) {
        if self.live_count() >= count {
            return;
        }
        let live = |group: &Self| -> HashSet<usize> {
            let live = group.lineages.iter().filter(|one| one.live.is_some());
            live.map(|one| one.ordinal).collect()
        };
        let known = live(self);
        for ordinal in (1..=count).filter(|ordinal| !known.contains(ordinal)) {
            let lineages = || self.lineages.iter();
            let is_added = |one: &&Lineage| one.base.is_none() && one.live.is_some();
            let added = lineages().filter(is_added);
            let mut base = ordinal - added.filter(|one| one.ordinal < ordinal).count();
            let is_gone = |one: &&Lineage| one.live.is_none();
            let mut gone: Vec<usize> = lineages()
                .filter(is_gone)
                .filter_map(|one| one.base)
                .collect();
            gone.sort_unstable();
            for other in gone {
                base += usize::from(other <= base);
            }
            let index = self.begin(ordinal, Some(base), Some(UNKNOWN));
            if let Some(place) = place_of(base) {
                self.lineages[index].place = place;
            }
        }
    }

    fn find(&self, is_it: impl Fn(&Lineage) -> bool, ordinal: usize) -> Option<usize> {
        let all = || self.lineages.iter();
        all()
            .position(|one| one.ordinal == ordinal && is_it(one))
            .or_else(|| all().position(is_it))
    }

    fn live_count(&self) -> usize {
        let live = self.lineages.iter();
        live.filter(|lineage| lineage.live.is_some()).count()
    }

    /// How many may be classes.
    pub(super) fn class_count(&self) -> usize {
        let live = self.lineages.iter().filter_map(|lineage| lineage.live);
        live.filter(|text| is_header(*text) || *text == UNKNOWN)
            .count()
    }

    /// A change; which lineage it is of, and whether that is not certain.
    pub(super) fn change(
        &mut self,
        ordinal: usize,
        version: Version,
        place: Place,
    ) -> (usize, bool) {
        let (old, new) = (version.old, version.new);
        let is_at = |lineage: &Lineage| lineage.ordinal == ordinal;
        let is_new = |lineage: &Lineage| lineage.live == Some(UNKNOWN);
        let is_same = |one: &&Lineage| one.live == old || is_new(one);
        let mut is_unsure = self.is_shifted
            && old.is_some_and(is_header)
            && self.lineages.iter().filter(is_same).count() > 1;
        let mut alike = Vec::new();
        if is_unsure {
            let text = version.whole[0];
            let is_whole = |one: &Lineage| {
                let last = one.versions.last();
                last.is_some_and(|last| last.new.is_some() && last.whole[1] == text)
            };
            let lineages = self.lineages.iter().enumerate();
            alike.extend(
                lineages
                    .filter(|(_, one)| is_whole(one))
                    .map(|(index, _)| index),
            );
            is_unsure = alike.len() != 1;
        }
        let is_sure = !self.is_shifted;
        let found = match old {
            Some(_) if alike.len() == 1 => alike.pop(),
            None => None,
            Some(_) => self
                .find(|one| is_at(one) && one.live == old, ordinal)
                .or_else(|| self.find(|one| is_sure && is_at(one) && is_new(one), ordinal))
                .or_else(|| self.find(|one| one.live == old, ordinal))
                .or_else(|| self.find(|one| one.counted() == old, ordinal))
                .or_else(|| self.find(is_new, ordinal))
                .or_else(|| self.find(|one| is_at(one) && one.has(old), ordinal)),
        };
        self.is_shifted |= !version.is_counted;
        let index = found.unwrap_or_else(|| {
            let base = old.map(|_| ordinal);
            self.begin(ordinal, base, old)
        });
        let lineage = &mut self.lineages[index];
        if is_new(lineage) {
            lineage.source = old;
        }
        lineage.ordinal = ordinal;
        lineage.versions.push(version);
        lineage.live = new;
        if old.is_none() {
            lineage.place = place;
            self.make_room(index);
        } else if new.is_none() {
            self.close_gap(ordinal);
        }
        (index, is_unsure)
    }

    /// What they are in becomes another one, in which their name has these texts: there they are called as they count.
    pub(super) fn replace_all(&mut self, number: u64, is_counted: bool, texts: &[Print]) {
        for ordinal in 1..=texts.len() {
            if !self.ids.contains(&ordinal) {
                self.begin(ordinal, None, None);
            }
        }
        for lineage in &mut self.lineages {
            let new = texts.get(lineage.id - 1).copied();
            if new.is_some() {
                lineage.ordinal = lineage.id;
            }
            if lineage.live == new {
                continue;
            }
            lineage.versions.push(Version {
                number,
                old: lineage.live,
                new,
                whole: [None, None],
                is_counted,
                is_live: true,
            });
            lineage.live = new;
        }
    }

    /// Count what was added as what it is, as far as that is known.
    fn make_room(&mut self, index: usize) {
        let place = self.lineages[index].place.at;
        let is_before = |one: &Lineage| one.live.is_some() && one.place.at < place;
        let before = self.lineages.iter().filter(|one| is_before(one)).count();
        let ordinal = 1 + before;
        if ordinal >= self.lineages[index].ordinal {
            return;
        }
        for other in &mut self.lineages {
            if other.ordinal >= ordinal && other.live.is_some() {
                other.ordinal += 1;
            }
        }
        self.lineages[index].ordinal = ordinal;
    }

    fn close_gap(&mut self, ordinal: usize) {
        for other in &mut self.lineages {
            if other.ordinal > ordinal && other.live.is_some() {
                other.ordinal -= 1;
            }
        }
    }

    /// A change is undone, or that is.
    pub(super) fn undo(&mut self, number: u64, is_undone: bool) {
        for index in 0..self.lineages.len() {
            let lineage = &mut self.lineages[index];
            let Some(version) = lineage
                .versions
                .iter_mut()
                .find(|version| version.number == number)
            else {
                continue;
            };
            version.is_live = !is_undone;
            self.is_shifted = true;
            let last = lineage.versions.iter().rfind(|version| version.is_live);
            let was_live = lineage.live.is_some();
            lineage.live = last.map_or(lineage.source, |version| version.new);
            if was_live && lineage.live.is_none() {
                let ordinal = lineage.ordinal;
                self.close_gap(ordinal);
            }
        }
    }

    /// A save: first what it has in common with changes, then what it did besides.
    pub(super) fn save(&mut self, mut saved: Vec<Saved>) {
        let count = saved.iter().filter(|one| one.old.is_some());
        self.discover(count.map(|one| one.ordinal).max().unwrap_or(0), |_| None);
        let is_shifting = |one: &Saved| one.old.is_none() || one.new.is_none();
        self.is_shifted |= saved.iter().any(is_shifting);
        self.settle(&mut saved, |lineage, new| lineage.live == Some(new));
        self.settle(&mut saved, |lineage, new| lineage.comes_to(Some(new)));
        saved.retain(|one| one.old.is_some() || one.new.is_some());
        let gone = saved.iter().filter_map(|one| one.old);
        let come = saved.iter().filter_map(|one| one.new);
        let before = self.lineages.iter().filter_map(|one| one.source);
        if !saved.is_empty() && self.is_live(before.chain(come), gone) {
            for lineage in &mut self.lineages {
                lineage.source = lineage.live;
            }
            return;
        }
        for one in &saved {
            let Some(old) = one.old else {
                if let Some(new) = one.new {
                    self.begin(one.ordinal, Some(one.ordinal), Some(new));
                }
                continue;
            };
            let says = |lineage: &Lineage| lineage.source == Some(old);
            let found = match one.new {
                None => self
                    .find(|one| says(one) && one.live.is_none(), one.ordinal)
                    .or_else(|| self.find(|one| says(one) && one.comes_to(None), one.ordinal)),
                Some(_) => None,
            };
            let is_other = |lineage: &Lineage| says(lineage) && lineage.versions.is_empty();
            let found = found
                .or_else(|| self.find(is_other, one.ordinal))
                .or_else(|| self.find(says, one.ordinal))
                .or_else(|| {
                    let is_unknown = |one: &Lineage| one.source == Some(UNKNOWN);
                    self.find(is_unknown, one.ordinal)
                });
            if let Some(index) = found {
                let lineage = &mut self.lineages[index];
                let was_live = lineage.source == lineage.live;
                let there = lineage.there;
                lineage.source = one.new;
                if was_live || !lineage.has(one.new) {
                    let ordinal = lineage.ordinal;
                    lineage.live = one.new;
                    if one.new.is_none() {
                        self.close_gap(ordinal);
                    }
                }
                if one.new.is_none() {
                    for other in &mut self.lineages {
                        other.there -= usize::from(other.there > there);
                    }
                }
            } else if one.new.is_some() {
                self.begin(one.ordinal, Some(one.ordinal), one.new);
            }
        }
    }

    /// Whether some texts without others are those that changes have led to, whichever of them is which.
    fn is_live(
        &self,
        texts: impl Iterator<Item = Print>,
        without: impl Iterator<Item = Print>,
    ) -> bool {
        let mut counts: HashMap<Print, isize> = HashMap::new();
        for text in texts {
            *counts.entry(text).or_default() += 1;
        }
        let live = self.lineages.iter().filter_map(|lineage| lineage.live);
        for text in live.chain(without) {
            *counts.entry(text).or_default() -= 1;
        }
        counts.values().all(|count| *count == 0)
    }

    /// Give new texts of a save to lineages that are to say so, and take out what these said before.
    fn settle(&mut self, saved: &mut [Saved], is_wanted: impl Fn(&Lineage, Print) -> bool) {
        for index in 0..saved.len() {
            let Saved { ordinal, old, new } = saved[index];
            let Some(new) = new else {
                continue;
            };
            let is_gone = |text: Option<Print>| {
                text.is_none() || text == old || saved.iter().any(|other| other.old == text)
            };
            let is_it = |lineage: &Lineage| {
                lineage.source != Some(new) && is_wanted(lineage, new) && is_gone(lineage.source)
            };
            let own = |lineage: &Lineage| lineage.source == old && is_it(lineage);
            let Some(found) = self
                .find(own, ordinal)
                .or_else(|| self.find(is_it, ordinal))
            else {
                continue;
            };
            let lineage = &mut self.lineages[found];
            let before = lineage.source;
            lineage.source = Some(new);
            if lineage.live.is_none() {
                // What made it is there again, and so is what was made of it.
                let last = lineage.versions.iter().rfind(|version| version.is_live);
                lineage.live = last.map_or(Some(new), |version| version.new);
            }
            saved[index].new = None;
            if before.is_some() {
                let taken = match old == before {
                    true => Some(index),
                    false => saved.iter().position(|other| other.old == before),
                };
                if let Some(taken) = taken {
                    saved[taken].old = None;
                }
            }
        }
    }

    /// Whether texts are, one after the other, what changes have led to, and not what was there before.
    fn is_made(&self, units: &[Print]) -> bool {
        let are = |text: fn(&Lineage) -> Option<Print>, place: fn(&Lineage) -> usize| {
            let mut all: Vec<&Lineage> = self
                .lineages
                .iter()
                .filter(|one| text(one).is_some())
                .collect();
            all.sort_by_key(|lineage| place(lineage));
            let is_it =
                |(one, unit): (&&Lineage, &Print)| text(one) == Some(*unit) && *unit != UNKNOWN;
            all.len() == units.len() && all.iter().zip(units).all(is_it)
        };
        !are(|one| one.source, |one| one.there) && are(|one| one.live, |one| one.ordinal)
    }

    /// Give the definitions that the source has to the lineages; the number of each for life.
    ///
    /// What the history does not explain is taken for one more save.
    pub(super) fn give_out(&mut self, units: &[Print]) -> Vec<usize> {
        if self.is_made(units) {
            for lineage in &mut self.lineages {
                lineage.source = lineage.live;
                lineage.there = lineage.ordinal;
            }
        }
        let is_unknown = |lineage: &Lineage| lineage.source == Some(UNKNOWN);
        let mut ids: Vec<Option<usize>> = vec![None; units.len()];
        let mut is_placed = vec![false; self.lineages.len()];
        let own = |lineage: &Lineage| {
            let index = lineage.there.checked_sub(1);
            index.filter(|index| *index < units.len())
        };
        let place = |ids: &mut Vec<Option<usize>>, lineage: &Lineage, text: Print| {
            let is_it = |index: &usize| ids[*index].is_none() && units[*index] == text;
            let found = own(lineage)
                .filter(is_it)
                .or_else(|| (0..units.len()).find(is_it));
            if let Some(index) = found {
                ids[index] = Some(lineage.id);
            }
            found.is_some()
        };
        let others = self.lineages.iter().filter(|one| is_unknown(one)).count();
        let left = |ids: &[Option<usize>]| ids.iter().filter(|id| id.is_none()).count();
        for (index, lineage) in self.lineages.iter().enumerate() {
            is_placed[index] = lineage
                .source
                .is_some_and(|text| place(&mut ids, lineage, text));
        }
        let is_explained = left(&ids) == others
            && (self.lineages.iter().zip(&is_placed))
                .all(|(one, is_placed)| *is_placed || one.source.is_none() || is_unknown(one));
        if !is_explained && others == 0 && self.is_live(units.iter().copied(), [].into_iter()) {
            ids.fill(None);
            for (index, lineage) in self.lineages.iter().enumerate() {
                is_placed[index] = lineage
                    .live
                    .is_none_or(|text| place(&mut ids, lineage, text));
            }
        }
        for (index, lineage) in self.lineages.iter().enumerate() {
            // What was added may look like what was there.
            if is_placed[index] || lineage.source.is_none() && left(&ids) <= others {
                continue;
            }
            let counted = lineage.versions.iter().rev();
            for version in counted.filter(|version| version.is_counted) {
                if version
                    .new
                    .is_some_and(|text| place(&mut ids, lineage, text))
                {
                    is_placed[index] = true;
                    break;
                }
            }
        }
        for (index, lineage) in self.lineages.iter().enumerate() {
            let is_edited = !is_placed[index] && lineage.source.is_some() && !is_unknown(lineage);
            if is_edited && left(&ids) > others {
                let own = own(lineage).filter(|index| ids[*index].is_none());
                let free = own.or_else(|| ids.iter().position(Option::is_none));
                if let Some(free) = free {
                    ids[free] = Some(lineage.id);
                }
            }
        }
        let mut unknown: Vec<&Lineage> =
            self.lineages.iter().filter(|one| is_unknown(one)).collect();
        unknown.sort_by_key(|lineage| lineage.there);
        let free = ids.iter_mut().filter(|id| id.is_none());
        for (id, lineage) in free.zip(unknown) {
            *id = Some(lineage.id);
        }
        let mut taken: HashSet<usize> = self.lineages.iter().map(|lineage| lineage.id).collect();
        let mut next = 1;
        let mut named = Vec::new();
        for (ordinal, id) in (1..).zip(ids) {
            named.push(id.unwrap_or_else(|| {
                if taken.insert(ordinal) {
                    return ordinal;
                }
                while !taken.insert(next) {
                    next += 1;
                }
                next
            }));
        }
        named
    }
}
