"""The kinds of edits that a sequence is made of; each changes a program in place and says what it did, or None."""

import copy
import random
import re
from collections.abc import Callable, Iterator

from . import parts
from .program import Block, Class, Constant, Function, Import, Module, Parameter, Program, Statement, Unit

Edit = Callable[[random.Random, Program], str | None]
EDITS: list[Edit] = []


def _edit(weight: int) -> Callable[[Edit], Edit]:
    def register(edit: Edit) -> Edit:
        EDITS.extend([edit] * weight)
        return edit

    return register


def _all_functions(program: Program) -> Iterator[tuple[Module, Unit, Function]]:
    """Yield each function and method with its module and its top-level unit."""
    for module in program.modules:
        for unit in module.units:
            for function in _functions_in(unit):
                yield module, unit, function


def _functions_in(unit: Unit) -> Iterator[Function]:
    if isinstance(unit, Function):
        yield unit
    elif isinstance(unit, Class):
        for member in unit.members:
            yield from _functions_in(member)
    elif isinstance(unit, Block):
        for _, units in unit.branches:
            for member in units:
                yield from _functions_in(member)


def _numeric(generator: random.Random, program: Program) -> tuple[Module, Unit, Function] | None:
    """Return a function or method that returns a number."""
    found = [item for item in _all_functions(program) if item[2].kind == "function" and item[2].name != "__init__"]
    return generator.choice(found) if found else None


def _classes(program: Program) -> list[tuple[Module, Class]]:
    return [(module, unit) for module in program.modules for unit in module.units if isinstance(unit, Class)]


def _plain_class(generator: random.Random, program: Program) -> tuple[Module, Class] | None:
    plain = [item for item in _classes(program) if not {"enum.Enum", "typing.NamedTuple"} & set(item[1].bases)]
    return generator.choice(plain) if plain else None


def _filled(generator: random.Random, program: Program) -> Module:
    return generator.choice([module for module in program.modules if not module.file.endswith("__init__.py")])


def _body_for(generator: random.Random, program: Program, module: Module, unit: Unit, function: Function) -> list[str]:
    rank = getattr(unit, "rank", 0) or function.rank
    own = [parameter.name for parameter in function.parameters]
    inside = parts.scope(program, module, unit, rank, own * 2)
    attribute = {"self": "self.limit", "cls": "cls.limit"}.get(function.first, "")
    return parts.body(generator, inside, attribute if isinstance(unit, Class) and len(unit.members) > 3 else "")


@_edit(8)
def change_body(generator: random.Random, program: Program) -> str | None:
    """Write another body."""
    found = _numeric(generator, program)
    if not found:
        return None
    module, unit, function = found
    function.body = _body_for(generator, program, module, unit, function)
    return f"body of {module.name}:{function.name}"


@_edit(2)
def change_helper_body(generator: random.Random, program: Program) -> str | None:
    """Change a number in a decorator, a factory or a function that changes state."""
    found = [item for item in _all_functions(program) if item[2].kind in ("decorator", "factory", "touch")]
    if not found:
        return None
    module, _, function = generator.choice(found)
    index = generator.randrange(len(function.body))
    function.body[index] = _other_number(generator, function.body[index])
    return f"number in {module.name}:{function.name}"


@_edit(3)
def change_default(generator: random.Random, program: Program) -> str | None:
    """Give a parameter another default, or a first one, or none."""
    found = _numeric(generator, program)
    if not found or not found[2].parameters:
        return None
    parameter = generator.choice(found[2].parameters)
    around = parts.scope(program, found[0], found[1], 0, [])
    parameter.default = generator.choice([parts.expression(generator, around, 1), str(generator.randrange(50)), ""])
    return f"default of {found[2].name}'s {parameter.name}"


@_edit(2)
def add_parameter(generator: random.Random, program: Program) -> str | None:
    """Add a parameter with a default, or remove one."""
    found = _numeric(generator, program)
    if not found or "property" in found[2].decorators:
        return None
    function = found[2]
    if any(parameter.name == "extra" for parameter in function.parameters):
        function.parameters = [parameter for parameter in function.parameters if parameter.name != "extra"]
        return f"remove a parameter of {function.name}"
    keyword_only = generator.random() < 0.5
    function.parameters.append(Parameter("extra", str(generator.randrange(50)), keyword_only=keyword_only))
    return f"add a parameter to {function.name}"


