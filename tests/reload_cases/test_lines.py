"""Where code stands: tracebacks, line numbers and shown sources are those of the file as it is now."""

import inspect
import linecache
import os
import sys
import traceback
from textwrap import dedent

import pytest

TEXT = """
    import sys

    def edited():
        return 1

    def outer(callback=lambda: None):
        callback()
        return inner()  # outer calls

    def inner():
        value = 1
        raise ValueError(value)  # inner raises

    class C:
        def method(self):
            raise ValueError("method")  # method raises

        @property
        def value(self):
            raise ValueError("property")  # property raises

        class Inner:
            def method(self):
                raise ValueError("nested")  # nested raises

    def generator():
        yield 1
        yield 2
        raise ValueError("generator")  # generator raises

    async def coroutine(event):
        await event
        raise ValueError("coroutine")  # coroutine raises

    def decorated():
        def wrap(f):
            return lambda: f()  # wrapper calls
        return wrap

    @decorated()
    def under_decorator():
        raise ValueError("decorated")  # decorated raises

    def closure():
        def inner():
            raise ValueError("closure")  # closure raises
        return inner

    function = lambda: 1 / 0  # lambda raises
    constant = 1
"""


def line_of(live, marker):
    """The number and the text of the line that ends with this comment, in the file as it is now."""
    lines = (live.directory / "m.py").read_text().splitlines()
    (number,) = (number for number, line in enumerate(lines, 1) if line.endswith(f"# {marker}"))
    return number, lines[number - 1].strip()


def assert_traceback(live, call, *markers):
    """Call what raises, and compare the traceback's innermost lines with those that the markers name."""
    with pytest.raises((ValueError, ZeroDivisionError)) as caught:
        call()
    frames = [frame for frame in traceback.extract_tb(caught.value.__traceback__) if frame.filename != __file__]
    assert {frame.filename for frame in frames} == {str(live.directory / "m.py")}
    assert [(frame.lineno, frame.line) for frame in frames] == [line_of(live, marker) for marker in markers]


