//! Copies of names that import statements made in other modules: they follow what the names are bound to now.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use relive_plan::StarImport;

use super::apply::Application;
use super::loaded;

impl<'py> Application<'_, 'py> {
    /// Remember what modules export before the plan changes it.
    pub(super) fn note_exports<'n>(
        &mut self,
        exporters: impl Iterator<Item = &'n String>,
    ) -> PyResult<()> {
        for exporter in exporters {
            if !self.exported.contains_key(exporter)
                && let Some(module) = loaded(self.py, exporter)?
            {
                self.exported
                    .insert(exporter.clone(), exports(&module.dict())?);
            }
        }
        Ok(())
    }

    /// Rebind `alias` in `importer` to what the name is bound to now, if it still holds what that was before.
    pub(super) fn follow(
        &mut self,
        module: usize,
        name: &str,
        importer: &str,
        alias: &str,
    ) -> PyResult<()> {
        let (Some(before), Some(importer)) = (
            self.value_before(module, name).cloned(),
            loaded(self.py, importer)?,
        ) else {
            return Ok(());
        };
        let names = importer.dict();
        let still_holds_it = names.get_item(alias)?.is_some_and(|held| held.is(&before));
        if let Some(now) = self.modules[module].dict().get_item(name)?
            && still_holds_it
            && !now.is(&before)
        {
            self.undo.will_execute_in(&names)?;
            names.set_item(alias, now)?;
        }
        Ok(())
    }

    /// Make the names that a module has from its star imports those that the modules export now.
    pub(super) fn follow_star(
        &mut self,
        importer: &str,
        exporters: &[StarImport],
        former: &[String],
        bound: &[String],
    ) -> PyResult<()> {
        let Some(module) = loaded(self.py, importer)? else {
            return Ok(());
        };
        let names = module.dict();
        // Copies made by earlier steps of the plan, when not all of the modules were up to date yet.
        let made = self.star_copies.entry(importer.to_owned());
        let made = made.or_insert_with(|| PyDict::new(self.py)).clone();
        let before: Vec<_> = exporters
            .iter()
            .map(|star| &star.exporter)
            .chain(former)
            .filter_map(|exporter| self.exported.get(exporter))
            .chain([&made])
            .collect();
        let is_copy = |name: &Bound<'py, PyAny>, held: &Bound<'py, PyAny>| -> PyResult<bool> {
            for exported in &before {
                if exported
                    .get_item(name)?
                    .is_some_and(|value| held.is(&value))
                {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let after = PyDict::new(self.py);
        for star in exporters {
            if let Some(exporter) = loaded(self.py, &star.exporter)? {
                let brought = exports(&exporter.dict())?;
                for name in &star.hidden {
                    if brought.contains(name)? {
                        brought.del_item(name)?;
                    }
                }
                after.update(brought.as_mapping())?;
            }
        }
        self.undo.will_execute_in(&names)?;
        for (name, value) in after.iter() {
            let is_behind = match names.get_item(&name)? {
                None => true,
                Some(held) => !held.is(&value) && is_copy(&name, &held)?,
            };
            if is_behind {
                names.set_item(&name, &value)?;
                made.set_item(name, value)?;
            }
        }
        for name in before.iter().flat_map(|exported| exported.keys()) {
            if let Some(held) = names.get_item(&name)?
                && !after.contains(&name)?
                && !bound.contains(&name.extract()?)
                && is_copy(&name, &held)?
            {
                names.del_item(name)?;
            }
        }
        Ok(())
    }
}

/// The names that `from module import *` takes from a namespace, with their values.
fn exports<'py>(namespace: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let exported = PyDict::new(namespace.py());
    match namespace.get_item("__all__")? {
        Some(names) => {
            for name in names.try_iter()? {
                let name = name?;
                if let Some(value) = namespace.get_item(&name)? {
                    exported.set_item(name, value)?;
                }
            }
        }
        None => {
            for (name, value) in namespace.iter() {
                if !name.extract::<String>()?.starts_with('_') {
                    exported.set_item(name, value)?;
                }
            }
        }
    }
    Ok(exported)
}
