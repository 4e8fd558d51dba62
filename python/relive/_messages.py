"""What updates have done, in lines for the user."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any


class Messages:
    """Tells on stderr what updates have done; files below ``directory`` are named as one types them there."""

    def __init__(self, directory: str) -> None:
        self._prefix = directory.rstrip(os.sep) + os.sep

    def tell(self, report: Mapping[str, Any]) -> None:
        """Write the lines of a report, given in its JSON form."""
        say("\n".join(self.lines(report)))

    def lines(self, report: Mapping[str, Any]) -> Iterator[str]:
        """Yield a line for each thing that was applied, not applied or left stale."""
        milliseconds = f"{report['seconds'] * 1000:.1f} ms"
        for item in report["applied"]:
            yield f"relive: {self._file(item)}: {item['qualname']} ({_one_line(item['why'])}) live in {milliseconds}"
        for group, verdict in (("refused", "not applied"), ("stale", "stale")):
            for item in report[group]:
                place = f"{self._file(item)}:{item['line']}"
                yield f"relive: {place}: {item['qualname']} {verdict}: {_one_line(item['why'])}"

    def _file(self, item: Mapping[str, Any]) -> str:
        file: str = item["file"]
        return file.removeprefix(self._prefix)


def say(text: str) -> None:
    """Write lines to stderr."""
    # Not through sys.stderr, which the program may be writing to, or may have replaced.
    with suppress(OSError):
        os.write(2, (text + "\n").encode(errors="backslashreplace"))


def _one_line(text: str) -> str:
    return " ".join(text.split())