@_edit(2)
def change_annotation(generator: random.Random, program: Program) -> str | None:
    """Annotate a parameter or the result otherwise."""
    found = _numeric(generator, program)
    if not found:
        return None
    if found[2].parameters and generator.random() < 0.7:
        generator.choice(found[2].parameters).annotation = generator.choice([parts.annotation(generator), ""])
    else:
        found[2].returns = generator.choice([parts.annotation(generator), ""])
    return f"annotation of {found[2].name}"


@_edit(2)
def change_doc(generator: random.Random, program: Program) -> str | None:
    """Write, change or remove a docstring of a function, class or module."""
    candidates: list[Function | Class | Module] = [item[2] for item in _all_functions(program)]
    candidates += [cls for _, cls in _classes(program)]
    candidates += [module for module in program.modules if not module.future_annotations]
    chosen = generator.choice(candidates)
    chosen.doc = generator.choice([parts.docstring(generator), parts.docstring(generator), ""])
    return f"docstring of {chosen.name}"


@_edit(3)
def change_decorators(generator: random.Random, program: Program) -> str | None:
    """Add, remove or exchange the decorators of a function."""
    found = [
        (module, unit)
        for module in program.modules
        for unit in module.units
        # A cache around a generator or a coroutine hands out one that is exhausted: no edit, but history.
        if isinstance(unit, Function) and unit.kind == "function" and not unit.is_async and "yield" not in unit.body[-1]
    ]
    if not found:
        return None
    module, function = generator.choice(found)
    function.decorators = parts.decorators(generator, program, module, function) if generator.random() < 0.7 else []
    if _mentions(program, function.name) > 1:
        function.decorators = [each for each in function.decorators if "lru_cache" not in each]
    return f"decorators of {function.name}"


@_edit(1)
def change_to_async(generator: random.Random, program: Program) -> str | None:
    """Make a function asynchronous, or a plain one again."""
    functions = [unit for module in program.modules for unit in module.units if isinstance(unit, Function)]
    functions = [function for function in functions if function.kind == "function" and not function.decorators]
    functions = [function for function in functions if _mentions(program, function.name) == 1]
    if not functions:
        return None
    function = generator.choice(functions)
    function.is_async = not function.is_async
    return f"async of {function.name}"


@_edit(4)
def change_constant(generator: random.Random, program: Program) -> str | None:
    """Give a constant another value; what is derived from it is untouched in the text."""
    found = [unit for module in program.modules for unit in module.units if isinstance(unit, Constant)]
    if not found:
        return None
    constant = generator.choice(found)
    constant.value = _other_number(generator, constant.value)
    return f"value of {constant.name}"


@_edit(3)
def change_statement(generator: random.Random, program: Program) -> str | None:
    """Change a number somewhere in a statement: a table, a loop, an instance, an augmented assignment."""
    found = [unit for module in program.modules for unit in module.units if isinstance(unit, Statement)]
    statement = generator.choice(found)
    index = generator.randrange(len(statement.text))
    before = statement.text[index]
    statement.text[index] = _other_number(generator, before)
    return f"number in {before!r}" if statement.text[index] != before else None


@_edit(3)
def add_function(generator: random.Random, program: Program) -> str | None:
    """Add a function somewhere in a module."""
    module = _filled(generator, program)
    place = generator.randrange(4, len(module.units) + 1)
    before = module.units[place] if place < len(module.units) else None
    module.units.insert(place, parts.function(generator, program, module, before))
    return f"add a function to {module.name}"


@_edit(2)
def add_class(generator: random.Random, program: Program) -> str | None:
    """Add a class at the end of a module."""
    module = _filled(generator, program)
    module.units.append(parts.class_(generator, program, module))
    return f"add a class to {module.name}"


@_edit(4)
def add_statement(generator: random.Random, program: Program) -> str | None:
    """Add a statement at the end of a module."""
    module = _filled(generator, program)
    units = parts.statement(generator, program, module)
    module.units += units
    return f"add {units[0].code()[0]!r} to {module.name}"


@_edit(4)
def remove_unit(generator: random.Random, program: Program) -> str | None:
    """Remove a unit; where others still need it to be imported, the version is not used."""
    module = generator.choice(program.modules)
    unit = module.units.pop(generator.randrange(len(module.units)))
    return f"remove {unit.code()[0]!r} from {module.name}"


@_edit(2)
def rename(generator: random.Random, program: Program) -> str | None:
    """Rename a function, class or constant everywhere: two or three files saved at once."""
    module = generator.choice(program.modules)
    named = [unit for unit in module.units if isinstance(unit, Function | Class | Constant)]
    if not named:
        return None
    old = generator.choice(named).name
    prefix = next((prefix for prefix in ("touch_", "deco_", "make_", "_") if old.startswith(prefix)), "")
    new = program.new_name(generator, prefix + "{}")
    new = new.upper() if old.isupper() else new.capitalize() if old[0].isupper() else new
    program.rename(old, new)
    return f"rename {old} to {new}"


