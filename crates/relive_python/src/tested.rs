//! A host in the hands of Python: what `tests/host` drives. Not part of optimised builds.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCode;
use relive_plan::{FactsQuery, ModuleEdit, Plan, Removed, World, plan, query};
use relive_session::{Host, HostError, RemoteHost, serve};
use relive_syntax::{Lines, Outline, Piece};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::{CPython, CodeTable, relocate};
use crate::registry;

/// The host on this interpreter, with plans to try it with. Queries, plans and outcomes are JSON documents.
#[pyclass(module = "relive._native")]
pub(crate) struct TestedHost {
    host: Box<dyn Host + Send + Sync>,
    served: Option<Served>,
    modules: BTreeMap<String, Live>,
    last_id: u64,
    /// What modules will be when the last plan is applied.
    planned: Vec<(String, Live)>,
}

/// The interpreter behind a socket pair.
struct Served {
    /// Our end.
    stream: UnixStream,
    thread: JoinHandle<io::Result<()>>,
}

struct Live {
    file: String,
    outline: Outline,
    shelf: Vec<Removed>,
    is_anchored: bool,
}

#[pymethods]
impl TestedHost {
    /// Have code tell the lines at which its text is shown: pieces of (first line, last line, where it is shown).
    #[staticmethod]
    fn relocate(code: &Bound<'_, PyCode>, pieces: Vec<(u32, u32, u32)>) -> PyResult<()> {
        let pieces: Vec<Piece> = pieces
            .into_iter()
            .map(|(first, last, shown)| Piece {
                lines: Lines { first, last },
                shown,
            })
            .collect();
        relocate(code, &pieces)
    }

    /// A host that knows modules by name, file, text and, if that is not executed yet, code.
    #[new]
    fn new(
        py: Python<'_>,
        modules: Vec<(String, String, String, Option<Bound<'_, PyCode>>)>,
        over_socket: bool,
    ) -> PyResult<Self> {
        registry::open(py)?;
        let mut cpython = CPython::default();
        let (mut lives, mut last_id) = (BTreeMap::new(), 0);
        for (name, file, text, code) in modules {
            if let Some(code) = code {
                registry::track(&code, true);
                cpython.executes(name.clone(), CodeTable::of_module(&code));
            }
            let live = Live {
                file,
                outline: outline(&text, None, &mut last_id)?,
                shelf: Vec::new(),
                is_anchored: false,
            };
            lives.insert(name, live);
        }
        let (host, served): (Box<dyn Host + Send + Sync>, _) = if over_socket {
            let (remote, served) = Served::start(py, cpython)?;
            (Box::new(remote), Some(served))
        } else {
            (Box::new(cpython), None)
        };
        Ok(Self {
            host,
            served,
            modules: lives,
            last_id,
            planned: Vec::new(),
        })
    }

    fn facts(&mut self, py: Python<'_>, query: &str) -> PyResult<String> {
        let query: FactsQuery = read(query)?;
        told(&py.detach(|| self.host.facts(&query)))
    }

    fn compile(&mut self, py: Python<'_>, plan: &str) -> PyResult<String> {
        let plan: Plan = read(plan)?;
        told(&py.detach(|| self.host.compile(&plan)))
    }

    fn apply(&mut self, py: Python<'_>, plan: &str) -> PyResult<String> {
        let plan: Plan = read(plan)?;
        let applied = py.detach(|| self.host.apply(&plan));
        if applied.is_ok() {
            self.modules.extend(std::mem::take(&mut self.planned));
        }
        told(&applied)
    }

    /// A plan that brings modules to new texts.
    fn plan(&mut self, py: Python<'_>, texts: Vec<(String, String)>) -> PyResult<String> {
        let mut news = Vec::new();
        for (name, text) in &texts {
            let old = &self.modules[name].outline;
            news.push(outline(text, Some(old), &mut self.last_id)?);
        }
        let mut edits = Vec::new();
        for ((name, _), new) in texts.iter().zip(&news) {
            let live = &self.modules[name];
            edits.push(ModuleEdit {
                name,
                file: &live.file,
                old: &live.outline,
                new,
                shelf: &live.shelf,
                is_first: !live.is_anchored,
            });
        }
        let mut world = World::default();
        for (name, live) in &self.modules {
            let edit = edits.iter().find(|edit| edit.name == name);
            world.add(name, edit.map_or(&live.outline, |edit| edit.new), false);
        }
        let mut asked = query(&edits);
        asked.live = self.modules.keys().cloned().collect();
        let facts = py.detach(|| self.host.facts(&asked)).map_err(as_error)?;
        let planned = plan(&edits, &asked, &facts, &world, &BTreeSet::new());
        let lives = planned.modules.into_iter().zip(&news).map(|(module, new)| {
            let mut outline = new.clone();
            outline.units = module.live;
            let live = Live {
                file: self.modules[&module.name].file.clone(),
                outline,
                shelf: module.removed,
                is_anchored: true,
            };
            (module.name, live)
        });
        self.planned = lives.collect();
        told(&planned.plan)
    }

    /// Lose the connection, as when the interpreter's process dies.
    fn cut(&self) -> PyResult<()> {
        match &self.served {
            Some(served) => Ok(served.stream.shutdown(Shutdown::Both)?),
            None => Err(PyValueError::new_err("there is no connection")),
        }
    }

    /// End it, and see the serving end come to an end as well.
    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        if let Some(served) = self.served.take() {
            let _ = served.stream.shutdown(Shutdown::Both);
            let ended = py.detach(|| served.thread.join());
            ended.map_err(|_| PyValueError::new_err("the serving end has panicked"))??;
        }
        registry::close(py);
        Ok(())
    }
}

impl Served {
    fn start(py: Python<'_>, mut host: CPython) -> PyResult<(RemoteHost<UnixStream>, Self)> {
        let (ours, theirs) = UnixStream::pair()?;
        let stream = ours.try_clone()?;
        let thread = thread::spawn(move || serve(&mut host, theirs));
        let remote = py.detach(|| RemoteHost::connect(ours)).map_err(as_error)?;
        Ok((remote, Self { stream, thread }))
    }
}

fn outline(text: &str, former: Option<&Outline>, last_id: &mut u64) -> PyResult<Outline> {
    let parsed = Outline::parse(text.into());
    let mut outline = parsed.map_err(|error| PyValueError::new_err(format!("{error:?}")))?;
    outline.inherit(former, last_id);
    Ok(outline)
}

fn read<T: DeserializeOwned>(document: &str) -> PyResult<T> {
    serde_json::from_str(document).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn told(document: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(document).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn as_error(error: HostError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
