"""relive: edit a running Python program and trust what runs.

``relive.start()`` makes the modules below the current directory live: an edited file takes effect in the running
program, in the same objects, and the returned report names what could not be brought up to date.

Nothing is imported here, so that ``import relive`` costs next to nothing; names are loaded at first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from relive._errors import ReliveError
    from relive._hold import hold
    from relive._log import Change, ChangeLog, Transaction, log, patch, transaction
    from relive._report import Item, ModuleVersion, Report
    from relive._restart import restart
    from relive._session import Session, session, start

__all__ = [
    "Change",
    "ChangeLog",
    "Item",
    "ModuleVersion",
    "ReliveError",
    "Report",
    "Session",
    "Transaction",
    "hold",
    "log",
    "patch",
    "restart",
    "session",
    "start",
    "transaction",
]

_HOMES = {
    "Change": "relive._log",
    "ChangeLog": "relive._log",
    "Transaction": "relive._log",
    "log": "relive._log",
    "patch": "relive._log",
    "transaction": "relive._log",
    "Item": "relive._report",
    "ModuleVersion": "relive._report",
    "ReliveError": "relive._errors",
    "hold": "relive._hold",
    "restart": "relive._restart",
    "Report": "relive._report",
    "Session": "relive._session",
    "session": "relive._session",
    "start": "relive._session",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'relive' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Enable the magics of relive: IPython calls this for ``%load_ext relive``."""
    from relive.ipython import load

    load(shell)


def unload_ipython_extension(shell: "InteractiveShell") -> None:
    """Disable the magics of relive: IPython calls this for ``%unload_ext relive``."""
    from relive.ipython import unload

    unload(shell)
