"""How a process died, written down for the next one by the interpreter's fault handler."""

import faulthandler
import os
from contextlib import suppress
from pathlib import Path


class CrashFile:
    """Has the interpreter write to a file why it dies; where it does so elsewhere already, that is left alone."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None
        if path is None or faulthandler.is_enabled():
            return
        # Without a place to write to, the next process will not know the reason; all else works.
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
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
