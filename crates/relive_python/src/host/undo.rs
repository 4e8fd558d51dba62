//! What has been done so far, so that it can be undone.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCode, PyDict, PyFunction, PyTuple, PyType};

use super::annotations;
use super::wrappers::copied_attributes;
use crate::raw;

/// Attributes of a function that an exchange may replace, besides its code and closure.
pub(super) const FUNCTION_ATTRIBUTES: &[&str] = &[
    "__defaults__",
    "__kwdefaults__",
    "__doc__",
    annotations::ATTRIBUTE,
    "__name__",
    "__qualname__",
];

/// Something done, with what it takes to undo it.
enum Done<'py> {
    Namespace {
        namespace: Bound<'py, PyDict>,
        before: Bound<'py, PyDict>,
    },
    ClassAttribute {
        class: Bound<'py, PyType>,
        name: String,
        before: Option<Bound<'py, PyAny>>,
    },
    Function {
        function: Bound<'py, PyFunction>,
        code: Bound<'py, PyAny>,
        closure: Bound<'py, PyAny>,
        attributes: Vec<Bound<'py, PyAny>>,
        namespace: Bound<'py, PyDict>,
    },
    Lines {
        code: Bound<'py, PyCode>,
        first: i32,
        table: Option<Bound<'py, PyBytes>>,
    },
}

/// The steps done so far, undone in reverse. Also keeps what they replaced alive, so that no finaliser of a replaced
/// object runs in the middle of an exchange.
#[derive(Default)]
pub(super) struct Undo<'py> {
    done: Vec<Done<'py>>,
}

impl<'py> Undo<'py> {
    /// Note the bindings of a module before statements are executed in it.
    pub(super) fn will_execute_in(&mut self, namespace: &Bound<'py, PyDict>) -> PyResult<()> {
        let is_noted = self.done.iter().any(
            |done| matches!(done, Done::Namespace { namespace: noted, .. } if noted.is(namespace)),
        );
        if !is_noted {
            let before = namespace.copy()?;
            self.done.push(Done::Namespace {
                namespace: namespace.clone(),
                before,
            });
        }
        Ok(())
    }

    /// Note a class attribute before it is set or deleted.
    pub(super) fn will_set(&mut self, class: &Bound<'py, PyType>, name: &str) -> PyResult<()> {
        let before = class.getattr("__dict__")?.get_item(name).ok();
        self.done.push(Done::ClassAttribute {
            class: class.clone(),
            name: name.to_owned(),
            before,
        });
        Ok(())
    }

