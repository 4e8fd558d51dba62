//! Calls of coroutine and generator functions, which can be made again when the function has returned long since.

use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCode, PyFunction, PyTuple};
use pyo3::{PyTraverseError, PyVisit, intern};

use crate::raw;
use crate::raw::code::Suspension;
use crate::restart::{After, came_back};

/// A call of a function that makes a coroutine or generator, as it was made.
#[pyclass(module = "relive")]
pub(crate) struct Call {
    function: Option<Py<PyAny>>,
    arguments: Vec<Py<PyAny>>,
    /// So many of the arguments have no name.
    positional: usize,
    names: Option<Py<PyTuple>>,
    /// What the call has made.
    made: Option<Py<PyAny>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Made,
    Begun,
    HasYielded,
}

impl Call {
    /// A call with arguments of which so many have no name, and what it has made.
    pub(crate) fn new(
        function: Py<PyAny>,
        arguments: Vec<Py<PyAny>>,
        positional: usize,
        names: Option<Py<PyTuple>>,
        made: Py<PyAny>,
    ) -> Self {
        Self {
            function: Some(function),
            arguments,
            positional,
            names,
            made: Some(made),
            state: State::Made,
        }
    }

    fn make<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Some(function) = &self.function else {
            return Err(PyRuntimeError::new_err(
                "the garbage collector has the call",
            ));
        };
        raw::call_plainly(
            function.bind(py),
            &self.arguments,
            self.positional,
            self.names.as_ref().map(|names| names.bind(py)),
        )
    }
}

impl Call {
    /// What has come to its end already, with a value.
    fn ended<'py>(&self, py: Python<'py>, value: Py<PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let function = self.function.as_ref().map(|function| function.bind(py));
        let function = function.and_then(|function| function.cast::<PyFunction>().ok());
        let suspension =
            function.and_then(|function| raw::code::suspension(&raw::function::code(function)));
        let (Some(stand_ins), Some(suspension)) = (STAND_INS.get(py), suspension) else {
            return Err(PyRuntimeError::new_err("nothing can stand for this call"));
        };
        let ended = match suspension {
            Suspension::Coroutine => &stand_ins.ended_coroutine,
            Suspension::Generator | Suspension::AwaitableGenerator => &stand_ins.ended_generator,
            Suspension::AsyncGenerator => &stand_ins.ended_async_generator,
        };
        ended.bind(py).call1((value,))
    }
}

#[pymethods]
impl Call {
    /// What the call has made.
    #[getter]
    fn made<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.made.as_ref().map(|made| made.bind(py).clone())
    }

    /// What the call has made, which the caller begins.
    fn begin<'py>(&mut self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.state = State::Begun;
        self.made(py)
    }

    /// The call came back with this exception. If it begins anew, what it has made now; None if the exception goes on.
    fn again<'py>(
        slf: &Bound<'py, Self>,
        error: Bound<'py, PyBaseException>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = error.clone();
        PyErr::from_value(error.into_any()).restore(slf.py());
        match after(slf) {
            Err(error) if error.value(slf.py()).is(&value) => Ok(None),
            made => made.map(Some),
        }
    }

    /// Begin a generator: what it yields first. Raises what it raises, and StopIteration when it ends.
    fn first<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let mut made = slf.borrow_mut().begin(py);
        while let Some(generator) = made.take() {
            match raw::generator::next(&generator) {
                Ok(item) => {
                    slf.borrow_mut().has_yielded();
                    return Ok(item);
                }
                Err(error) if error.is_instance_of::<PyStopIteration>(py) => return Err(error),
                Err(error) => {
                    error.restore(py);
                    made = Some(after(slf)?);
                }
            }
        }
        Err(PyStopIteration::new_err(()))
    }

    /// Take note that it has yielded.
    fn has_yielded(&mut self) {
        self.state = State::HasYielded;
    }

    /// Whether it has not yielded yet.
    fn can_begin_anew(&self) -> bool {
        self.state != State::HasYielded
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)?;
        visit.call(&self.made)?;
        self.arguments
            .iter()
            .try_for_each(|argument| visit.call(argument))
    }

    fn __clear__(&mut self) {
        self.function = None;
        self.made = None;
        self.arguments.clear();
    }
}

/// What stands for the calls of functions: see `python/relive/_again.py`.
static STAND_INS: PyOnceLock<StandIns> = PyOnceLock::new();

struct StandIns {
    coroutine: Py<PyAny>,
    generator: Py<PyAny>,
    async_generator: Py<PyAny>,
    awaitable_generator: Py<PyAny>,
    /// What comes to its end at once, by kind of what it stands for.
    ended_coroutine: Py<PyAny>,
    ended_generator: Py<PyAny>,
    ended_async_generator: Py<PyAny>,
}

/// Have [`stand_in`] know what stands for calls.
pub(crate) fn load(py: Python<'_>) -> PyResult<()> {
    STAND_INS.get_or_try_init(py, || {
        let module = py.import("relive._again")?;
        let find = |name| module.getattr(name).map(Bound::unbind);
        PyResult::Ok(StandIns {
            coroutine: find("coroutine")?,
            generator: find("generator")?,
            async_generator: find("async_generator")?,
            awaitable_generator: find("awaitable_generator")?,
            ended_coroutine: find("ended_coroutine")?,
            ended_generator: find("ended_generator")?,
            ended_async_generator: find("ended_async_generator")?,
        })
    })?;
    Ok(())
}

/// What stands for a call of a function with this code.
pub(crate) fn stand_in<'py>(
    code: &Bound<'py, PyCode>,
    call: Bound<'py, Call>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = call.py();
    let stand_ins = STAND_INS.get(py).zip(raw::code::suspension(code));
    let made = call.borrow().made(py);
    let (Some((stand_ins, suspension)), Some(made)) = (stand_ins, made) else {
        return Err(PyRuntimeError::new_err("nothing can stand for this call"));
    };
    let stand_in = match suspension {
        Suspension::Coroutine => &stand_ins.coroutine,
        Suspension::Generator => &stand_ins.generator,
        Suspension::AsyncGenerator => &stand_ins.async_generator,
        Suspension::AwaitableGenerator => &stand_ins.awaitable_generator,
    };
    let stands = stand_in.bind(py).call1((call,))?;
    for name in [intern!(py, "__name__"), intern!(py, "__qualname__")] {
        stands.setattr(name, made.getattr(name)?)?;
    }
    Ok(stands)
}

impl Drop for Call {
    /// Of a coroutine that nobody has awaited Python warns: once, by what stands for it.
    fn drop(&mut self) {
        if self.state != State::Made {
            return;
        }
        let Some(made) = self.made.take() else {
            return;
        };
        Python::try_attach(|py| {
            let set = PyErr::take(py);
            drop(made.call_method0(py, intern!(py, "close")));
            if let Some(set) = set {
                set.restore(py);
            }
        });
    }
}

/// Decide on a call that came back with an exception, which is set: what it has made now, or the exception that goes on.
fn after<'py>(slf: &Bound<'py, Call>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    loop {
        let made = match came_back(py) {
            After::Raise => return Err(PyErr::fetch(py)),
            After::Again => slf.borrow().make(py),
            After::Return(value) => slf.borrow().ended(py, value),
        };
        match made {
            Ok(made) => {
                let former = slf.borrow_mut().made.replace(made.clone().unbind());
                // Not while the call is borrowed: this may run the program's code.
                drop(former);
                return Ok(made);
            }
            Err(error) => error.restore(py),
        }
    }
}
