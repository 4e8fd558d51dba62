//! What an instruction does, as far as the way of an exception depends on it, on any version of CPython.

use pyo3::prelude::*;

/// What an instruction does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// It loads a value.
    Load(Load),
    /// It replaces a value by its attribute.
    LoadAttribute,
    /// It makes a tuple of values.
    BuildTuple,
    /// It stores a value.
    Store(Load),
    /// It stores one and loads another.
    StoreLoad,
    /// `except`: is the exception of these types?
    CheckMatch,
    /// `except*`: which of the exceptions are?
    CheckGroup,
    /// What is left after the clauses of an `except*`.
    Regroup,
    /// `__exit__` or `__aexit__` is called.
    ExitContext,
    Jump {
        is_backward: bool,
    },
    JumpIf {
        condition: Condition,
        is_backward: bool,
    },
    /// It jumps forward if an iterator has come to its end.
    JumpOnEnd,
    /// It jumps forward if what is awaited has come to its end.
    Await,
    Return,
    ReturnConstant,
    Raise,
    /// It raises what is being handled again.
    Reraise,
    /// It ends an iteration if that is what the exception says, and else raises it again.
    ReraiseOthers,
    /// The exception has been handled.
    PopHandled,
    /// Part of the instruction before.
    Cache,
    /// The higher bits of the argument of the next one.
    Extended,
    /// It changes nothing that matters here.
    Neutral,
    /// It begins a call, on CPython 3.11.
    Precall,
    /// It calls what is on the stack.
    Call(Call),
    /// It iterates over something.
    Iterate,
    /// It looks something up that may be missing.
    LookUp,
    Other,
}

/// Where a value comes from, or goes to; what the argument of the instruction means depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    Constant,
    /// One that code has in common.
    Common,
    Local,
    TwoLocals,
    Global,
    Name,
    /// A variable of the function or of one around it.
    Cell,
    Unknown,
}

/// What a conditional jump depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    True,
    False,
    None,
    NotNone,
}

/// Of which form a call is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// With as many arguments as it says.
    Plain,
    /// The same, and a tuple with the names of the last ones.
    Named,
    /// With a tuple, and perhaps a dictionary.
    Unpacked,
}

/// The instructions of this interpreter.
pub(crate) struct Opcodes {
    ops: [Op; 256],
    /// Its argument says which.
    intrinsic: Option<u8>,
    /// Constants that code has in common which count as false, by number.
    falsehoods: Vec<bool>,
}

/// The argument with which the instruction for several things regroups exceptions.
const PREP_RERAISE_STAR: u32 = 1;

