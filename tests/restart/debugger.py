"""A program under debugpy, and a client of it that speaks the debug adapter protocol."""

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self


class Debugger:
    """A program that waits until a client has attached to it."""

    def __init__(self, *program: str | Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "debugpy", "--listen", f"127.0.0.1:{self._port}", "--wait-for-client", *program],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"},
        )
        self._socket = self._connect()
        self._stream = self._socket.makefile("rb")
        self._numbers = itertools.count(1)
        self._events: list[dict[str, Any]] = []
        self._thread = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._stream.close()
        self._socket.close()

    def attach(self, breakpoints: dict[Path, list[int]]) -> None:
        """Have the program run, and stop at these lines."""
        self._request("initialize", adapterID="test", pathFormat="path")
        attached = self._send("attach", justMyCode=False)
        self._event("initialized")
        for file, lines in breakpoints.items():
            at = [{"line": line} for line in lines]
            body = self._request("setBreakpoints", source={"path": str(file)}, breakpoints=at)
            assert all(point["verified"] for point in body["breakpoints"]), body
        self._request("configurationDone")
        self._answer(attached)

    def stopped(self) -> list[dict[str, Any]] | None:
        """Wait for the program; the frames where it has stopped, None if it has ended."""
        event = self._event("stopped", "terminated")
        if event["event"] == "terminated":
            return None
        self._thread = event["body"]["threadId"]
        return self._request("stackTrace", threadId=self._thread)["stackFrames"]

    def evaluate(self, expression: str, frame: dict[str, Any]) -> str:
        """What an expression means in a frame."""
        return self._request("evaluate", expression=expression, frameId=frame["id"], context="repl")["result"]

    def go_on(self) -> None:
        """Have the program run on."""
        self._request("continue", threadId=self._thread)

    def printed(self) -> str:
        """Wait for the program to end; what it has printed."""
        # It waits for its client to leave.
        self._request("disconnect")
        printed, _ = self._process.communicate(timeout=60)
        return printed

    def _connect(self) -> socket.socket:
        end = time.monotonic() + 60
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self._port), timeout=60)
            except ConnectionRefusedError:
                assert self._process.poll() is None, "the program has ended"
                assert time.monotonic() < end, "nobody listens"

    def _request(self, command: str, **arguments: Any) -> dict[str, Any]:
        return self._answer(self._send(command, **arguments))

    def _send(self, command: str, **arguments: Any) -> int:
        number = next(self._numbers)
        text = json.dumps({"seq": number, "type": "request", "command": command, "arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(text), text))
        return number

    def _answer(self, number: int) -> dict[str, Any]:
        while True:
            message = self._receive()
            if message["type"] == "event":
                self._events.append(message)
            elif message.get("request_seq") == number:
                assert message["success"], message
                return message.get("body", {})

    def _event(self, *names: str) -> dict[str, Any]:
        while True:
            message = self._events.pop(0) if self._events else self._receive()
            if message["type"] == "event" and message["event"] in names:
                return message

    def _receive(self) -> dict[str, Any]:
        length = 0
        while line := self._stream.readline().strip():
            length = int(line.removeprefix(b"Content-Length:"))
        content = self._stream.read(length)
        assert content, "debugpy has closed the connection"
        return json.loads(content)
