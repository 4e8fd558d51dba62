//! A Python interpreter as small as can be: enough of one to say whether a live program equals a fresh one.
//!
//! One statement on each line: `import a`, `from a import X as Y`, `X = …`, `X += …`, `del X`, `if X: Y = …`,
//! `def f(): return …`, `def f(a=…): return …`, `D = {}`, `D['k'] = …`. An expression is a sum of numbers, names, attributes
//! of modules, items of dictionaries and calls without arguments.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write;

use relive_plan::{Action, Facts, FactsQuery, Holder, ModuleFacts, Plan, Step};
use relive_session::{Applied, Host, HostError};
use relive_syntax::Lines;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Number(i64),
    /// Index of the function object.
    Function(usize),
    /// Index of the dictionary.
    Dictionary(usize),
    Module(String),
}

#[derive(Clone, Debug)]
struct Function {
    module: String,
    name: String,
    line: u32,
    unit: Option<u64>,
    body: String,
    parameter: Option<(String, Value)>,
}

/// What an interpreter holds.
#[derive(Clone, Debug, Default)]
struct State {
    modules: BTreeMap<String, BTreeMap<String, Value>>,
    functions: Vec<Function>,
    dictionaries: Vec<BTreeMap<String, Value>>,
    shelf: BTreeMap<(String, u64, String), Value>,
}

/// An interpreter, with the files that it imports from.
#[derive(Clone, Default)]
pub(crate) struct Python {
    state: State,
    files: BTreeMap<String, String>,
    /// How many calls are going on.
    depth: Cell<u32>,
}

type Outcome<T> = Result<T, String>;

impl Python {
    /// An interpreter that has imported all the modules, in this order.
    pub(crate) fn running(files: &BTreeMap<String, String>) -> Outcome<Self> {
        let mut python = Self {
            files: files.clone(),
            ..Self::default()
        };
        for name in files.keys() {
            python.import(name)?;
        }
        Ok(python)
    }

    /// Import a module whose file is not where the others' are.
    pub(crate) fn import_text(&mut self, name: &str, text: &str) {
        self.files.insert(name.to_owned(), text.to_owned());
        self.import(name).unwrap();
    }

    /// What a module's names are bound to, as text.
    pub(crate) fn namespace(&self, module: &str) -> BTreeMap<String, String> {
        let names = self.state.modules.get(module).into_iter().flatten();
        names
            .map(|(name, value)| (name.clone(), self.describe(value)))
            .collect()
    }

    fn describe(&self, value: &Value) -> String {
        match value {
            Value::Number(number) => number.to_string(),
            Value::Module(name) => format!("module {name}"),
            Value::Dictionary(index) => {
                let items = self.state.dictionaries[*index].iter();
                let items = items.map(|(key, value)| format!("{key}: {}", self.describe(value)));
                format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
            }
            Value::Function(index) => {
                let function = &self.state.functions[*index];
                let mut text = format!("def {}.{}(", function.module, function.name);
                if let Some((name, default)) = &function.parameter {
                    let _ = write!(text, "{name}={}", self.describe(default));
                }
                text + "): " + &function.body
            }
        }
    }

    fn import(&mut self, name: &str) -> Outcome<()> {
        if self.state.modules.contains_key(name) {
            return Ok(());
        }
        let text = self
            .files
            .get(name)
            .cloned()
            .ok_or_else(|| format!("no module {name}"))?;
        self.state.modules.insert(name.to_owned(), BTreeMap::new());
        for (index, line) in text.lines().enumerate() {
            self.execute(name, line, u32::try_from(index + 1).unwrap(), None)?;
        }
        Ok(())
    }

    fn execute(&mut self, module: &str, line: &str, number: u32, unit: Option<u64>) -> Outcome<()> {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() || line == "pass" || line.starts_with("class ") {
            return Ok(());
        }
        if let Some(name) = line.strip_prefix("import ") {
            self.import(name)?;
            self.bind(module, name, Value::Module(name.to_owned()));
        } else if let Some(rest) = line.strip_prefix("from ") {
            let (from, names) = rest.split_once(" import ").ok_or("from what?")?;
            self.import(from)?;
            for name in names.split(", ") {
                let (name, alias) = name.split_once(" as ").unwrap_or((name, name));
                let value = self.lookup(from, name)?;
                self.bind(module, alias, value);
            }
        } else if let Some(name) = line.strip_prefix("del ") {
            let gone = self
                .state
                .modules
                .get_mut(module)
                .and_then(|names| names.remove(name));
            gone.ok_or_else(|| format!("name {name} is not defined"))?;
        } else if let Some(rest) = line.strip_prefix("if ") {
            let (condition, then) = rest.split_once(": ").ok_or("if what?")?;
            if self.evaluate(module, condition, None)? != Value::Number(0) {
                self.execute(module, then, number, unit)?;
            }
        } else if let Some(rest) = line.strip_prefix("def ") {
            let function = self.define(module, rest, number, unit)?;
            let name = function.name.clone();
            self.state.functions.push(function);
            self.bind(
                module,
                &name,
                Value::Function(self.state.functions.len() - 1),
            );
        } else if let Some((name, value)) = line.split_once(" += ") {
            let sum = self.number(module, &format!("{name} + {value}"))?;
            self.bind(module, name, Value::Number(sum));
        } else if let Some((target, value)) = line.split_once(" = ") {
            let value = self.made(module, value)?;
            match target.split_once("['") {
                None => self.bind(module, target, value),
                Some((name, key)) => match self.lookup(module, name)? {
                    Value::Dictionary(index) => {
                        self.state.dictionaries[index]
                            .insert(key.trim_end_matches("']").to_owned(), value);
                    }
                    _ => return Err(format!("{name} is no dictionary")),
                },
            }
        } else {
            self.evaluate(module, line, None)?;
        }
        Ok(())
    }

