"""``relive run``: run a program as ``python`` does, live."""

import builtins
import importlib.util
import io
import os
import pkgutil
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any

from relive import _session
from relive._errors import ReliveError
from relive._messages import Messages, say
from relive._native import Engine
from relive._session import Mode
from relive._settings import HoldSetting, Replay

Program = tuple[CodeType, dict[str, Any]]
"""The code of a program, and the namespace to execute it in."""

_IMPORT_FILES = (importlib.util.__file__, "<frozen importlib.util>")


def run(
    target: str,
    arguments: Sequence[str],
    *,
    is_module: bool,
    mode: Mode,
    roots: Sequence[str],
    replay: Replay = "ask",
    hold: HoldSetting = "auto",
) -> None:
    """Run a script, or with ``is_module`` a module, until it comes to its end, and apply edits as they are saved.

    What the program raises comes out; the interpreter shows it without relive's own frames.
    """
    try:
        sys.argv = ["-m" if is_module else target, *arguments]
        directory = os.getcwd() if is_module else _enter(target)
        session = _session.started(roots or [directory], mode, auto=False, hold=hold, replay=replay)
        program = f"-m {target}" if is_module else target
        if problem := session._watch(Messages(os.getcwd()).tell, program):
            say(f"relive: `relive status` will not find this session: {problem}")
        code, namespace = _module(target, session._engine) if is_module else _script(target, session._engine)
        if count := session._engine.after_text("__main__"):
            # They belong after the script, which is the whole program here.
            changes = "1 change of state is" if count == 1 else f"{count} changes of state are"
            say(f"relive: {changes} not replayed in the program itself: `relive -i` does that")
    except ReliveError as error:
        sys.exit(f"relive: {error}")
    except BaseException:
        _hide_own_frames()
        raise
    try:
        exec(code, namespace)
    except ReliveError as error:
        sys.exit(f"relive: {error}")
    except BaseException as error:
        session._engine.note_change("__main__", error)
        _hide_own_frames()
        raise


def _enter(script: str) -> str:
    """Put first on ``sys.path`` what ``python SCRIPT`` puts there, and return the directory of the script."""
    path = os.path.abspath(script)
    if pkgutil.get_importer(path) is None:
        directory = os.path.dirname(os.path.realpath(path))
        if not sys.flags.safe_path:
            sys.path[0] = directory
        return directory
    if sys.flags.safe_path:
        sys.path.insert(0, path)
    else:
        sys.path[0] = path
    return path if os.path.isdir(path) else os.path.dirname(path)


def _script(script: str, engine: Engine) -> Program:
    path = os.path.abspath(script)
    if (importer := pkgutil.get_importer(path)) is not None:
        spec = importer.find_spec("__main__")
        if spec is None:
            sys.exit(f"relive: can't find '__main__' module in {path!r}")
        return _found(spec, engine)
    namespace = _main_namespace(__file__=path, __cached__=None)
    if path.endswith(".pyc"):
        compiled = SourcelessFileLoader("__main__", path)
        namespace["__loader__"] = compiled
        return _existing(compiled.get_code("__main__"), path), namespace
    namespace["__loader__"] = SourceFileLoader("__main__", path)
    is_live = _register(path, engine)
    code = engine.begin("__main__") if is_live else None
    if code is None:
        with io.open_code(path) as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
    if is_live:
        engine.executes("__main__", code)
    return code, namespace


def _module(name: str, engine: Engine) -> Program:
    if not sys.flags.safe_path:
        sys.path[0] = os.getcwd()
    spec = _find(name)
    if spec.submodule_search_locations is not None:
        try:
            spec = _find(f"{name}.__main__")
        except SystemExit as error:
            sys.exit(f"{error}; {name!r} is a package and cannot be directly executed")
    elif spec.name in sys.modules:
        warnings.warn(
            f"{spec.name!r} found in sys.modules after import of package {spec.parent!r}, but prior to execution of "
            f"{spec.name!r}; this may result in unpredictable behaviour",
            RuntimeWarning,
            stacklevel=1,
        )
    sys.argv[0] = spec.origin or name
    return _found(spec, engine)


def _find(name: str) -> ModuleSpec:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        # The package around it may have failed to import something else.
        if not _is_part_of(error.name, name):
            raise
        sys.exit(f"relive: {error}")
    if spec is None:
        sys.exit(f"relive: No module named {name}")
    return spec


def _is_part_of(package: str | None, name: str) -> bool:
    return package is not None and f"{name}.".startswith(f"{package}.")


def _found(spec: ModuleSpec, engine: Engine) -> Program:
    """Return the code and namespace of a module that is to be ``__main__``."""
    loader, path = spec.loader, spec.origin or ""
    is_live = isinstance(loader, SourceFileLoader) and _register(path, engine)
    # A live loader would take the module up under its own name.
    plain = SourceFileLoader(loader.name, loader.path) if isinstance(loader, SourceFileLoader) else loader
    get_code = getattr(plain, "get_code", None)
    code = engine.begin("__main__") if is_live else None
    if code is None:
        code = _existing(get_code and get_code(spec.name), spec.name)
    if is_live:
        engine.executes("__main__", code)
    namespace = _main_namespace(
        __file__=path, __cached__=spec.cached, __loader__=loader, __package__=spec.parent, __spec__=spec
    )
    return code, namespace


def _existing(code: CodeType | None, name: str) -> CodeType:
    if code is None:
        sys.exit(f"relive: no code object available for {name}")
    return code


def _register(path: str, engine: Engine) -> bool:
    if not engine.is_live(path):
        return False
    engine.register("__main__", path)
    return True


def _main_namespace(**names: Any) -> dict[str, Any]:
    """Make a new ``__main__`` module and return its namespace."""
    main = sys.modules["__main__"] = ModuleType("__main__")
    namespace = vars(main)
    namespace["__builtins__"] = builtins
    if sys.version_info < (3, 14):
        namespace["__annotations__"] = {}
    namespace.update(names)
    if sys.version_info >= (3, 15):
        namespace.pop("__cached__", None)
    return namespace


def _hide_own_frames() -> None:
    """Have the exception that ends the program shown as though ``python`` had run it, by whatever shows it."""
    show = sys.excepthook

    def show_without_own_frames(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        sys.excepthook = show
        entry = kept = traceback
        while entry is not None:
            if entry.tb_frame.f_code.co_filename == __file__:
                kept = entry.tb_next
            entry = entry.tb_next
        while kept is not None and kept.tb_frame.f_code.co_filename in _IMPORT_FILES:
            kept = kept.tb_next
        show(kind, error.with_traceback(kept), kept)

    sys.excepthook = show_without_own_frames
