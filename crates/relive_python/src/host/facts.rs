//! What is live, as far as a plan needs to know it.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrame, PyModule, PyType};
use relive_plan::{ClassFacts, ClassQuery, Facts, FactsQuery, Holder, ModuleFacts, ModuleQuery};

use super::survey::{LiveCodes, differences};
use super::{class_at, loaded};
use crate::raw;

pub(super) fn facts(py: Python<'_>, query: &FactsQuery) -> PyResult<Facts> {
    let mut facts = Facts {
        python: py.version_info().minor,
        ..Facts::default()
    };
    let mut live = Vec::new();
    if query.modules.iter().any(|module| !module.names.is_empty()) {
        for name in &query.live {
            if let Some(module) = loaded(py, name)? {
                live.push((name.as_str(), module.dict()));
            }
        }
    }
    let codes = if query.modules.iter().any(|module| module.text.is_some()) {
        LiveCodes::of_process(py)?
    } else {
        LiveCodes::default()
    };
    for asked in &query.modules {
        let found = match loaded(py, &asked.name)? {
            Some(module) => module_facts(asked, &module, &live, &codes)?,
            None => ModuleFacts::default(),
        };
        facts.modules.insert(asked.name.clone(), found);
    }
    Ok(facts)
}

fn module_facts<'py>(
    asked: &ModuleQuery,
    module: &Bound<'py, PyModule>,
    live: &[(&str, Bound<'py, PyDict>)],
    codes: &LiveCodes<'py>,
) -> PyResult<ModuleFacts> {
    let namespace = module.dict();
    let classes = asked
        .classes
        .iter()
        .map(|class| class_facts(&namespace, class));
    let differences = match &asked.text {
        Some(text) => differences(text, module, codes)?,
        None => Vec::new(),
    };
    Ok(ModuleFacts {
        is_loaded: true,
        running_line: running_line(&namespace)?,
        classes: classes.collect::<PyResult<_>>()?,
        differences,
        holders: holders(asked, &namespace, live)?,
    })
}

/// The line that the module's own code is executing in some thread, if it is.
fn running_line(namespace: &Bound<'_, PyDict>) -> PyResult<Option<u32>> {
    let py = namespace.py();
    let frames = py
        .import("sys")?
        .call_method0("_current_frames")?
        .cast_into::<PyDict>()?;
    for top in frames.values() {
        let mut frame = Some(top);
        while let Some(current) = frame.take().filter(|frame| !frame.is_none()) {
            let is_module_level = current.getattr("f_globals")?.is(namespace)
                && current
                    .getattr("f_code")?
                    .getattr("co_name")?
                    .eq("<module>")?;
            if is_module_level && current.is_instance_of::<PyFrame>() {
                return current.getattr("f_lineno")?.extract();
            }
            frame = Some(current.getattr("f_back")?);
        }
    }
    Ok(None)
}

fn class_facts(namespace: &Bound<'_, PyDict>, asked: &ClassQuery) -> PyResult<ClassFacts> {
    let Some(class) = class_at(namespace, &asked.path)? else {
        return Ok(ClassFacts {
            obstacle: Some("what is live under its name is no class".to_owned()),
            ..ClassFacts::default()
        });
    };
    Ok(ClassFacts {
        obstacle: obstacle(&class)?,
        only_methods: only_methods(&class)?,
        instances: if asked.count_instances {
            raw::heap::count_instances(&class)?
        } else {
            0
        },
    })
}

/// Why the class cannot be changed attribute by attribute, if it cannot.
fn obstacle(class: &Bound<'_, PyType>) -> PyResult<Option<String>> {
    let metaclass = class.get_type();
    let is_plain = metaclass.is(class.py().get_type::<PyType>()) || metaclass.name()? == "ABCMeta";
    Ok((!is_plain).then(|| {
        format!(
            "its metaclass is {}",
            metaclass
                .name()
                .map_or_else(|_| "special".to_owned(), |name| name.to_string())
        )
    }))
}

/// Why nothing but plain methods of the class can be changed, if that is so: its decorator or base made more of it.
fn only_methods(class: &Bound<'_, PyType>) -> PyResult<Option<String>> {
    let own = class.getattr("__dict__")?;
    for (mark, what) in [
        ("__dataclass_fields__", "it is a dataclass"),
        ("__attrs_attrs__", "it is an attrs class"),
        ("_field_defaults", "it is a named tuple"),
    ] {
        if own.contains(mark)? {
            return Ok(Some(what.to_owned()));
        }
    }
    Ok(None)
}

/// The names of other live modules that hold the values asked about.
fn holders(
    asked: &ModuleQuery,
    namespace: &Bound<'_, PyDict>,
    live: &[(&str, Bound<'_, PyDict>)],
) -> PyResult<Vec<Holder>> {
    let mut wanted: Vec<(usize, &String)> = Vec::new();
    for name in &asked.names {
        if let Some(value) = namespace.get_item(name)? {
            wanted.push((value.as_ptr() as usize, name));
        }
    }
    wanted.sort_unstable();
    let mut found = Vec::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    for (importer, names) in live {
        if names.is(namespace) {
            continue;
        }
        for (alias, value) in names.iter() {
            let address = value.as_ptr() as usize;
            let from = wanted.partition_point(|(wanted, _)| *wanted < address);
            for (_, name) in wanted[from..]
                .iter()
                .take_while(|(wanted, _)| *wanted == address)
            {
                if let Ok(alias) = alias.extract::<String>() {
                    found.push(Holder {
                        name: (*name).clone(),
                        importer: (*importer).to_owned(),
                        alias,
                    });
                }
            }
        }
    }
    Ok(found)
}
