//! Outlines as text, and the text of the cases.

use std::fmt::Write;

use relive_syntax::{ImportedName, Lines, Outline, Reads, Unit, Use};

/// Outline a text that must be Python.
pub(crate) fn parse(text: &str) -> Outline {
    Outline::parse(text.into())
        .unwrap_or_else(|error| panic!("line {}: {}\n{text}", error.line, error.message))
}

/// The text without the indentation that all its lines share, so that a case can be indented as the test is.
///
/// A first line that is empty is dropped; a last one of blanks only ends the text with a line end.
pub(crate) fn dedent(text: &str) -> String {
    let Some(text) = text.strip_prefix('\n') else {
        return text.to_owned();
    };
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let shared = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(indentation)
        .min()
        .unwrap_or(0);
    let lines: Vec<&str> = text
        .split('\n')
        .map(|line| line.get(shared..).unwrap_or(""))
        .collect();
    lines.join("\n")
}

/// One line for each unit: its lines, what it is, what it binds, and the rest as far as there is any.
pub(crate) fn dump(units: &[Unit]) -> String {
    let mut text = String::new();
    for unit in units {
        dump_unit(&mut text, unit, 0);
    }
    text
}

fn dump_unit(text: &mut String, unit: &Unit, depth: usize) {
    let kind = format!("{:?}", unit.kind).to_lowercase();
    let _ = write!(
        text,
        "{:indent$}{} {kind}",
        "",
        range(unit.lines),
        indent = depth * 2
    );
    for name in &unit.binds {
        let _ = write!(text, " {name}");
    }
    let mut note = |label: &str, list: Vec<String>| {
        if !list.is_empty() {
            let _ = write!(text, "; {label} {}", list.join(" "));
        }
    };
    if unit.class.is_none() {
        note("now", uses(&unit.reads, true));
        note("later", uses(&unit.reads, false));
    }
    note("touches", unit.touches.iter().cloned().collect());
    note("annotates", unit.annotates.clone());
    note("imports", unit.imports.iter().map(import).collect());
    note("maybe", unit.maybe.iter().cloned().collect());
    if let Some(lines) = unit
        .function
        .as_ref()
        .and_then(|parts| parts.decorator_lines)
    {
        let _ = write!(text, "; decorators {}", range(lines));
    }
    if let Some(class) = &unit.class {
        let _ = write!(text, "; header {}", range(class.header_lines));
        let mut note = |label: &str, list: Vec<String>| {
            if !list.is_empty() {
                let _ = write!(text, "; {label} {}", list.join(" "));
            }
        };
        note("bases", class.bases.clone());
        note("reads", uses(&class.reads, true));
        note("stores", class.static_attributes.iter().cloned().collect());
        if class.is_decorated {
            text.push_str("; decorated");
        }
    }
    text.push('\n');
    for member in unit.class.iter().flat_map(|class| &class.body) {
        dump_unit(text, member, depth + 1);
    }
}

/// `2`, or `2-4`.
pub(crate) fn range(lines: Lines) -> String {
    if lines.first == lines.last {
        lines.first.to_string()
    } else {
        format!("{}-{}", lines.first, lines.last)
    }
}

/// `x` for a value, `x()` for what may be called, `x?` for what is handed to a constructor, `@x` for a decorator. What
/// functions in functions read is taken together with what those around them do.
pub(crate) fn uses(reads: &Reads, now: bool) -> Vec<String> {
    let mut all = if now { &reads.now } else { &reads.later }.clone();
    if !now {
        all.extend(reads.nested.clone());
    }
    let paths = all.paths.into_iter();
    let described = paths.map(|(path, how)| match how {
        Use::Value => path,
        Use::Handed => format!("{path}?"),
        Use::Call => format!("{path}()"),
        Use::Decorate => format!("@{path}"),
        Use::MakeDecorator => format!("@{path}()"),
    });
    described.collect()
}

fn import(import: &ImportedName) -> String {
    let mut text = ".".repeat(import.level as usize) + &import.module;
    if let Some(name) = &import.name {
        let _ = write!(text, ":{name}");
    }
    if text.rsplit(':').next() != Some(&import.alias) {
        let _ = write!(text, "={}", import.alias);
    }
    text
}

/// All units, members of classes included, each after the class in which it stands.
pub(crate) fn all_units(units: &[Unit]) -> Vec<&Unit> {
    let mut found = Vec::new();
    for unit in units {
        found.push(unit);
        found.extend(all_units(
            unit.class.as_ref().map_or(&[][..], |class| &class.body),
        ));
    }
    found
}

/// The only unit of a text.
pub(crate) fn only_unit(text: &str) -> Unit {
    let mut units = parse(text).units;
    assert_eq!(units.len(), 1, "one statement is wanted: {text}");
    units.remove(0)
}