    /// The value of an expression, which may make an object.
    fn made(&mut self, module: &str, text: &str) -> Outcome<Value> {
        if text == "{}" {
            self.state.dictionaries.push(BTreeMap::new());
            return Ok(Value::Dictionary(self.state.dictionaries.len() - 1));
        }
        self.evaluate(module, text, None)
    }

    fn define(
        &mut self,
        module: &str,
        text: &str,
        line: u32,
        unit: Option<u64>,
    ) -> Outcome<Function> {
        let (head, body) = text.split_once("): return ").ok_or("def what?")?;
        let (name, parameters) = head.split_once('(').ok_or("def what?")?;
        let parameter = match parameters.split_once('=') {
            None => None,
            Some((parameter, default)) => {
                Some((parameter.to_owned(), self.evaluate(module, default, None)?))
            }
        };
        Ok(Function {
            module: module.to_owned(),
            name: name.to_owned(),
            line,
            unit,
            body: body.to_owned(),
            parameter,
        })
    }

    fn bind(&mut self, module: &str, name: &str, value: Value) {
        self.state
            .modules
            .entry(module.to_owned())
            .or_default()
            .insert(name.to_owned(), value);
    }

    fn lookup(&self, module: &str, name: &str) -> Outcome<Value> {
        let value = self
            .state
            .modules
            .get(module)
            .and_then(|names| names.get(name));
        value
            .cloned()
            .ok_or_else(|| format!("name {name} is not defined"))
    }

    fn number(&self, module: &str, text: &str) -> Outcome<i64> {
        match self.evaluate(module, text, None)? {
            Value::Number(number) => Ok(number),
            other => Err(format!("{other:?} is no number")),
        }
    }

    fn evaluate(
        &self,
        module: &str,
        text: &str,
        local: Option<&(String, Value)>,
    ) -> Outcome<Value> {
        let terms: Vec<&str> = text.split(" + ").collect();
        if let [term] = terms[..] {
            return self.term(module, term, local);
        }
        let mut sum = 0;
        for term in terms {
            match self.term(module, term, local)? {
                Value::Number(number) => sum += number,
                other => return Err(format!("{other:?} is no number")),
            }
        }
        Ok(Value::Number(sum))
    }

    fn term(&self, module: &str, term: &str, local: Option<&(String, Value)>) -> Outcome<Value> {
        if let Ok(number) = term.parse() {
            return Ok(Value::Number(number));
        }
        if let Some(callee) = term.strip_suffix("()") {
            return match self.term(module, callee, local)? {
                Value::Function(index) => {
                    let function = &self.state.functions[index];
                    if self.depth.get() > 20 {
                        return Err("too many calls".to_owned());
                    }
                    self.depth.set(self.depth.get() + 1);
                    let value = self.evaluate(
                        &function.module,
                        &function.body,
                        function.parameter.as_ref(),
                    );
                    self.depth.set(self.depth.get() - 1);
                    value
                }
                other => Err(format!("{other:?} cannot be called")),
            };
        }
        if let Some((name, key)) = term.split_once("['") {
            let key = key.trim_end_matches("']");
            return match self.term(module, name, local)? {
                Value::Dictionary(index) => {
                    let value = self.state.dictionaries[index].get(key).cloned();
                    value.ok_or_else(|| format!("no key {key}"))
                }
                other => Err(format!("{other:?} has no items")),
            };
        }
        if let Some((name, attribute)) = term.split_once('.') {
            return match self.term(module, name, local)? {
                Value::Module(other) => self.lookup(&other, attribute),
                other => Err(format!("{other:?} has no attributes")),
            };
        }
        match local {
            Some((name, value)) if name == term => Ok(value.clone()),
            _ => self.lookup(module, term),
        }
    }
}

impl Host for Python {
    fn facts(&mut self, query: &FactsQuery) -> Result<Facts, HostError> {
        let modules = query.modules.iter().map(|asked| {
            let facts = ModuleFacts {
                is_loaded: self.state.modules.contains_key(&asked.name),
                classes: Vec::new(),
                holders: self.holders(&asked.name, &asked.names),
                ..ModuleFacts::default()
            };
            (asked.name.clone(), facts)
        });
        Ok(Facts {
            python: 13,
            modules: modules.collect(),
            ..Facts::default()
        })
    }

