//! Reports and items as Python dicts: the JSON form of the public interface.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use relive_plan::{Item, ItemKind};
use relive_session::{Base, ModuleVersion, Report};

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
