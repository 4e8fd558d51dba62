"""The terminal of the process, whatever its standard streams are: a line from it, an editor or the debugger on it."""

import os
import select
import shlex
import subprocess
import sys
import termios
from contextlib import suppress
from types import FrameType
from typing import Any, Self


class Terminal:
    """The controlling terminal."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._read = b""
        # A program may have left the terminal as it needs it for itself.
        self._before = termios.tcgetattr(file)
        sane: list[Any] = list(self._before)
        sane[0] |= termios.ICRNL
        sane[1] |= termios.OPOST | termios.ONLCR
        sane[3] |= termios.ICANON | termios.ECHO | termios.ECHOE | termios.ECHOK | termios.ISIG
        if sane != self._before:
            termios.tcsetattr(file, termios.TCSADRAIN, sane)

    @classmethod
    def open(cls) -> Self | None:
        """Open it; None if there is none, or other programs have it now.

        Without one, standard input may be a terminal all the same.
        """
        try:
            file = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError:
            return cls(os.dup(0)) if os.isatty(0) else None
        with suppress(OSError, termios.error):
            if os.tcgetpgrp(file) == os.getpgrp():
                return cls(file)
        os.close(file)
        return None

    def close(self) -> None:
        """Leave it as it was."""
        # It may have gone.
        with suppress(termios.error):
            termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)
        os.close(self._file)

    def write(self, text: str) -> None:
        """Write a text."""
        rest = text.encode(errors="backslashreplace")
        # A terminal that has gone has no reader, and nothing more to read either.
        with suppress(OSError):
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def line(self, seconds: float) -> str | None:
        """Return the next line, or None if there is none for so long; raises `EOFError` at the end of input."""
        if b"\n" not in self._read:
            if not select.select([self._file], [], [], seconds)[0]:
                return None
            try:
                more = os.read(self._file, 4096)
            except OSError:
                more = b""
            if not more:
                raise EOFError
            self._read += more
        line, is_whole, rest = self._read.partition(b"\n")
        if not is_whole:
            return None
        self._read = rest
        return line.decode(errors="replace")

    def edit(self, file: str, line: int) -> None:
        """Open the user's editor at a line, and return when it has ended."""
        editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi") or ["vi"]
        try:
            subprocess.run([*editor, f"+{line}", file], stdin=self._file, stdout=self._file, stderr=self._file)
        except OSError as error:
            self.write(f"relive: cannot run {editor[0]}: {error.strerror}; set $EDITOR\n")

    def debug(self, caller: FrameType | None, error: BaseException) -> None:
        """Look around in the debugger where the exception was raised."""
        import pdb

        streams: dict[str, Any] = {}
        if not (sys.stdin and sys.stdin.isatty()):
            streams = {"stdin": open(os.dup(self._file)), "stdout": open(os.dup(self._file), "w")}  # noqa: SIM115
        debugger = pdb.Pdb(nosigint=True, **streams)
        debugger.reset()
        debugger.interaction(caller, error.__traceback__)
        for stream in streams.values():
            stream.close()
