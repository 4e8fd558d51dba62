//! Which code object belongs to which unit of a module.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyCode;
use relive_syntax::Lines;

use super::annotations;
use crate::raw;
use crate::registry;

/// `CO_OPTIMIZED | CO_NEWLOCALS`: set for functions, not for the bodies of modules and classes.
const FUNCTION_FLAGS: i32 = 0x3;

/// The code of a module's units.
#[derive(Default)]
pub(crate) struct CodeTable {
    /// Entry codes that have not been assigned to a unit yet, with the line on which the text has them.
    loose: Vec<(u32, Py<PyCode>)>,
    /// Entry codes by unit.
    by_unit: HashMap<u64, Vec<Py<PyCode>>>,
}

impl CodeTable {
    /// The table of a module that is about to execute `code`, which is tracked.
    pub(crate) fn of_module(code: &Bound<'_, PyCode>) -> Self {
        let entries = entries(code).into_iter();
        Self {
            loose: entries
                .map(|code| (line_of(&code), code.unbind()))
                .collect(),
            ..Self::default()
        }
    }

    /// The table of a module that executed equal code some time ago: live functions' code stands in for its twin.
    pub(super) fn of_live_module(code: &Bound<'_, PyCode>, file: &str) -> PyResult<Self> {
        let mut live: Vec<Bound<'_, PyCode>> = Vec::new();
        raw::heap::for_each(code.py(), |object| {
            if let Ok(function) = object.cast::<pyo3::types::PyFunction>()
                && let Ok(found) = function.getattr("__code__")
                && let Ok(found) = found.cast_into::<PyCode>()
                && found
                    .getattr("co_filename")
                    .and_then(|name| name.eq(file))
                    .unwrap_or(false)
            {
                live.push(found);
            }
        })?;
        let mut loose = Vec::new();
        for entry in entries(code) {
            let is_named_so = |live: &&Bound<'_, PyCode>| has_equal("co_qualname", live, &entry);
            // One that differs is an older version of the same definition.
            let twin = live
                .iter()
                .filter(is_named_so)
                .find(|live| live.eq(&entry).unwrap_or(false))
                .or_else(|| live.iter().find(is_named_so));
            let live = twin.unwrap_or(&entry);
            registry::track(live, false);
            loose.push((line_of(&entry), live.clone().unbind()));
        }
        Ok(Self {
            loose,
            ..Self::default()
        })
    }

    /// Assign the codes to the units on whose lines they begin.
    pub(super) fn anchor(&mut self, anchors: &[(u64, Lines)]) {
        // The smallest unit on each line: a class and its body may share one.
        let mut unit_on: HashMap<u32, (u32, u64)> = HashMap::new();
        for (unit, lines) in anchors {
            let length = lines.last - lines.first;
            for line in lines.first..=lines.last {
                let smallest = unit_on.entry(line).or_insert((length, *unit));
                if length < smallest.0 {
                    *smallest = (length, *unit);
                }
            }
        }
        for (line, code) in std::mem::take(&mut self.loose) {
            if let Some((_, unit)) = unit_on.get(&line) {
                self.by_unit.entry(*unit).or_default().push(code);
            }
        }
    }

    pub(super) fn of_unit<'py>(&self, py: Python<'py>, unit: u64) -> Vec<Bound<'py, PyCode>> {
        let codes = self.by_unit.get(&unit).map_or(&[][..], Vec::as_slice);
        codes.iter().map(|code| code.bind(py).clone()).collect()
    }

    pub(super) fn set(&mut self, unit: u64, codes: Vec<Bound<'_, PyCode>>) {
        self.by_unit
            .insert(unit, codes.into_iter().map(Bound::unbind).collect());
    }
}

fn has_equal(name: &str, one: &Bound<'_, PyCode>, other: &Bound<'_, PyCode>) -> bool {
    let equality = one
        .getattr(name)
        .and_then(|left| left.eq(other.getattr(name)?));
    equality.unwrap_or(false)
}

/// The line on which a code object begins.
pub(super) fn line_of(code: &Bound<'_, PyCode>) -> u32 {
    u32::try_from(raw::code::first_line(code)).unwrap_or(0)
}

/// The codes of functions that a module's or class's statements define: through classes, not into functions.
pub(super) fn entries<'py>(code: &Bound<'py, PyCode>) -> Vec<Bound<'py, PyCode>> {
    let mut found = Vec::new();
    for child in registry::children(code) {
        if is_scope(&child) {
            found.extend(entries(&child));
        } else if !annotates_scope(&child, code) {
            found.push(child);
        }
    }
    found
}

