//! How many empty lines stand between units, as it is done near by in the file.

use std::collections::BTreeMap;

use relive_syntax::UnitKind;

use crate::tree::{Line, Node, Scope};

/// How many units above and below a place are looked at.
const NEAR: usize = 32;

/// How many empty lines separate definitions from what is around them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style(usize);

impl Style {
    /// What is done near a place of a scope, or in the classes near the one that it is in; and PEP 8 where these show
    /// nothing. `path` leads to the place.
    pub(crate) fn at(path: &[usize], scope: &Scope<'_>, module: &Scope<'_>) -> Self {
        let mut counts = BTreeMap::new();
        count(near(scope, path.last()), &mut counts);
        let usual = if scope.is_module { 2 } else { 1 };
        if counts.is_empty() && !scope.is_module {
            count_members(near(module, path.first()), &mut counts);
        }
        Self(most(&counts, usual).unwrap_or(usual))
    }

    /// How many stand between two units.
    pub(crate) fn between(self, is_module: bool, kinds: [UnitKind; 2]) -> usize {
        let has = |kind| kinds.contains(&kind);
        let is_definition = has(UnitKind::Function) || has(UnitKind::Class);
        if is_definition || is_module && has(UnitKind::MainGuard) {
            self.0
        } else {
            let is_head = |kind| has(kind) && kinds[0] != kinds[1];
            usize::from(is_head(UnitKind::Docstring) || is_module && is_head(UnitKind::Import))
        }
    }
}

fn near<'s, 'a>(scope: &'s Scope<'a>, place: Option<&usize>) -> &'s [Node<'a>] {
    let count = scope.nodes.len();
    let place = place.map_or(count, |place| count.min(*place));
    &scope.nodes[place.saturating_sub(NEAR)..count.min(place + NEAR)]
}

fn count_members(nodes: &[Node<'_>], counts: &mut BTreeMap<usize, usize>) {
    for body in nodes.iter().filter_map(Node::body) {
        count(&body.nodes, counts);
        count_members(&body.nodes, counts);
    }
}

/// How often how many empty lines stand beside a definition.
fn count(nodes: &[Node<'_>], counts: &mut BTreeMap<usize, usize>) {
    for pair in nodes.windows(2) {
        if pair.iter().any(Node::is_definition) {
            let above = &pair[1].above;
            let empty = above.iter().take_while(|line| Line::is_blank(line)).count();
            *counts.entry(empty).or_default() += 1;
        }
    }
}

/// What is most frequent, and the usual if that is among it.
fn most(counts: &BTreeMap<usize, usize>, usual: usize) -> Option<usize> {
    let highest = counts.values().max()?;
    if counts.get(&usual) == Some(highest) {
        return Some(usual);
    }
    let frequent = counts.iter().filter(|(_, count)| *count == highest);
    frequent.map(|(lines, _)| *lines).max()
}
