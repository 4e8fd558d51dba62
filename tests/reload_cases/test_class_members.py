"""Edited members of a class: methods, properties, attributes, in instances made before the edit."""

import itertools
import sys

import pytest


def test_method_added(live):
    """method added: existing instance gets it"""
    m = live.load("m", "class C:\n    def method(self):\n        return 1\n")
    instance = m.C()
    live.edit("m.py", "return 1\n", "return self.added()\n\n    def added(self):\n        return 'added'\n")
    assert (instance.added(), instance.method()) == ("added", "added")


def test_method_deleted(live):
    """method deleted: gone from existing instance"""
    m = live.load("m", "class C:\n    def method(self):\n        return 1\n\n    def gone(self):\n        return 2\n")
    instance, bound = m.C(), m.C().gone
    live.edit("m.py", "\n    def gone(self):\n        return 2\n", "")
    assert not hasattr(instance, "gone")
    assert "gone" not in vars(m.C)
    assert (instance.method(), bound()) == (1, 2)


def test_override_deleted(live):
    """method deleted: the base class's shows again"""
    m = live.load(
        "m", "class A:\n    def who(self):\n        return 'A'\n\nclass C(A):\n    def who(self):\n        return 'C'\n"
    )
    instance = m.C()
    assert [instance.who() for _ in range(100)][-1] == "C"
    live.edit("m.py", "class C(A):\n    def who(self):\n        return 'C'\n", "class C(A):\n    pass\n")
    assert instance.who() == "A"


def test_method_added_is_a_method(live):
    """method added in an edit: __qualname__, super() and name mangling right in the *added* method"""
    m = live.load("m", "class A:\n    def who(self):\n        return 'A'\n\nclass C(A):\n    __secret = 'secret'\n")
    instance = m.C()
    live.save(
        "m.py",
        """
        class A:
            def who(self):
                return 'A'

        class C(A):
            __secret = 'secret'

            def added(self):
                self.__own = 1
                return super().who(), self.__secret, __class__

            class Inner:
                def method(self):
                    return __class__
        """,
    )
    assert instance.added() == ("A", "secret", m.C)
    assert vars(instance) == {"_C__own": 1}
    assert (m.C.added.__qualname__, m.C.added.__module__, m.C.added.__name__) == ("C.added", "m", "added")
    assert m.C.added.__code__.co_qualname == "C.added"
    assert m.C.Inner().method() is m.C.Inner


def test_attribute_literal(live):
    """class attribute (literal) changed: seen through class, old instance, from-import"""
    m = live.load("m", "class C:\n    limit = 1\n")
    n = live.load("n", "from m import C\n\nclass D(C):\n    pass\n")
    instance, derived = m.C(), n.D()
    live.edit("m.py", "limit = 1", "limit = 2")
    assert [each.limit for each in (m.C, n.C, n.D, instance, derived)] == [2] * 5


def test_attribute_removed(live):
    """class attribute removed"""
    m = live.load("m", "class C:\n    limit = 1\n    other = 2\n")
    instance = m.C()
    live.edit("m.py", "    limit = 1\n", "")
    assert (hasattr(m.C, "limit"), hasattr(instance, "limit"), instance.other) == (False, False, 2)


def test_attribute_mutated_at_run_time(live):
    """class attribute mutated at run time survives an unrelated method edit"""
    m = live.load("m", "class C:\n    cache = {}\n    count = 0\n\n    def method(self):\n        return 'old'\n")
    m.C.cache["key"] = "value"
    m.C.count = 5
    m.C.plugin = "added at run time"
    cache = m.C.cache
    live.edit("m.py", "'old'", "'new', self.count")
    assert m.C.cache is cache
    assert (cache, m.C.count, m.C.plugin) == ({"key": "value"}, 5, "added at run time")
    assert m.C().method() == ("new", 5)


def test_property_getter(live):
    """property getter edited"""
    m = live.load("m", "class C:\n    @property\n    def value(self):\n        return 'old'\n")
    instance, getter = m.C(), m.C.value.fget
    live.edit("m.py", "'old'", "'new'")
    assert (instance.value, getter(instance)) == ("new", "new")


PROPERTY = """
    class C:
        _value = 1

        @property
        def value(self):
            "Old doc."
            return "old", self._value

        @value.setter
        def value(self, value):
            self._value = value + 1
"""


def test_property_with_setter(live):
    """property with setter: getter and setter edited"""
    m = live.load("m", PROPERTY)
    instance = m.C()
    live.save("m.py", PROPERTY.replace('"old"', '"new"').replace("value + 1", "value * 10"))
    instance.value = 5
    assert instance.value == ("new", 50)
    live.save(
        "m.py",
        PROPERTY.replace("Old doc.", "New doc.")
        + "\n        @value.deleter\n        def value(self):\n            del self._value\n",
    )
    assert m.C.value.__doc__ == "New doc."
    instance.value = 1
    assert instance.value == ("old", 2)
    del instance.value
    assert instance.value == ("old", 1)


