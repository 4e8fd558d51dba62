"""Random units for `program.Program`: functions, classes, constants, tables, blocks and the statements between them."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from .program import Block, Class, Constant, Function, Module, Parameter, Program, Statement, Symbol, Unit, indented

_WORD_LIST = (
    "amber basin cedar delta ember fjord grove heath inlet jetty kelp ledge marsh north oasis plain quarry ridge slope "
    "tundra upland vale wharf yard zenith alder birch copse dune eddy fern glade haven isle jungle knoll lagoon meadow "
    "nook orchard pond quay reef shoal thicket urchin valley willow yew acorn brook cliff drift elm flint gorge hollow "
    "ivory jasper kestrel larch maple nettle otter pebble quartz raven sedge thorn umber violet wren yarrow zephyr "
    "anchor beacon cabin dock engine ferry galley harbor island jib keel lantern mast net oar port rudder sail tide "
    "vessel winch bell candle drum easel flute gong harp inkwell jug kite lute mirror needle organ piano quill rope "
    "spindle table urn vase wheel yoke arch bridge castle door estate fort gate hall inn jail kitchen loft mill nave "
    "office porch quarter roof stair tower vault wall attic barn chapel dome eave forge gable hearth igloo joist"
)
WORDS = _WORD_LIST.split()


@dataclass
class Scope:
    """What an expression may use: numbers by name, and functions of a lower rank with the numbers they take."""

    numbers: list[str]
    calls: list[Symbol]


def scope(program: Program, module: Module, before: Unit | None, rank: int, own: list[str]) -> Scope:
    """Return the scope of a unit placed in a module above ``before`` (None: at the end)."""
    symbols = program.visible(module, before)
    numbers = [symbol.name for symbol in symbols if symbol.kind == "int"]
    calls = [symbol for symbol in symbols if symbol.kind == "function" and symbol.rank < rank]
    return Scope(own + numbers, calls)


def expression(generator: random.Random, scope: Scope, depth: int = 2) -> str:
    """Return an expression that is a number."""
    if depth == 0 or generator.random() < 0.15:
        if scope.numbers and generator.random() < 0.75:
            return generator.choice(scope.numbers)
        return str(generator.randrange(1, 50))
    if scope.calls and generator.random() < 0.35:
        symbol = generator.choice(scope.calls)
        return f"{symbol.name}({', '.join(expression(generator, scope, 0) for _ in range(symbol.arity))})"
    left, right = (expression(generator, scope, depth - 1) for _ in range(2))
    form = generator.choice(
        [
            "{left} + {right}",
            "{left} - {right}",
            "({left}) * {number}",
            "({left} if {left} > {number} else {right})",
            "max({left}, {right})",
            "sum(item * {number} for item in range(abs({left}) % 5))",
            "len([item for item in ({left}, {right}) if item > {number}])",
            "(lambda value: value + {number})({right})",
            "len(f'{{{left}}}-{{{right}}}')",
            "({left}) % {number}",
        ]
    )
    return form.format(left=left, right=right, number=generator.randrange(1, 30))


def body(generator: random.Random, scope: Scope, attribute: str = "") -> list[str]:
    """Return the statements of a function that returns a number."""

    def number(depth: int = 2) -> str:
        return expression(generator, Scope(scope.numbers + ([attribute] if attribute else []), scope.calls), depth)

    forms: list[Callable[[], list[str]]] = [
        lambda: [f"return ({number()}) % 997"],
        lambda: [f"local = {number()}", f"return (local + {number(1)}) % 997"],
        lambda: [f"if {number(1)} > {number(0)}:", f"    return ({number()}) % 997", f"return ({number()}) % 997"],
        lambda: [
            f"total = {number(1)}",
            f"for step in range({generator.randrange(1, 5)}):",
            f"    total += step * {generator.randrange(1, 9)}",
            "return total % 997",
        ],
        lambda: [
            f"captured = {number(1)}",
            "def inner(value):",
            "    nonlocal captured",
            f"    captured += value * {generator.randrange(1, 9)}",
            f"    return captured + {number(0)}",
            f"return (inner({number(0)}) + inner({generator.randrange(9)})) % 997",
        ],
        lambda: [
            f"match ({number(1)}) % 3:",
            f"    case 0: return {generator.randrange(100)}",
            f"    case 1 | 2 as found: return found + {generator.randrange(100)}",
        ],
        lambda: [
            "try:",
            f"    return ({number()}) // (({number(0)}) % 4) % 997",
            "except ZeroDivisionError:",
            f"    return {generator.randrange(100)}",
        ],
        lambda: [f"if (found := {number(1)}) > {generator.randrange(40)}:", "    found -= 1", "return found % 997"],
        lambda: [
            "class Local:",
            f"    size = {generator.randrange(30)}",
            "    def grow(self, by):",
            f"        return self.size + by * {generator.randrange(1, 9)}",
            f"return Local().grow({number(0)}) % 997",
        ],
    ]
    return generator.choice(forms)()


def parameters(generator: random.Random, program: Program, scope: Scope) -> list[Parameter]:
    """Return up to three parameters, the ones with defaults last."""
    names = generator.sample(["first", "second", "third", "fourth"], generator.randrange(1, 4))
    made = [Parameter(name) for name in names]
    for parameter in made:
        if generator.random() < 0.4:
            parameter.annotation = annotation(generator)
        if generator.random() < 0.2:
            parameter.keyword_only = True
    for parameter in made[generator.randrange(1, 4) :] + [item for item in made if item.keyword_only]:
        parameter.default = expression(generator, Scope(scope.numbers, []), 1 if generator.random() < 0.3 else 0)
    plain = [parameter for parameter in made if not parameter.default]
    return plain + [parameter for parameter in made if parameter.default]


def annotation(generator: random.Random) -> str:
    """Return an annotation."""
    return generator.choice(["int", "float", "'int'", "int | None", "list[int]", "'list[Undefined]'"])


def docstring(generator: random.Random) -> str:
    """Return a line of documentation."""
    return f"{generator.choice(WORDS).capitalize()} {generator.choice(WORDS)} of {generator.choice(WORDS)}."


def function(generator: random.Random, program: Program, module: Module, before: Unit | None = None) -> Function:
    """Return a function for a place in a module: plain, generating, asynchronous, decorated or cached."""
    rank = program.new_rank()
    around = scope(program, module, before, rank, [])
    made_parameters = parameters(generator, program, around)
    inside = Scope(around.numbers + [parameter.name for parameter in made_parameters] * 2, around.calls)
    made = Function(program.new_name(generator), made_parameters, body(generator, inside), rank)
    if generator.random() < 0.4:
        made.doc = docstring(generator)
    if generator.random() < 0.2:
        made.returns = annotation(generator)
    chance = generator.random()
    if chance < 0.12:
        made.body = [
            f"for step in range({generator.randrange(1, 5)}):",
            f"    yield step + {expression(generator, inside, 1)}",
        ]
    elif chance < 0.2:
        made.is_async = True
    else:
        made.decorators = decorators(generator, program, module, before)
    return made


def decorators(generator: random.Random, program: Program, module: Module, before: Unit | None) -> list[str]:
    """Return the decorators of a function for a place in a module: mostly none."""
    visible = [symbol.name for symbol in program.visible(module, before) if symbol.kind == "decorator"]
    chosen = [generator.choice(visible)] if visible and generator.random() < 0.45 else []
    if generator.random() < 0.15:
        chosen.append("functools.lru_cache(maxsize=None)")
    return chosen


def decorator(generator: random.Random, program: Program, module: Module) -> Function:
    """Return a decorator: one that wraps the function, or one that notes its name in a list."""
    name = program.new_name(generator, "deco_{}")
    lists = [symbol.name for symbol in program.visible(module) if symbol.kind == "list"]
    if lists and generator.random() < 0.35:
        text = [f"{generator.choice(lists)}.append(function.__name__)", "return function"]
    else:
        text = [
            "@functools.wraps(function)",
            "def wrapper(*args, **kwargs):",
            "    result = function(*args, **kwargs)",
            f"    return result + {generator.randrange(1, 90)} if isinstance(result, int) else result",
            "return wrapper",
        ]
    return Function(name, [Parameter("function")], text, kind="decorator")


def factory(generator: random.Random, program: Program, module: Module) -> list[Unit]:
    """Return a function that makes closures, and closures made by it."""
    rank = program.new_rank()
    inside = scope(program, module, None, rank, ["factor"])
    name = program.new_name(generator, "make_{}")
    text = [
        "def made(value):",
        f"    return (value * {generator.randrange(2, 9)} + {expression(generator, inside, 1)}) % 997",
        "return made",
    ]
    maker = Function(name, [Parameter("factor")], text, rank, "factory")
    product = program.new_name(generator)
    bound = [Symbol(product, "function", 1, program.new_rank())]
    return [maker, Statement([f"{product} = {name}({generator.randrange(1, 30)})"], bound)]


def method(generator: random.Random, program: Program, inside: Scope, name: str) -> list[Unit]:
    """Return a method, a static or class method, or a property with or without a setter."""
    first, attribute, made_decorators = "self", "self.size", []
    chance = generator.random()
    if chance < 0.12:
        first, attribute, made_decorators = "", "", ["staticmethod"]
    elif chance < 0.24:
        first, attribute, made_decorators = "cls", "cls.limit", ["classmethod"]
    elif chance < 0.44:
        getter = Function(name, [], body(generator, inside, attribute), decorators=["property"], first="self")
        if generator.random() < 0.4:
            return [getter]
        text = [f"self.size = value + {generator.randrange(1, 20)}"]
        return [getter, Function(name, [Parameter("value")], text, decorators=[f"{name}.setter"], first="self")]
    elif chance < 0.5:
        text = body(generator, inside, attribute)
        return [Function(name, [], text, decorators=["functools.cached_property"], first="self")]
    elif chance < 0.58:
        attribute = "self.__hidden()"
    made_parameters = [Parameter("by", annotation=annotation(generator) if generator.random() < 0.3 else "")]
    text = body(generator, Scope([*inside.numbers, "by"], inside.calls), attribute)
    made = Function(name, made_parameters, text, decorators=made_decorators, first=first)
    if generator.random() < 0.3:
        made.doc = docstring(generator)
    return [made]


def class_(generator: random.Random, program: Program, module: Module, before: Unit | None = None) -> Class:
    """Return a class: plain, derived from one of the program's, a dataclass, slotted, or with a nested class."""
    rank = program.new_rank()
    inside = scope(program, module, before, rank, [])
    name = program.new_name(generator).capitalize()
    bases = [symbol.name for symbol in program.visible(module, before) if symbol.kind == "class"]
    members: list[Unit] = [
        Constant(
            "limit",
            expression(generator, inside, 1),
            annotation=annotation(generator) if generator.random() < 0.2 else "",
        )
    ]
    made = Class(name, members, rank=rank, doc=docstring(generator) if generator.random() < 0.3 else "")
    chance = generator.random()
    if bases and chance < 0.5:
        made.bases = [generator.choice(bases)]
        text = [f"super().__init__(size + {generator.randrange(1, 20)})"]
        members.append(Function("__init__", [Parameter("size")], text, first="self"))
    elif chance < 0.62:
        made.decorators = ["dataclasses.dataclass"]
        members[:0] = [Statement(["size: int"]), Statement([f"weight: int = {generator.randrange(1, 30)}"])]
        members[2:] = [Statement([f"limit = {generator.randrange(1, 99)}"])]
    else:
        if chance < 0.7:
            members.insert(0, Statement(["__slots__ = ('size',)"]))
        members.append(Function("__init__", [Parameter("size")], ["self.size = size"], first="self"))
    hidden = body(generator, inside, "self.limit")
    members.append(Function("__hidden", [], hidden, first="self"))
    for _ in range(generator.randrange(1, 4)):
        members += method(generator, program, inside, program.new_name(generator))
    if generator.random() < 0.2:
        nested = Function(program.new_name(generator), [], body(generator, inside), first="self")
        members.append(Class(program.new_name(generator).capitalize(), [nested]))
    if generator.random() < 0.3:
        members.append(Function("__len__", [], [f"return {generator.randrange(1, 30)}"], first="self"))
    return made


