//! Targets: what a definition or statement is called in the log, and which one is meant.

use std::collections::HashMap;

use relive_syntax::{Outline, Unit, UnitKind};

/// How much of the first line of a statement without a name serves as its name.
const LONGEST_BEGINNING: usize = 40;

/// What the docstring of a module or class is called.
pub(crate) const DOCSTRING: &str = "<docstring>";

/// What `if __name__ == "__main__":` is called.
pub(crate) const MAIN: &str = "<main>";

/// The last part of a target: the name of a unit in its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'t> {
    /// What it shares with those that it repeats.
    pub(crate) key: &'t str,
    /// Which of those it is, counted from 1.
    pub(crate) ordinal: usize,
}

impl<'t> Name<'t> {
    fn parse(text: &'t str) -> Self {
        // A `#` before the closing bracket belongs to the beginning of a statement.
        let closed = text.rfind('>').map_or(0, |at| at + 1);
        let ordinal = text[closed..]
            .find('#')
            .and_then(|at| Some((closed + at, text[closed + at + 1..].parse().ok()?)));
        match ordinal {
            Some((at, ordinal)) => Self {
                key: &text[..at],
                ordinal,
            },
            None => Self {
                key: text,
                ordinal: 1,
            },
        }
    }
}

/// A target taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path<'t> {
    /// The classes that it is in, outermost first.
    pub(crate) classes: Vec<Name<'t>>,
    /// Its name in its scope.
    pub(crate) name: Name<'t>,
}

impl<'t> Path<'t> {
    pub(crate) fn parse(target: &'t str) -> Self {
        let scope_end = target.find('<').unwrap_or(target.len());
        let (scope, name) = match target[..scope_end].rfind('.') {
            Some(dot) => (Some(&target[..dot]), &target[dot + 1..]),
            None => (None, target),
        };
        let classes = scope.into_iter().flat_map(|scope| scope.split('.'));
        Self {
            classes: classes.map(Name::parse).collect(),
            name: Name::parse(name),
        }
    }
}

/// The target of the class that a target is in.
pub(crate) fn class_of(target: &str) -> Option<&str> {
    let scope_end = target.find('<').unwrap_or(target.len());
    let dot = target[..scope_end].rfind('.')?;
    Some(&target[..dot])
}

/// What the `ordinal`-th unit of a key is called in a scope.
pub(crate) fn name(scope: Option<&str>, key: &str, ordinal: usize) -> String {
    let scope = scope.map_or_else(String::new, |scope| format!("{scope}."));
    if ordinal == 1 {
        format!("{scope}{key}")
    } else {
        format!("{scope}{key}#{ordinal}")
    }
}

/// What a unit is called in its scope but for its ordinal; `first_line` is that of its text.
pub(crate) fn key(unit: &Unit, first_line: &str) -> String {
    match unit.kind {
        UnitKind::Docstring => DOCSTRING.to_owned(),
        UnitKind::MainGuard => MAIN.to_owned(),
        _ if unit.binds.is_empty() => beginning(first_line),
        _ => unit.binds.join(","),
    }
}

/// What a statement that binds nothing is called.
pub(crate) fn beginning(first_line: &str) -> String {
    let line = first_line.trim().split('\n').next().unwrap_or_default();
    let cut: String = line.chars().take(LONGEST_BEGINNING).collect();
    format!("<{}>", cut.trim_end())
}

/// The key of a unit of an outline.
pub(crate) fn key_in(outline: &Outline, unit: &Unit) -> String {
    let text = outline.lines(unit.lines);
    key(unit, text.split('\n').next().unwrap_or_default())
}

/// The keys of units of one scope, and the ordinal of each.
pub(crate) fn keys(outline: &Outline, units: &[Unit]) -> Vec<(String, usize)> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let key_of = |unit| {
        let key = key_in(outline, unit);
        let count = counts.entry(key.clone()).or_default();
        *count += 1;
        (key, *count)
    };
    units.iter().map(key_of).collect()
}

/// All units of an outline, those of classes after their class, each with its target.
#[must_use]
pub fn targets(outline: &Outline) -> Vec<(String, &Unit)> {
    let mut all = Vec::new();
    collect(outline, &outline.units, None, &mut all);
    all
}

fn collect<'a>(
    outline: &Outline,
    units: &'a [Unit],
    scope: Option<&str>,
    all: &mut Vec<(String, &'a Unit)>,
) {
    for (unit, (key, ordinal)) in units.iter().zip(keys(outline, units)) {
        let target = name(scope, &key, ordinal);
        all.push((target.clone(), unit));
        if let Some(class) = &unit.class {
            collect(outline, &class.body, Some(&target), all);
        }
    }
}

/// The unit that a target means.
#[must_use]
pub fn find<'a>(outline: &'a Outline, target: &str) -> Option<&'a Unit> {
    let path = Path::parse(target);
    let mut units: &[Unit] = &outline.units;
    for class in path.classes {
        let class = nth(outline, units, class)?;
        units = &class.class.as_ref()?.body;
    }
    nth(outline, units, path.name)
}

fn nth<'a>(outline: &Outline, units: &'a [Unit], name: Name<'_>) -> Option<&'a Unit> {
    let mut named = units
        .iter()
        .filter(|unit| is_called(outline, unit, name.key));
    named.nth(name.ordinal.checked_sub(1)?)
}

/// Whether a unit has a key.
fn is_called(outline: &Outline, unit: &Unit, key: &str) -> bool {
    if key.starts_with('<') {
        return key_in(outline, unit) == key;
    }
    let is_named = !matches!(unit.kind, UnitKind::Docstring | UnitKind::MainGuard);
    is_named && !unit.binds.is_empty() && key.split(',').eq(unit.binds.iter())
}
