//! The extension module `relive._native`: [`relive_session::Host`] on CPython, and the engine that Python code drives.
//!
//! The only crate with pyo3, and the only one with unsafe code, all of it in [`raw`] and where raw pointers meet it.

mod acts;
mod again;
mod auto;
mod command;
mod engine;
mod hold;
mod host;
mod logs;
mod prompt;
mod raw;
mod registry;
mod replay;
mod report;
mod restart;
mod shared;
#[cfg(debug_assertions)]
mod tested;

/// The native half of the `relive` package.
#[pyo3::pymodule(name = "_native", gil_used = true)]
mod native {
    #[pymodule_export]
    use crate::again::Call;
    #[pymodule_export]
    use crate::command::main;
    #[pymodule_export]
    use crate::engine::Engine;
    #[pymodule_export]
    use crate::logs::{
        decide_changes, fold_log, has_terminal, merge_conflict, merge_log, read_log, undo_log,
    };
    #[pymodule_export]
    use crate::restart::Restart;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // Not by `add`, which would make it public.
        #[cfg(debug_assertions)]
        module.setattr(
            "TestedHost",
            module.py().get_type::<crate::tested::TestedHost>(),
        )?;
        crate::raw::code::check_layout(module.py())
    }
}
