//! Two outlines of a module and the facts about its live objects to a [`Plan`]: ordered steps, as pure data.
//!
//! Nothing here runs Python, reads a file or knows a clock. What cannot be done is a refusal in the plan, with its
//! reason, before anything has run.

#![forbid(unsafe_code)]

mod chains;
mod class;
mod inputs;
mod item;
mod methods;
mod order;
mod plan;
mod planner;
mod reach;
mod scope;
mod stale;
mod together;
mod warnings;
mod world;

pub use item::{Item, ItemKind};
pub use plan::{
    Action, ClassFacts, ClassQuery, ClassText, Difference, Facts, FactsQuery, Holder, ModuleFacts,
    ModuleQuery, ModuleText, Move, Plan, StarImport, Step,
};
pub use planner::{ModuleEdit, Planned, PlannedModule, plan, query, rerun};
pub use scope::Removed;
pub use stale::{Outdated, SourceModule, outdated, staleness};
pub use together::tied_to;
pub use world::{Cause, Changed, Effects, Place, World};
