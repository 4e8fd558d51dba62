//! Every raw CPython call that PyO3 has no safe form of, each behind a function that is safe to call.

pub(crate) mod code;
#[cfg(not(Py_3_12))]
pub(crate) mod evaluator;
pub(crate) mod frame;
pub(crate) mod function;
pub(crate) mod generator;
pub(crate) mod heap;
pub(crate) mod pending;
pub(crate) mod signals;
pub(crate) mod stacks;
#[cfg(Py_3_12)]
pub(crate) mod thread;
#[cfg(Py_3_12)]
pub(crate) mod vectorcall;
#[cfg(Py_3_12)]
pub(crate) mod watcher;

#[cfg(not(Py_3_12))]
pub(crate) use evaluator::call_plainly;
#[cfg(Py_3_12)]
pub(crate) use vectorcall::call_plainly;
