//! Executing the statements of an edit, in a module's namespace, a class's body or a scratch namespace.

use pyo3::exceptions::PyKeyError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyFunction, PyTuple, PyType};

use super::codes;
use super::exchange::{copy_signature, recode};
use super::undo::{Undo, delete_from_class, set_on_class};
use crate::hold;
use crate::raw;
use crate::registry;

/// The namespace in which statements of a class's body run again: what they bind is kept apart, what they read and do
/// not find there is the class's own.
#[pyclass(mapping, module = "relive._native", unsendable)]
pub(crate) struct ClassBody {
    bound: Py<PyDict>,
    class: Py<PyType>,
}

#[pymethods]
impl ClassBody {
    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        name: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Some(value) = self.bound.bind(py).get_item(&name)? {
            return Ok(value);
        }
        let own = self.class.bind(py).getattr("__dict__")?;
        own.get_item(&name)
            .map_err(|_| PyKeyError::new_err(name.unbind()))
    }

    fn __setitem__(
        &self,
        py: Python<'_>,
        name: Bound<'_, PyAny>,
        value: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.bound.bind(py).set_item(name, value)
    }

    fn __delitem__(&self, py: Python<'_>, name: Bound<'_, PyAny>) -> PyResult<()> {
        self.bound.bind(py).del_item(name)
    }
}

/// Run code in a namespace.
pub(super) fn run(
    code: &Bound<'_, PyCode>,
    globals: &Bound<'_, PyDict>,
    locals: &Bound<'_, PyAny>,
) -> PyResult<()> {
    // SAFETY: a live code object, a dict and a mapping, as the call wants; the result is an owned reference or null.
    unsafe {
        let result =
            hold::never(|| ffi::PyEval_EvalCode(code.as_ptr(), globals.as_ptr(), locals.as_ptr()));
        registry::code_was_run();
        Bound::from_owned_ptr_or_err(code.py(), result).map(drop)
    }
}

/// Run the body of a class with `class` in its `__class__` cell, and return what it bound.
pub(super) fn run_class_body<'py>(
    code: &Bound<'py, PyCode>,
    globals: &Bound<'py, PyDict>,
    class: &Bound<'py, PyType>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = code.py();
    let bound = PyDict::new(py);
    let body = Bound::new(
        py,
        ClassBody {
            bound: bound.clone().unbind(),
            class: class.clone().unbind(),
        },
    )?;
    run(code, globals, body.as_any())?;
    if let Some(cell) = bound.get_item("__classcell__")? {
        cell.setattr("cell_contents", class)?;
    }
    Ok(bound)
}

/// The function named `name` that an excerpt defines, executed aside.
pub(super) fn template<'py>(
    code: &Bound<'py, PyCode>,
    globals: &Bound<'py, PyDict>,
    path: &[String],
    class: Option<&Bound<'py, PyType>>,
    name: &str,
) -> PyResult<Option<Bound<'py, PyFunction>>> {
    let bound = match class {
        None => {
            let scratch = PyDict::new(code.py());
            run(code, globals, scratch.as_any())?;
            scratch
        }
        Some(class) => match codes::class_body(code, path)? {
            Some(body) => run_class_body(&body, globals, class)?,
            None => return Ok(None),
        },
    };
    for key in [name.to_owned(), mangled(path, name)] {
        if let Some(found) = bound.get_item(key)? {
            return Ok(found.cast_into::<PyFunction>().ok());
        }
    }
    Ok(None)
}

/// Set on the class what its body bound, under the names asked for. With `succeeds`, what took the value that the class
/// had before the plan comes to mean the new one.
pub(super) fn set_members<'py>(
    class: &Bound<'py, PyType>,
    path: &[String],
    bound: &Bound<'py, PyDict>,
    names: &[String],
    succeeds: bool,
    undo: &mut Undo<'py>,
) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let mut superseded = Vec::new();
    for name in names {
        for key in [name.clone(), mangled(path, name)] {
            let Some(value) = bound.get_item(&key)? else {
                continue;
            };
            let mut value = as_type_new_has_it(name, value)?;
            let before = undo.first_value(class, &key).filter(|_| succeeds);
            match before
                .map(|before| succession(&before, &value))
                .transpose()?
            {
                Some(Succession::Same(function)) => {
                    become_function(&function, value.cast::<PyFunction>()?, undo)?;
                    value = function.into_any();
                }
                Some(Succession::Forward(function)) if value.is_instance_of::<PyFunction>() => {
                    forward(&function, &value, undo)?;
                }
                Some(Succession::Forward(function)) => {
                    superseded.push((name.clone(), function.into_any()));
                }
                Some(Succession::Superseded(before)) => superseded.push((name.clone(), before)),
                None => {}
            }
            let held = class.getattr("__dict__")?.get_item(&key);
            if !held.is_ok_and(|held| held.is(&value)) {
                undo.will_set(class, &key)?;
                set_on_class(class, &key, &value)?;
                if let Ok(set_name) = value.get_type().getattr("__set_name__") {
                    set_name.call1((&value, class, &key))?;
                }
            }
            break;
        }
    }
    Ok(superseded)
}

/// A function under a name that `type` itself wraps when it makes a class.
fn as_type_new_has_it<'py>(name: &str, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let wrapper = match name {
        "__new__" => "staticmethod",
        "__init_subclass__" | "__class_getitem__" => "classmethod",
        _ => return Ok(value),
    };
    if value.is_instance_of::<PyFunction>() {
        return value
            .py()
            .import("builtins")?
            .call_method1(wrapper, (value,));
    }
    Ok(value)
}