def test_property_setter_removed(live):
    """property with setter: the setter removed"""
    m = live.load("m", PROPERTY)
    instance = m.C()
    live.save("m.py", PROPERTY[: PROPERTY.index("    @value.setter")])
    with pytest.raises(AttributeError):
        instance.value = 5
    assert instance.value == ("old", 1)


FORMS = {
    "method": "    def member(self):\n        return 'method', type(self).__name__\n",
    "staticmethod": "    @staticmethod\n    def member():\n        return 'staticmethod', 'C'\n",
    "classmethod": "    @classmethod\n    def member(cls):\n        return 'classmethod', cls.__name__\n",
    "property": "    @property\n    def member(self):\n        return lambda: ('property', type(self).__name__)\n",
    "attribute": "    member = lambda self: ('attribute', type(self).__name__)\n",
    "cached_property": "    @cached_property\n    def member(self):\n        return lambda: ('cached_property', 'C')\n",
}


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(FORMS, 2)))
def test_conversion(live, before, after):
    """property converted to a method; method to a property; method <-> staticmethod <-> classmethod conversion"""
    header = "from functools import cached_property\n\nclass C:\n"
    m = live.load("m", header + FORMS[before])
    instance = m.C()
    live.save("m.py", header + FORMS[after])
    assert instance.member() == m.C().member() == (after, "C")


def test_static_and_class_methods(live):
    """staticmethod and classmethod bodies edited"""
    m = live.load(
        "m",
        """
        class C:
            @staticmethod
            def s(x):
                return 'old', x

            @classmethod
            def c(cls):
                return 'before', cls
        """,
    )
    static, bound, instance = m.C.s, m.C.c, m.C()
    live.edit("m.py", "'old', x", "'new', x * 2")
    live.edit("m.py", "'before', cls", "'after', cls")
    assert static(1) == instance.s(1) == m.C.s(1) == ("new", 2)
    assert bound() == instance.c() == m.C.c() == ("after", m.C)


def test_stored_bound_method(live):
    """stored bound method sees the edit"""
    m = live.load("m", "class C:\n    def method(self):\n        return 'old', self\n")
    instance = m.C()
    n = live.load("n", "HOOKS = []\n")
    n.HOOKS += [instance.method, m.C.method.__get__(instance), lambda: m.C.method(instance)]
    live.edit("m.py", "'old'", "'new'")
    assert [hook() for hook in n.HOOKS] == [("new", instance)] * 3


SUPER = """
    class A:
        def method(self, x):
            return "A", x

    class C(A):
        def method(self, x):
            return {}
"""


def test_zero_argument_super(live):
    """edited method that uses zero-argument super()"""
    m = live.load("m", SUPER.format("'old', super().method(x)"))
    instance, bound = m.C(), m.C().method
    live.save("m.py", SUPER.format("'new', super().method(x * 2), __class__"))
    assert instance.method(1) == bound(1) == ("new", ("A", 2), m.C)


@pytest.mark.parametrize(("before", "after"), [("x", "super().method(x)"), ("super().method(x)", "x")])
def test_super_comes_and_goes(live, before, after):
    """edit *introduces* super() in a method that had none"""
    m = live.load("m", SUPER.format(before))
    n = live.load(
        "n", "from m import C\n\nclass D(C):\n    def method(self, x):\n        return 'D', super().method(x)\n"
    )
    instance, bound, function = m.C(), m.C().method, m.C.method
    results = {"x": 1, "super().method(x)": ("A", 1)}
    assert instance.method(1) == results[before]
    live.save("m.py", SUPER.format(after))
    assert instance.method(1) == m.C().method(1) == results[after]
    assert n.D().method(1) == ("D", results[after])
    assert bound(1) == function(instance, 1) == results[after]


def test_super_introduced_in_a_property(live):
    """edit *introduces* super() in a method that had none: in properties, class methods and static wrappers too"""
    text = """
        class A:
            name = "A"

            @classmethod
            def create(cls):
                return "A", cls

        class C(A):
            @property
            def name(self):
                return {name}

            @classmethod
            def create(cls):
                return {create}
    """
    m = live.load("m", text.format(name="'C'", create="'C', cls"))
    instance, create = m.C(), m.C.create
    live.save("m.py", text.format(name="super().name + 'C'", create="super().create()"))
    assert instance.name == "AC"
    assert instance.create() == create() == ("A", m.C)


def test_name_mangling(live):
    """edited method uses a name-mangled private attribute (self.__x)"""
    m = live.load(
        "m",
        """
        class C:
            def __init__(self):
                self.__x = 'private'

            def method(self):
                return 'old'
        """,
    )
    instance = m.C()
    live.edit(
        "m.py", "return 'old'", "return self.__x, self.__helper()\n\n    def __helper(self):\n        return 'helper'"
    )
    assert instance.method() == ("private", "helper")
    assert "_C__helper" in vars(m.C)


