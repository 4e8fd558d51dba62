//! What the names typed at a prompt mean: where they lead, and whether they mean the same in a module.

use std::collections::{BTreeMap, BTreeSet};

use relive_log::{Draft, text_hash};
use relive_syntax::{CellKind, CellStatement, ImportedName, Outline, cell};

use crate::session::Session;

/// Where names at a prompt lead.
pub trait PromptNames {
    /// The module that a dotted path starting at a name at the prompt is, if it is one.
    fn module(&self, path: &str) -> Option<String>;

    /// The module that a dotted path starting at a name of a loaded module is, if it is one.
    fn submodule(&self, module: &str, path: &str) -> Option<String>;

    /// The module whose names are those of the prompt: with a script, `__main__`.
    fn own_module(&self) -> Option<String>;

    /// Whether a name means the same in a module as at the prompt: there is one object, or it is built in.
    fn is_same(&self, module: &str, name: &str) -> bool;

    /// Whether the prompt binds a name, to something else than what is built in.
    fn is_bound(&self, name: &str) -> bool;

    /// By what import the cell that is about to run binds a name.
    fn import_of(&self, _name: &str) -> Option<&ImportedName> {
        None
    }

    /// Whether the cell has run already, and what it put into modules stands there.
    fn has_run(&self) -> bool {
        false
    }
}

/// Where names at a prompt lead while a cell runs: its own imports come first, as far as their modules are live already.
pub(crate) struct CellNames<'n> {
    prompt: &'n dyn PromptNames,
    has_run: bool,
    imported: BTreeMap<String, String>,
    /// What it binds before it comes to the statement at hand, by imports and otherwise.
    imports: BTreeMap<String, ImportedName>,
    rebound: BTreeSet<String>,
}

impl<'n> CellNames<'n> {
    pub(crate) fn new(prompt: &'n dyn PromptNames, has_run: bool) -> Self {
        Self {
            prompt,
            has_run,
            imported: BTreeMap::new(),
            imports: BTreeMap::new(),
            rebound: BTreeSet::new(),
        }
    }

    pub(crate) fn import(&mut self, session: &Session, import: &ImportedName) {
        let module = match &import.name {
            Some(name) => format!("{}.{name}", import.module),
            None => import.module.clone(),
        };
        self.imported.remove(&import.alias);
        if import.level == 0 && session.has_module(&module) {
            self.imported.insert(import.alias.clone(), module);
        }
    }

    /// Have a statement bind what it binds once it runs: what the prompt has says nothing about these names then.
    pub(crate) fn bind(&mut self, statement: &CellStatement) {
        if statement.kind == CellKind::Import {
            for import in &statement.imports {
                self.rebound.remove(&import.alias);
                self.imports.insert(import.alias.clone(), import.clone());
            }
        } else {
            for name in &statement.binds {
                self.imports.remove(name);
                self.rebound.insert(name.clone());
            }
        }
    }
}

impl PromptNames for CellNames<'_> {
    fn module(&self, path: &str) -> Option<String> {
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        match self.imported.get(head) {
            Some(module) if rest.is_empty() => Some(module.clone()),
            Some(module) => self.prompt.submodule(module, rest),
            None => self.prompt.module(path),
        }
    }

    fn submodule(&self, module: &str, path: &str) -> Option<String> {
        self.prompt.submodule(module, path)
    }

    fn own_module(&self) -> Option<String> {
        self.prompt.own_module()
    }

    fn is_same(&self, module: &str, name: &str) -> bool {
        let is_own = || self.own_module().is_some_and(|own| own == module);
        (!self.rebound.contains(name) || is_own()) && self.prompt.is_same(module, name)
    }

    fn is_bound(&self, name: &str) -> bool {
        let is_here = self.rebound.contains(name) || self.imports.contains_key(name);
        is_here || self.prompt.is_bound(name)
    }

    fn import_of(&self, name: &str) -> Option<&ImportedName> {
        self.imports.get(name)
    }

    fn has_run(&self) -> bool {
        self.has_run
    }
}

/// What is typed up to the statement at hand.
pub(crate) struct Typed<'t> {
    pub(crate) names: &'t dyn PromptNames,
    /// What its cell defines before it; with no text what it binds otherwise.
    pub(crate) defined: &'t [(String, String)],
    /// What its cell changes before it in the module.
    pub(crate) drafts: &'t [Draft],
}

