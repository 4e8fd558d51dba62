//! Functions that run the code of others and catch whatever it raises, to show it, to keep it or to answer with it. To
//! whoever wrote that code, they are nobody.

/// What the function does with an exception that it catches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Boundary {
    /// It comes to its end there.
    Nobody,
    /// It is raised again further up, where that cannot be seen in the code.
    Passes,
}

/// The table of docs/guide.md, with a test that it is the same: modules and the functions in them.
const BOUNDARIES: &[(&str, &str, Boundary)] = &[
    // Prompts and debuggers
    (
        "IPython.core.interactiveshell",
        "InteractiveShell.run_code",
        Boundary::Nobody,
    ),
    (
        "IPython.core.interactiveshell",
        "InteractiveShell.safe_execfile",
        Boundary::Nobody,
    ),
    ("code", "InteractiveInterpreter.runcode", Boundary::Nobody),
    (
        "_pyrepl.console",
        "InteractiveColoredConsole.runcode",
        Boundary::Nobody,
    ),
    (
        "asyncio.__main__",
        "AsyncIOInteractiveConsole.runcode",
        Boundary::Nobody,
    ),
    ("relive._repl", "Console.runcode", Boundary::Nobody),
    ("relive._run", "run", Boundary::Nobody),
    // asyncio
    ("asyncio.events", "Handle._run", Boundary::Nobody),
    ("uvloop", "run", Boundary::Nobody),
    // Threads, processes and futures
    ("threading", "Thread._bootstrap_inner", Boundary::Nobody),
    (
        "concurrent.futures.thread",
        "_WorkItem.run",
        Boundary::Nobody,
    ),
    ("concurrent.futures.thread", "_worker", Boundary::Nobody),
    (
        "concurrent.futures.process",
        "_process_worker",
        Boundary::Nobody,
    ),
    (
        "multiprocessing.process",
        "BaseProcess._bootstrap",
        Boundary::Nobody,
    ),
    ("multiprocessing.pool", "worker", Boundary::Nobody),
    (
        "joblib.externals.loky.process_executor",
        "_process_worker",
        Boundary::Nobody,
    ),
    // WSGI and ASGI servers
    ("wsgiref.handlers", "BaseHandler.run", Boundary::Nobody),
    (
        "socketserver",
        "BaseServer._handle_request_noblock",
        Boundary::Nobody,
    ),
    (
        "socketserver",
        "ThreadingMixIn.process_request_thread",
        Boundary::Nobody,
    ),
    (
        "werkzeug.serving",
        "WSGIRequestHandler.run_wsgi",
        Boundary::Nobody,
    ),
    (
        "gunicorn.workers.sync",
        "SyncWorker.handle_request",
        Boundary::Nobody,
    ),
    (
        "gunicorn.workers.sync",
        "SyncWorker.handle",
        Boundary::Nobody,
    ),
    (
        "gunicorn.workers.gthread",
        "ThreadWorker.handle_request",
        Boundary::Nobody,
    ),
    (
        "gunicorn.workers.gthread",
        "ThreadWorker.handle",
        Boundary::Nobody,
    ),
    ("waitress.task", "Task.service", Boundary::Nobody),
    ("waitress.channel", "HTTPChannel.service", Boundary::Nobody),
    (
        "cheroot.server",
        "HTTPConnection.communicate",
        Boundary::Nobody,
    ),
    (
        "uvicorn.protocols.http.h11_impl",
        "RequestResponseCycle.run_asgi",
        Boundary::Nobody,
    ),
    (
        "uvicorn.protocols.http.httptools_impl",
        "RequestResponseCycle.run_asgi",
        Boundary::Nobody,
    ),
    (
        "hypercorn.app_wrappers",
        "WSGIWrapper.handle_http",
        Boundary::Nobody,
    ),
    ("hypercorn.asyncio.task_group", "_handle", Boundary::Nobody),
    // Tests
    ("_pytest.runner", "CallInfo.from_call", Boundary::Nobody),
    (
        "unittest.case",
        "_Outcome.testPartExecutor",
        Boundary::Nobody,
    ),
    (
        "doctest",
        "DocTestRunner._DocTestRunner__run",
        Boundary::Nobody,
    ),
    ("relive._again", "coroutine", Boundary::Passes),
    ("relive._again", "generator", Boundary::Passes),
    ("relive._again", "async_generator", Boundary::Passes),
    ("pluggy._callers", "_multicall", Boundary::Passes),
    ("pluggy._execution", "_multicall", Boundary::Passes),
];

/// What a function is, if it is one of these.
pub(super) fn boundary(module: &str, name: &str) -> Option<Boundary> {
    let mut all = BOUNDARIES.iter();
    let found = all.find(|(in_module, function, _)| (*in_module, *function) == (module, name));
    found.map(|(_, _, boundary)| *boundary)
}
