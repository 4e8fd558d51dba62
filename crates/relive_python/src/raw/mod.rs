//! Every raw CPython call that PyO3 has no safe form of, each behind a function that is safe to call.

pub(crate) mod code;
pub(crate) mod function;
pub(crate) mod heap;
pub(crate) mod pending;
pub(crate) mod signals;
#[cfg(Py_3_12)]
pub(crate) mod watcher;
