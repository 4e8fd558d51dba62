//! How many empty lines stand between units, as the file does it.

use std::collections::BTreeMap;

use relive_syntax::UnitKind;

use crate::tree::{Line, Node, Scope};

/// How many empty lines separate definitions from what is around them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// In a module.
    top: usize,
    /// In classes.
    member: usize,
}

impl Style {
    /// What a file does, and PEP 8 where it shows nothing.
    pub(crate) fn of(module: &Scope<'_>) -> Self {
        let mut members = BTreeMap::new();
        count_members(module, &mut members);
        Self {
            top: 2,
            member: most(&members, 1).unwrap_or(1),
        }
    }

    /// What a scope does, where it shows it.
    pub(crate) fn observed_in(self, scope: &Scope<'_>) -> Self {
        let mut counts = BTreeMap::new();
        count(scope, &mut counts);
        if scope.is_module {
            Self {
                top: most(&counts, self.top).unwrap_or(self.top),
                ..self
            }
        } else {
            Self {
                member: most(&counts, self.member).unwrap_or(self.member),
                ..self
            }
        }
    }

    /// How many stand between two units.
    pub(crate) fn between(self, is_module: bool, kinds: [UnitKind; 2]) -> usize {
        let has = |kind| kinds.contains(&kind);
        let is_definition = has(UnitKind::Function) || has(UnitKind::Class);
        if is_module && (is_definition || has(UnitKind::MainGuard)) {
            self.top
        } else if is_definition {
            self.member
        } else {
            let is_head = |kind| has(kind) && kinds[0] != kinds[1];
            usize::from(is_head(UnitKind::Docstring) || is_module && is_head(UnitKind::Import))
        }
    }
}

fn count_members(scope: &Scope<'_>, counts: &mut BTreeMap<usize, usize>) {
    for body in scope.nodes.iter().filter_map(Node::body) {
        count(body, counts);
        count_members(body, counts);
    }
}

/// How often how many empty lines stand beside a definition.
fn count(scope: &Scope<'_>, counts: &mut BTreeMap<usize, usize>) {
    for pair in scope.nodes.windows(2) {
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
