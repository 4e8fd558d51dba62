//! Executing statements again, because what they read has changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use relive_plan::{
    Changed, FactsQuery, Item, ItemKind, ModuleFacts, ModuleQuery, Outdated, Plan, rerun,
};

use crate::host::{Applied, Host, HostError};
use crate::report::Report;
use crate::session::{Mode, Session};
use crate::transaction::{Edit, Origin, Related, executed_units, find_unit, world_of};

impl Session {
    /// Whether a statement that is out of date is executed again without being asked for.
    pub(crate) fn is_to_run_again(&self, statement: &Outdated) -> bool {
        let is_statement = statement.unit != 0;
        is_statement && (statement.follows || self.mode == Mode::Deep && !statement.is_former)
    }

    /// Execute statements again that are out of date, and those that turn out to be so by that, each once.
    pub(crate) fn execute_again(
        &mut self,
        host: &mut dyn Host,
        statements: Vec<Outdated>,
    ) -> Report {
        let mut report = Report::default();
        let mut executed = BTreeSet::new();
        let mut pending = self.in_order(statements);
        while !pending.is_empty() {
            let statement = pending.remove(0);
            if !executed.insert(statement.unit) {
                continue;
            }
            let mut more = self.execute_one(host, statement, &mut executed, &mut report);
            more.retain(|found| self.is_to_run_again(found) && !executed.contains(&found.unit));
            if !more.is_empty() {
                pending.append(&mut more);
                pending = self.in_order(pending);
            }
        }
        self.leave_out_mended(&mut report);
        report
    }

    /// Leave out of a report what has been named on the way and is no longer out of date.
    pub(crate) fn leave_out_mended(&self, report: &mut Report) {
        report.stale.retain(|item| {
            self.stale.contains_key(&(item.qualname.clone(), item.kind))
                || item.kind == ItemKind::Frame
        });
    }

    /// Execute a statement again, and return what is out of date by that.
    fn execute_one(
        &mut self,
        host: &mut dyn Host,
        statement: Outdated,
        executed: &mut BTreeSet<u64>,
        report: &mut Report,
    ) -> Vec<Outdated> {
        let mut related = self.related(BTreeSet::from([statement.module.clone()]));
        if let Some((outline, _)) = related.get(&statement.module).cloned() {
            let importer = (statement.module.as_str(), &*outline);
            related = self.with_imports(related, [importer]);
        }
        let plan = match self.plan_again(host, &statement, &related) {
            Ok(plan) if plan.steps.is_empty() => return Vec::new(),
            Ok(plan) => plan,
            Err(error) => {
                let error = self.internal_error(&statement.module, &error);
                report.refused.push(error);
                return Vec::new();
            }
        };
        // No text changes: there is nothing that a log could bring back.
        match self.carry_out(host, &plan, &[]) {
            Ok((applied, _)) => {
                executed.extend(executed_units(&plan));
                self.settle_again(&statement, &plan, applied, &related, report)
            }
            Err(error) => {
                report.refused.push(self.failure(&plan, &error));
                Vec::new()
            }
        }
    }

    /// A plan without steps if the statement is gone, or its module has not come so far.
    fn plan_again(
        &self,
        host: &mut dyn Host,
        statement: &Outdated,
        related: &Related,
    ) -> Result<Plan, HostError> {
        let outline = related.get(&statement.module).map(|(outline, _)| outline);
        let found = outline.and_then(|outline| {
            let unit = find_unit(&outline.units, statement.unit)?;
            Some((outline, unit))
        });
        let Some((outline, unit)) = found else {
            return Ok(Plan::default());
        };
        let edit = Edit {
            name: statement.module.clone(),
            old: Arc::clone(outline),
            new: (**outline).clone(),
            file: None,
            changes: Vec::new(),
            seen: None,
            origin: Origin::Saved { before: None },
        };
        let asked = FactsQuery {
            modules: vec![ModuleQuery {
                name: edit.name.clone(),
                classes: Vec::new(),
                names: unit.binds.clone(),
                text: None,
            }],
            live: self.modules.keys().cloned().collect(),
            frames: false,
        };
        let facts = host.facts(&asked)?;
        let nothing = ModuleFacts::default();
        let file = self.file_of(&edit.name);
        Ok(rerun(
            &self.module_edit(&edit, &file),
            &[(statement, unit)],
            facts.modules.get(&edit.name).unwrap_or(&nothing),
            &world_of(related),
        ))
    }

    /// Take note of what was executed again, and return what is out of date by that.
    fn settle_again(
        &mut self,
        statement: &Outdated,
        plan: &Plan,
        applied: Applied,
        related: &Related,
        report: &mut Report,
    ) -> Vec<Outdated> {
        self.version += 1;
        if let Some(module) = self.modules.get_mut(&statement.module) {
            module.version = self.version;
            module.is_anchored = true;
        }
        let items = plan.steps.iter().filter_map(|step| step.item.clone());
        report.applied.extend(items);
        let done = executed_units(plan);
        self.stale
            .retain(|_, stale| stale.unit().is_none_or(|unit| !done.contains(&unit)));
        let bound = find_unit(&related[&statement.module].0.units, statement.unit);
        let bound = bound.into_iter().flat_map(|unit| unit.binds.iter());
        let bound = bound.map(|name| (statement.module.clone(), name.clone()));
        self.forgive_where(&bound.collect(), |stale| {
            // Copies have followed; a statement that has read the name has not.
            stale.unit().is_none() || stale.item.kind == ItemKind::Import
        });
        self.add_live_stale(applied.stale, report);
        let changed = Changed {
            names: applied.rebound.into_iter().collect(),
            ..Changed::default()
        };
        let found = self.outdated(related, &changed, &done);
        for still in &found {
            self.add_stale(still.item.clone(), Some(still.clone()), report);
        }
        if statement.is_former {
            let why = "executed with what it reads is now, which a statement below it has changed";
            let item = Item {
                why: why.to_owned(),
                ..statement.item.clone()
            };
            self.add_stale(item, Some(statement.clone()), report);
        }
        found
    }

    /// Statements in the order in which a fresh interpreter would execute them.
    fn in_order(&mut self, mut statements: Vec<Outdated>) -> Vec<Outdated> {
        let modules: BTreeSet<String> = statements
            .iter()
            .map(|statement| statement.module.clone())
            .collect();
        let related = self.related(modules);
        let names: BTreeSet<&str> = related.keys().map(String::as_str).collect();
        let ranks = world_of(&related).import_ranks(&names);
        statements.sort_by_key(|statement| {
            (
                ranks.get(statement.module.as_str()).copied(),
                statement.item.line,
            )
        });
        statements
    }
}
