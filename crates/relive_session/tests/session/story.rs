//! A live program, what is saved, and what the session and its host make of it, told in lines of text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use relive_plan::{Facts, FactsQuery, Item, Plan};
use relive_session::{
    Applied, Base, Host, HostError, Mode, Occasion, PatchRequest, Report, Session,
};

use crate::files::Files;
use crate::python::Python;

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    pub(crate) fn push(&self, event: String) {
        self.0.lock().unwrap().push(event);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// A host that tells what it is asked to do, and fails when it is told to.
pub(crate) struct Recorder {
    pub(crate) python: Python,
    pub(crate) events: Events,
    /// What the next question or compilation comes to.
    pub(crate) next_facts: Option<HostError>,
    pub(crate) next_compile: Option<HostError>,
    /// Live instances, frames and differences, as the next questions find them.
    pub(crate) facts: Facts,
}

impl Host for Recorder {
    fn facts(&mut self, query: &FactsQuery) -> Result<Facts, HostError> {
        if let Some(error) = self.next_facts.take() {
            return Err(error);
        }
        let mut facts = self.python.facts(query)?;
        facts.frames.clone_from(&self.facts.frames);
        for (name, more) in &self.facts.modules {
            if let Some(module) = facts.modules.get_mut(name) {
                module.differences.clone_from(&more.differences);
                module.running_line = more.running_line;
            }
        }
        Ok(facts)
    }

    fn compile(&mut self, plan: &Plan) -> Result<(), HostError> {
        self.events.push(format!("compile {}", modules(plan)));
        self.next_compile.take().map_or(Ok(()), Err)
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, HostError> {
        let applied = self.python.apply(plan);
        let outcome = if applied.is_ok() { "" } else { ", undone" };
        let steps = plan.steps.len();
        self.events
            .push(format!("apply {}: {steps} steps{outcome}", modules(plan)));
        applied
    }
}

fn modules(plan: &Plan) -> String {
    let names: Vec<&str> = plan
        .modules
        .iter()
        .map(|module| module.name.as_str())
        .collect();
    names.join(" ")
}

/// A session, its files and its host.
///
/// What does not come out as expected is told all at once, when the story ends.
pub(crate) struct Story {
    pub(crate) session: Session,
    pub(crate) host: Recorder,
    pub(crate) files: Files,
    surprises: String,
}

impl Story {
    /// A program of modules, live in patch mode. A name that ends with a slash is a package's.
    pub(crate) fn of(modules: &[(&str, &str)]) -> Self {
        Self::with(Mode::Patch, modules)
    }

    /// A program of modules, live in a mode.
    pub(crate) fn with(mode: Mode, modules: &[(&str, &str)]) -> Self {
        let texts: BTreeMap<String, String> = modules
            .iter()
            .map(|(name, text)| (name.trim_end_matches('/').to_owned(), (*text).to_owned()))
            .collect();
        let files = Files::default();
        let mut story = Self {
            session: Session::with(mode, Box::new(files.clone()), None),
            host: Recorder {
                python: Python::running(&texts).unwrap(),
                events: Events::default(),
                next_facts: None,
                next_compile: None,
                facts: Facts::default(),
            },
            files,
            surprises: String::new(),
        };
        for (name, text) in modules {
            story.save(name, text);
            let file = file(name);
            story
                .session
                .register(name.trim_end_matches('/'), &file, Base::File)
                .unwrap();
        }
        story
    }

    /// Save a module's file.
    pub(crate) fn save(&self, name: &str, text: &str) {
        self.files.save(&file(name), Some(text.as_bytes().to_vec()));
    }

    /// Remove a module's file.
    pub(crate) fn remove(&self, name: &str) {
        self.files.save(&file(name), None);
    }

    /// Update, and tell what happened.
    #[track_caller]
    pub(crate) fn update(&mut self, expected: &str) {
        self.update_on(Occasion::Asked, &[], expected);
    }

    /// Save the module `m` and update.
    #[track_caller]
    pub(crate) fn edit(&mut self, text: &str, expected: &str) {
        self.save("m", text);
        self.update(expected);
    }

    /// Update on an occasion, but for some modules, and tell what happened.
    #[track_caller]
    pub(crate) fn update_on(&mut self, occasion: Occasion, skip: &[&str], expected: &str) {
        let skip: BTreeSet<String> = skip.iter().map(|name| (*name).to_owned()).collect();
        let report = self.session.update_on(occasion, &mut self.host, &skip);
        self.compare(&report, expected);
    }

    /// Execute stale statements again, and tell what happened.
    #[track_caller]
    pub(crate) fn rerun(&mut self, qualnames: &[&str], expected: &str) {
        let qualnames: Vec<String> = qualnames.iter().map(|name| (*name).to_owned()).collect();
        let report = self.session.rerun(&mut self.host, &qualnames);
        self.compare(&report, expected);
    }

    /// Patch modules, or classes in them (`m:C`), and tell what happened.
    #[track_caller]
    pub(crate) fn patch(&mut self, patches: &[(&str, &str)], expected: &str) {
        let patches: Vec<PatchRequest> = patches
            .iter()
            .map(|(place, source)| {
                let (module, scope) = place.split_once(':').unwrap_or((place, ""));
                let scope = scope.split('.').filter(|name| !name.is_empty());
                PatchRequest {
                    module: module.to_owned(),
                    scope: scope.map(ToOwned::to_owned).collect(),
                    source: (*source).to_owned(),
                }
            })
            .collect();
        let report = self.session.patch(&mut self.host, &patches);
        self.compare(&report, expected);
    }

    /// Everything that is stale.
    #[track_caller]
    pub(crate) fn stale(&mut self, expected: &str) {
        let items = self.session.stale(&mut self.host);
        let text: String = items.iter().map(|item| describe(item) + "\n").collect();
        self.expect(&text, expected);
    }

    /// What names of `m` are bound to, or of another module as `n.X`.
    #[track_caller]
    pub(crate) fn values(&mut self, names: &[&str], expected: &[&str]) {
        let values = names.iter().map(|name| {
            let (module, name) = name.rsplit_once('.').unwrap_or(("m", name));
            let names = self.host.python.namespace(module);
            names.get(name).map_or("nothing", String::as_str).to_owned()
        });
        let values: Vec<String> = values.collect();
        self.expect(&values.join("\n"), &expected.join("\n"));
    }

    #[track_caller]
    fn compare(&mut self, report: &Report, expected: &str) {
        let mut text: String = self
            .host
            .events
            .take()
            .into_iter()
            .map(|event| event + "\n")
            .collect();
        let lists = [
            ("applied", &report.applied),
            ("stale", &report.stale),
            ("refused", &report.refused),
            ("conflict", &report.conflicts),
        ];
        for (label, items) in lists {
            for item in items {
                let _ = writeln!(text, "{label} {}", describe(item));
            }
        }
        let _ = writeln!(text, "version {}", report.version);
        assert_eq!(report.version, self.session.version());
        self.expect(&text, expected);
    }

    #[track_caller]
    fn expect(&mut self, text: &str, expected: &str) {
        let lines = |text: &str| -> Vec<String> {
            text.trim()
                .lines()
                .map(|line| line.trim().to_owned())
                .collect()
        };
        if lines(text) != lines(expected) {
            let place = Location::caller();
            let _ = write!(self.surprises, "\n--> {place}\n{}\n<--", text.trim());
        }
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.surprises.is_empty(), "{}", self.surprises);
        }
    }
}

fn describe(item: &Item) -> String {
    format!("{}: {} at {}", item.qualname, item.why, item.line)
}

/// Where a module's file is; that of a package if the name ends with a slash.
pub(crate) fn file(name: &str) -> PathBuf {
    let path = name.trim_end_matches('/').replace('.', "/");
    if name.ends_with('/') {
        format!("{path}/__init__.py").into()
    } else {
        format!("{path}.py").into()
    }
}