    fn compile(&mut self, _plan: &Plan) -> Result<(), HostError> {
        Ok(())
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, HostError> {
        let before = self.state.clone();
        for module in &plan.modules {
            self.files.insert(module.name.clone(), module.text.clone());
            if module.base.is_some() {
                self.anchor(&module.name, &module.anchors);
            }
        }
        for (index, step) in plan.steps.iter().enumerate() {
            let module = &plan.modules[step.module];
            if let Err(message) = self.step(&before, &module.name, &module.text, step) {
                self.state = before;
                return Err(HostError::Raised {
                    step: index,
                    message,
                    line: 1,
                });
            }
        }
        let mut rebound = Vec::new();
        for module in &plan.modules {
            let (was, is) = (
                &before.modules[&module.name],
                &self.state.modules[&module.name],
            );
            let names: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
            let changed = names
                .into_iter()
                .filter(|name| was.get(*name) != is.get(*name));
            rebound.extend(changed.map(|name| (module.name.clone(), name.clone())));
        }
        Ok(Applied {
            rebound,
            ..Applied::default()
        })
    }
}

/// What a host does.
impl Python {
    fn holders(&self, module: &str, names: &[String]) -> Vec<Holder> {
        let mut holders = Vec::new();
        for name in names {
            let Ok(value) = self.lookup(module, name) else {
                continue;
            };
            for (importer, names) in self
                .state
                .modules
                .iter()
                .filter(|(importer, _)| *importer != module)
            {
                let held = names.iter().filter(|(_, held)| **held == value);
                holders.extend(held.map(|(alias, _)| Holder {
                    name: name.clone(),
                    importer: importer.clone(),
                    alias: alias.clone(),
                }));
            }
        }
        holders
    }

    /// Learn which unit the functions of a module belong to.
    fn anchor(&mut self, module: &str, anchors: &[(u64, Lines)]) {
        for function in self
            .state
            .functions
            .iter_mut()
            .filter(|function| function.module == module)
        {
            if function.unit.is_none() {
                let found = anchors
                    .iter()
                    .find(|(_, lines)| lines.contains(function.line));
                function.unit = found.map(|(unit, _)| *unit);
            }
        }
    }

    fn step(&mut self, before: &State, module: &str, text: &str, step: &Step) -> Outcome<()> {
        let line_at = |lines: Lines| text.lines().nth(lines.first as usize - 1).unwrap_or("");
        match &step.action {
            Action::Execute { unit, anchors, .. } => {
                let lines = anchors[0].1;
                let names = self.state.modules[module].clone();
                self.execute(module, line_at(lines), lines.first, Some(*unit))?;
                self.keep_functions(module, &names);
            }
            Action::Exchange {
                unit,
                lines,
                signature_of,
                ..
            } => {
                let Some((_, definition)) = line_at(*lines).split_once("def ") else {
                    return Ok(());
                };
                let new = self.define(module, definition, lines.first, Some(*unit))?;
                for function in &mut self.state.functions {
                    if function.module == module && function.unit == Some(*unit) {
                        let default = function.parameter.take().map(|(_, default)| default);
                        function.body.clone_from(&new.body);
                        function.parameter.clone_from(&new.parameter);
                        if let (Some((_, value)), Some(default), None) =
                            (&mut function.parameter, default, signature_of)
                        {
                            *value = default;
                        }
                    }
                }
            }
            Action::Remove { unit, names, .. } => {
                for name in names {
                    let gone = self
                        .state
                        .modules
                        .get_mut(module)
                        .and_then(|bound| bound.remove(name));
                    if let Some(value) = gone {
                        self.state
                            .shelf
                            .insert((module.to_owned(), *unit, name.clone()), value);
                    }
                }
            }
            Action::Restore { unit, names, .. } => {
                for name in names {
                    let key = (module.to_owned(), *unit, name.clone());
                    if let Some(value) = self.state.shelf.get(&key).cloned() {
                        self.bind(module, name, value);
                    }
                }
            }
            Action::Follow {
                name,
                importer,
                alias,
                ..
            } => {
                let was = before.modules[module].get(name);
                let is = self.state.modules[module].get(name).cloned();
                if let Some(is) = is
                    && was.is_some()
                    && self
                        .state
                        .modules
                        .get(importer)
                        .and_then(|names| names.get(alias))
                        == was
                {
                    self.bind(importer, alias, is);
                }
            }
            Action::Annotate { .. } | Action::FollowStar { .. } | Action::DropStar { .. } => {}
        }
        Ok(())
    }

    /// A function that is defined again is the old object with new code, as the real host has it.
    fn keep_functions(&mut self, module: &str, before: &BTreeMap<String, Value>) {
        let after = self.state.modules[module].clone();
        for (name, value) in after {
            if let (Some(Value::Function(old)), Value::Function(new)) = (before.get(&name), value)
                && *old != new
                && self.state.functions[*old].name == name
                && self.state.functions[new].name == name
            {
                self.state.functions[*old] = self.state.functions[new].clone();
                self.bind(module, &name, Value::Function(*old));
            }
        }
    }
}