@_edit(3)
def reorder(generator: random.Random, program: Program) -> str | None:
    """Move a unit within its module."""
    module = generator.choice(program.modules)
    unit = module.units.pop(generator.randrange(len(module.units)))
    module.units.insert(generator.randrange(len(module.units) + 1), unit)
    return f"move {unit.code()[0]!r} within {module.name}"


@_edit(2)
def duplicate(generator: random.Random, program: Program) -> str | None:
    """Say a unit twice."""
    module = generator.choice(program.modules)
    index = generator.randrange(len(module.units))
    module.units.insert(generator.randrange(index, len(module.units)) + 1, copy.deepcopy(module.units[index]))
    return f"duplicate {module.units[index].code()[0]!r} in {module.name}"


@_edit(5)
def lay_out(generator: random.Random, program: Program) -> str | None:
    """Insert or remove comments and blank lines, in a module or in a class."""
    module = generator.choice(program.modules)
    inside = [member for unit in module.units if isinstance(unit, Class) for member in unit.members]
    unit = generator.choice([*module.units, *inside])
    unit.blank_lines = generator.randrange(5)
    unit.comment = generator.choice([parts.docstring(generator), ""])
    return f"blank lines and comment above {unit.code()[0]!r}"


@_edit(2)
def comment_in_body(generator: random.Random, program: Program) -> str | None:
    """Insert a comment at the top of a function."""
    function = generator.choice(list(_all_functions(program)))[2]
    function.body.insert(0, f"# {parts.docstring(generator)}")
    return f"comment in {function.name}"


@_edit(4)
def change_members(generator: random.Random, program: Program) -> str | None:
    """Add, remove, move or convert a method, or change, add or remove a class attribute."""
    found = _plain_class(generator, program)
    if not found:
        return None
    module, cls = found
    inside = parts.scope(program, module, cls, cls.rank, [])
    functions = [member for member in cls.members if isinstance(member, Function) and member.name != "__init__"]
    action = generator.choice(["add", "remove", "move", "convert", "attribute", "attribute"])
    if action == "add":
        cls.members += parts.method(generator, program, inside, program.new_name(generator))
    elif action == "remove" and functions:
        cls.members.remove(generator.choice(functions))
    elif action == "move":
        member = cls.members.pop(generator.randrange(len(cls.members)))
        cls.members.insert(generator.randrange(len(cls.members) + 1), member)
    elif action == "convert" and functions:
        _convert(generator, generator.choice(functions))
    else:
        name = generator.choice(["limit", "extent"])
        cls.members = [member for member in cls.members if getattr(member, "name", "") != name]
        if name == "limit" or generator.random() < 0.7:
            cls.members.insert(0, Constant(name, parts.expression(generator, inside, 1)))
    return f"{action} a member of {cls.name}"


def _convert(generator: random.Random, function: Function) -> None:
    """Make a method static, of the class, a property, or plain; its body knows only numbers afterwards."""
    kind, first = generator.choice([("staticmethod", ""), ("classmethod", "cls"), ("property", "self"), ("", "self")])
    function.decorators = [kind] if kind else []
    function.first = first
    if kind == "property":
        function.parameters = []
    function.body = [f"return {generator.randrange(100)}"]


@_edit(2)
def change_bases(generator: random.Random, program: Program) -> str | None:
    """Derive a class from another one, or from none."""
    found = _plain_class(generator, program)
    if not found:
        return None
    module, cls = found
    visible = [symbol.name for symbol in program.visible(module, cls) if symbol.kind == "class"]
    cls.bases = [generator.choice(visible)] if visible and generator.random() < 0.7 else []
    for member in cls.members:
        if isinstance(member, Function) and member.name == "__init__":
            member.body = ["super().__init__(size + 1)" if cls.bases else "self.size = size"]
    return f"bases of {cls.name}"


@_edit(1)
def change_class_kind(generator: random.Random, program: Program) -> str | None:
    """Add or remove slots, a dataclass field, or an enumeration's member."""
    classes = _classes(program)
    if not classes:
        return None
    module, cls = generator.choice(classes)
    number = generator.randrange(1, 90)
    if "enum.Enum" in cls.bases:
        cls.members.insert(generator.randrange(3), Constant(program.new_name(generator).upper(), str(number + 90)))
    elif "dataclasses.dataclass" in cls.decorators or "typing.NamedTuple" in cls.bases:
        cls.members.insert(2, Statement([f"{program.new_name(generator)}: int = {number}"]))
    elif any(unit.code()[0].startswith("__slots__") for unit in cls.members):
        cls.members = [unit for unit in cls.members if not unit.code()[0].startswith("__slots__")]
    else:
        cls.members.insert(0, Statement([f"__slots__ = ('size', '{program.new_name(generator)}')"]))
    return f"fields of {module.name}:{cls.name}"


