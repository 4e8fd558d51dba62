"""Small programs and real ones for ``benches/calls.py``; what they run on is live or plain, they cannot tell."""

import io
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Run = Callable[[], object]


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


class Counter:
    def __init__(self):
        self.count = 0

    def add(self, by):
        self.count += by


def methods():
    counter = Counter()
    for number in range(500_000):
        counter.add(number)
    return counter.count


def element(i, j):
    return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1)


def times(vector, transposed):
    size = range(len(vector))
    if transposed:
        return [sum(element(j, i) * vector[j] for j in size) for i in size]
    return [sum(element(i, j) * vector[j] for j in size) for i in size]


def spectral_norm():
    vector = [1.0] * 130
    for _ in range(4):
        vector = times(times(vector, False), True)
    return vector[0]


def neighbours(cell):
    x, y = cell
    return {(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} - {cell}


def step(cells):
    around = set().union(*map(neighbours, cells))
    born = {cell for cell in around - cells if len(neighbours(cell) & cells) == 3}
    return born | {cell for cell in cells if len(neighbours(cell) & cells) in (2, 3)}


def life():
    cells = {(0, 1), (1, 3), (2, 0), (2, 1), (2, 4), (2, 5), (2, 6)}
    for _ in range(90):
        cells = step(cells)
    return len(cells)


TOKEN = re.compile(r"\s*(?:(\d+)|(.))")


class Parser:
    """Of sums and products, by recursive descent."""

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


def parser():
    text = "+".join(f"{n}*({n}-{n % 7})" for n in range(12_000))
    return Parser(text).expression() % 997


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
    for number in range(200_000):
        try:
            transfer(accounts[number % 100], accounts[number * 7 % 100], number % 50)
        except ValueError:
            accounts[0].balance += 1
    return sum(account.balance for account in accounts)


class Vector:
    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y, self.z - other.z)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor, self.z * factor)

    def dot(self, other):
        return self.x * other.x + self.y * other.y + self.z * other.z

    def unit(self):
        return self * self.dot(self) ** -0.5


class Sphere:
    def __init__(self, centre, radius, brightness):
        self.centre, self.radius, self.brightness = centre, radius, brightness

    def distance(self, origin, direction):
        to_centre = self.centre - origin
        along = to_centre.dot(direction)
        apart = to_centre.dot(to_centre) - along * along
        if along <= 0 or apart >= self.radius**2:
            return None
        return along - (self.radius**2 - apart) ** 0.5

    def normal(self, point):
        return (point - self.centre).unit()


class Scene:
    def __init__(self):
        self.light = Vector(3, 5, -4)
        self.spheres = [Sphere(Vector(n - 2, n % 3 - 1, 4 + n % 2), 0.8, 0.5 + n / 10) for n in range(5)]

    def nearest(self, origin, direction):
        hits = [(sphere.distance(origin, direction), n) for n, sphere in enumerate(self.spheres)]
        hits = [hit for hit in hits if hit[0] is not None and hit[0] > 1e-6]
        return min(hits, default=None)

    def colour(self, origin, direction, bounces=2):
        hit = self.nearest(origin, direction)
        if hit is None:
            return 0.1
        distance, number = hit
        sphere = self.spheres[number]
        point = origin + direction * distance
        normal = sphere.normal(point)
        shade = max(0.0, normal.dot((self.light - point).unit()))
        if bounces:
            mirrored = direction - normal * (2 * normal.dot(direction))
            shade += 0.3 * self.colour(point, mirrored, bounces - 1)
        return shade * sphere.brightness


def raytrace():
    scene, origin = Scene(), Vector(0, 0, 0)
    rays = ((x / 30 - 1, y / 30 - 1) for y in range(60) for x in range(60))
    return sum(scene.colour(origin, Vector(x, y, 1).unit()) for x, y in rays)


class Machine:
    """Runs programs for a stack: a method for each operation."""

    def __init__(self, program, size):
        self.program, self.stack, self.cells, self.at = program, [], [0] * size, 0

    def run(self):
        while self.at < len(self.program):
            name, operand = self.program[self.at]
            self.at += 1
            getattr(self, name)(operand)
        return self.cells

    def push(self, value):
        self.stack.append(value)

    def load(self, cell):
        self.stack.append(self.cells[cell])

    def store(self, cell):
        self.cells[cell] = self.stack.pop()

    def add(self, _):
        self.stack.append(self.stack.pop() + self.stack.pop())

    def less(self, _):
        right, left = self.stack.pop(), self.stack.pop()
        self.stack.append(left < right)

    def jump_if(self, target):
        if self.stack.pop():
            self.at = target


def machine():
    body = [
        ("load", 0),
        ("load", 1),
        ("add", None),
        ("store", 1),
        ("load", 0),
        ("push", 1),
        ("add", None),
        ("store", 0),
    ]
    program = [*body, ("load", 0), ("push", 40_000), ("less", None), ("jump_if", 0)]
    return Machine(program, 2).run()


def source() -> str:
    import argparse

    return Path(argparse.__file__).read_text()


def templates() -> Run:
    import jinja2

    text = """
    {% macro cell(value, kind="td") %}<{{ kind }} class="{{ loop_class }}">{{ value|e }}</{{ kind }}>{% endmacro %}
    <table>{% for row in rows %}<tr>{% for value in row %}{{ cell(value) }}{% endfor %}
    {% if loop.index is divisibleby 3 %}<td>{{ row|join(", ")|upper }}</td>{% endif %}</tr>{% endfor %}</table>
    """
    rows = [[f"<{x}>", x * 2, "and more"] for x in range(250)]

    def run():
        for _ in range(4):
            page = jinja2.Environment(autoescape=True).from_string(text).render(rows=rows)
        return len(page)

    return run


