"""What it costs that calls of live functions can begin anew: the same programs in a live module and in a plain one.

Run by ``tools/bench calls``. The two alternate; of each the median counts.
"""

import importlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

import relive

PROGRAM = """
import re
from dataclasses import dataclass


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


class Counter:
    def __init__(self):
        self.count = 0

    def add(self, by):
        self.count += by


def methods():
    counter = Counter()
    for number in range(200_000):
        counter.add(number)
    return counter.count


def element(i, j):
    return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1)


def times(vector, transposed):
    size = range(len(vector))
    if transposed:
        return [sum(element(j, i) * vector[j] for j in size) for i in size]
    return [sum(element(i, j) * vector[j] for j in size) for i in size]


def spectral(size):
    vector = [1.0] * size
    for _ in range(3):
        vector = times(times(vector, False), True)
    return vector[0]


TOKEN = re.compile(r"\\s*(?:(\\d+)|(.))")


class Parser:
    def __init__(self, text):
        self.tokens = [match.groups() for match in TOKEN.finditer(text)]
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else (None, None)

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def expression(self):
        value = self.term()
        while self.peek()[1] in ("+", "-"):
            value = value + self.term() if self.take()[1] == "+" else value - self.term()
        return value

    def term(self):
        value = self.factor()
        while self.peek()[1] == "*":
            self.take()
            value *= self.factor()
        return value

    def factor(self):
        number, sign = self.take()
        if sign == "(":
            value = self.expression()
            self.take()
            return value
        return int(number)


def parse():
    text = "+".join(f"{n}*({n}-{n % 7})" for n in range(3_000))
    return Parser(text).expression() % 997


def neighbours(cell):
    x, y = cell
    return {(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} - {cell}


def step(cells):
    around = set().union(*map(neighbours, cells))
    born = {cell for cell in around - cells if len(neighbours(cell) & cells) == 3}
    return born | {cell for cell in cells if len(neighbours(cell) & cells) in (2, 3)}


def life():
    cells = {(0, 1), (1, 3), (2, 0), (2, 1), (2, 4), (2, 5), (2, 6)}
    for _ in range(40):
        cells = step(cells)
    return len(cells)


@dataclass
class Account:
    owner: str
    balance: int = 0

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError(amount)
        self.balance += amount


def transfer(source, target, amount):
    source.balance -= amount
    target.deposit(amount)


def bank():
    accounts = [Account(str(n)) for n in range(100)]
    for number in range(60_000):
        try:
            transfer(accounts[number % 100], accounts[number * 7 % 100], number % 50)
        except ValueError:
            accounts[0].balance += 1
    return sum(account.balance for account in accounts)


def words():
    text = "the quick brown fox jumps over the lazy dog " * 4_000
    counts = {}
    for word in text.split():
        counts[key(word)] = counts.get(key(word), 0) + 1
    return max(counts.values())


def key(word):
    return word[:1].upper() + word[1:]


PROGRAMS = {
    "fib(27)": lambda: fib(27),
    "200,000 method calls": methods,
    "spectral norm": lambda: spectral(120),
    "parser": parse,
    "life": life,
    "bank": bank,
    "words": words,
}
"""


def measured(run) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 9
    with tempfile.TemporaryDirectory() as directory:
        for name in ("live", "plain"):
            (Path(directory) / name).mkdir()
            (Path(directory) / name / f"{name}_programs.py").write_text(PROGRAM)
            sys.path.insert(0, str(Path(directory) / name))
        plain = importlib.import_module("plain_programs")
        session = relive.start(Path(directory) / "live", auto=False)
        live = importlib.import_module("live_programs")
        print(f"CPython {sys.version.split()[0]}\n\n| program | plain, ms | live / plain |\n|---|---|---|")
        for name, run in plain.PROGRAMS.items():
            times: dict[str, list[float]] = {"plain": [], "live": []}
            for _ in range(rounds):
                times["plain"].append(measured(run))
                times["live"].append(measured(live.PROGRAMS[name]))
            of_plain, of_live = (statistics.median(times[kind]) for kind in ("plain", "live"))
            first = times["live"][0] / times["plain"][0]
            print(f"| {name} | {of_plain * 1000:.1f} | {of_live / of_plain:.2f} (first round {first:.2f}) |")
        session.stop()


if __name__ == "__main__":
    main()