EDITS = {
    "added above": ("def edited():\n    return 1", "def edited():\n    value = 2\n    return value"),
    "removed above": ("import sys\n\ndef edited():\n    return 1\n", "import sys\n"),
    "comment above": ("import sys\n", "# One.\n# Two.\n# Three.\nimport sys\n"),
    "constant above": ("import sys\n", "import sys\n\nLIMIT = [\n    1,\n]\n"),
    "a thousand lines above": ("import sys\n", "import sys\n" + "# Comment.\n" * 1000),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_moved_function(live, edit):
    """traceback line numbers right for an *unchanged* function that moved down"""
    m = live.load("m", TEXT)
    instance = m.C()
    calls = [
        (m.outer, "outer calls", "inner raises"),
        (instance.method, "method raises"),
        (lambda: instance.value, "property raises"),
        (m.C.Inner().method, "nested raises"),
        (m.under_decorator, "wrapper calls", "decorated raises"),
        (m.closure(), "closure raises"),
        (m.function, "lambda raises"),
        (lambda: list(m.generator()), "generator raises"),
    ]
    for call, *markers in calls:
        assert_traceback(live, call, *markers)
    live.edit("m.py", *edit)
    for call, *markers in calls:
        assert_traceback(live, call, *markers)


def test_moved_within_itself(live):
    """traceback line numbers right for an *unchanged* function: a comment was inserted in its own body"""
    m = live.load("m", TEXT)
    inner, method = m.inner, m.C().method
    live.edit("m.py", "    value = 1\n", "    # Why.\n\n    value = 1\n")
    live.edit("m.py", '        raise ValueError("method")', '        # Why.\n        raise ValueError("method")')
    assert m.inner is inner
    assert_traceback(live, inner, "inner raises")
    assert_traceback(live, method, "method raises")
    assert_traceback(live, m.outer, "outer calls", "inner raises")


def test_suspended_generator(live):
    """traceback line numbers right for an *unchanged* function that moved: a generator suspended meanwhile"""
    m = live.load("m", TEXT)
    generator = m.generator()
    assert next(generator) == 1
    live.edit("m.py", *EDITS["comment above"])
    assert generator.gi_frame.f_lineno == line_of(live, "generator raises")[0] - 2
    assert next(generator) == 2
    live.edit("m.py", *EDITS["added above"])
    assert_traceback(live, lambda: next(generator), "generator raises")


def test_suspended_coroutine(live):
    """traceback line numbers right for an *unchanged* function that moved: a coroutine suspended meanwhile"""

    class Suspend:
        def __await__(self):
            yield

    coroutine = live.load("m", TEXT).coroutine(Suspend())
    coroutine.send(None)
    live.edit("m.py", *EDITS["added above"])
    assert_traceback(live, lambda: coroutine.send(None), "coroutine raises")


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_running_frame(live, edit):
    """traceback line numbers right for an *unchanged* function that moved: while it was running"""
    m = live.load("m", TEXT)
    assert_traceback(live, lambda: m.outer(lambda: live.edit("m.py", *edit)), "outer calls", "inner raises")


def test_edited_function(live):
    """traceback line numbers and file right for an *edited* function (ipython #14900)"""
    m = live.load("m", TEXT)
    inner = m.inner
    live.edit("m.py", "    value = 1\n", "    value = 1\n    value += 1\n")
    assert_traceback(live, inner, "inner raises")
    assert inner.__code__.co_filename == m.__file__
    live.edit("m.py", "    value += 1\n", "")
    assert_traceback(live, m.outer, "outer calls", "inner raises")


def test_edited_and_moved(live):
    """traceback line numbers and file right for an *edited* function: then it moves, again and again"""
    m = live.load("m", TEXT)
    inner, method = m.inner, m.C().method
    live.edit("m.py", "    value = 1\n", "    value = 1\n    value += 1\n")
    for number in range(5):
        live.edit("m.py", "import sys\n", f"import sys\n# {number}\n\n")
        assert_traceback(live, inner, "inner raises")
        assert_traceback(live, method, "method raises")


def test_edited_method(live):
    """traceback line numbers and file right for an edited *method*"""
    m = live.load("m", TEXT)
    instance = m.C()
    live.edit("m.py", 'raise ValueError("method")', 'value = "new"\n        raise ValueError(value)')
    assert_traceback(live, instance.method, "method raises")
    assert_traceback(live, lambda: instance.value, "property raises")
    assert instance.method.__code__.co_filename == m.__file__


def test_added_function(live):
    """traceback line numbers and file right for a function that an edit added"""
    m = live.load("m", TEXT)
    added = "def added():\n    raise ValueError(1)  # added raises\n\nclass D:\n"
    added += "    def method(self):\n        raise ValueError(2)  # D raises\n\nconstant = 1"
    live.edit("m.py", "constant = 1", added)
    for _ in range(2):
        assert_traceback(live, m.added, "added raises")
        assert_traceback(live, m.D().method, "D raises")
        live.edit("m.py", "import sys\n", "import sys\n# Comment.\n")


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_getsource(live, edit):
    """inspect.getsource(f) shows the edited source; __qualname__/co_qualname right"""
    m = live.load("m", TEXT)
    inner, method, cls = m.inner, m.C.method, m.C
    assert "value = 1" in inspect.getsource(inner)
    live.edit("m.py", *edit)
    live.edit("m.py", "    value = 1\n", "    value = 'new'\n")
    live.edit("m.py", 'ValueError("method")', 'ValueError("new method")')
    text = (live.directory / "m.py").read_text()
    for held, start, end in [
        (inner, "def inner():\n    value", "\n\nclass C"),
        (cls, "class C:", "\n\ndef generator"),
        (m.C.Inner, "    class Inner:", "\n\ndef generator"),
        (method, '    def method(self):\n        raise ValueError("new', "\n\n    @property"),
        (m.generator, "def generator", "\n\nasync def"),
    ]:
        begin = text.index(start)
        assert inspect.getsource(held) == text[begin : text.index(end, begin)] + "\n"
    assert (inner.__qualname__, inner.__code__.co_qualname) == ("inner", "inner")
    assert (method.__qualname__, method.__code__.co_qualname) == ("C.method", "C.method")
    assert (m.C.Inner.method.__qualname__, m.closure().__qualname__) == ("C.Inner.method", "closure.<locals>.inner")


def test_source_of_the_same_size_and_time(live):
    """inspect.getsource(f) shows the edited source: also if size and time of the file are the same"""
    m = live.load("m", "def f():\n    raise ValueError('old')  # f raises\n")
    assert_traceback(live, m.f, "f raises")
    stamp = os.stat(m.__file__)
    live.replace("m.py", "'old'", "'new'")
    os.utime(m.__file__, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    live.update()
    assert "'new'" in inspect.getsource(m.f)
    assert "'new'" in linecache.getline(m.__file__, 2)
    assert_traceback(live, m.f, "f raises")


def test_source_while_refused(live):
    """inspect.getsource(f) of a function whose edit was refused: its line number stays that of the code that runs"""
    m = live.load("m", TEXT)
    number, _ = line_of(live, "inner raises")
    live.edit("m.py", "import sys\n", "import sys\n\n\n1 / 0\n", refused=["m:<line 5>"])
    with pytest.raises(ValueError, match="1") as caught:
        m.inner()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].lineno == number
    assert m.inner.__code__.co_firstlineno == number - 2


def test_columns(live):
    """traceback line numbers right: the columns too, for functions edited and moved"""
    m = live.load("m", "def f(a, b):\n    return a + (b / 0)\n\ndef g(a, b):\n    return (a / 0) + b\n")
    f, g = m.f, m.g
    live.edit("m.py", "return a + (b / 0)", "c = a\n    return c + (a + b / 0)")
    for call, expected in ((f, "b / 0"), (g, "a / 0")):
        with pytest.raises(ZeroDivisionError) as caught:
            call(1, 2)
        frame = traceback.extract_tb(caught.value.__traceback__)[-1]
        line = linecache.getline(frame.filename, frame.lineno)
        assert line[frame.colno : frame.end_colno] == expected


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated with the definition")
def test_line_of_an_annotation_that_fails(live):
    """an annotation is evaluated when it is asked for: the traceback shows the line where it stands now"""
    m = live.load("m", "def f(x: Missing):\n    pass\n\nclass C:\n    y: int\n\n    def g(self, x: Missing): pass\n")
    live.edit("m.py", "def f", "\n\n\ndef f")
    for function, line in ((m.f, 4), (m.C.g, 10)):
        with pytest.raises(NameError) as failed:
            inspect.get_annotations(function)
        assert failed.traceback[-1].lineno + 1 == line


def test_code_exchanged_at_two_moments(live):
    """lines inserted at the top; a default calls an edited function: it calls the new one, and lines move once"""
    before = """
        def f(x=1):
            return 1

        def g(x=f()):
            return 1

        def last():
            return 1
    """
    m = live.load("m", before)
    live.save("m.py", "\n" + dedent(before).replace("return 1\n\ndef g", "return 2\n\ndef g").replace("f()", "f() + 0"))
    assert [function.__code__.co_firstlineno for function in (m.f, m.g, m.last)] == [3, 6, 9]
    assert m.g.__defaults__ == (2,)