def test_default_from_the_class_scope(live):
    """default argument that refers to a class-scope name (jurigged #30)"""
    m = live.load("m", "class C:\n    LIMIT = 5\n\n    def method(self, x=1):\n        return x\n")
    instance = m.C()
    live.edit("m.py", "x=1):\n        return x", "x=LIMIT):\n        return 'new', x")
    assert instance.method() == ("new", 5)
    live.edit("m.py", "return 'new', x", "return 'newer', x")
    assert instance.method() == ("newer", 5)
    live.edit("m.py", "x=LIMIT)", "x=LIMIT * 2)")
    assert instance.method() == ("newer", 10)


@pytest.mark.parametrize("mode", ["patch", "deep"])
def test_default_from_an_edited_class_attribute(live, mode):
    """default argument that refers to a class-scope name: the attribute is edited"""
    m = live.load(
        "m", "class C:\n    LIMIT = 5\n    DOUBLE = LIMIT * 2\n\n    def method(self, x=LIMIT):\n        return x\n"
    )
    instance, bound = m.C(), m.C().method
    live.session.mode = mode
    live.replace("m.py", "LIMIT = 5", "LIMIT = 6")
    if mode == "patch":
        live.update(stale=["m:C.DOUBLE", "m:C.method"])
        assert (instance.LIMIT, instance.DOUBLE, instance.method()) == (6, 10, 5)
        assert not live.session.rerun().refused
    else:
        live.update()
    assert (instance.LIMIT, instance.DOUBLE, instance.method(), bound()) == (6, 12, 6, 6)
    assert live.session.stale() == ()


def test_special_methods_added(live):
    """dunder added to a class (type slot update): __len__ / __call__ on old instance"""
    m = live.load("m", "class C:\n    size = 3\n")
    instance = m.C()
    assert instance
    live.save(
        "m.py",
        """
        class C:
            size = 0

            def __len__(self):
                return self.size

            def __call__(self):
                return "called"

            def __eq__(self, other):
                return type(other) is C

            def __getattr__(self, name):
                return name
        """,
    )
    assert (len(instance), bool(instance), instance(), instance.anything) == (0, False, "called", "anything")
    assert instance == m.C()
    with pytest.raises(TypeError, match="unhashable"):
        hash(instance)
    live.save("m.py", "class C:\n    size = 3\n")
    assert instance != m.C()
    assert isinstance(hash(instance), int)
    with pytest.raises(TypeError):
        len(instance)


def test_cached_property(live):
    """functools.cached_property edited (fresh instance)"""
    m = live.load(
        "m",
        "import functools\n\nclass C:\n    @functools.cached_property\n    def value(self):\n        return 'old'\n",
    )
    used, unused = m.C(), m.C()
    assert used.value == "old"
    live.edit("m.py", "'old'", "'new'")
    assert (unused.value, m.C().value) == ("new", "new")
    del used.value
    assert used.value == "new"


def test_descriptor_with_a_name(live):
    """class attribute edited: a descriptor added by an edit learns its name"""
    m = live.load(
        "m",
        """
        class Field:
            def __set_name__(self, owner, name):
                self.place = owner, name

            def __get__(self, instance, owner):
                return self if instance is None else self.place

        class C:
            pass
        """,
    )
    instance = m.C()
    live.edit("m.py", "class C:\n    pass", "class C:\n    field = Field()")
    assert instance.field == (m.C, "field")


def test_type_cache(live):
    """class attribute changed: also at a call site that Python has specialised"""
    m = live.load(
        "m",
        """
        class C:
            limit = 1

            def get(self):
                return self.limit

            def call(self):
                return self.get()
        """,
    )
    instance = m.C()
    for version in range(2, 6):
        assert {instance.call() for _ in range(200)} == {version - 1}
        live.edit("m.py", f"limit = {version - 1}", f"limit = {version}")
    live.edit("m.py", "return self.limit", "return -self.limit")
    assert {instance.call() for _ in range(200)} == {-5}


if sys.version_info >= (3, 13):

    def test_static_attributes(live):
        """class identity preserved: `__firstlineno__` and `__static_attributes__` are those of the new version"""
        m = live.load("m", "class C:\n    def method(self):\n        self.a = 1\n")
        live.save("m.py", "# A comment.\n\nclass C:\n    def method(self):\n        self.b = 1\n")
        assert m.C.__firstlineno__ == 3
        assert m.C.__static_attributes__ == ("b",)


def test_overloads_added(live):
    """several statements of a class bind one name: who took the method before the edit calls the last

    requests 2.34 gave its methods overloads.
    """
    m = live.load("m", "class C:\n    def f(self, x):\n        return 'old', x\n")
    f, bound = m.C.f, m.C().f
    live.save(
        "m.py",
        """
        from typing import overload

        class C:
            @overload
            def f(self, x: int): ...
            @overload
            def f(self, x: str): ...
            def f(self, x=0):
                return "new", x
        """,
    )
    assert (m.C().f(1), f(m.C()), bound()) == (("new", 1), ("new", 0), ("new", 0))
    assert m.C.f is f