def highlight() -> Run:
    from pygments import formatters, highlight, lexers

    text = source()[:30_000]
    return lambda: len(highlight(text, lexers.PythonLexer(), formatters.HtmlFormatter()))


def parse_python() -> Run:
    import parso

    text = source()[:20_000]
    return lambda: len(parso.load_grammar().parse(text, cache=False).get_code())


def toml() -> Run:
    import tomllib

    table = 'name = "a b"\nsize = 12\nratio = 1.5\nwhen = 2026-11-21T10:00:00Z\nlist = [1, 2, [3, "four"]]\n'
    text = "".join(f"[section.n{n}]\n{table}" for n in range(250))
    return lambda: len(tomllib.loads(text))


def documents() -> list[dict[str, Any]]:
    return [
        {"id": n, "name": f"item {n}", "tags": ["a", "b", None, True], "at": {"x": n / 3, "y": [n]}}
        for n in range(1500)
    ]


def json_in_python() -> Run:
    import json.decoder
    import json.encoder
    import json.scanner

    json.encoder.c_make_encoder = None
    decoder = json.decoder.JSONDecoder()
    decoder.scan_once = json.scanner.py_make_scanner(decoder)
    content = documents()
    return lambda: len(decoder.decode(json.JSONEncoder(indent=1).encode(content)))


def pickle_in_python() -> Run:
    import pickle

    content = documents()

    def run():
        file = io.BytesIO()
        pickle._Pickler(file).dump(content)
        file.seek(0)
        return len(pickle._Unpickler(file).load())

    return run


def pretty() -> Run:
    import pprint

    content = documents()[:200]
    return lambda: len(pprint.pformat(content))


def xml_document() -> Run:
    from xml.dom import minidom

    text = "<all>" + "".join(f'<item number="{n}"><name>n {n}</name></item>' for n in range(1500)) + "</all>"
    return lambda: len(minidom.parseString(text).toprettyxml())


def log_lines() -> Run:
    import logging

    logger = logging.getLogger("bench")
    logger.propagate = False
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)

    def run():
        handler.stream = io.StringIO()
        for number in range(12_000):
            logger.info("line %d of %s", number, "many")
            logger.debug("not told")

    return run


def patterns() -> Run:
    import re

    texts = [rf"(?P<a{n}>[a-z]{{{n},{n + 2}}}|\d+)(?:\s*,\s*(x|y{n}))*$" for n in range(1, 60)]
    return lambda: [re._compiler.compile(text, 0) for text in texts]


def decimals() -> Run:
    import _pydecimal

    prices = [_pydecimal.Decimal(random.Random(n).randrange(1, 10_000)) / 100 for n in range(1_500)]

    def run():
        total = _pydecimal.Decimal(0)
        for price in prices:
            total += (price * _pydecimal.Decimal("1.19")).quantize(_pydecimal.Decimal("0.01"))
        return str(total)

    return run


def requests() -> Run:
    import flask

    app = flask.Flask("bench")

    @app.get("/items/<int:number>")
    def item(number):
        return flask.jsonify(number=number, name=flask.request.args.get("name", "none"))

    client = app.test_client()
    return lambda: [client.get(f"/items/{n}?name=n{n}").status_code for n in range(150)]


def diff() -> Run:
    import difflib

    lines = source().splitlines()[:220]
    other = [line.replace("self", "this") if n % 5 == 0 else line for n, line in enumerate(lines)]
    return lambda: len(list(difflib.ndiff(lines, other)))


def unparse() -> Run:
    import ast

    tree = ast.parse(source()[:40_000].rpartition("\nclass ")[0])
    return lambda: len(ast.unparse(tree))


SMALL: dict[str, Run] = {
    "fib(29)": lambda: fib(29),
    "500,000 method calls": methods,
    "spectral norm": spectral_norm,
    "life": life,
    "parser of sums": parser,
    "bank": bank,
}

# What each makes its workload with, and the packages that it runs on.
REAL: dict[str, tuple[Callable[[], Run], list[str]]] = {
    "ray tracer": (lambda: raytrace, []),
    "stack machine": (lambda: machine, []),
    "Jinja2 templates": (templates, ["jinja2"]),
    "Pygments highlighting": (highlight, ["pygments"]),
    "parso": (parse_python, ["parso"]),
    "tomllib": (toml, ["tomllib"]),
    "json in Python": (json_in_python, ["json"]),
    "pickle in Python": (pickle_in_python, ["pickle"]),
    "pprint": (pretty, ["pprint"]),
    "minidom": (xml_document, ["xml"]),
    "logging": (log_lines, ["logging"]),
    "re compiler": (patterns, ["re"]),
    "decimal in Python": (decimals, ["_pydecimal"]),
    "Flask requests": (requests, ["flask", "werkzeug"]),
    "difflib": (diff, ["difflib"]),
    "ast.unparse": (unparse, ["ast"]),
}


def roots(name: str) -> list[str]:
    """The packages that are live with a program, beside this module."""
    return REAL[name][1] if name in REAL else []


def workload(name: str) -> Run:
    """What a program does in each round."""
    return REAL[name][0]() if name in REAL else SMALL[name]
