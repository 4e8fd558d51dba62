//! What a code object does with an exception that comes out of one of its instructions, read from its exception table
//! and the instructions of its handlers.
//!
//! Handlers are followed as the interpreter would follow them, as far as that can be told beforehand. Where it cannot, as
//! in a clause that raises again under a condition, the exception counts as caught.

use std::collections::HashSet;
use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCode};

use super::opcodes::{Condition, Load, Op, Opcodes};
use crate::raw;

/// The instructions of a code object, and its exception table.
pub(crate) struct Handlers {
    instructions: Vec<Instruction>,
    entries: Vec<Entry>,
    /// How high the stack is at each instruction, where it is reached; found when first needed.
    pub(super) heights: OnceLock<Vec<Option<i64>>>,
}

#[derive(Clone, Copy)]
pub(super) struct Instruction {
    /// In units of two bytes, as all places here.
    place: u32,
    pub(super) op: Op,
    pub(super) argument: u32,
    pub(super) opcode: u8,
}

/// What is executed if an instruction of a range raises.
struct Entry {
    start: u32,
    end: u32,
    handler: u32,
    /// How much of the stack is left then.
    depth: u32,
    /// The place is put on it, below the exception.
    has_place: bool,
}

/// What can be known of the frame that runs the code, and of the exception.
pub(super) trait Scene<'py> {
    /// The value that an instruction loads.
    fn load(&self, load: Load, argument: u32) -> Option<Bound<'py, PyAny>>;

    /// What an instruction replaces a value by.
    fn attribute(&self, of: &Bound<'py, PyAny>, argument: u32) -> Option<Bound<'py, PyAny>>;

    /// Whether an `except` clause with these types catches it.
    fn matches(&self, types: &Bound<'py, PyAny>) -> bool;

    /// Take what an `except*` clause with these types catches out of it; whether there is any.
    fn take(&mut self, types: &Bound<'py, PyAny>) -> bool;

    /// Put back what was taken last.
    fn put_back(&mut self);

    /// Whether everything has been taken.
    fn is_empty(&self) -> bool;

    /// Whether the context manager whose `__exit__` is at this height of the stack may end it.
    fn may_exit(&mut self, height: u32) -> bool;
}

/// What becomes of an exception.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It leaves the code.
    Passes,
    /// It ends here, or may.
    Caught {
        /// By a clause that catches whatever is raised.
        by_all: bool,
    },
}

/// How a handler ends.
enum End {
    Caught {
        by_all: bool,
    },
    /// An instruction raises the same exception again.
    Raises {
        place: u32,
    },
}

/// What is known on the way.
#[derive(Default)]
struct Known<'py> {
    /// The values loaded one after the other.
    values: Vec<Option<Bound<'py, PyAny>>>,
    /// What the next conditional jump depends on.
    answer: Option<Answer>,
    /// What is followed is for anything that may go wrong.
    is_for_all: bool,
}

enum Answer {
    Is(bool),
    /// It is not None.
    IsSomething(bool),
}

impl Handlers {
    pub(super) fn of(code: &Bound<'_, PyCode>, opcodes: &Opcodes) -> PyResult<Self> {
        let table = code.getattr("co_exceptiontable")?.cast_into::<PyBytes>()?;
        Ok(Self {
            instructions: instructions(code, opcodes)?,
            entries: entries(table.as_bytes()),
            heights: OnceLock::new(),
        })
    }

