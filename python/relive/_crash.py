"""How a process died, written down for the next one by the interpreter's fault handler."""

import faulthandler
import fcntl
import os
from contextlib import suppress
from pathlib import Path


class CrashFile:
    """Has the interpreter write to a file why it dies; where it does so elsewhere already, that is left alone.

    The file is locked for as long as the process lives. What others left that say nothing is removed.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None
        if path is None or faulthandler.is_enabled():
            return
        # Without a place to write to, the next process will not know the reason; all else works.
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sweep(path.parent)
            self._file = _created(path)
            faulthandler.enable(self._file)

    def close(self) -> None:
        """Stop: the process goes on, or ends in an orderly way."""
        self.leave()
        if self._path is not None:
            with suppress(OSError):
                os.unlink(self._path)

    def leave(self) -> None:
        """Stop writing to the file, which may be another process's."""
        file, self._file = self._file, None
        if file is not None:
            faulthandler.disable()
            os.close(file)


def _created(path: Path) -> int:
    while True:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        # Where that does not work, nobody can sweep it away either.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        # Another process may have swept it away before it was locked.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file), os.stat(path)):
                return file
        os.close(file)


def _sweep(directory: Path) -> None:
    """Remove the files of processes that are gone and had nothing to say."""
    with os.scandir(directory) as entries:
        empty = [entry.path for entry in entries if entry.name.endswith(".txt") and not entry.stat().st_size]
    for path in empty:
        with suppress(OSError):
            file = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not os.fstat(file).st_size:
                    os.unlink(path)
            finally:
                os.close(file)