impl Session {
    /// The names in a definition that only the prompt has, or that are something else in the module for which the
    /// definition is meant. Names that nobody has yet are no obstacle.
    pub(crate) fn named_of_prompt(
        &mut self,
        module: &str,
        scope: &[String],
        text: &str,
        typed: &Typed<'_>,
    ) -> Vec<String> {
        let Some(statement) = cell(text).ok().and_then(|mut cell| cell.pop()) else {
            return Vec::new();
        };
        let roots = statement.changes.iter().map(|changed| &changed.root);
        let mut read: BTreeSet<&String> = statement.reads.iter().chain(roots).collect();
        if scope.is_empty() {
            for name in &statement.binds {
                read.remove(name);
            }
        }
        let live = self.modules.get_mut(module);
        let Some(outline) = live.and_then(|live| live.outline(&mut self.last_unit).ok()) else {
            return Vec::new();
        };
        let is_of_prompt = |name: &&String| {
            self.is_of_prompt(&outline, module, name, typed.names)
                && !self.is_same_definition(&outline, name, typed)
        };
        read.into_iter().filter(is_of_prompt).cloned().collect()
    }

    /// Whether all other names that a statement reads mean the same in a module.
    pub(crate) fn reads_the_same(
        &mut self,
        statement: &CellStatement,
        module: &str,
        names: &dyn PromptNames,
    ) -> bool {
        if names.own_module().as_deref() != Some(module) {
            return statement
                .reads
                .iter()
                .all(|name| names.is_same(module, name));
        }
        // What the statement binds itself it binds there, too.
        let read = statement.reads.iter();
        let mut read = read.filter(|name| !statement.binds.contains(name));
        let outline = self.modules.get_mut(module);
        let outline = outline.and_then(|live| live.outline(&mut self.last_unit).ok());
        outline.is_some_and(|outline| {
            read.all(|name| !self.is_of_prompt(&outline, module, name, names))
        })
    }

    /// Whether the prompt binds a name which the text of a module does not bind to the same. What only the running
    /// module has, another program that imports it will not have.
    fn is_of_prompt(
        &self,
        outline: &Outline,
        module: &str,
        name: &str,
        names: &dyn PromptNames,
    ) -> bool {
        // Every module has `__name__` and the like of its own.
        let is_special = name.starts_with("__") && name.ends_with("__");
        if is_special || !names.is_bound(name) {
            return false;
        }
        let is_imported_there = names.import_of(name).is_some_and(|import| {
            let mut units = outline.units.iter();
            units.any(|unit| unit.imports.contains(import))
        });
        let is_the_modules = binds(outline, name) && names.is_same(module, name);
        !is_imported_there && !is_the_modules
    }

    /// Whether a module defines a name as the prompt does. It has a function of its own then, in which the names are
    /// the module's.
    fn is_same_definition(&self, outline: &Outline, name: &str, typed: &Typed<'_>) -> bool {
        let Some(text) = self.typed_definition(name, typed.defined) else {
            return false;
        };
        let is_it = |other: &str| text_hash(other) == text_hash(text);
        let is_drafted = |draft: &Draft| matches!(draft, Draft::Patch { target, new: Some(new), .. } if target == name && is_it(new));
        let mut units = outline.units.iter();
        typed.drafts.iter().any(is_drafted)
            || units.any(|unit| {
                unit.binds.iter().any(|bound| bound == name) && is_it(outline.lines(unit.lines))
            })
    }

    /// The one live module whose text binds a name, not by an import, to the object that it is at the prompt.
    pub(crate) fn home(&mut self, name: &str, names: &dyn PromptNames) -> Option<String> {
        if !names.is_bound(name) {
            return None;
        }
        let import = names.import_of(name);
        let mut homes = Vec::new();
        for (module, live) in &mut self.modules {
            let is_it = match import {
                Some(import) => {
                    let source = (import.level == 0).then_some(&import.module);
                    source == Some(module) && import.name.as_deref() == Some(name)
                }
                None => names.is_same(module, name),
            };
            if is_it && let Ok(outline) = live.outline(&mut self.last_unit) {
                let mut units = outline.units.iter();
                let makes = units.any(|unit| {
                    let mut imports = unit.imports.iter();
                    unit.binds.iter().any(|bound| bound == name)
                        && !imports.any(|import| import.alias == name)
                });
                homes.extend(makes.then(|| module.clone()));
            }
        }
        homes.pop().filter(|_| homes.is_empty())
    }
}

/// Whether the text of a module may bind a name, in a function or by a star import too.
fn binds(outline: &Outline, name: &str) -> bool {
    outline.units.iter().any(|unit| {
        let mut moments = unit.reads.moments().into_iter();
        let mut imports = unit.imports.iter();
        unit.binds.iter().any(|bound| bound == name)
            || imports.any(|import| import.alias == "*")
            || moments.any(|moment| moment.stores.contains(name))
    })
}
