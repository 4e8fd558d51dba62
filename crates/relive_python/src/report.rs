//! Reports and items as Python dicts: the JSON form of the public interface.

use crate::logs::loaded;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use relive_plan::{Item, ItemKind};
use relive_session::{Base, Fate, LeftBehind, LeftStatement, ModuleVersion, Report};

pub(crate) fn report_to_dict<'py>(
    py: Python<'py>,
    report: &Report,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("version", report.version)?;
    dict.set_item("seconds", report.seconds)?;
    dict.set_item("applied", items_to_list(py, &report.applied)?)?;
    dict.set_item("stale", items_to_list(py, &report.stale)?)?;
    dict.set_item("refused", items_to_list(py, &report.refused)?)?;
    dict.set_item("conflicts", items_to_list(py, &report.conflicts)?)?;
    Ok(dict)
}

pub(crate) fn items_to_list<'py>(py: Python<'py>, items: &[Item]) -> PyResult<Bound<'py, PyList>> {
    let dicts: Vec<_> = items
        .iter()
        .map(|item| item_to_dict(py, item))
        .collect::<PyResult<_>>()?;
    PyList::new(py, dicts)
}

fn item_to_dict<'py>(py: Python<'py>, item: &Item) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("qualname", &item.qualname)?;
    dict.set_item("kind", kind_name(item.kind))?;
    dict.set_item("why", &item.why)?;
    dict.set_item("file", &item.file)?;
    dict.set_item("line", item.line)?;
    Ok(dict)
}

fn kind_name(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Module => "module",
        ItemKind::Function => "function",
        ItemKind::Method => "method",
        ItemKind::Class => "class",
        ItemKind::Attribute => "attribute",
        ItemKind::Statement => "statement",
        ItemKind::Import => "import",
        ItemKind::Instance => "instance",
        ItemKind::Frame => "frame",
    }
}

pub(crate) fn module_to_dict<'py>(
    py: Python<'py>,
    module: &ModuleVersion,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", &module.name)?;
    dict.set_item("file", &module.file)?;
    dict.set_item("version", module.version)?;
    dict.set_item(
        "base",
        match module.base {
            Base::File => "file",
            Base::Unknown => "unknown",
        },
    )?;
    Ok(dict)
}

/// What a session left that died: its statements, and the numbers of those that are replayed, asked about and left off.
pub(crate) fn left_to_dict<'py>(
    py: Python<'py>,
    left: &LeftBehind,
) -> PyResult<Bound<'py, PyDict>> {
    let numbers = |fate: &Fate| -> Vec<u64> {
        let meant = left.statements.iter().filter(|one| one.fate == *fate);
        meant.map(|one| one.change.number).collect()
    };
    let off = left.statements.iter().filter_map(|one| match &one.fate {
        Fate::LeftOff { why, .. } => Some((one.change.number, why.clone())),
        _ => None,
    });
    let those = |is_meant: &dyn Fn(&LeftStatement) -> bool| -> Vec<u64> {
        let meant = left.statements.iter().filter(|one| is_meant(one));
        meant.map(|one| one.change.number).collect()
    };
    let is_suspect = |one: &LeftStatement| {
        matches!(
            one.fate,
            Fate::LeftOff {
                is_suspect: true,
                ..
            }
        )
    };
    let changes: Vec<_> = left
        .statements
        .iter()
        .map(|statement| statement_to_dict(py, statement))
        .collect::<PyResult<_>>()?;
    let dict = PyDict::new(py);
    dict.set_item("session", &left.session)?;
    dict.set_item("died", left.died.as_deref().unwrap_or("unknown"))?;
    dict.set_item("restarted", left.is_of_another_boot)?;
    dict.set_item("changes", changes)?;
    dict.set_item("auto", numbers(&Fate::Replayed))?;
    dict.set_item("ask", numbers(&Fate::Asked))?;
    dict.set_item("off", off.collect::<Vec<_>>())?;
    dict.set_item("suspects", those(&is_suspect))?;
    dict.set_item("decided", those(&|one| one.is_decided))?;
    let needs = left.statements.iter().filter(|one| !one.needs.is_empty());
    let needs: Vec<_> = needs
        .map(|one| (one.change.number, one.needs.clone()))
        .collect();
    dict.set_item("needs", needs)?;
    dict.set_item("is_new", left.is_new)?;
    Ok(dict)
}

fn statement_to_dict<'py>(
    py: Python<'py>,
    statement: &LeftStatement,
) -> PyResult<Bound<'py, PyDict>> {
    let document = relive_cli::change_document(&statement.change);
    Ok(loaded(py, &document.to_string())?.cast_into()?)
}
