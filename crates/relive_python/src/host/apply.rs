//! Applying a plan.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyCode, PyComplex, PyDict, PyFloat, PyFunction, PyInt, PyModule, PySet,
    PyString, PyTuple, PyType,
};
use relive_plan::{Action, ClassText, Item, ItemKind, ModuleText, Plan, Step};
use relive_session::{Applied, HostError};
use relive_syntax::Lines;

use super::annotations;
use super::codes::{self, CodeTable};
use super::compile::{compile, future_flags, show_lines};
use super::exchange::{Exchange, Exchanged, shift};
use super::execute::{
    Succession, become_function, complete_class, forward, mangled, run, run_class_body,
    set_members, succession, template,
};
use super::frames;
use super::line_table::relocate;
use super::undo::{Undo, delete_from_class, set_on_class};
use super::wrappers;
use super::{CPython, class_at, describe, internal, loaded};
use crate::raw;
use crate::registry;

/// A plan while it is applied.
pub(super) struct Application<'a, 'py> {
    pub(super) py: Python<'py>,
    pub(super) plan: &'a Plan,
    compiled: Vec<Vec<Option<Bound<'py, PyCode>>>>,
    pub(super) modules: Vec<Bound<'py, PyModule>>,
    pub(super) undo: Undo<'py>,
    exchanged: Exchanged<'py>,
    /// Values of names before the plan, in the order of their steps.
    before: Vec<(usize, String, Option<Bound<'py, PyAny>>)>,
    /// The codes that units have once the plan is applied.
    codes: Vec<(usize, u64, Vec<Bound<'py, PyCode>>)>,
    /// What modules exported before the plan, by name.
    pub(super) exported: HashMap<String, Bound<'py, PyDict>>,
    is_relocated: bool,
    /// Names that star imports brought during the plan, by importing module.
    pub(super) star_copies: HashMap<String, Bound<'py, PyDict>>,
    /// Objects that names were bound to before, which cannot become what they are bound to now.
    superseded: Vec<(Item, Bound<'py, PyAny>)>,
    /// Classes whose attributes the plan sets or deletes.
    changed_classes: Vec<Bound<'py, PyType>>,
    shelved: Vec<(usize, u64, String, Bound<'py, PyAny>)>,
    stale: Vec<Item>,
}

/// A step that failed, with the exception.
struct Failure {
    step: usize,
    error: PyErr,
}

impl CPython {
    pub(super) fn apply_plan(&mut self, py: Python<'_>, plan: &Plan) -> Result<Applied, HostError> {
        let codes = self.take_compiled(plan)?;
        self.anchor(py, plan)
            .map_err(|error| internal(py, &error))?;
        let compiled = codes.into_iter().map(|module| {
            module
                .into_iter()
                .map(|code| code.map(|code| code.into_bound(py)))
                .collect()
        });
        let mut application = Application {
            py,
            plan,
            compiled: compiled.collect(),
            modules: Vec::new(),
            undo: Undo::default(),
            exchanged: Exchanged::default(),
            before: Vec::new(),
            codes: Vec::new(),
            exported: HashMap::new(),
            is_relocated: false,
            star_copies: HashMap::new(),
            superseded: Vec::new(),
            changed_classes: Vec::new(),
            shelved: Vec::new(),
            stale: Vec::new(),
        };
        match application.run(self) {
            Ok(applied) => {
                self.keep(py, application);
                Ok(applied)
            }
            Err(Failure { step, error }) => {
                let message = describe(py, &error);
                let line = line_in(py, &error, application.file_of(step));
                application.undo.roll_back();
                registry::release();
                Err(HostError::Raised {
                    step,
                    message,
                    line,
                })
            }
        }
    }

    /// Find out which code of each module belongs to which unit, on first contact.
    fn anchor(&mut self, py: Python<'_>, plan: &Plan) -> PyResult<()> {
        for text in &plan.modules {
            let Some(base) = &text.base else {
                continue;
            };
            if !self.tables.contains_key(&text.name) {
                let flags = future_flags(py, &text.future)?;
                let code = compile(py, base, &text.file, flags)?;
                relocate(&code, &text.base_pieces)?;
                self.tables.insert(
                    text.name.clone(),
                    CodeTable::of_live_module(&code, &text.file)?,
                );
            }
            if let Some(table) = self.tables.get_mut(&text.name) {
                table.anchor(&text.anchors);
            }
        }
        Ok(())
    }

    /// Keep what an application has come to.
    fn keep(&mut self, py: Python<'_>, application: Application<'_, '_>) {
        for (module, unit, codes) in application.codes {
            let name = &application.plan.modules[module].name;
            self.tables
                .entry(name.clone())
                .or_default()
                .set(unit, codes);
        }
        for (module, unit, name, value) in application.shelved {
            let key = (application.plan.modules[module].name.clone(), unit);
            let values = self.shelf.entry(key).or_default();
            values.retain(|(kept, _)| *kept != name);
            values.push((name, value.unbind()));
        }
        let retired = application.exchanged.retired.into_iter();
        self.retired
            .extend(retired.map(|(code, item)| (code.unbind(), item)));
        for text in &application.plan.modules {
            if let Err(error) = show_lines(py, &text.file, &text.text) {
                error.write_unraisable(py, None);
            }
        }
    }
}

impl<'py> Application<'_, 'py> {
    fn run(&mut self, host: &CPython) -> Result<Applied, Failure> {
        let py = self.py;
        for text in &self.plan.modules {
            let module = loaded(py, &text.name).and_then(|module| {
                module.ok_or_else(|| {
                    pyo3::exceptions::PyRuntimeError::new_err(format!(
                        "{} is not loaded any more",
                        text.name
                    ))
                })
            });
            self.modules
                .push(module.map_err(|error| Failure { step: 0, error })?);
        }
        self.note_values()
            .map_err(|error| Failure { step: 0, error })?;
        let mut step = 0;
        while step < self.plan.steps.len() {
            if matches!(self.plan.steps[step].action, Action::Exchange { .. }) {
                let goes_along = |step: &usize| {
                    let action = &self.plan.steps[*step].action;
                    matches!(action, Action::Exchange { waits: false, .. })
                };
                let others = (step + 1..self.plan.steps.len()).take_while(goes_along);
                let end = step + 1 + others.count();
                self.exchange(host, step, end)?;
                step = end;
            } else {
                self.step(host, &self.plan.steps[step])
                    .map_err(|error| Failure { step, error })?;
                step += 1;
            }
        }
        let last = self.plan.steps.len().saturating_sub(1);
        registry::release();
        self.finish(host)
            .map_err(|error| Failure { step: last, error })
    }

    /// Remember what names are bound to that the plan may rebind.
    fn note_values(&mut self) -> PyResult<()> {
        for step in &self.plan.steps {
            if let Action::FollowStar {
                exporters, former, ..
            } = &step.action
            {
                let stars = exporters.iter().map(|star| &star.exporter);
                self.note_exports(stars.chain(former))?;
            }
            if let Action::Execute { class, names, .. }
            | Action::Remove { class, names, .. }
            | Action::Restore { class, names, .. } = &step.action
                && class.is_empty()
            {
                let namespace = self.modules[step.module].dict();
                for name in names {
                    let is_noted = |(module, noted, _): &(usize, String, _)| {
                        *module == step.module && noted == name
                    };
                    if !self.before.iter().any(is_noted) {
                        let value = namespace.get_item(name)?;
                        self.before.push((step.module, name.clone(), value));
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn value_before(&self, module: usize, name: &str) -> Option<&Bound<'py, PyAny>> {
        self.before
            .iter()
            .find(|(noted, noted_name, _)| *noted == module && noted_name == name)
            .and_then(|(_, _, value)| value.as_ref())
    }

    pub(super) fn excerpt(&self, module: usize, excerpt: usize) -> PyResult<Bound<'py, PyCode>> {
        let code = self
            .compiled
            .get(module)
            .and_then(|module| module.get(excerpt))
            .cloned()
            .flatten();
        code.ok_or_else(|| {
            pyo3::exceptions::PyRuntimeError::new_err(
                "the plan names an excerpt that it does not have",
            )
        })
    }

    pub(super) fn class(&self, module: usize, path: &[String]) -> PyResult<Bound<'py, PyType>> {
        class_at(&self.modules[module].dict(), path)?.ok_or_else(|| {
            pyo3::exceptions::PyTypeError::new_err(format!(
                "{} is no class any more",
                path.join(".")
            ))
        })
    }

    fn step(&mut self, host: &CPython, step: &Step) -> PyResult<()> {
        match &step.action {
            Action::Execute {
                class,
                excerpt,
                anchors,
                succeeds,
                keeps_new,
                clears,
                ..
            } if class.is_empty() => {
                let code = self.excerpt(step.module, *excerpt)?;
                self.execute(step, &code, clears, *succeeds, *keeps_new)?;
                self.assign(step.module, codes::entries(&code), anchors);
                Ok(())
            }
            Action::Execute {
                class,
                excerpt,
                names,
                clears,
                anchors,
                succeeds,
                ..
            } => {
                let code = self.excerpt(step.module, *excerpt)?;
                registry::track(&code, true);
                let live = self.class(step.module, class)?;
                let Some(body) = codes::class_body(&code, class)? else {
                    return Ok(());
                };
                let bound = run_class_body(&body, &self.modules[step.module].dict(), &live)?;
                let superseded =
                    set_members(&live, class, &bound, names, *succeeds, &mut self.undo)?;
                for (name, before) in superseded {
                    let path = format!("{}.{name}", class.join("."));
                    self.supersede(step, &path, before);
                }
                for name in clears.iter().map(|name| mangled(class, name)) {
                    if !bound.contains(&name)? && live.getattr("__dict__")?.contains(&name)? {
                        self.undo.will_set(&live, &name)?;
                        delete_from_class(&live, &name)?;
                    }
                }
                annotations::renew(&live, &bound, &mut self.undo)?;
                self.changed_classes.push(live);
                self.assign(step.module, codes::entries(&body), anchors);
                Ok(())
            }
            Action::Exchange { .. } => Ok(()),
            Action::Remove { unit, class, names } => self.remove(step.module, *unit, class, names),
            Action::Restore { unit, class, names } => {
                let key = (self.plan.modules[step.module].name.clone(), *unit);
                let values = host.shelf.get(&key).map_or(&[][..], Vec::as_slice);
                let names: Vec<String> = names.iter().map(|name| mangled(class, name)).collect();
                for (name, value) in values.iter().filter(|(name, _)| names.contains(name)) {
                    self.bind(step.module, class, name, value.bind(self.py))?;
                }
                Ok(())
            }
            Action::Annotate {
                class,
                names,
                excerpt,
                is_renewed,
            } => self.annotate(step.module, class, names, *excerpt, *is_renewed),
            Action::FollowStar {
                importer,
                exporters,
                former,
                bound,
            } => self.follow_star(importer, exporters, former, bound),
            Action::Follow {
                name,
                importer,
                alias,
            } => self.follow(step.module, name, importer, alias),
        }
    }

    /// Note which unit codes belong to, by the lines on which they begin.
    fn assign(
        &mut self,
        module: usize,
        entries: Vec<Bound<'py, PyCode>>,
        anchors: &[(u64, Lines)],
    ) {
        for (unit, lines) in anchors {
            let begins_here = |code: &&Bound<'py, PyCode>| lines.contains(codes::line_of(code));
            let codes = entries.iter().filter(begins_here).cloned().collect();
            self.codes.push((module, *unit, codes));
        }
    }

    fn execute(
        &mut self,
        step: &Step,
        code: &Bound<'py, PyCode>,
        clears: &[String],
        succeeds: bool,
        keeps_new: bool,
    ) -> PyResult<()> {
        registry::track(code, true);
        let namespace = self.modules[step.module].dict();
        self.undo.will_execute_in(&namespace)?;
        if step
            .item
            .as_ref()
            .is_some_and(|item| item.kind == ItemKind::Import)
        {
            // The module that it imports may have been created a moment ago.
            self.py
                .import("importlib")?
                .call_method0("invalidate_caches")?;
        }
        let before_run = namespace.copy()?;
        for name in clears {
            if namespace.contains(name)? {
                namespace.del_item(name)?;
            }
        }
        run(code, &namespace, namespace.as_any())?;
        annotations::restore(&namespace, &before_run)?;
        if !succeeds {
            return Ok(());
        }
        for (name, before_run) in before_run.iter() {
            let Ok(name) = name.extract::<String>() else {
                continue;
            };
            let before = self
                .value_before(step.module, &name)
                .unwrap_or(&before_run)
                .clone();
            let Some(after) = namespace
                .get_item(&name)?
                .filter(|after| !after.is(&before_run))
            else {
                continue;
            };
            if after.is(&before) {
                continue;
            }
            let module = &self.plan.modules[step.module].name;
            match succession(&before, &after)? {
                // An alias, or something imported: not ours to change.
                _ if !is_definition(&before, &name, module) => {
                    let is_decorated = step
                        .item
                        .as_ref()
                        .is_some_and(|item| item.kind == ItemKind::Function);
                    if is_decorated {
                        self.supersede(step, &name, before);
                    }
                }
                Succession::Same(function) => {
                    become_function(&function, after.cast::<PyFunction>()?, &mut self.undo)?;
                    if !keeps_new {
                        namespace.set_item(name, &function)?;
                    }
                }
                Succession::Forward(function) => forward(&function, &after, &mut self.undo)?,
                Succession::Superseded(before) => self.supersede(step, &name, before),
            }
        }
        Ok(())
    }

    /// Note an object that a name was bound to, in case something else still holds it.
    fn supersede(&mut self, step: &Step, name: &str, before: Bound<'py, PyAny>) {
        let item = step.item.clone().map(|item| Item {
            qualname: format!("{}:{name}", self.plan.modules[step.module].name),
            kind: ItemKind::Instance,
            why: "made anew: what took it before keeps the old object".to_owned(),
            ..item
        });
        self.superseded.extend(item.map(|item| (item, before)));
    }

    /// The superseded objects that something holds besides this application.
    fn held_elsewhere(&mut self) -> PyResult<Vec<Item>> {
        let mut items = Vec::new();
        for (item, object) in &self.superseded {
            if !object.is_callable() {
                continue;
            }
            let is_it = |other: &Bound<'py, PyAny>| other.is(object);
            let noted = self
                .before
                .iter()
                .filter(|(_, _, value)| value.as_ref().is_some_and(is_it))
                .count();
            let exported = self
                .exported
                .values()
                .flat_map(|names| names.values().into_iter())
                .filter(is_it)
                .count();
            let again = self
                .superseded
                .iter()
                .filter(|(_, other)| is_it(other))
                .count();
            let own = again + noted + exported + self.undo.count_bindings(object);
            // SAFETY: reads the reference count of a live object.
            let references = unsafe { pyo3::ffi::Py_REFCNT(object.as_ptr()) };
            // A class holds itself; what matters is who was made or derived from it.
            let is_held = match object.cast::<PyType>() {
                Ok(class) => {
                    raw::heap::count_instances(class)? > 0
                        || class.call_method0("__subclasses__")?.len()? > 0
                }
                Err(_) => references > own.cast_signed(),
            };
            if is_held {
                items.push(item.clone());
            }
        }
        items.dedup();
        Ok(items)
    }

    /// Prepare the exchanges from `start` to `end`, which may run user code, then carry them all out, which does not.
    fn exchange(&mut self, host: &CPython, start: usize, end: usize) -> Result<(), Failure> {
        let mut prepared = Vec::new();
        for step in start..end {
            let exchange = self.prepared(host, &self.plan.steps[step]);
            prepared.extend(
                exchange
                    .map_err(|error| Failure { step, error })?
                    .map(|exchange| (step, exchange)),
            );
        }
        registry::refresh(self.py).map_err(|error| Failure { step: start, error })?;
        for (step, exchange) in &prepared {
            let codes = exchange.carry_out(&mut self.undo, &mut self.exchanged);
            let codes = codes.map_err(|error| Failure { step: *step, error })?;
            let Step {
                module,
                action: Action::Exchange { unit, .. },
                ..
            } = &self.plan.steps[*step]
            else {
                continue;
            };
            self.codes.push((*module, *unit, codes));
        }
        self.relocate_all(host)
            .map_err(|error| Failure { step: start, error })
    }

    /// Move the code of units whose lines changed and nothing else; once, with the first exchange if there is one.
    fn relocate_all(&mut self, host: &CPython) -> PyResult<()> {
        if !std::mem::replace(&mut self.is_relocated, true) {
            for (index, text) in self.plan.modules.iter().enumerate() {
                self.relocate(host, index, text)?;
            }
        }
        Ok(())
    }

    fn prepared(&self, host: &CPython, step: &Step) -> PyResult<Option<Exchange<'py>>> {
        let Action::Exchange {
            unit,
            class: path,
            lines,
            excerpt,
            signature_of,
            keeps_defaults,
            ..
        } = &step.action
        else {
            return Ok(None);
        };
        let text = &self.plan.modules[step.module];
        let namespace = self.modules[step.module].dict();
        let code = self.excerpt(step.module, *excerpt)?;
        let class = class_at(&namespace, path)?;
        let mut new = codes::entries(&code);
        new.retain(|code| lines.contains(codes::line_of(code)));
        let template = match signature_of {
            Some(name) => {
                registry::track(&code, true);
                template(&code, &namespace, path, class.as_ref(), name)?
            }
            None => None,
        };
        let old = host
            .tables
            .get(&text.name)
            .map(|table| table.of_unit(self.py, *unit));
        Ok(Some(Exchange {
            old: old.unwrap_or_default(),
            new,
            template,
            keeps_defaults: *keeps_defaults,
            class,
            item: step.item.clone(),
        }))
    }

    fn relocate(&mut self, host: &CPython, index: usize, text: &ModuleText) -> PyResult<()> {
        let Some(table) = host.tables.get(&text.name) else {
            return Ok(());
        };
        for moved in &text.moves {
            let is_replaced =
                |(module, unit, _): &(usize, u64, Vec<_>)| *module == index && *unit == moved.unit;
            if !self.codes.iter().any(is_replaced) {
                for code in table.of_unit(self.py, moved.unit) {
                    shift(&code, moved.by, &mut self.undo)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn bind(
        &mut self,
        module: usize,
        class: &[String],
        name: &str,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let namespace = self.modules[module].dict();
        if class.is_empty() {
            self.undo.will_execute_in(&namespace)?;
            return namespace.set_item(name, value);
        }
        let class = self.class(module, class)?;
        self.undo.will_set(&class, name)?;
        set_on_class(&class, name, value)
    }

    fn remove(
        &mut self,
        module: usize,
        unit: u64,
        path: &[String],
        names: &[String],
    ) -> PyResult<()> {
        let namespace = self.modules[module].dict();
        let class = if path.is_empty() {
            None
        } else {
            Some(self.class(module, path)?)
        };
        self.changed_classes.extend(class.clone());
        self.undo.will_execute_in(&namespace)?;
        for name in names {
            let name = &mangled(path, name);
            let value = match &class {
                Some(class) => class.getattr("__dict__")?.get_item(name).ok(),
                None => namespace.get_item(name)?,
            };
            let Some(value) = value else {
                continue;
            };
            self.shelved.push((module, unit, name.clone(), value));
            match &class {
                _ if name == "__doc__" => {
                    self.bind(module, path, name, self.py.None().bind(self.py))?
                }
                Some(class) => {
                    self.undo.will_set(class, name)?;
                    delete_from_class(class, name)?;
                }
                None => namespace.del_item(name)?,
            }
        }
        Ok(())
    }

    fn finish(&mut self, host: &CPython) -> PyResult<Applied> {
        self.relocate_all(host)?;
        for (index, text) in self.plan.modules.iter().enumerate() {
            for class in &text.classes {
                if let Some(live) = class_at(&self.modules[index].dict(), &class.path)? {
                    self.describe_class(&live, class)?;
                }
            }
            let namespace = self.modules[index].dict();
            wrappers::refresh(
                &text.name,
                &namespace,
                &self.exchanged.functions,
                &mut self.undo,
            )?;
        }
        for class in std::mem::take(&mut self.changed_classes) {
            complete_class(&class, &mut self.undo)?;
        }
        let mut applied = Applied {
            stale: std::mem::take(&mut self.exchanged.stale),
            ..Applied::default()
        };
        applied.stale.append(&mut self.stale);
        applied.stale.extend(self.held_elsewhere()?);
        // The code table (or the code around it), the list of what is retired, and the undo record of each function.
        let mut retired = std::mem::take(&mut self.exchanged.retired);
        retired.retain(|(code, _)| frames::may_run(code, 2 + self.undo.count_holding(code)));
        let (running, in_use) = frames::running(self.py, retired)?;
        applied.stale.extend(running);
        self.exchanged.retired = in_use;
        for (module, name, before) in &self.before {
            let after = self.modules[*module].dict().get_item(name)?;
            let is_same = match (before, &after) {
                (Some(before), Some(after)) => before.is(after) || is_equal_value(before, after)?,
                (None, None) => true,
                _ => false,
            };
            if !is_same {
                applied
                    .rebound
                    .push((self.plan.modules[*module].name.clone(), name.clone()));
            }
        }
        Ok(applied)
    }

    /// Bring what CPython 3.13+ keeps of a class's text up to date.
    fn describe_class(&mut self, live: &Bound<'py, PyType>, text: &ClassText) -> PyResult<()> {
        let own = live.getattr("__dict__")?;
        let line = text.line.into_pyobject(self.py)?.into_any();
        let attributes = PyTuple::new(self.py, &text.static_attributes)?.into_any();
        for (name, value) in [
            ("__firstlineno__", line),
            ("__static_attributes__", attributes),
        ] {
            let Ok(before) = own.get_item(name) else {
                continue;
            };
            let is_same = match before.cast::<PyTuple>() {
                // CPython makes the tuple from a set.
                Ok(before) => PySet::new(self.py, before)?
                    .eq(PySet::new(self.py, &text.static_attributes)?)?,
                Err(_) => before.eq(&value)?,
            };
            if !is_same {
                self.undo.will_set(live, name)?;
                set_on_class(live, name, &value)?;
            }
        }
        Ok(())
    }

    fn file_of(&self, step: usize) -> &str {
        let module = self.plan.steps.get(step).map_or(0, |step| step.module);
        self.plan.modules.get(module).map_or("", |text| &text.file)
    }
}

/// Whether an object is, or wraps, what a module defines under a name.
fn is_definition(object: &Bound<'_, PyAny>, name: &str, module: &str) -> bool {
    let has = |attribute: &str, value: &str| {
        object
            .getattr(attribute)
            .is_ok_and(|own| own.eq(value).unwrap_or(false))
    };
    has("__name__", name) && has("__module__", module)
}

/// Whether a value is one that nothing tells from its equals.
fn is_simple(value: &Bound<'_, PyAny>) -> bool {
    value.is_none()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyComplex>()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyBytes>()
}

/// Whether two values are equal and can never come to differ: what rests on one may rest on the other.
fn is_equal_value(one: &Bound<'_, PyAny>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    if !one.get_type().is(other.get_type()) {
        return Ok(false);
    }
    if let (Ok(one), Ok(other)) = (one.cast_exact::<PyTuple>(), other.cast_exact::<PyTuple>()) {
        if one.len() != other.len() {
            return Ok(false);
        }
        for (one, other) in one.iter().zip(other.iter()) {
            if !is_equal_value(&one, &other)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    Ok(is_simple(one) && one.repr()?.as_any().eq(other.repr()?)?)
}

/// The last line of a file that an exception's traceback passes.
fn line_in(py: Python<'_>, error: &PyErr, file: &str) -> u32 {
    let mut line = 1;
    let mut next = error.traceback(py).map(Bound::into_any);
    while let Some(entry) = next.filter(|entry| !entry.is_none()) {
        let found = entry
            .getattr("tb_frame")
            .and_then(|frame| frame.getattr("f_code")?.getattr("co_filename")?.eq(file))
            .unwrap_or(false);
        if found {
            line = entry
                .getattr("tb_lineno")
                .and_then(|line| line.extract())
                .unwrap_or(line);
        }
        next = entry.getattr("tb_next").ok();
    }
    line
}