/// Give the class the `__hash__` that `type` gives a class with its `__eq__`, and ABCMeta's list of what is abstract.
pub(super) fn complete_class<'py>(
    class: &Bound<'py, PyType>,
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    let own = class.getattr("__dict__")?;
    let has_equality = own.contains("__eq__")?;
    match own.get_item("__hash__").ok() {
        None if has_equality => {
            undo.will_set(class, "__hash__")?;
            set_on_class(class, "__hash__", class.py().None().bind(class.py()))?;
        }
        Some(hash) if hash.is_none() && !has_equality => {
            undo.will_set(class, "__hash__")?;
            delete_from_class(class, "__hash__")?;
        }
        _ => {}
    }
    if own.contains("__abstractmethods__")? {
        class
            .py()
            .import("abc")?
            .call_method1("update_abstractmethods", (class,))?;
    }
    Ok(())
}

/// How references to what a name was bound to before can come to mean what it is bound to now.
pub(super) enum Succession<'py> {
    /// They hold a plain function that can become the new one.
    Same(Bound<'py, PyFunction>),
    /// They hold a function that can pass its calls on.
    Forward(Bound<'py, PyFunction>),
    /// They keep the old object.
    Superseded(Bound<'py, PyAny>),
}

/// Judge what can be done about references to `before`, now that the name is bound to `after`.
pub(super) fn succession<'py>(
    before: &Bound<'py, PyAny>,
    after: &Bound<'py, PyAny>,
) -> PyResult<Succession<'py>> {
    let Ok(function) = before.cast::<PyFunction>() else {
        return Ok(Succession::Superseded(before.clone()));
    };
    if let Ok(new) = after.cast::<PyFunction>() {
        let qualname = |function: &Bound<'py, PyFunction>| {
            function.getattr("__code__")?.getattr("co_qualname")
        };
        let is_plain = |function: &Bound<'py, PyFunction>| -> PyResult<bool> {
            Ok(function.getattr("__closure__")?.is_none() && !function.hasattr("__wrapped__")?)
        };
        let is_at_home = function
            .getattr("__globals__")?
            .is(new.getattr("__globals__")?);
        if is_at_home
            && qualname(function)?.eq(qualname(new)?)?
            && is_plain(function)?
            && is_plain(new)?
        {
            return Ok(Succession::Same(function.clone()));
        }
    }
    Ok(if after.is_callable() {
        Succession::Forward(function.clone())
    } else {
        Succession::Superseded(before.clone())
    })
}

/// Make `function`, and any other that was made of the same code, what `new` is; they keep their identity.
pub(super) fn become_function<'py>(
    function: &Bound<'py, PyFunction>,
    new: &Bound<'py, PyFunction>,
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    let code = function.getattr("__code__")?.cast_into::<PyCode>()?;
    registry::refresh(function.py())?;
    for twin in registry::functions_of(&code) {
        let is_other = !twin.is(function) && !twin.is(new);
        let is_alike = |name: &str| twin.getattr(name)?.eq(function.getattr(name)?);
        let is_twin = twin.getattr("__closure__")?.is_none()
            && is_alike("__defaults__").unwrap_or(false)
            && is_alike("__kwdefaults__").unwrap_or(false);
        if is_other && is_twin {
            become_one(&twin, new, undo)?;
        }
    }
    become_one(function, new, undo)
}

fn become_one<'py>(
    function: &Bound<'py, PyFunction>,
    new: &Bound<'py, PyFunction>,
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    undo.will_exchange(function)?;
    let code = new.getattr("__code__")?.cast_into::<PyCode>()?;
    recode(
        function,
        &code,
        new.getattr("__closure__")?.cast::<PyTuple>().ok(),
    )?;
    copy_signature(new, function)
}

/// Make calls of `function` calls of `successor`, for whoever took the function before the name was bound anew.
pub(super) fn forward<'py>(
    function: &Bound<'py, PyFunction>,
    successor: &Bound<'py, PyAny>,
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    let py = function.py();
    let source = c"def forward(*args, _relive_successor, **kwargs):\n    return _relive_successor(*args, **kwargs)\n";
    let namespace = PyDict::new(py);
    py.run(source, Some(&PyDict::new(py)), Some(&namespace))?;
    let Some(template) = namespace.get_item("forward")? else {
        return Ok(());
    };
    let names = PyDict::new(py);
    names.set_item("co_name", function.getattr("__name__")?)?;
    names.set_item("co_qualname", function.getattr("__qualname__")?)?;
    names.set_item("co_filename", "<relive>")?;
    let code = template
        .getattr("__code__")?
        .call_method("replace", (), Some(&names))?;
    undo.will_exchange(function)?;
    raw::function::set_closure(function, None)?;
    function.setattr("__code__", code)?;
    function.setattr("__defaults__", py.None())?;
    let defaults = PyDict::new(py);
    defaults.set_item("_relive_successor", successor)?;
    function.setattr("__kwdefaults__", defaults)?;
    function.setattr("__wrapped__", successor)?;
    if let Ok(doc) = successor.getattr("__doc__") {
        function.setattr("__doc__", doc)?;
    }
    Ok(())
}

/// A private name as a class's body binds it.
pub(super) fn mangled(path: &[String], name: &str) -> String {
    let class = path
        .last()
        .map_or("", |class| class.trim_start_matches('_'));
    if class.is_empty() || !name.starts_with("__") || name.ends_with("__") {
        return name.to_owned();
    }
    format!("_{class}{name}")
}
