"""Successive releases of real packages applied as live edits: how much of each comes out right.

For each pair of successive releases the older one is imported live, all its modules, from a directory that is then
overwritten with the newer one; the live process is compared with a fresh interpreter that imports the newer release.
Each definition or name whose code the release changed is one unit: right (live equals fresh), flagged (named as stale
or refused by the report) or silent. Units that only moved to other lines, and objects taken before the edit (functions,
methods and classes, as ``from m import x`` takes them), are counted apart. Peers run on the same releases.

    python benches/real_histories.py --releases 6 --peer autoreload --peer jurigged click rich
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.truth.engines import ENGINES
from tests.truth.fingerprint import Difference, Units, differences
from tests.truth.flags import Flags, Reach, module_name
from tests.truth.harness import Process, ProcessError, kind_of

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = (
    *("attrs", "click", "flask", "httpx", "idna", "itsdangerous", "jinja2", "marshmallow", "more-itertools"),
    *("packaging", "requests", "rich", "tomlkit", "urllib3", "werkzeug"),
)
COLUMNS = (
    "changed",
    "right",
    "flagged",
    "silent",
    "moved",
    "wrong lines",
    "held wrong",
    "needless",
    "edits",
    "crashes",
)


@dataclass
class Outcome:
    """How the units of some edits came out under one engine."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    silent: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Add another outcome to this one."""
        self.counts.update(other.counts)
        self.reasons.update(other.reasons)
        self.silent += other.silent


