"""The programs that the benchmarks edit: generated, and written as people write modules."""

from pathlib import Path

CONSTANT = "FACTOR_{number} = {number}.5\n"

FUNCTION = '''

def compute_{number}(values, limit=10, *, scale=1.0):
    """Return the scaled total of the first values."""
    total = {version}
    for index, value in enumerate(values):
        if index >= limit:
            break
        total += value * FACTOR_{number}
    if total < 0:
        raise ValueError(f"the total of {{len(values)}} values is negative: {{total}}")
    return round(total * scale, 3)
'''

CLASS = '''

class Series{number}:
    """A named series of measured values."""

    unit = "m"

    def __init__(self, name, values=()):
        self.name = name
        self.values = list(values)

    def add(self, value):
        if not isinstance(value, (int, float)):
            raise TypeError(f"{{value!r}} is no number")
        self.values.append(value)
        return self

    @property
    def mean(self):
        return sum(self.values) / len(self.values) if self.values else 0.0

    @classmethod
    def parse(cls, text):
        name, _, rest = text.partition(":")
        return cls(name, map(float, rest.split()))

    def total(self):
        return compute_{number}(self.values, len(self.values))

    def __repr__(self):
        return f"{{type(self).__name__}}({{self.name!r}}, {{len(self.values)}} values in {{self.unit}})"
'''

HEADER = '''"""A module of generated definitions."""

import math
import os
from collections import defaultdict

LIMIT = 100
NAMES = {"alpha": 1, "beta": 2, "gamma": 3}
REGISTRY = defaultdict(list)
ROOT = os.sep
TAU = math.pi * 2

'''


def module(lines: int, *, version: int = 0, inserted: int = 0) -> str:
    """Return a module of about so many lines: functions of ten lines, classes of six methods, constants.

    ``version`` stands in the body of the function in the middle, which is ``compute_{middle(lines)}``: called without
    values, it returns the version. ``inserted`` lines stand at the top.
    """
    middle = middle_function(lines)
    parts = [HEADER]
    for number in range(_block_count(lines)):
        parts.append(CONSTANT.format(number=number))
        parts.append(FUNCTION.format(number=number, version=version if number == middle else 0))
        if number % 2 == 0:
            parts.append(CLASS.format(number=number))
    return "# inserted\n" * inserted + "".join(parts)


def middle_function(lines: int) -> int:
    """Return the number of the function that holds the version."""
    return _block_count(lines) // 2


def _block_count(lines: int) -> int:
    # Two functions and their constants, and a class.
    pair = sum(text.count("\n") for text in (CONSTANT, FUNCTION, CONSTANT, FUNCTION, CLASS))
    return max(1, round(2 * (lines - HEADER.count("\n")) / pair))


def class_module(count: int, *, version: int = 0) -> str:
    """Return a module of so many classes whose method ``value`` returns the version."""
    parts = []
    for number in range(count):
        parts.append(
            f"class Thing{number}:\n"
            f"    def __init__(self, size={number}):\n        self.size = size\n\n"
            f"    def value(self):\n        return {version}\n\n"
            f"    def area(self):\n        return self.size * self.size\n\n\n"
        )
    return "".join(parts)


def write_package_tree(directory: Path, count: int, *, lines: int = 60) -> list[str]:
    """Write so many modules, fifty a package; return their dotted names."""
    names = []
    for number in range(count):
        package = directory / f"package_{number // 50}"
        if number % 50 == 0:
            package.mkdir(parents=True, exist_ok=True)
            (package / "__init__.py").write_text("")
        (package / f"module_{number}.py").write_text(module(lines))
        names.append(f"package_{number // 50}.module_{number}")
    return names
