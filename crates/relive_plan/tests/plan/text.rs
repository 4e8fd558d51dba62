//! The text of cases.

use relive_syntax::{Outline, Unit};

pub(crate) fn file(module: &str) -> String {
    format!("{}.py", module.replace('.', "/"))
}

pub(crate) fn parse(text: &str) -> Outline {
    let text = dedent(text);
    Outline::parse(text.as_str().into()).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

/// The text without the indentation that all its lines share, so that a case can be indented as the test is.
fn dedent(text: &str) -> String {
    let Some(text) = text.strip_prefix('\n') else {
        return text.to_owned();
    };
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let written = text.lines().filter(|line| !line.trim().is_empty());
    let shared = written.map(indentation).min().unwrap_or(0);
    let lines = text
        .split('\n')
        .map(|line| line.get(shared..).unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) fn with_members<'u>(path: &[String], unit: &'u Unit) -> Vec<(Vec<String>, &'u Unit)> {
    let mut found = vec![(path.to_vec(), unit)];
    let mut inner = path.to_vec();
    inner.extend(unit.binds.first().cloned());
    for member in unit.class.iter().flat_map(|class| &class.body) {
        found.extend(with_members(&inner, member));
    }
    found
}

/// All units with the classes in which they stand.
pub(crate) fn all_units(units: &[Unit]) -> Vec<(Vec<String>, &Unit)> {
    units
        .iter()
        .flat_map(|unit| with_members(&[], unit))
        .collect()
}
