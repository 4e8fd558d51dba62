//! Random programs, their edits, and a judge of what came of these.

use std::collections::BTreeMap;

use relive_session::{Base, Mode, Session};

use crate::files::Files;
use crate::python::Python;
use crate::story::file;

pub(crate) type Program = BTreeMap<String, Vec<String>>;

fn texts(program: &Program) -> BTreeMap<String, String> {
    program
        .iter()
        .map(|(name, lines)| {
            (
                name.clone(),
                lines.iter().map(|line| format!("{line}\n")).collect(),
            )
        })
        .collect()
}

/// Numbers that only look random, the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// What statements the programs are made of.
pub(crate) struct Language {
    /// Statements for each module.
    pub(crate) statements: BTreeMap<&'static str, &'static [&'static str]>,
    /// Whether several statements may bind the same name.
    pub(crate) may_rebind: bool,
}

impl Language {
    pub(crate) fn program(&self, dice: &mut Dice, length: usize) -> Program {
        let mut program = Program::new();
        for (name, statements) in &self.statements {
            let lines = program.entry((*name).to_owned()).or_default();
            for _ in 0..length {
                let at = lines.len();
                self.insert(lines, at, statements[dice.roll(statements.len())]);
            }
        }
        program
    }

    pub(crate) fn edit(&self, dice: &mut Dice, program: &mut Program) {
        let names: Vec<_> = self.statements.keys().collect();
        let name = names[dice.roll(names.len())];
        let statements = self.statements[name];
        let statement = statements[dice.roll(statements.len())];
        let lines = program.get_mut(*name).unwrap();
        let at = dice.roll(lines.len() + 1);
        match dice.roll(5) {
            0 if at < lines.len() => {
                lines.remove(at);
            }
            1 if at < lines.len() => {
                let line = lines.remove(at);
                let to = dice.roll(lines.len() + 1);
                lines.insert(to, line);
            }
            2 if at < lines.len() => {
                lines.remove(at);
                self.insert(lines, at, statement);
            }
            _ => self.insert(lines, at, statement),
        }
    }

    fn insert(&self, lines: &mut Vec<String>, at: usize, statement: &str) {
        let same = lines
            .iter()
            .position(|line| bound(line) == bound(statement));
        match same.filter(|_| !self.may_rebind) {
            Some(same) => lines[same] = statement.to_owned(),
            None => lines.insert(at.min(lines.len()), statement.to_owned()),
        }
    }
}

/// The name that a statement binds, or its text if it binds none.
fn bound(statement: &str) -> &str {
    let definition = statement
        .strip_prefix("def ")
        .and_then(|rest| rest.split('(').next());
    let import = statement
        .rsplit_once(" import ")
        .map(|(_, names)| names.rsplit(' ').next().unwrap_or(names));
    let assignment = statement.split_once(" = ").map(|(name, _)| name);
    definition.or(import).or(assignment).unwrap_or(statement)
}

/// What came of a program's edits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Some version does not run.
    Invalid,
    Same,
    Named,
    Silent(String),
    /// An edit that a fresh interpreter runs was refused.
    Refused(String),
}

/// Run the versions one after the other in one live program.
pub(crate) fn judge(versions: &[Program], mode: Mode) -> Verdict {
    let fresh: Vec<Python> = versions
        .iter()
        .filter_map(|version| Python::running(&texts(version)).ok())
        .collect();
    if fresh.len() < versions.len() {
        return Verdict::Invalid;
    }
    let files = Files::default();
    let save = |version: &Program| {
        for (name, text) in texts(version) {
            files.save(&file(&name), Some(text.into_bytes()));
        }
    };
    save(&versions[0]);
    let mut session = Session::with(mode, Box::new(files.clone()), None);
    let mut live = fresh[0].clone();
    for name in versions[0].keys() {
        session.register(name, &file(name), Base::File).unwrap();
    }
    let mut verdict = Verdict::Same;
    for (version, fresh) in versions.iter().zip(&fresh).skip(1) {
        save(version);
        let report = session.update(&mut live, &Default::default());
        if let Some(item) = report.refused.first() {
            return Verdict::Refused(format!("{} {}", item.qualname, item.why));
        }
        let stale = session.stale(&mut live);
        for name in version.keys() {
            let (is, should) = (live.namespace(name), fresh.namespace(name));
            for bound in is.keys().chain(should.keys()) {
                if is.get(bound) == should.get(bound) {
                    continue;
                }
                verdict = Verdict::Named;
                let qualname = format!("{name}:{bound}");
                if !stale.iter().any(|item| item.qualname == qualname) {
                    return Verdict::Silent(format!(
                        "{qualname} is {:?}, fresh {:?}",
                        is.get(bound),
                        should.get(bound)
                    ));
                }
            }
        }
    }
    verdict
}
