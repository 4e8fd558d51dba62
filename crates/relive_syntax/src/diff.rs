//! Which unit of the old outline is which of the new one.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

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
    pair_by(&mut pairing, old, new, |unit| {
        Some((identity(unit), unit.whole))
    });
    pair_by(&mut pairing, old, new, |unit| {
        (!unit.binds.is_empty() || !is_anonymous(unit)).then(|| identity(unit))
    });
    pairing
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
    let mut waiting: HashMap<K, VecDeque<usize>> = HashMap::new();
    for (index, unit) in old.iter().enumerate() {
        if pairing.new_of_old[index].is_none()
            && let Some(key) = key(unit)
        {
            waiting.entry(key).or_default().push_back(index);
        }
    }
    for (index, unit) in new.iter().enumerate() {
        if pairing.old_of_new[index].is_some() {
            continue;
        }
        let partner = key(unit).and_then(|key| waiting.get_mut(&key)?.pop_front());
        if let Some(partner) = partner {
            pairing.old_of_new[index] = Some(partner);
            pairing.new_of_old[partner] = Some(index);
        }
    }
}
