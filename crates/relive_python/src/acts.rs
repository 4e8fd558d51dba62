//! What other programs ask for about the calls that the program is executing. Python does it, in steps: none of them waits.

use std::task::Poll;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use relive_socket::{Act, Told};

/// What is being done; the order is that in which it was asked for.
#[derive(Default)]
pub(crate) struct Acts(Vec<Doing>);

struct Doing {
    number: u64,
    act: Act,
    /// A Python generator, once it has begun. It yields how many seconds to wait before the next step, or what to tell.
    /// It may go on after that.
    steps: Option<Py<PyAny>>,
    at: Instant,
    told: Option<Told>,
    is_over: bool,
}

/// What a step came to.
enum Step {
    Wait(f64),
    Tell(Told),
    Over,
}

impl Acts {
    /// The answer to a request, which is begun with the next step if it is new.
    pub(crate) fn answer(&mut self, number: u64, act: &Act) -> Poll<Told> {
        let Some(doing) = self.0.iter_mut().find(|doing| doing.number == number) else {
            self.0.push(Doing {
                number,
                act: act.clone(),
                steps: None,
                at: Instant::now(),
                told: None,
                is_over: false,
            });
            return Poll::Pending;
        };
        doing.told.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// Whether there are some that have not begun.
    pub(crate) fn has_new(&self) -> bool {
        self.0
            .iter()
            .any(|doing| doing.steps.is_none() && !doing.is_over)
    }

    /// Take the steps whose time has come. True if there is an answer.
    pub(crate) fn step(&mut self) -> bool {
        let mut has_answer = false;
        for doing in &mut self.0 {
            while !doing.is_over && doing.at <= Instant::now() {
                doing.step();
            }
            has_answer |= doing.told.is_some();
        }
        // Whoever asked may have gone without the answer.
        self.0
            .retain(|doing| !doing.is_over || doing.told.is_some() && doing.at.elapsed() < GONE);
        has_answer
    }

    /// Take a step of each that has no answer yet: there will not be another one.
    pub(crate) fn step_last(&mut self) {
        let open = self
            .0
            .iter_mut()
            .filter(|doing| !doing.is_over && doing.told.is_none());
        open.for_each(Doing::step);
    }

    /// When to take the next step.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let waiting = self.0.iter().filter(|doing| !doing.is_over);
        waiting.map(|doing| doing.at).min()
    }
}

/// Whoever has not taken an answer for so long has gone.
const GONE: Duration = Duration::from_secs(10);

impl Doing {
    fn step(&mut self) {
        let step = Python::try_attach(|py| self.next(py));
        self.at = Instant::now();
        let failed = match step {
            Some(Ok(Step::Wait(seconds))) => {
                let wait = Duration::try_from_secs_f64(seconds).unwrap_or_default();
                self.at += wait.max(Duration::from_millis(1));
                return;
            }
            Some(Ok(Step::Tell(told))) => {
                self.told = Some(told);
                return;
            }
            Some(Ok(Step::Over)) => None,
            Some(Err(error)) => Some(format!("relive itself has failed: {error}\n")),
            None => Some("the program is ending; nothing was done\n".to_owned()),
        };
        self.is_over = true;
        if let Some(text) = failed {
            self.told = Some(Told {
                text,
                code: 1,
                ..Told::default()
            });
        }
    }

    fn next(&mut self, py: Python<'_>) -> PyResult<Step> {
        let steps = match &self.steps {
            Some(steps) => steps.bind(py).clone(),
            None => {
                let begun = py.import("relive._acts")?.getattr("steps")?.call1((
                    &self.act.verb,
                    self.act.words.clone(),
                    self.act.thread,
                ))?;
                self.steps = Some(begun.clone().unbind());
                begun
            }
        };
        let step = match steps.call_method0("__next__") {
            Ok(step) => step,
            Err(error) if error.is_instance_of::<PyStopIteration>(py) => return Ok(Step::Over),
            Err(error) => return Err(error),
        };
        if let Ok(seconds) = step.extract() {
            return Ok(Step::Wait(seconds));
        }
        let (text, code, document): (String, u8, String) = step.extract()?;
        Ok(Step::Tell(Told {
            text: format!("{text}\n"),
            code,
            document: serde_json::from_str(&document).unwrap_or_default(),
        }))
    }
}