class Releases:
    """Wheels of successive releases and their dependencies, kept in a cache folder."""

    def __init__(self, cache: Path, pip: list[str]) -> None:
        self._cache, self._pip = cache, pip

    def wheels(self, package: str, count: int) -> list[Path]:
        """Return the wheels of the newest releases, oldest first; releases without a pure wheel are passed over."""
        found: list[Path] = []
        for version in self._versions(package):
            wheel = self._wheel(package, version)
            if wheel is not None:
                found.insert(0, wheel)
            if len(found) == count:
                break
        return found

    def dependencies(self, package: str, oldest: Path, newest: Path) -> Path:
        """Return a folder with the dependencies of two releases installed; where both name one, the newer's version."""
        folder = self._cache / "dependencies" / f"{sys.version_info[0]}.{sys.version_info[1]}" / package
        folder /= f"{oldest.name.split('-')[1]}-{newest.name.split('-')[1]}"
        if not folder.exists():
            for wheel in (oldest, newest):
                options = ["--quiet", "--upgrade", "--only-binary", ":all:", "--target", str(folder)]
                self._run("install", *options, str(wheel))
        return folder

    def _versions(self, package: str) -> list[str]:
        known = self._cache / package / "versions.txt"
        if not known.exists():
            listed = self._run("index", "versions", package)
            match = re.search(r"Available versions: (.*)", listed)
            known.parent.mkdir(parents=True, exist_ok=True)
            known.write_text("\n".join(match[1].split(", ") if match else []))
        return known.read_text().split()

    def _wheel(self, package: str, version: str) -> Path | None:
        folder = self._cache / package / version
        if not folder.exists():
            folder.mkdir(parents=True)
            options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
            try:
                self._run("download", *options, f"{package}=={version}")
            except subprocess.CalledProcessError:
                return None
        return next(folder.glob("*-none-any.whl"), None)

    def _run(self, *arguments: str) -> str:
        command = [*self._pip, *arguments, "--disable-pip-version-check"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def files_of(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def write(directory: Path, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """Make the directory hold ``after`` where it held ``before``, writing only what differs."""
    for name in before.keys() - after.keys():
        (directory / name).unlink()
    for name, content in after.items():
        if before.get(name) != content:
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            # A release that is written within the clock's resolution must still look newer to the peers.
            status = path.stat()
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + (2_000_000_000 if before else 0)))


def module_names(files: dict[str, bytes]) -> list[str]:
    """Return the modules of a release that are meant to be imported."""
    names = [
        module_name(name, ".")
        for name in files
        if name.endswith(".py") and all(part.isidentifier() for part in name.removesuffix(".py").split("/"))
    ]
    return sorted(name for name in names if not {"__main__", "tests", "conftest"} & set(name.split(".")))


class Edit:
    """One release over another: what a fresh interpreter makes of both, and how an engine fares between them."""

    def __init__(self, older: Path, newer: Path, dependencies: Path) -> None:
        self.name = f"{older.name.split('-')[0]} {older.name.split('-')[1]} → {newer.name.split('-')[1]}"
        self._dependencies = dependencies
        self._before, self._after = files_of(older), files_of(newer)

    def prepare(self) -> None:
        """Import both releases in fresh interpreters; modules that cannot be imported are left out."""
        with self._directory() as directory:
            self._old_names, self._old = self._importable(directory, self._before)
            write(directory, self._before, self._after)
            self._new_names, self._new = self._importable(directory, self._after)
            again = self._ask_fresh(directory, self._new_names)
        # What differs between two fresh interpreters is no matter of the edit: times, random numbers, addresses.
        self._unsteady = {each.qualname for each in differences(self._new["units"], again["units"])}
        self._modules = set(self._old["modules"]) & set(self._new["modules"])

    def run(self, engine: str) -> Outcome:
        """Apply the newer release to the live older one and judge every unit."""
        with self._directory() as directory:
            write(directory, {}, self._before)
            live = Process("tests.truth.live", engine)
            try:
                place = self._place(directory)
                live.ask({"do": "start", **place, "modules": self._old_names})
                write(directory, self._before, self._after)
                answer = live.ask({"do": "update", "modules": self._new_names})
            except ProcessError as error:
                return Outcome(Counter({"crashes": 1}), silent=[f"{self.name}: {error}"])
            finally:
                live.close()
        return self._judge(answer)

    def _judge(self, answer: dict[str, Any]) -> Outcome:
        outcome = Outcome(Counter(edits=1))
        flags = Flags()
        report, fresh = answer["report"], self._new["units"]
        texts = [
            {module_name(name, "."): content.decode(errors="replace") for name, content in files.items()}
            for files in (self._before, self._after)
        ]
        flags.update(report, texts, Reach(fresh))
        aliases = {**answer["aliases"], **self._new["aliases"]}
        old = self._old["units"]
        changed = {each.qualname for each in self._compared(old, fresh, lines=False)}
        moved = {each.qualname for each in self._compared(old, fresh, lines=True)} - changed
        differing = {each.qualname: each for each in self._compared(answer["units"], fresh, lines=True)}
        wrong = {each.qualname for each in self._compared(answer["units"], fresh, lines=False)}
        # A unit of another's making can go wrong, too: it counts as changed, by the edit.
        for qualname in sorted(changed | wrong):
            if qualname not in differing:
                outcome.counts["right"] += 1
            elif flags.excuses(differing[qualname], aliases):
                outcome.counts["flagged"] += 1
            else:
                outcome.counts["silent"] += 1
                outcome.silent.append(f"{self.name}: {differing[qualname]}")
        outcome.counts["changed"] = len(changed | wrong)
        outcome.counts["moved"] = len(moved)
        unnamed = [
            each for name, each in differing.items() if name in moved - wrong and not flags.excuses(each, aliases)
        ]
        outcome.counts["wrong lines"] = len(unnamed)
        outcome.silent += [f"{self.name}: moved {each}" for each in unnamed]
        outcome.counts["needless"] = flags.needless(report, set(differing), fresh)
        held = list(self._held_wrong(answer["held"], flags, differing))
        outcome.counts["held wrong"] = len(held)
        outcome.silent += [f"{self.name}: an early-bound {each}" for each in held]
        for group in ("stale", "refused", "conflicts"):
            outcome.reasons.update(f"{group}: {_reason(item['why'])}" for item in report[group])
        return outcome

    def _held_wrong(self, held: list[Any], flags: Flags, differing: dict[str, Difference]) -> Iterator[Difference]:
        """Yield the objects taken earlier that differ from a unit which is right under its name, silently."""
        fresh = self._new["units"]
        for item in held:
            path: str = item["path"]
            if path in self._unsteady or path in differing or path.partition(":")[0] not in self._modules:
                continue
            if kind_of(fresh.get(path)) != item["kind"] or _shape(item["units"].get(path)) != _shape(fresh[path]):
                continue
            named = {key: value for key, value in fresh.items() if key == path or key.startswith(f"{path}.")}
            found = [each for each in differences(item["units"], named) if each.qualname not in self._unsteady]
            if found and not flags.covers(path) and not flags.covers_instances(path):
                yield found[0]

    def _compared(self, live: Units, fresh: Units, *, lines: bool) -> list[Difference]:
        return [
            each
            for each in differences(live, fresh, lines=lines)
            if each.qualname.partition(":")[0] in self._modules and each.qualname not in self._unsteady
        ]

    def _importable(self, directory: Path, files: dict[str, bytes]) -> tuple[list[str], dict[str, Any]]:
        """Return the modules that can be imported, with their packages, and what a fresh interpreter makes of them."""
        write(directory, {}, files)
        names = module_names(files)
        while True:
            answer = self._ask_fresh(directory, names)
            if not answer["failed"]:
                return names, answer
            names = [name for name in names if not any(f"{name}.".startswith(f"{bad}.") for bad in answer["failed"])]

    def _ask_fresh(self, directory: Path, names: list[str]) -> dict[str, Any]:
        fresh = Process("tests.truth.fresh")
        try:
            answer: dict[str, Any] = fresh.ask({**self._place(directory), "modules": names})
        finally:
            fresh.close()
        return answer

    def _place(self, directory: Path) -> dict[str, Any]:
        return {"root": str(directory), "path": [str(directory), str(self._dependencies)]}

    def _directory(self) -> "_Directory":
        return _Directory()


class _Directory:
    """The same directory for every process of an edit, since modules may keep their own path."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.gettempdir()) / f"relive-histories-{os.getpid()}"
        self._path.mkdir()
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path)


def _shape(description: Any) -> str:
    """Return what an object is made as: what was plain and is decorated now is another thing, not an older one."""
    return next(iter(description)) if isinstance(description, dict) else ""


def _reason(why: str) -> str:
    """Return a reason without the names in it, so that like ones count together."""
    return re.sub(r"\b\w*[A-Z_0-9.]\w*\b|[`'\"].*?[`'\"]", "…", why)


def table(title: str, rows: dict[str, Outcome]) -> str:
    """Return the outcomes as a table, with the totals and their shares."""
    total = Outcome()
    for outcome in rows.values():
        total.add(outcome)
    width = max(len(name) for name in [*rows, "total"])
    lines = [f"{title:{width}} " + " ".join(f"{column:>11}" for column in COLUMNS)]
    for name, outcome in {**rows, "total": total}.items():
        lines.append(f"{name:{width}} " + " ".join(f"{outcome.counts[column]:>11}" for column in COLUMNS))
    changed = total.counts["changed"] or 1
    shares = ", ".join(f"{kind} {total.counts[kind] / changed:.2%}" for kind in ("right", "flagged", "silent"))
    return "\n".join([*lines, f"of {changed} changed units: {shares}"])


def main() -> int:
    """Run the chosen packages and engines; the exit code is 1 when relive had a silent difference or crashed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", default=PACKAGES, metavar="PACKAGE")
    parser.add_argument("--releases", type=int, default=6, help="how many successive releases of each (default: 6)")
    parser.add_argument("--peer", action="append", default=[], choices=sorted(ENGINES.keys() - {"relive"}))
    parser.add_argument("--only-peers", action="store_true", help="leave relive itself out")
    default_cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "relive" / "real-histories"
    parser.add_argument("--cache", type=Path, default=default_cache, help=f"where wheels are kept ({default_cache})")
    default_pip = f"{PROJECT}/target/venvs/tools/bin/python -m pip --python {sys.executable}"
    parser.add_argument("--pip", default=default_pip, help="the pip command to use (default: that of tools/test)")
    parser.add_argument("--verbose", action="store_true", help="print reasons of flags and all silent differences")
    options = parser.parse_args()
    os.environ["PYTHONHASHSEED"] = "0"  # Sets have one order in all processes.
    engines = [*([] if options.only_peers else ["relive"]), *options.peer]
    releases = Releases(options.cache, options.pip.split())
    results: dict[str, dict[str, Outcome]] = {engine: {} for engine in engines}
    for package in options.packages:
        wheels = releases.wheels(package, options.releases)
        dependencies = releases.dependencies(package, wheels[0], wheels[-1])
        for older, newer in pairwise(wheels):
            edit = Edit(older, newer, dependencies)
            edit.prepare()
            for engine in engines:
                outcome = edit.run(engine)
                results[engine].setdefault(package, Outcome()).add(outcome)
                counts = ", ".join(f"{outcome.counts[column]} {column}" for column in COLUMNS if outcome.counts[column])
                print(f"{edit.name}, {engine}: {counts}", file=sys.stderr)
    for engine, rows in results.items():
        print(f"\n{table(engine, rows)}")
        if options.verbose:
            _print_details(rows)
    silent = results.get("relive", {}).values()
    return 1 if any(outcome.counts["silent"] or outcome.counts["crashes"] for outcome in silent) else 0


def _print_details(rows: dict[str, Outcome]) -> None:
    total = Outcome()
    for outcome in rows.values():
        total.add(outcome)
    for reason, count in total.reasons.most_common():
        print(f"  {count:5} times {reason}")
    for line in total.silent:
        print(f"  SILENT {line}")


if __name__ == "__main__":
    raise SystemExit(main())