impl Opcodes {
    pub(super) fn of_this_python(py: Python<'_>) -> PyResult<Self> {
        let names = py.import("opcode")?.getattr("opmap")?;
        let mut ops = [Op::Other; 256];
        let mut intrinsic = None;
        // Not always a plain dictionary.
        for item in names.call_method0("items")?.try_iter()? {
            let (name, code): (String, Bound<'_, PyAny>) = item?.extract()?;
            // What is greater is not executed.
            if let Ok(code) = code.extract::<u8>() {
                ops[usize::from(code)] = op(&name);
                if name == "CALL_INTRINSIC_2" {
                    intrinsic = Some(code);
                }
            }
        }
        Ok(Self {
            ops,
            intrinsic,
            falsehoods: falsehoods(py)?,
        })
    }

    pub(super) fn op(&self, code: u8, argument: u32) -> Op {
        if Some(code) == self.intrinsic && argument == PREP_RERAISE_STAR {
            return Op::Regroup;
        }
        self.ops[usize::from(code)]
    }

    /// Whether a constant that code has in common counts as false.
    pub(super) fn is_falsehood(&self, number: u32) -> bool {
        self.falsehoods.get(number as usize).is_some_and(|is| *is)
    }
}

/// Before CPython 3.15 None and False are constants of each code object.
fn falsehoods(py: Python<'_>) -> PyResult<Vec<bool>> {
    if cfg!(not(Py_3_15)) {
        return Ok(Vec::new());
    }
    let constants = py.import("dis")?.getattr("_common_constants")?;
    let constants = constants.try_iter()?;
    constants
        .map(|constant| Ok(!constant?.is_truthy()?))
        .collect()
}

fn op(name: &str) -> Op {
    let is_backward = name.contains("BACKWARD");
    let jump_if = |condition| Op::JumpIf {
        condition,
        is_backward,
    };
    match name {
        "CACHE" => Op::Cache,
        "EXTENDED_ARG" => Op::Extended,
        "LOAD_CONST" => Op::Load(Load::Constant),
        "LOAD_FAST" | "LOAD_FAST_BORROW" | "LOAD_FAST_CHECK" => Op::Load(Load::Local),
        "LOAD_FAST_LOAD_FAST" | "LOAD_FAST_BORROW_LOAD_FAST_BORROW" => Op::Load(Load::TwoLocals),
        "LOAD_GLOBAL" => Op::Load(Load::Global),
        "LOAD_NAME" => Op::Load(Load::Name),
        "LOAD_DEREF" | "LOAD_CLASSDEREF" => Op::Load(Load::Cell),
        "LOAD_COMMON_CONSTANT" => Op::Load(Load::Common),
        "LOAD_SMALL_INT" | "LOAD_ASSERTION_ERROR" => Op::Load(Load::Unknown),
        "LOAD_ATTR" | "LOAD_METHOD" => Op::LoadAttribute,
        "BUILD_TUPLE" => Op::BuildTuple,
        "STORE_FAST" => Op::Store(Load::Local),
        "STORE_NAME" => Op::Store(Load::Name),
        "STORE_GLOBAL" => Op::Store(Load::Global),
        "STORE_DEREF" => Op::Store(Load::Cell),
        "STORE_FAST_LOAD_FAST" => Op::StoreLoad,
        "CHECK_EXC_MATCH" => Op::CheckMatch,
        "CHECK_EG_MATCH" => Op::CheckGroup,
        "PREP_RERAISE_STAR" => Op::Regroup,
        "WITH_EXCEPT_START" => Op::ExitContext,
        "JUMP_FORWARD" | "JUMP_BACKWARD" | "JUMP_BACKWARD_NO_INTERRUPT" => Op::Jump { is_backward },
        "SEND" => Op::Await,
        "FOR_ITER" => Op::JumpOnEnd,
        "RETURN_VALUE" => Op::Return,
        "RETURN_CONST" => Op::ReturnConstant,
        "RAISE_VARARGS" => Op::Raise,
        "RERAISE" => Op::Reraise,
        "END_ASYNC_FOR" | "CLEANUP_THROW" => Op::ReraiseOthers,
        "POP_EXCEPT" => Op::PopHandled,
        "PUSH_EXC_INFO" | "COPY" | "SWAP" | "NOP" | "NOT_TAKEN" | "TO_BOOL" | "RESUME"
        | "POP_TOP" | "BUILD_LIST" | "END_SEND" | "GET_AWAITABLE" => Op::Neutral,
        "GET_ITER" | "UNPACK_SEQUENCE" | "UNPACK_EX" | "CONTAINS_OP" | "LIST_EXTEND"
        | "SET_UPDATE" => Op::Iterate,
        "IMPORT_FROM" | "MATCH_CLASS" | "MATCH_KEYS" => Op::LookUp,
        "PRECALL" => Op::Precall,
        "CALL" => Op::Call(Call::Plain),
        "CALL_KW" => Op::Call(Call::Named),
        "CALL_FUNCTION_EX" => Op::Call(Call::Unpacked),
        _ if name.ends_with("IF_TRUE") || name == "JUMP_IF_TRUE_OR_POP" => jump_if(Condition::True),
        _ if name.ends_with("IF_FALSE") || name == "JUMP_IF_FALSE_OR_POP" => {
            jump_if(Condition::False)
        }
        _ if name.ends_with("IF_NOT_NONE") => jump_if(Condition::NotNone),
        _ if name.ends_with("IF_NONE") => jump_if(Condition::None),
        _ => Op::Other,
    }
}
