"""Logs that no relive wrote: records put together by hand, with right sums, after docs/log-format.md."""

from blake3 import blake3

ZERO = "0" * 32


class Forge:
    """A log, record by record."""

    def __init__(self) -> None:
        self.data = b""
        self.head = ZERO
        self.seq = 0

    def add(self, line: str, *payload: str, seq: int | None = None, dash: str = "") -> "Forge":
        """A record: ``@kind SEQ key=value``, without the number, and its payload lines, if it is one of several."""
        number = self.seq if seq is None else seq
        kind, _, keys = line.partition(" ")
        text = f"@{kind} {number}{' ' * bool(keys)}{keys}"
        if payload or kind in ("patch", "state"):
            text = "\n".join([text, *payload, f"@. {number} n={len(payload)}{dash}"])
        text += f" prev={self.head}"
        self.head = blake3(text.encode()).hexdigest()[:32]
        self.data += f"{text} sum={self.head}\n".encode()
        self.seq = number + 1
        return self


def header(more: str = "", *, version: str = "1") -> str:
    """The first record of a log."""
    return (
        f"relive-log v={version} id=7f3a9c2e51d0b846 source=bank.py base=b3:4e1c77aa00112233 "
        f"enc=utf-8 eol=lf py=3.13.0 relive=0.1.0{more}"
    )


STATE = "at=2026-08-25T10:11:02.114Z target=LIMITS effect=assign via=repl cause=9be1/15"
MAC = "00112233445566778899aabbccddeeff"


def begun(more: str = "", *, version: str = "1") -> Forge:
    """A log with its first record."""
    return Forge().add(header(more, version=version))


def planted(tx: int = 1, text: str = "LIMITS = 0") -> bytes:
    """A log with one change, signed by nobody."""
    log = begun().add(f"state tx={tx} {STATE}", *(f"|{line}" for line in text.split("\n")))
    return log.add(f"commit tx={tx} recs=1 mac={MAC}").data
