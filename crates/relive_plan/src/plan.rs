//! The plan and the facts it needs: what passes between the session and a host, all of it serialisable.

use std::collections::BTreeMap;

use relive_syntax::{Lines, Piece};
use serde::{Deserialize, Serialize};

use crate::item::Item;

/// Ordered steps that bring live modules from one version of their source to another: all of them, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The modules that the steps name by index.
    pub modules: Vec<ModuleText>,
    /// What to do, in order.
    pub steps: Vec<Step>,
}

/// What a host must know of a module's source to carry out the steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleText {
    /// The module's name.
    pub name: String,
    /// Its source file.
    pub file: String,
    /// What tracebacks show lines of.
    pub text: String,
    /// Features named in `from __future__ import`.
    pub future: Vec<String>,
    /// Excerpts of the text that the steps name by index; see `Outline::excerpt`.
    pub excerpts: Vec<String>,
    /// Where the lines of the excerpts are shown; empty if that is where they are.
    pub pieces: Vec<Piece>,
    /// On first contact: the text that is live until now.
    pub base: Option<String>,
    /// Where the lines of the base are shown; empty if that is where they are.
    pub base_pieces: Vec<Piece>,
    /// On first contact: which unit the code on which lines of the live code belongs to.
    pub anchors: Vec<(u64, Lines)>,
    /// Units whose code stays and whose lines change.
    pub moves: Vec<Move>,
    /// Classes of which the interpreter keeps something else than before.
    pub classes: Vec<ClassText>,
}

/// What the interpreter keeps of a class's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassText {
    /// The names that lead to it from its module.
    pub path: Vec<String>,
    /// Its first line: `__firstlineno__`.
    pub line: u32,
    /// What its methods store on `self`: `__static_attributes__`.
    pub static_attributes: Vec<String>,
}

/// A unit that stands at other lines than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The unit.
    pub unit: u64,
    /// By how many lines, downwards.
    pub by: i64,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Index of the module.
    pub module: usize,
    /// What to do.
    pub action: Action,
    /// What the report says of it, if it is worth a line.
    pub item: Option<Item>,
}

/// A `from … import *`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StarImport {
    /// The module whose public names are imported.
    pub exporter: String,
    /// Names that the importing module binds below it, which hide what it brings.
    pub hidden: Vec<String>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Execute the excerpt in the module's namespace, or in the body of `class` and set what it binds on the class.
    Execute {
        /// The unit that the excerpt holds.
        unit: u64,
        /// The class in whose body it stands; empty at the top level.
        class: Vec<String>,
        /// Index of the excerpt.
        excerpt: usize,
        /// The names that it binds.
        names: Vec<String>,
        /// Those of them that must be unbound when it begins: it may not bind them, and nothing above it does.
        clears: Vec<String>,
        /// Whether references to what the names were bound to before should come to mean what they are bound to now:
        /// not where another statement binds the same name, for then both objects have their place.
        succeeds: bool,
        /// Whether the new function stays what the name is bound to: a decorator, or the statement itself, may have put
        /// it elsewhere too.
        keeps_new: bool,
        /// Which unit the code on which lines of the excerpt belongs to.
        anchors: Vec<(u64, Lines)>,
    },
    /// Give the live functions of a unit the code of its new version; every exchange of a plan happens at one instant.
    Exchange {
        /// The unit.
        unit: u64,
        /// The class in whose body it stands; empty at the top level.
        class: Vec<String>,
        /// Where its new version stands in the excerpt.
        lines: Lines,
        /// Index of the excerpt that holds its new version.
        excerpt: usize,
        /// The name of the definition whose defaults and annotations changed too: the excerpt is executed in a scratch
        /// namespace, its decorators made the identity, and the function found under this name is their source.
        signature_of: Option<String>,
        /// Whether only the annotations changed: the live functions keep their defaults.
        keeps_defaults: bool,
        /// Whether executing the excerpt may run code that exchanges before this one replace: they come first.
        waits: bool,
    },
    /// Remove names, and keep their values on the shelf of the unit.
    Remove {
        /// The unit that bound them.
        unit: u64,
        /// The class from which to remove them; empty for the module.
        class: Vec<String>,
        /// The names.
        names: Vec<String>,
    },
    /// Bind the names again to the values that the shelf of the unit keeps.
    Restore {
        /// The unit that bound them.
        unit: u64,
        /// The class on which to bind them; empty for the module.
        class: Vec<String>,
        /// The names.
        names: Vec<String>,
    },
    /// Make the annotations of a scope those of the excerpt.
    Annotate {
        /// The class; empty for the module.
        class: Vec<String>,
        /// All annotated names, in order.
        names: Vec<String>,
        /// Index of the excerpt that holds all annotated statements of the scope.
        excerpt: usize,
        /// Whether annotations that are there already are to be made anew.
        is_renewed: bool,
    },
    /// Bring the names that `importer` has from its `from … import *` statements up to date.
    FollowStar {
        /// The importing module.
        importer: String,
        /// The modules whose public names it imports, in the order of its text.
        exporters: Vec<StarImport>,
        /// Those whose public names it imported only before the edit.
        former: Vec<String>,
        /// Names that the importing module binds otherwise: those stay bound.
        bound: Vec<String>,
    },
    /// Rebind `alias` in `importer` to the module's `name` if it still holds what that name was bound to before.
    Follow {
        /// The name in the step's module.
        name: String,
        /// The importing module.
        importer: String,
        /// The name in the importing module.
        alias: String,
    },
}