def state(generator: random.Random, program: Program, module: Module) -> list[Unit]:
    """Return a list or dict, a function that changes it, and a statement that does so at import."""
    name = program.new_name(generator).upper()
    touch = program.new_name(generator, "touch_{}")
    if generator.random() < 0.5:
        holder = Statement([f"{name} = [{generator.randrange(9)}]"], [Symbol(name, "list")])
        text = [f"{name}.append(value + {generator.randrange(1, 50)})"]
    else:
        holder = Statement([f"{name} = {{'start': {generator.randrange(9)}}}"], [Symbol(name, "dict")])
        text = [f"{name}[value] = value * {generator.randrange(1, 50)}"]
    change = Function(touch, [Parameter("value")], text, kind="touch")
    return [holder, change, Statement([f"{touch}({generator.randrange(1, 9)})"])]


def statement(generator: random.Random, program: Program, module: Module) -> list[Unit]:
    """Return a statement, or a few that belong together, for the end of a module."""
    symbols = program.visible(module)
    numbers = [symbol.name for symbol in symbols if symbol.kind == "int" and "." not in symbol.name]
    around = Scope([symbol.name for symbol in symbols if symbol.kind == "int"], [])
    functions = [symbol for symbol in symbols if symbol.kind == "function"]
    classes = [symbol for symbol in symbols if symbol.kind == "class"]
    lists = [symbol.name for symbol in symbols if symbol.kind == "list"]

    def upper() -> str:
        return program.new_name(generator).upper()

    def derived() -> list[Unit]:
        return [Constant(upper(), expression(generator, around, 2), "int" if generator.random() < 0.2 else "")]

    def computed() -> list[Unit]:
        rank = program.new_rank()
        return [Constant(upper(), expression(generator, scope(program, module, None, rank, []), 2))]

    def pair() -> list[Unit]:
        names = [upper(), upper()]
        values = [expression(generator, around, 1) for _ in names]
        return [Statement([f"{', '.join(names)} = {', '.join(values)}"], [Symbol(name, "int") for name in names])]

    def table() -> list[Unit]:
        entries = [f"    'plain': lambda value: value + {expression(generator, around, 1)},"]
        entries += [f"    '{symbol.name}': {symbol.name}," for symbol in functions[:2]]
        return [Statement([f"{upper()} = {{", *entries, "}"])]

    def named_lambda() -> list[Unit]:
        name = program.new_name(generator)
        value = expression(generator, around, 1)
        symbol = Symbol(name, "function", 1, program.new_rank())
        return [Statement([f"{name} = lambda value: (value + {value}) % 997"], [symbol])]

    def loop() -> list[Unit]:
        name = upper()
        text = [
            f"{name} = {{}}",
            "for power in (1, 2, 3):",
            "    def raised(value, power=power):",
            f"        return (value ** power + {generator.randrange(1, 50)}) % 997",
            f"    {name}[power] = raised",
        ]
        return [Statement(text, [Symbol(name, "dict")])]

    def temporary() -> list[Unit]:
        name, kept = program.new_name(generator), upper()
        text = [f"{name} = {expression(generator, around, 1)}", f"{kept} = {name} + 1", f"del {name}"]
        return [Statement([line], [Symbol(kept, "int")] if index == 1 else []) for index, line in enumerate(text)]

    def branches() -> list[Unit]:
        name = program.new_name(generator)
        made = [
            Function(name, [Parameter("value")], body(generator, Scope([*around.numbers, "value"], []))) for _ in "ab"
        ]
        for each in made:
            each.rank = program.new_rank()
        if generator.random() < 0.5:
            heads = (f"if {expression(generator, around, 0)} > {generator.randrange(30)}:", "else:")
            return [Block([(heads[0], [made[0]]), (heads[1], [made[1]])])]
        missing = Statement([f"from never_there import {name}"], [Symbol(name, "function", 1)])
        return [Block([("try:", [missing]), ("except ImportError:", [made[0]])])]

    options: list[Callable[[], list[Unit]]] = [
        derived,
        derived,
        computed,
        pair,
        table,
        named_lambda,
        loop,
        temporary,
        branches,
    ]
    if numbers:
        target = generator.choice(numbers)
        options.append(lambda: [Statement([f"{target} += {generator.randrange(1, 20)}"], [Symbol(target, "int")])])
    if classes:
        cls = generator.choice(classes)
        instance = program.new_name(generator)
        options.append(lambda: [Statement([f"{instance} = {cls.name}({generator.randrange(1, 30)})"])])
        options.append(lambda: [Statement([f"{cls.name}.added = {expression(generator, around, 1)}"])])
    if functions:
        target_function = generator.choice(functions)
        name = program.new_name(generator)
        options.append(lambda: [Statement([f"{name} = functools.partial({target_function.name})"])])
        options.append(lambda: [Statement([f"{name} = {target_function.name}"])])
        options.append(lambda: [Statement([f"{name} = [{target_function.name}, {target_function.name}]"])])
    if lists:
        target_list = generator.choice(lists)
        options.append(lambda: [Statement([f"{target_list}.append({expression(generator, around, 1)})"])])
    return generator.choice(options)()


