//! Which unit of the old outline is which of the new one.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use crate::outline::{Unit, UnitKind};

/// The units of two versions of a scope, paired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// For each new unit, the index of the old one that it is.
    pub old_of_new: Vec<Option<usize>>,
    /// For each old unit, the index of the new one that it became.
    pub new_of_old: Vec<Option<usize>>,
}

/// Pair the units of two versions of a scope.
///
/// Equal trees are paired first, so that reordering is no change; then, in order, units of the same kind that bind the
/// same names. A statement that binds nothing has no name to be known by: changed, it is one removed and one added.
#[must_use]
pub fn diff(old: &[Unit], new: &[Unit]) -> Pairing {
    let mut pairing = Pairing {
        old_of_new: vec![None; new.len()],
        new_of_old: vec![None; old.len()],
    };
    // Nothing has to be searched for down to where the first edit was made.
    let pairs = old.iter().zip(new);
    let unchanged = pairs.take_while(|(old, new)| Tree(old) == Tree(new));
    for index in 0..unchanged.count() {
        pairing.pair(index, index);
    }
    pair_by(&mut pairing, old, new, |unit| Some(Tree(unit)));
    pair_by(&mut pairing, old, new, |unit| {
        (!unit.binds.is_empty() || !is_anonymous(unit)).then(|| identity(unit))
    });
    pairing
}

impl Pairing {
    fn pair(&mut self, old: usize, new: usize) {
        self.old_of_new[new] = Some(old);
        self.new_of_old[old] = Some(new);
    }
}

/// A unit, known by its tree.
struct Tree<'a>(&'a Unit);

impl PartialEq for Tree<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.whole == other.0.whole && identity(self.0) == identity(other.0)
    }
}

impl Eq for Tree<'_> {}

impl Hash for Tree<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.whole.hash(state);
    }
}

fn identity(unit: &Unit) -> (UnitKind, &[String]) {
    (unit.kind, &unit.binds)
}

fn is_anonymous(unit: &Unit) -> bool {
    !matches!(unit.kind, UnitKind::Docstring | UnitKind::MainGuard)
}

fn pair_by<'a, K: Eq + Hash>(
    pairing: &mut Pairing,
    old: &'a [Unit],
    new: &'a [Unit],
    key: impl Fn(&'a Unit) -> Option<K>,
) {
    // The first and the last old unit that waits under each key, and behind each unit the next one.
    let mut waiting: HashMap<K, (usize, usize)> = HashMap::new();
    let mut next = vec![0; old.len()];
    for (index, unit) in old.iter().enumerate() {
        if pairing.new_of_old[index].is_none()
            && let Some(key) = key(unit)
        {
            let (_, last) = waiting.entry(key).or_insert((index, index));
            next[*last] = index;
            *last = index;
        }
    }
    for (index, unit) in new.iter().enumerate() {
        if pairing.old_of_new[index].is_none()
            && let Some(key) = key(unit)
            && let Some((first, last)) = waiting.get_mut(&key)
        {
            let partner = *first;
            if partner == *last {
                waiting.remove(&key);
            } else {
                *first = next[partner];
            }
            pairing.pair(partner, index);
        }
    }
}
