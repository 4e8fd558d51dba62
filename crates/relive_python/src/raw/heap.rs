//! Walks over the heap: every object that the garbage collector tracks.

#[cfg(Py_3_12)]
use std::collections::HashSet;

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

/// Call `visit` for every class.
#[cfg(Py_3_12)]
pub(crate) fn for_each_class<'py>(
    py: Python<'py>,
    mut visit: impl FnMut(&Bound<'py, PyType>),
) -> PyResult<()> {
    // Of `type` itself: a metaclass may say something else.
    let subclasses = py.get_type::<PyType>().getattr("__subclasses__")?;
    let mut left = vec![py.get_type::<PyAny>()];
    let mut seen = HashSet::new();
    while let Some(class) = left.pop() {
        if seen.insert(class.as_ptr()) {
            visit(&class);
            for subclass in subclasses.call1((class,))?.cast::<PyList>()?.iter() {
                left.push(subclass.cast_into()?);
            }
        }
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