def dispatch(generator: random.Random, program: Program) -> list[Unit]:
    """Return a single-dispatch function with an implementation."""
    name, implementation = program.new_name(generator), program.new_name(generator, "_{}")
    general = Function(name, [Parameter("value")], [f"return {generator.randrange(100)}"], program.new_rank())
    general.decorators = ["functools.singledispatch"]
    special = Function(implementation, [Parameter("value")], [f"return value + {generator.randrange(100)}"])
    special.decorators = [f"{name}.register(int)"]
    return [general, special]


def enumeration(generator: random.Random, program: Program) -> list[Unit]:
    """Return an enumeration with a method, or a named tuple."""
    name = program.new_name(generator).capitalize()
    text = [f"return {generator.randrange(100)} + self.value"]
    if generator.random() < 0.5:
        members: list[Unit] = [
            Constant(word.upper(), str(number)) for number, word in enumerate(generator.sample(WORDS, 3))
        ]
        return [Class(name, [*members, Function("shifted", [], text, first="self")], ["enum.Enum"])]
    fields: list[Unit] = [Statement(["value: int"]), Statement([f"weight: int = {generator.randrange(30)}"])]
    return [Class(name, [*fields, Function("shifted", [], text, first="self")], ["typing.NamedTuple"])]


def raising(generator: random.Random) -> Statement:
    """Return a statement that raises when it is executed."""
    forms = [
        ["undefined_name"],
        ["1 // 0"],
        ["raise ValueError('boom')"],
        ["def broken(value=undefined_default):", *indented(["return value"])],
        ["class Broken(undefined_base):", *indented(["pass"])],
        ["assert not 'this holds'"],
        ["import never_there_at_all"],
        ["int('twelve')"],
    ]
    return Statement(generator.choice(forms))