@_edit(2)
def change_import(generator: random.Random, program: Program) -> str | None:
    """Import a name more, a name less, or under another name."""
    found = [(module, unit) for module in program.modules for unit in module.units if isinstance(unit, Import)]
    found = [item for item in found if item[1].names and item[1].names != [("*", "*")]]
    if not found:
        return None
    module, unit = generator.choice(found)
    source = program.named(unit.module)
    names = [symbol.name for symbol in program.visible(source) if "." not in symbol.name] if source else []
    if names and generator.random() < 0.6:
        name = generator.choice(names)
        unit.names.append((name, generator.choice([name, f"{name}_again"])))
    elif len(unit.names) > 1:
        unit.names.pop(generator.randrange(len(unit.names)))
    return f"names imported by {module.name}"


@_edit(2)
def move_between_modules(generator: random.Random, program: Program) -> str | None:
    """Move a function to an earlier module and import it back, so that its users need no change."""
    filled = [module for module in program.modules if not module.file.endswith("__init__.py")]
    source_index = generator.randrange(1, len(filled))
    source, target = filled[source_index], filled[generator.randrange(source_index)]
    functions = [unit for unit in source.units if isinstance(unit, Function)]
    if not functions:
        return None
    function = generator.choice(functions)
    index = source.units.index(function)
    source.units[index] = Import(target.name, [(function.name, function.name)])
    target.units.append(function)
    return f"move {function.name} from {source.name} to {target.name}"


@_edit(1)
def add_module(generator: random.Random, program: Program) -> str | None:
    """Add a module with a few definitions, imported by the first one."""
    first = program.modules[0]
    stem = program.new_name(generator)
    name = first.name.removesuffix("core") + stem
    if not first.name.endswith("core"):
        return None
    module = Module(name, first.file.removesuffix("core.py") + f"{stem}.py", [])
    module.units += [Statement([f"import {library}"]) for library in ("dataclasses", "enum", "functools", "typing")]
    program.modules.insert(0, module)
    for _ in range(2):
        module.units.append(parts.function(generator, program, module))
    module.units += parts.statement(generator, program, module)
    names = [symbol.name for symbol in program.visible(module)]
    first.units.insert(4, Import(name, [(each, each) for each in names]))
    return f"add the module {name}"


@_edit(1)
def change_all(generator: random.Random, program: Program) -> str | None:
    """Say, change or drop ``__all__``."""
    module = generator.choice(program.modules)
    module.units = [unit for unit in module.units if not unit.code()[0].startswith("__all__")]
    names = sorted({symbol.name for symbol in program.visible(module) if "." not in symbol.name})
    if names and generator.random() < 0.7:
        module.units.append(Statement([f"__all__ = {sorted(generator.sample(names, len(names) * 2 // 3))!r}"]))
    return f"__all__ of {module.name}"


@_edit(1)
def replace_kind(generator: random.Random, program: Program) -> str | None:
    """Make a class or a constant of a function, under the same name."""
    module = _filled(generator, program)
    functions = [unit for unit in module.units if isinstance(unit, Function) and unit.kind == "function"]
    if not functions:
        return None
    function = generator.choice(functions)
    index = module.units.index(function)
    if generator.random() < 0.5:
        replacement: Unit = Statement([f"{function.name} = {generator.randrange(99)}"])
    else:
        shown = Function("shown", [], [f"return {generator.randrange(99)}"], first="self")
        start = Function("__init__", [Parameter("size", "1")], ["self.size = size"], first="self")
        replacement = Class(function.name, [start, shown], rank=function.rank)
    module.units[index] = replacement
    return f"another kind of thing named {function.name}"


def _mentions(program: Program, name: str) -> int:
    return len(re.findall(rf"\b{name}\b", "".join(program.files().values())))


def _other_number(generator: random.Random, text: str) -> str:
    """Return the text with one of its numbers changed, or unchanged when it has none."""
    found = list(re.finditer(r"\b\d+\b", text))
    if not found:
        return text
    match = generator.choice(found)
    number = (int(match[0]) + generator.randrange(1, 40)) % 97 or 1
    return text[: match.start()] + str(number) + text[match.end() :]