    /// What a class attribute was before the first thing done to it.
    pub(super) fn first_value(
        &self,
        class: &Bound<'py, PyType>,
        name: &str,
    ) -> Option<Bound<'py, PyAny>> {
        let noted = self.done.iter().find_map(|done| match done {
            Done::ClassAttribute {
                class: changed,
                name: set,
                before,
            } if changed.is(class) && set == name => Some(before.clone()),
            _ => None,
        });
        noted.unwrap_or_else(|| class.getattr("__dict__").ok()?.get_item(name).ok())
    }

    /// Note a function before its code or attributes are replaced.
    pub(super) fn will_exchange(&mut self, function: &Bound<'py, PyFunction>) -> PyResult<()> {
        let attributes = FUNCTION_ATTRIBUTES
            .iter()
            .map(|name| function.getattr(*name));
        self.done.push(Done::Function {
            function: function.clone(),
            code: function.getattr("__code__")?,
            closure: function.getattr("__closure__")?,
            attributes: attributes.collect::<PyResult<_>>()?,
            namespace: function
                .getattr("__dict__")?
                .cast_into::<PyDict>()?
                .copy()?,
        });
        Ok(())
    }

    /// Note the lines that a code object had.
    pub(super) fn has_moved(
        &mut self,
        code: &Bound<'py, PyCode>,
        first: i32,
        table: Option<Bound<'py, PyBytes>>,
    ) {
        self.done.push(Done::Lines {
            code: code.clone(),
            first,
            table,
        });
    }

    /// How many references to a code object the record of exchanged functions holds.
    pub(super) fn count_holding(&self, code: &Bound<'py, PyCode>) -> isize {
        let holds =
            |done: &&Done<'py>| matches!(done, Done::Function { code: held, .. } if held.is(code));
        self.done.iter().filter(holds).count().cast_signed()
    }

    /// Give a wrapper the attributes of a function that changed with it, where it holds what the function had before.
    pub(super) fn copy_changes(
        &mut self,
        function: &Bound<'py, PyFunction>,
        wrapper: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let first = self.done.iter().find_map(|done| match done {
            Done::Function {
                function: changed,
                attributes,
                ..
            } if changed.is(function) => Some(attributes.clone()),
            _ => None,
        });
        let Some(before) = first else {
            return Ok(());
        };
        if let Ok(wrapper) = wrapper.cast::<PyFunction>() {
            self.will_exchange(wrapper)?;
        }
        for (index, name) in copied_attributes() {
            let now = function.getattr(name)?;
            if now.eq(&before[index])? {
                continue;
            }
            let is_copy = |held: Bound<'py, PyAny>| held.eq(&before[index]).unwrap_or(false);
            // Of a wrapper that is no function `functools.wraps` takes the attributes as entries of its `__dict__`.
            if let Ok(wrapper) = wrapper.cast::<PyFunction>()
                && let own = wrapper.getattr("__dict__")?.cast_into::<PyDict>()?
                && own.get_item(name)?.is_some_and(is_copy)
            {
                own.set_item(name, &now)?;
            }
            if wrapper.getattr(name).is_ok_and(is_copy) {
                // Some descriptors compute the attribute instead of keeping a copy.
                annotations::set_attribute(wrapper, name, now).ok();
            }
        }
        Ok(())
    }

    /// How many references to an object the record holds.
    pub(super) fn count_bindings(&self, object: &Bound<'py, PyAny>) -> usize {
        let count = |done: &Done<'py>| match done {
            Done::Namespace { before, .. } => before
                .values()
                .iter()
                .filter(|value| value.is(object))
                .count(),
            Done::ClassAttribute { before, .. } => {
                usize::from(before.as_ref().is_some_and(|value| value.is(object)))
            }
            Done::Function { function, .. } => usize::from(function.is(object)),
            Done::Lines { .. } => 0,
        };
        self.done.iter().map(count).sum()
    }

    /// Undo everything. What cannot be undone any more is left, and the rest still undone.
    pub(super) fn roll_back(mut self) {
        while let Some(done) = self.done.pop() {
            let _ = undo(done);
        }
    }
}

fn undo(done: Done<'_>) -> PyResult<()> {
    match done {
        Done::Namespace { namespace, before } => {
            for name in namespace.keys() {
                if !before.contains(&name)? {
                    namespace.del_item(name)?;
                }
            }
            for (name, value) in before.iter() {
                if namespace.get_item(&name)?.is_none_or(|now| !now.is(&value)) {
                    namespace.set_item(name, value)?;
                }
            }
        }
        Done::ClassAttribute {
            class,
            name,
            before,
        } => match before {
            Some(value) => set_on_class(&class, &name, &value)?,
            None => delete_from_class(&class, &name)?,
        },
        Done::Function {
            function,
            code,
            closure,
            attributes,
            namespace,
        } => {
            raw::function::set_closure(&function, closure.cast::<PyTuple>().ok())?;
            function.setattr("__code__", code)?;
            for (name, value) in FUNCTION_ATTRIBUTES.iter().zip(attributes) {
                annotations::set_attribute(&function, name, value)?;
            }
            function.setattr("__dict__", namespace)?;
        }
        Done::Lines { code, first, table } => {
            raw::code::set_first_line(&code, first);
            if let Some(table) = table {
                raw::code::swap_line_table(&code, table);
            }
        }
    }
    Ok(())
}

/// Set an attribute as `type` does, past what a metaclass may have put in the way.
pub(super) fn set_on_class(
    class: &Bound<'_, PyType>,
    name: &str,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    class
        .py()
        .get_type::<PyType>()
        .call_method1("__setattr__", (class, name, value))?;
    Ok(())
}

/// Delete an attribute as `type` does.
pub(super) fn delete_from_class(class: &Bound<'_, PyType>, name: &str) -> PyResult<()> {
    class
        .py()
        .get_type::<PyType>()
        .call_method1("__delattr__", (class, name))?;
    Ok(())
}