    /// What becomes of an exception that the instruction at a place lets out.
    pub(super) fn fate<'py>(&self, place: u32, scene: &mut impl Scene<'py>) -> Fate {
        let mut place = place;
        // Each handler stands behind what it guards, or is not entered twice.
        for _ in 0..=self.entries.len() {
            let Some(entry) = self.entry(place) else {
                return Fate::Passes;
            };
            match self.follow(entry, scene) {
                End::Caught { by_all } => return Fate::Caught { by_all },
                End::Raises { place: again } => place = again,
            }
        }
        Fate::Caught { by_all: false }
    }

    /// Whether the code, which this is of, always returns a constant that counts as false.
    pub(super) fn returns_nothing(&self, code: &Bound<'_, PyCode>, opcodes: &Opcodes) -> bool {
        let constants = raw::code::constants(code);
        let is_false = |number: u32| {
            let constant = constants.get_item(number as usize);
            constant.is_ok_and(|constant| constant.is_truthy().is_ok_and(|is_true| !is_true))
        };
        let all = self.instructions.iter().enumerate();
        let mut returns = all.filter(|(_, one)| matches!(one.op, Op::Return | Op::ReturnConstant));
        returns.all(|(index, one)| {
            let before = index
                .checked_sub(1)
                .map(|before| &self.instructions[before]);
            match (one.op, before) {
                (Op::ReturnConstant, _) => is_false(one.argument),
                (_, Some(before)) => match before.op {
                    Op::Load(Load::Constant) => is_false(before.argument),
                    Op::Load(Load::Common) => opcodes.is_falsehood(before.argument),
                    _ => false,
                },
                _ => false,
            }
        })
    }

    /// The number of the instruction at a place.
    pub(super) fn at(&self, place: u32) -> Option<usize> {
        // A frame may be at a cache that belongs to the instruction in front of it.
        let behind = self.instructions.partition_point(|one| one.place <= place);
        behind.checked_sub(1)
    }

    pub(super) fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// The first instructions of the handlers, and how high the stack is there.
    pub(super) fn entrances(&self) -> impl Iterator<Item = (usize, i64)> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| {
            let height = entry.depth + u32::from(entry.has_place) + 1;
            Some((self.index(entry.handler)?, i64::from(height)))
        })
    }

    fn index(&self, place: u32) -> Option<usize> {
        let found = self
            .instructions
            .binary_search_by_key(&place, |one| one.place);
        found.ok()
    }

    fn entry(&self, place: u32) -> Option<&Entry> {
        let entries = self.entries.iter();
        // Sorted, and they do not overlap.
        entries
            .take_while(|entry| entry.start <= place)
            .find(|entry| place < entry.end)
    }

    /// The instruction that a jump leads to.
    pub(super) fn target(&self, index: usize) -> Option<usize> {
        let one = &self.instructions[index];
        let is_backward = match one.op {
            Op::Jump { is_backward } | Op::JumpIf { is_backward, .. } => is_backward,
            Op::JumpOnEnd | Op::Await => false,
            _ => return None,
        };
        // Jumps count from behind the caches of the instruction.
        let from = self
            .instructions
            .get(index + 1)
            .map_or(one.place + 1, |next| next.place);
        let to = if is_backward {
            from.checked_sub(one.argument)?
        } else {
            from + one.argument
        };
        self.index(to)
    }

    /// Follow a handler as long as it is certain where it goes.
    fn follow<'py>(&self, entry: &Entry, scene: &mut impl Scene<'py>) -> End {
        let mut known = Known {
            is_for_all: true,
            ..Known::default()
        };
        let Some(mut index) = self.index(entry.handler) else {
            return End::Caught { by_all: false };
        };
        for _ in 0..2 * self.instructions.len() {
            let Some(one) = self.instructions.get(index) else {
                break;
            };
            match one.op {
                Op::CheckMatch => {
                    let Some(types) = known.values.pop().flatten() else {
                        return End::Caught { by_all: false };
                    };
                    known.is_for_all = catches_all(&types);
                    known.answer = Some(Answer::Is(scene.matches(&types)));
                }
                Op::CheckGroup => {
                    let Some(types) = known.values.pop().flatten() else {
                        return End::Caught { by_all: false };
                    };
                    let is_something = scene.take(&types);
                    if is_something && self.clause_raises_again(index) {
                        scene.put_back();
                    }
                    // Its body was looked at; the next clause is asked.
                    known.answer = Some(Answer::IsSomething(false));
                }
                Op::Regroup => known.answer = Some(Answer::IsSomething(!scene.is_empty())),
                Op::ExitContext => {
                    if scene.may_exit(entry.depth) {
                        return End::Caught { by_all: false };
                    }
                    known.answer = Some(Answer::Is(false));
                }
                Op::JumpIf { condition, .. } => {
                    let by_all = known.is_for_all;
                    let is_entered = matches!(known.answer, Some(Answer::Is(true)));
                    let is_taken = match (known.answer.take(), condition) {
                        (Some(Answer::Is(is)), Condition::True) => is,
                        (Some(Answer::Is(is)), Condition::False) => !is,
                        (Some(Answer::IsSomething(is)), Condition::NotNone) => is,
                        (Some(Answer::IsSomething(is)), Condition::None) => !is,
                        _ => return self.explore(index, None, by_all),
                    };
                    let next = if is_taken {
                        self.target(index)
                    } else {
                        Some(index + 1)
                    };
                    let Some(next) = next else {
                        break;
                    };
                    if is_entered {
                        return self.explore(next, self.name_of_clause(next), by_all);
                    }
                    // Whatever comes after the clauses is for what none has caught.
                    known.is_for_all = true;
                    index = next;
                    continue;
                }
                Op::JumpOnEnd => return self.explore(index, None, known.is_for_all),
                // The end of what is awaited.
                Op::Await | Op::Jump { .. } => match self.target(index) {
                    Some(next) => {
                        index = next;
                        continue;
                    }
                    None => break,
                },
                Op::Load(load) => {
                    if let Load::TwoLocals = load {
                        known
                            .values
                            .push(scene.load(Load::Local, one.argument >> 4));
                        known
                            .values
                            .push(scene.load(Load::Local, one.argument & 15));
                    } else {
                        known.values.push(scene.load(load, one.argument));
                    }
                }
                Op::LoadAttribute => {
                    let of = known.values.pop().flatten();
                    let value = of.and_then(|of| scene.attribute(&of, one.argument));
                    known.values.push(value);
                }
                Op::BuildTuple => {
                    let from = known.values.len().checked_sub(one.argument as usize);
                    let parts = from.map(|from| known.values.split_off(from));
                    known.values.push(parts.and_then(tuple));
                }
                Op::Reraise | Op::ReraiseOthers => return End::Raises { place: one.place },
                Op::Raise if one.argument == 0 => return End::Raises { place: one.place },
                Op::Raise | Op::Return | Op::ReturnConstant => {
                    let by_all = known.is_for_all;
                    return End::Caught { by_all };
                }
                Op::PopHandled if !self.is_reraise(index + 1) => {
                    let by_all = known.is_for_all;
                    return End::Caught { by_all };
                }
                Op::Neutral => {}
                _ => known.values.clear(),
            }
            index += 1;
        }
        End::Caught { by_all: false }
    }

    fn is_reraise(&self, index: usize) -> bool {
        self.instructions
            .get(index)
            .is_some_and(|next| next.op == Op::Reraise)
    }

    /// The variable that a clause which begins here binds.
    fn name_of_clause(&self, index: usize) -> Option<(Load, u32)> {
        let behind = self.instructions.get(index..)?;
        let first = behind.iter().find(|one| one.op != Op::Neutral)?;
        match first.op {
            Op::Store(load) => Some((load, first.argument)),
            Op::StoreLoad => Some((Load::Local, first.argument >> 4)),
            _ => None,
        }
    }

    /// Whether the clause of an `except*` whose test is at this instruction always raises again.
    fn clause_raises_again(&self, test: usize) -> bool {
        let mut behind = self.instructions.iter().skip(test);
        let jump = behind.position(|one| matches!(one.op, Op::JumpIf { .. }));
        let body = jump.map(|jump| test + jump + 1);
        body.is_some_and(|body| matches!(self.explore(body, None, false), End::Raises { .. }))
    }

    /// Follow all ways from an instruction on: caught if one of them leaves the handler otherwise than by raising, or all
    /// raise something else.
    fn explore(&self, from: usize, name: Option<(Load, u32)>, by_all: bool) -> End {
        let mut raises = None;
        // Bound to something else, it is not what was caught.
        let is_its = |one: &&Instruction| match one.op {
            Op::Store(load) => name == Some((load, one.argument)),
            _ => false,
        };
        let (mut name, mut bound) = (name, 0);
        let mut seen = HashSet::new();
        let mut open = vec![from];
        while let Some(index) = open.pop() {
            if !seen.insert(index) {
                continue;
            }
            let Some(one) = self.instructions.get(index) else {
                return End::Caught { by_all };
            };
            bound += usize::from(is_its(&one));
            name = name.filter(|_| bound < 2);
            match one.op {
                Op::Reraise => raises = raises.or(Some(one.place)),
                Op::Raise if self.raises_again(index, name) => raises = raises.or(Some(one.place)),
                Op::PopHandled if self.is_reraise(index + 1) => open.push(index + 1),
                Op::Raise => {}
                Op::Return | Op::ReturnConstant | Op::PopHandled | Op::CheckGroup | Op::Regroup => {
                    return End::Caught { by_all };
                }
                Op::Jump { .. } => open.extend(self.target(index)),
                Op::JumpIf { .. } | Op::JumpOnEnd | Op::Await => {
                    open.extend(self.target(index));
                    open.push(index + 1);
                }
                _ => open.push(index + 1),
            }
        }
        match raises {
            Some(place) => End::Raises { place },
            None => End::Caught { by_all },
        }
    }

    /// Whether an instruction that raises does so with what was caught: `raise`, `raise e` or `raise e from None`.
    fn raises_again(&self, index: usize, name: Option<(Load, u32)>) -> bool {
        let one = &self.instructions[index];
        let loads = |behind: usize| {
            let before = index.checked_sub(behind).map(|at| &self.instructions[at]);
            before.and_then(|before| match before.op {
                Op::Load(load) => Some((load, before.argument)),
                Op::StoreLoad => Some((Load::Local, before.argument & 15)),
                _ => None,
            })
        };
        match one.argument {
            0 => true,
            1 => name.is_some() && loads(1) == name,
            _ => name.is_some() && loads(1).is_some() && loads(2) == name,
        }
    }
}