/// Whether the code evaluates the annotations of a module or class (CPython 3.14 and later), which are a matter of all
/// its statements; those of a function belong to the function's definition.
fn annotates_scope(code: &Bound<'_, PyCode>, scope: &Bound<'_, PyCode>) -> bool {
    if raw::code::name(code) != annotations::ATTRIBUTE {
        return false;
    }
    let names = code.getattr("co_names");
    let is_of_module =
        names.is_ok_and(|names| names.contains(annotations::EXECUTED).unwrap_or(false));
    let is_of_class = raw::code::name(scope) != "<module>" && line_of(code) == line_of(scope);
    is_of_module || is_of_class
}

/// Whether the code is a class's body or the scope of type parameters, not a function's.
fn is_scope(code: &Bound<'_, PyCode>) -> bool {
    let is_function = raw::code::flags(code) & FUNCTION_FLAGS == FUNCTION_FLAGS;
    let name = raw::code::name(code);
    !is_function || name.to_string_lossy().starts_with("<generic parameters of")
}

/// The body of the class that a path of names leads to.
pub(super) fn class_body<'py>(
    code: &Bound<'py, PyCode>,
    path: &[String],
) -> PyResult<Option<Bound<'py, PyCode>>> {
    let mut code = code.clone();
    for name in path {
        let mut inner = None;
        for child in registry::children(&code) {
            if name_of(&child)? == *name {
                inner = Some(child);
            }
        }
        match inner {
            Some(inner) => code = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(code))
}

pub(super) fn name_of(code: &Bound<'_, PyCode>) -> PyResult<String> {
    raw::code::name(code).extract()
}

/// Pair codes of two versions: by name, then equal ones, then in order.
pub(super) fn pair<'a, 'py>(
    old: &'a [Bound<'py, PyCode>],
    new: &'a [Bound<'py, PyCode>],
) -> PyResult<Vec<(&'a Bound<'py, PyCode>, &'a Bound<'py, PyCode>)>> {
    let mut waiting: Vec<(String, &Bound<'py, PyCode>)> = Vec::new();
    for code in new {
        waiting.push((name_of(code)?, code));
    }
    let mut pairs = Vec::new();
    let mut unpaired = Vec::new();
    for code in old {
        let name = name_of(code)?;
        let equal = waiting.iter().position(|(other, candidate)| {
            *other == name && has_same_instructions(code, candidate).unwrap_or(false)
        });
        match equal {
            Some(position) if old.len() != new.len() => {
                pairs.push((code, waiting.remove(position).1))
            }
            _ => unpaired.push((name, code)),
        }
    }
    for (name, code) in unpaired {
        if let Some(position) = waiting.iter().position(|(other, _)| *other == name) {
            pairs.push((code, waiting.remove(position).1));
        }
    }
    Ok(pairs)
}

/// Whether two codes, nested ones included, do the same and may differ in their lines alone.
pub(super) fn does_the_same(old: &Bound<'_, PyCode>, new: &Bound<'_, PyCode>) -> PyResult<bool> {
    if !has_same_instructions(old, new)? {
        return Ok(false);
    }
    let (old_children, new_children) = (registry::children(old), registry::children(new));
    if old_children.len() != new_children.len() {
        return Ok(false);
    }
    for (old, new) in old_children.iter().zip(&new_children) {
        if !does_the_same(old, new)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has_same_instructions(old: &Bound<'_, PyCode>, new: &Bound<'_, PyCode>) -> PyResult<bool> {
    for name in [
        "co_code",
        "co_flags",
        "co_names",
        "co_varnames",
        "co_freevars",
        "co_cellvars",
        "co_argcount",
        "co_posonlyargcount",
        "co_kwonlyargcount",
        "co_exceptiontable",
        "co_name",
        "co_qualname",
    ] {
        if !old.getattr(name)?.eq(new.getattr(name)?)? {
            return Ok(false);
        }
    }
    let (old, new) = (old.getattr("co_consts")?, new.getattr("co_consts")?);
    if old.len()? != new.len()? {
        return Ok(false);
    }
    for (old, new) in old.try_iter()?.zip(new.try_iter()?) {
        let (old, new) = (old?, new?);
        let is_code = (
            old.is_instance_of::<PyCode>(),
            new.is_instance_of::<PyCode>(),
        );
        let is_same = match is_code {
            (true, true) => true,
            // repr tells -0.0 from 0.0 and 1 from True, deep inside tuples too.
            (false, false) => {
                old.get_type().is(new.get_type()) && old.repr()?.as_any().eq(new.repr()?)?
            }
            _ => false,
        };
        if !is_same {
            return Ok(false);
        }
    }
    Ok(true)
}