/// What the planner asks a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsQuery {
    /// One for each module to be edited.
    pub modules: Vec<ModuleQuery>,
    /// All live modules, whose names may hold copies.
    pub live: Vec<String>,
    /// Whether to say which calls still run code that an earlier plan replaced.
    pub frames: bool,
}

/// What the planner asks about one module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleQuery {
    /// The module's name.
    pub name: String,
    /// Classes whose bodies change.
    pub classes: Vec<ClassQuery>,
    /// Names that may be rebound: who else holds their values?
    pub names: Vec<String>,
    /// For a module executed before the session began: the text of its file, to be compared with what is live.
    pub text: Option<String>,
}

/// What the planner asks about one class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassQuery {
    /// The names that lead to it from its module.
    pub path: Vec<String>,
    /// Whether to count its instances, which takes a walk over the heap.
    pub count_instances: bool,
}

/// What is live, as far as it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The minor version of the interpreter.
    pub python: u8,
    /// By module name.
    pub modules: BTreeMap<String, ModuleFacts>,
    /// Calls, running or suspended, that still run code that an earlier plan replaced.
    pub frames: Vec<Item>,
}

/// What is live in one module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleFacts {
    /// Whether the module is loaded at all.
    pub is_loaded: bool,
    /// The line that the module's own top-level code is executing now, if it is.
    pub running_line: Option<u32>,
    /// For each class asked about, in order.
    pub classes: Vec<ClassFacts>,
    /// Where the text asked about differs from what is live.
    pub differences: Vec<Difference>,
    /// Who holds the values of the names asked about.
    pub holders: Vec<Holder>,
}

/// What is live under a class's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassFacts {
    /// Why its attributes cannot be changed one by one, if they cannot.
    pub obstacle: Option<String>,
    /// Why only its plain methods can be changed one by one, if that is so.
    pub only_methods: Option<String>,
    /// How many instances are alive, counted only where that matters.
    pub instances: u64,
}

/// A definition of a text that is not what is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// A line of the definition.
    pub line: u32,
    /// Whether nothing of its name is live.
    pub is_missing: bool,
}

/// A name of another live module that holds the same object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The name in the module asked about.
    pub name: String,
    /// The holding module.
    pub importer: String,
    /// Its name there.
    pub alias: String,
}