/// Whether a clause with these types is for anything that may go wrong.
fn catches_all(types: &Bound<'_, PyAny>) -> bool {
    let py = types.py();
    let of_all = [
        py.get_type::<pyo3::exceptions::PyBaseException>(),
        py.get_type::<pyo3::exceptions::PyException>(),
    ];
    let is_of_all = |one: &Bound<'_, PyAny>| of_all.iter().any(|all| all.is(one));
    match types.cast::<pyo3::types::PyTuple>() {
        Ok(types) => types.iter().any(|one| is_of_all(&one)),
        Err(_) => is_of_all(types),
    }
}

fn tuple(parts: Vec<Option<Bound<'_, PyAny>>>) -> Option<Bound<'_, PyAny>> {
    let parts: Vec<_> = parts.into_iter().collect::<Option<_>>()?;
    let py = parts.first()?.py();
    Some(pyo3::types::PyTuple::new(py, parts).ok()?.into_any())
}

fn instructions(code: &Bound<'_, PyCode>, opcodes: &Opcodes) -> PyResult<Vec<Instruction>> {
    let bytes = code.getattr("co_code")?.cast_into::<PyBytes>()?;
    let mut found = Vec::with_capacity(bytes.as_bytes().len() / 2);
    let (mut extended, mut start) = (0, None);
    for (unit, pair) in bytes.as_bytes().chunks_exact(2).enumerate() {
        let argument = extended << 8 | u32::from(pair[1]);
        let op = opcodes.op(pair[0], argument);
        let unit = u32::try_from(unit).unwrap_or(u32::MAX);
        match op {
            Op::Cache => continue,
            Op::Extended => {
                extended = argument;
                start = start.or(Some(unit));
                continue;
            }
            _ => {}
        }
        extended = 0;
        found.push(Instruction {
            place: start.take().unwrap_or(unit),
            op,
            argument,
            opcode: pair[0],
        });
    }
    Ok(found)
}

/// Read an exception table: numbers of six bits a byte, the highest first; bit 6 says that more follow, and bit 7 marks
/// the first of each entry.
fn entries(table: &[u8]) -> Vec<Entry> {
    let mut bytes = table.iter().copied();
    let mut number = || {
        let mut byte = bytes.next()?;
        let mut number = u32::from(byte & 63);
        while byte & 64 != 0 {
            byte = bytes.next()?;
            number = number << 6 | u32::from(byte & 63);
        }
        Some(number)
    };
    std::iter::from_fn(|| {
        let (start, length, handler) = (number()?, number()?, number()?);
        let depth_and_flag = number()?;
        Some(Entry {
            start,
            end: start + length,
            handler,
            depth: depth_and_flag >> 1,
            has_place: depth_and_flag & 1 != 0,
        })
    })
    .collect()
}
