//! What a source says of a definition.

use std::borrow::Cow;
use std::collections::HashMap;

use relive_syntax::{Outline, Unit};

use crate::change::{Change, ChangeKind};
use crate::lineage::Lineages;
use crate::target::{self, Path, class_of};
use crate::text::{PASS, exact};

/// What a source says, by names for life. `pass` in the body of a class is nothing that is said.
pub(super) struct Said<'s> {
    pub(super) source: &'s Outline,
    pub(super) lineages: &'s Lineages,
    /// The units, each with its target.
    units: HashMap<String, (String, &'s Unit)>,
    /// Of names that repeat in a scope, the names for life, and a text of each.
    namesakes: HashMap<String, Vec<(&'s str, Cow<'s, str>)>>,
}

impl<'s> Said<'s> {
    pub(super) fn of(changes: &'s [Change], source: &'s Outline, lineages: &'s Lineages) -> Self {
        let is_said = |(target, unit): &(String, &Unit)| {
            class_of(target).is_none() || source.lines(unit.lines).trim() != PASS
        };
        let mut units = HashMap::new();
        let mut namesakes: HashMap<String, Vec<(&str, Cow<'_, str>)>> = HashMap::new();
        let mut note = |name: &'s str, text: &'s str| {
            let namesakes = namesakes.entry(namesake(name)).or_default();
            namesakes.push((name, exact(text)));
        };
        for (target, unit) in target::targets(source).into_iter().filter(is_said) {
            if let Some(name) = lineages.name_of_unit(&target) {
                note(name, source.lines(unit.lines));
            }
            units.insert(lineages.of_unit(&target).to_owned(), (target, unit));
        }
        for change in changes {
            if let ChangeKind::Patch { old, new, .. } = &change.kind
                && let Some(name) = lineages.name_of_change(change.number)
            {
                for text in [new, old].into_iter().flatten() {
                    note(name, text);
                }
            }
        }
        Self {
            source,
            lineages,
            units,
            namesakes,
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<&'s Unit> {
        self.units.get(name).map(|(_, unit)| *unit)
    }

    /// Whether it says what a text says; None: neither is there.
    pub(super) fn says(&self, name: &str, text: Option<&str>) -> bool {
        match (self.find(name), text) {
            (Some(unit), Some(text)) => exact(self.source.lines(unit.lines)) == exact(text),
            (there, text) => there.is_none() && text.is_none(),
        }
    }

    /// The name for life of what stands at a place in a version of a class.
    pub(super) fn member(
        &self,
        class: &str,
        key: &str,
        ordinal: usize,
        text: &str,
        is_taken: impl Fn(&str) -> bool,
    ) -> String {
        let by_place = || match self.units.get(class) {
            Some((target, _)) => {
                let member = target::name(Some(target), key, ordinal);
                self.lineages.of_unit(&member).to_owned()
            }
            None => target::name(Some(class), key, ordinal),
        };
        let namesakes = self.namesakes.get(&target::name(Some(class), key, 1));
        let mut alike = namesakes
            .into_iter()
            .flatten()
            .filter(|(name, said)| said == text && !is_taken(name));
        alike
            .next()
            .map_or_else(by_place, |(name, _)| (*name).to_owned())
    }
}

/// The first of those that share a name.
fn namesake(name: &str) -> String {
    target::name(class_of(name), Path::parse(name).name.key, 1)
}
