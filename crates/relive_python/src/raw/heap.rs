//! Walks over the heap: every object that the garbage collector tracks.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};

/// Call `visit` for every tracked object.
pub(crate) fn for_each<'py>(
    py: Python<'py>,
    mut visit: impl FnMut(&Bound<'py, PyAny>),
) -> PyResult<()> {
    let objects = py.import("gc")?.call_method0("get_objects")?;
    for object in objects.cast::<PyList>()?.iter() {
        visit(&object);
    }
    Ok(())
}

/// How many tracked objects have exactly this class.
pub(crate) fn count_instances(class: &Bound<'_, PyType>) -> PyResult<u64> {
    let mut count = 0;
    for_each(class.py(), |object| {
        count += u64::from(object.get_type().is(class))
    })?;
    Ok(count)
}
